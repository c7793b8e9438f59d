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


def test_a_monitor_that_is_left_alone_is_neither_armed_nor_disarmed() -> None:
    unclear = replace(MONITOR, is_left_alone=True)
    asked = intent("h1", dummy("a", operations=(unclear,)), dummy("b", operations=(unclear,)))
    armed = running(intent("h1", dummy("b")), "b", "h1")
    transition = plan(asked, seen(empty_world(asked), running(asked, "a", "h1"), armed))
    assert transition.actions == {}


def test_operations_are_given_parameters_of_their_own_and_those_of_a_start_are_kept_with_it() -> None:
    thorough = replace(MONITOR, params={"OCF_CHECK_LEVEL": "10"})
    start, stop = Operation(name="start", params={"x": "1"}), Operation(name="stop", params={"y": "2"})
    asked = intent("h1", dummy("r", params={"state": "s"}, operations=(start, stop, thorough)))
    actions = [a for a in plan(asked, empty_world(asked)).actions.values() if a.uses is not None]
    kept = {"state": "s", "x": "1"}
    assert {a.kind.value: (a.uses.params, a.params) for a in actions if a.uses is not None} == {
        "probe": (kept, {}),
        "start": (kept, {}),
        "monitor": (kept, {"OCF_CHECK_LEVEL": "10"}),
    }
    world = settle(asked, empty_world(asked))
    ended = replace(asked, resources={n: replace(r, state=Role.STOPPED) for n, r in asked.resources.items()})
    (last,) = plan(ended, world).actions.values()
    assert (last.kind.value, last.uses, last.params) == ("stop", actions[0].uses, {"y": "2"})


def test_a_monitor_whose_own_parameters_changed_is_armed_anew_and_nothing_is_restarted() -> None:
    thorough = replace(MONITOR, params={"OCF_CHECK_LEVEL": "10"})
    before, after = intent("h1", dummy("r")), intent("h1", dummy("r", operations=(thorough,)))
    world = settle(before, empty_world(before))
    transition = plan(after, world)
    assert graph(transition) == {"r_monitor_10000@h1": []}
    assert [(c.address, c.action) for c in transition.changes] == [("resource/r", "update")]
    assert graph(plan(after, settle(after, world))) == {}


def test_a_start_with_other_parameters_of_its_own_is_a_restart() -> None:
    start = Operation(name="start", params={"x": "1"})
    before, after = intent("h1", dummy("r")), intent("h1", dummy("r", operations=(start, MONITOR)))
    transition = plan(after, settle(before, empty_world(before)))
    assert [(c.action, [r.text for r in c.reasons]) for c in transition.changes] == [
        ("restart", ["params.x is set"])
    ]


def test_a_monitor_for_what_is_started_is_armed_there() -> None:
    started = replace(MONITOR, role=Role.STARTED)
    asked = intent("h1", dummy("r", operations=(started,)))
    assert "r_monitor_10000@h1" in graph(plan(asked, empty_world(asked)))
