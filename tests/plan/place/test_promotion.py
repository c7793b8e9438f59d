"""The instances of a promotable clone are promoted where that suits them best."""

from dataclasses import replace

from reconciler.model.collective import Promotion
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Failure, Instance
from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import OnFail, Operation, Role
from reconciler.model.score import INFINITY
from tests.plan.place.places import placement, with_policy
from tests.plan.worlds import (
    clone,
    dummy,
    empty_world,
    group,
    intent,
    prefers,
    promotion_scores,
    running,
    seen,
    with_,
)

PROMOTABLE = clone("c", "a", promotion=Promotion())


def roles(asked: Intent, *active: Instance, **scores: int) -> dict[str, str]:
    """The node and the role of each instance; scores by node are those of `a`."""
    world = promotion_scores(seen(empty_world(asked), *active), "a", **scores)
    got = placement(asked, world)
    return {str(r): f"{got.roles[r].value} {got.nodes[r]}" for r in got.roles}


def test_the_node_with_the_best_promotion_score_gets_the_promoted_instance() -> None:
    asked = intent("h1 h2", dummy("a"), PROMOTABLE)
    got = roles(asked, running(asked, "a", "h1"), running(asked, "a", "h2"), h1=5, h2=10)
    assert got == {"a:0": "Unpromoted h1", "a:1": "Promoted h2"}


def test_without_a_score_or_a_location_for_the_role_nothing_is_promoted() -> None:
    asked = intent("h1 h2", dummy("a"), PROMOTABLE)
    assert roles(asked) == {"a:0": "Unpromoted h1", "a:1": "Unpromoted h2"}
    wish = replace(prefers("c", "h2", 5), role=Role.PROMOTED)
    liked = replace(asked, locations=(wish,))
    assert roles(liked) == {"a:0": "Unpromoted h1", "a:1": "Promoted h2"}


def test_a_location_may_keep_a_node_from_being_promoted_on() -> None:
    ban = replace(prefers("c", "h2", -INFINITY), role=Role.PROMOTED)
    asked = intent("h1 h2", dummy("a"), PROMOTABLE, ban)
    got = roles(asked, running(asked, "a", "h1"), running(asked, "a", "h2"), h1=5, h2=10)
    assert got == {"a:0": "Promoted h1", "a:1": "Unpromoted h2"}


def test_of_equals_that_which_is_promoted_stays_so() -> None:
    asked = intent("h1 h2", dummy("a"), PROMOTABLE)
    promoted = running(asked, "a", "h2", role=Role.PROMOTED)
    got = roles(asked, running(asked, "a", "h1"), promoted, h1=5, h2=5)
    assert got == {"a:0": "Unpromoted h1", "a:1": "Promoted h2"}


def test_as_many_are_promoted_as_the_clone_allows() -> None:
    asked = intent("h1 h2 h3", dummy("a"), clone("c", "a", promotion=Promotion(max=2)))
    active = [running(asked, "a", node) for node in ("h1", "h2", "h3")]
    got = roles(asked, *active, h1=5, h2=10, h3=7)
    assert got == {"a:0": "Unpromoted h1", "a:1": "Promoted h2", "a:2": "Promoted h3"}


def test_what_is_asked_to_stay_unpromoted_is_not_promoted() -> None:
    asked = intent("h1", dummy("a", state=Role.UNPROMOTED), PROMOTABLE)
    assert roles(asked, running(asked, "a", "h1"), h1=5) == {"a:0": "Unpromoted h1"}


def test_in_a_frozen_cluster_without_quorum_nothing_is_promoted_anew() -> None:
    asked = with_policy(intent("h1", dummy("a"), PROMOTABLE), on_quorum_loss=QuorumPolicy.FREEZE)
    world = promotion_scores(seen(empty_world(asked), running(asked, "a", "h1")), "a", h1=5)
    got = placement(asked, replace(world, has_quorum=False))
    assert got.roles == {"a:0": Role.UNPROMOTED}


def test_what_must_be_with_the_promoted_instance_goes_where_that_is() -> None:
    bond = replace(with_("x", "c"), primary_role=Role.PROMOTED)
    asked = intent("h1 h2", dummy("x"), dummy("a"), PROMOTABLE, bond)
    active = [running(asked, "a", "h1"), running(asked, "a", "h2")]
    world = promotion_scores(seen(empty_world(asked), *active), "a", h1=5, h2=10)
    assert placement(asked, world).nodes == {"x": "h2", "a:0": "h1", "a:1": "h2"}


def test_where_the_promoted_one_must_be_with_something_it_is_promoted_there() -> None:
    bond = replace(with_("c", "x"), dependent_role=Role.PROMOTED)
    asked = intent("h1 h2", dummy("x"), dummy("a"), PROMOTABLE, bond, prefers("x", "h1"))
    got = roles(asked, running(asked, "a", "h1"), running(asked, "a", "h2"), h1=5, h2=10)
    assert got == {"a:0": "Promoted h1", "a:1": "Unpromoted h2"}


def test_the_wishes_of_what_goes_with_the_promoted_one_are_heard() -> None:
    bond = replace(with_("x", "c"), primary_role=Role.PROMOTED)
    asked = intent("h1 h2", dummy("x"), dummy("a"), PROMOTABLE, bond, prefers("x", "h1", 100))
    got = roles(asked, running(asked, "a", "h1"), running(asked, "a", "h2"), h1=5, h2=10)
    assert got == {"a:0": "Promoted h1", "a:1": "Unpromoted h2"}


def test_the_scores_of_all_members_of_a_group_count() -> None:
    asked = intent(
        "h1 h2", dummy("a"), dummy("b"), group("g", "a", "b"), clone("c", "g", promotion=Promotion())
    )
    active = [running(asked, name, node) for name in "ab" for node in ("h1", "h2")]
    world = promotion_scores(seen(empty_world(asked), *active), "a", h1=6, h2=5)
    world = promotion_scores(world, "b", h1=6, h2=10)
    got = placement(asked, world)
    assert [got.roles[ResourceId(name)] for name in ("a:0", "a:1", "b:0", "b:1")] == [
        Role.UNPROMOTED,
        Role.PROMOTED,
        Role.UNPROMOTED,
        Role.PROMOTED,
    ]
    assert got.nodes[ResourceId("b:1")] == NodeName("h2")


def test_what_is_blocked_stays_promoted_and_counts() -> None:
    declared = dummy("a", operations=(Operation(name="demote", on_fail=OnFail.BLOCK),))
    asked = intent("h1 h2", declared, PROMOTABLE)
    failure = Failure(operation="demote", rc=1, text="no")
    stuck = running(asked, "a", "h1", role=Role.PROMOTED, failure=failure)
    got = roles(asked, stuck, running(asked, "a", "h2"), h1=10, h2=5)
    assert got == {"a:0": "Promoted h1", "a:1": "Unpromoted h2"}


def test_what_is_not_managed_keeps_its_role() -> None:
    asked = intent("h1 h2", dummy("a", is_managed=False), PROMOTABLE)
    promoted = running(asked, "a", "h1", role=Role.PROMOTED)
    got = roles(asked, promoted, running(asked, "a", "h2"), h1=-5, h2=10)
    assert got == {"a:0": "Promoted h1", "a:1": "Unpromoted h2"}
