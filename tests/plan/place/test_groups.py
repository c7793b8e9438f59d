"""A group runs where its members together are best off."""

from dataclasses import replace

from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from tests.plan.place.places import failed, placement, places
from tests.plan.worlds import dummy, group, intent, prefers, with_


def test_members_run_together_where_the_group_prefers() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), group("g", "a", "b"), prefers("g", "h2", 1))
    assert places(asked) == {"a": "h2", "b": "h2"}


def test_what_members_prefer_adds_up() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), dummy("c"), group("g", "a", "b", "c"),
                   prefers("a", "h1", 10), prefers("b", "h2", 6), prefers("c", "h2", 5))  # fmt: skip
    assert places(asked) == {"a": "h2", "b": "h2", "c": "h2"}


def test_stickiness_of_members_adds_up() -> None:
    members = [dummy(m, stickiness=10) for m in "abc"]
    asked = intent("h1 h2", *members, group("g", "a", "b", "c"), prefers("g", "h2", 25))
    assert places(asked, "a h1", "b h1", "c h1") == {"a": "h1", "b": "h1", "c": "h1"}
    assert places(asked, "a h1", "b h1") == {"a": "h2", "b": "h2", "c": "h2"}


def test_a_group_leaves_the_node_where_a_member_failed_too_often() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), group("g", "a", "b"))
    got = places(asked, "a h1", "b h1", history=failed("b", "h1", 3))
    assert got == {"a": "h2", "b": "h2"}


def test_members_after_one_that_runs_nowhere_run_nowhere() -> None:
    asked = intent("h1", dummy("a"), dummy("b", state=Role.STOPPED), dummy("c"), group("g", "a", "b", "c"))
    got = placement(asked)
    assert got.nodes == {"a": "h1", "b": None, "c": None}
    assert got.obstacles == {"c": "it must run with b, which runs nowhere"}


def test_what_must_be_with_a_group_is_with_its_last_member() -> None:
    asked = intent("h1", dummy("a"), dummy("b", state=Role.STOPPED), group("g", "a", "b"), dummy("c"),
                   with_("c", "g"))  # fmt: skip
    assert places(asked) == {"a": "h1", "b": None, "c": None}


def test_what_likes_a_group_is_with_its_first_member() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b", state=Role.STOPPED), group("g", "a", "b"), dummy("c"),
                   with_("c", "g", 5), prefers("a", "h2", 1))  # fmt: skip
    assert places(asked) == {"a": "h2", "b": None, "c": "h2"}


def test_a_group_follows_what_any_member_must_be_with() -> None:
    asked = intent("h1 h2", dummy("x"), dummy("a"), dummy("b"), group("g", "a", "b"), with_("b", "x"),
                   prefers("x", "h2", 60), prefers("g", "h1", 50))  # fmt: skip
    assert places(asked) == {"x": "h2", "a": "h2", "b": "h2"}


def test_groups_may_be_apart() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), group("g", "a", "b"), dummy("c"), dummy("d"),
                   group("f", "c", "d"), with_("f", "g", -INFINITY))  # fmt: skip
    assert places(asked) == {"a": "h1", "b": "h1", "c": "h2", "d": "h2"}


def test_members_that_are_not_held_together_find_nodes_of_their_own() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), group("g", "a", "b", is_colocated=False))
    assert places(asked) == {"a": "h1", "b": "h2"}


def test_members_behind_one_that_is_not_managed_heed_what_the_group_must_be_with() -> None:
    asked = intent("h1 h2", dummy("x"), dummy("a", is_managed=False), dummy("b"), group("g", "a", "b"),
                   prefers("x", "h2"), with_("g", "x"))  # fmt: skip
    assert places(asked, "a h1") == {"x": "h2", "a": "h1", "b": None}


def test_a_member_that_explains_another_is_assigned_with_its_group() -> None:
    asked = intent("h1 h2", dummy("x"), dummy("a"), dummy("b"), group("g", "a", "b"), with_("x", "b"),
                   prefers("a", "h2", 7))  # fmt: skip
    assert places(asked) == {"x": "h2", "a": "h2", "b": "h2"}
    assert places(replace(asked, collectives={}))["x"] == "h1"


def test_a_group_has_a_priority_of_its_own_whatever_its_members_have() -> None:
    """Found by random CIBs (seed 112): what comes first gets the node that is first by name."""
    asked = intent("h1 h2", dummy("a"), dummy("b", priority=1), group("f", "a"), group("g", "b", priority=0))
    assert places(asked) == {"a": "h1", "b": "h2"}
    assert places(intent("h1 h2", dummy("a"), dummy("b", priority=1), group("g", "b"))) == {
        "a": "h2",
        "b": "h1",
    }
