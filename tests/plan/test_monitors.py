"""Monitors for stopped instances watch the nodes where a resource is not to run."""

from dataclasses import replace

from reconciler.model.names import NodeName
from reconciler.model.resource import Operation, Role
from tests.plan.worlds import MONITOR, dummy, empty_world, graph, intent, only_on, plan, running, seen, settle

WATCH = Operation(name="monitor", interval_ms=20_000, role=Role.STOPPED)


def test_other_nodes_are_watched_after_they_were_probed() -> None:
    asked = intent("h1 h2", dummy("r", operations=(MONITOR, WATCH)))
    assert graph(plan(asked, empty_world(asked)))["r_monitor_20000@h2"] == ["r_probe_0@h2"]
    assert "r_monitor_20000@h1" not in graph(plan(asked, empty_world(asked)))


def test_watching_ends_where_the_resource_is_to_start() -> None:
    asked = intent("h1 h2", dummy("r", operations=(MONITOR, WATCH)), only_on("r", "h1"))
    world = settle(asked, empty_world(asked))
    assert graph(plan(asked, world)) == {}
    moved = replace(asked, locations=(replace(asked.locations[0], node=NodeName("h2")),))
    assert graph(plan(moved, world)) == {
        "r_stop_0@h1": [],
        "r_cancel_20000@h2": [],
        "r_start_0@h2": ["r_cancel_20000@h2", "r_stop_0@h1"],
        "r_monitor_10000@h2": ["r_start_0@h2"],
        "r_monitor_20000@h1": ["r_stop_0@h1"],
    }


def test_a_monitor_that_is_declared_twice_is_neither_armed_nor_disarmed() -> None:
    unclear = replace(MONITOR, is_ambiguous=True)
    asked = intent("h1", dummy("a", operations=(unclear,)), dummy("b", operations=(unclear,)))
    armed = running(intent("h1", dummy("b")), "b", "h1")
    transition = plan(asked, seen(empty_world(asked), running(asked, "a", "h1"), armed))
    assert transition.actions == {}


def test_checks_are_given_parameters_of_their_own_and_starts_are_not() -> None:
    thorough = replace(MONITOR, params={"OCF_CHECK_LEVEL": "10"})
    start = Operation(name="start", params={"x": "1"})
    asked = intent("h1", dummy("r", operations=(start, thorough)))
    params = {
        a.kind.value: dict(a.params) for a in plan(asked, empty_world(asked)).actions.values() if a.resource
    }
    assert params == {"probe": {}, "start": {}, "monitor": {"OCF_CHECK_LEVEL": "10"}}
