"""What is ordered shares the fate of what it starts after."""

from dataclasses import replace

from reconciler.model.resource import Role
from tests.plan.worlds import (
    after,
    changes,
    dummy,
    empty_world,
    graph,
    group,
    intent,
    plan,
    prefers,
    running,
    seen,
)


def test_what_runs_is_restarted_when_what_it_starts_after_starts_and_that_is_probed_first() -> None:
    asked = intent("h1", dummy("a"), dummy("b"), after("b", "a"))
    transition = plan(asked, seen(empty_world(asked), running(asked, "b", "h1")))
    assert changes(transition) == ["start resource/a -> h1", "restart resource/b h1 -> h1"]
    assert graph(transition)["b_stop_0@h1"] == ["a_probe_0@h1"]


def test_what_runs_is_stopped_when_what_it_starts_after_is_not_to_run() -> None:
    asked = intent("h1", dummy("a", state=Role.STOPPED), dummy("b"), after("b", "a"))
    world = seen(empty_world(asked), running(asked, "b", "h1"))
    assert changes(plan(asked, world)) == ["stop resource/b h1"]
    loose = replace(asked, orderings=(replace(asked.orderings[0], is_symmetrical=False),))
    assert changes(plan(loose, world)) == []


def test_what_stops_after_something_stops_with_it_and_starts_again() -> None:
    asked = intent("h1", dummy("a", state=Role.STOPPED), dummy("b"), after("b", "a"))
    stops = replace(asked.orderings[0], first_action="stop", then_action="stop")
    asked = replace(asked, orderings=(stops,))
    transition = plan(asked, seen(empty_world(asked), running(asked, "a", "h1"), running(asked, "b", "h1")))
    assert changes(transition) == ["stop resource/a h1", "restart resource/b h1 -> h1"]
    assert graph(transition)["b_stop_0@h1"] == ["a_stop_0@h1"]


def test_one_of_several_alternatives_is_enough() -> None:
    stopped = dummy("a", state=Role.STOPPED)
    asked = intent(
        "h1", stopped, dummy("b"), dummy("c"), after("c", "a"), after("c", "b"), prefers("c", "h1")
    )
    asked = replace(asked, orderings=tuple(replace(o, alternatives="either") for o in asked.orderings))
    assert changes(plan(asked, empty_world(asked))) == ["start resource/b -> h1", "start resource/c -> h1"]
    none = replace(
        asked,
        resources={
            **asked.resources,
            asked.orderings[1].first: replace(stopped, id=asked.orderings[1].first),
        },
    )
    assert changes(plan(none, empty_world(none))) == []


def test_members_of_a_group_start_one_after_the_other() -> None:
    asked = intent("h1", dummy("a"), dummy("b"), dummy("c"), group("g", "a", "b", "c"))
    transition = plan(asked, empty_world(asked))
    assert [graph(transition)[f"{name}_start_0@h1"] for name in "abc"] == [
        ["a_probe_0@h1"],
        ["a_start_0@h1", "b_probe_0@h1"],
        ["b_start_0@h1", "c_probe_0@h1"],
    ]
    assert tuple(m.name for m in transition.milestones) == ("g_running_0", "g_start_0")


def test_a_member_that_restarts_takes_those_after_it_along_and_none_before() -> None:
    asked = intent("h1", dummy("a"), dummy("b", params={"x": "1"}), dummy("c"), group("g", "a", "b", "c"))
    world = seen(empty_world(asked), *(running(asked, name, "h1") for name in "abc"))
    changed = intent("h1", dummy("a"), dummy("b", params={"x": "2"}), dummy("c"), group("g", "a", "b", "c"))
    transition = plan(changed, world)
    assert changes(transition) == ["restart resource/b h1 -> h1", "restart resource/c h1 -> h1"]
    assert graph(transition)["b_stop_0@h1"] == ["c_stop_0@h1"]
    assert tuple(m.name for m in transition.milestones) == (
        "g_running_0",
        "g_start_0",
        "g_stop_0",
        "g_stopped_0",
    )


def test_a_member_that_cannot_run_stops_those_after_it() -> None:
    asked = intent("h1", dummy("a"), dummy("b", state=Role.STOPPED), dummy("c"), group("g", "a", "b", "c"))
    world = seen(empty_world(asked), *(running(asked, name, "h1") for name in "abc"))
    assert changes(plan(asked, world)) == ["stop resource/b h1", "stop resource/c h1"]


def test_what_starts_after_a_group_waits_for_all_of_it() -> None:
    asked = intent("h1", dummy("a"), dummy("b"), dummy("c"), group("g", "a", "b"), after("c", "g"))
    assert graph(plan(asked, empty_world(asked)))["c_start_0@h1"] == [
        "a_start_0@h1",
        "b_start_0@h1",
        "c_probe_0@h1",
    ]
    world = seen(empty_world(asked), *(running(asked, name, "h1") for name in "ac"))
    assert changes(plan(asked, world)) == ["start resource/b -> h1", "restart resource/c h1 -> h1"]
