"""What is in flight and has to be done again: what waits for the second time is left to the next plan."""

from dataclasses import replace

from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.observed import Observed, Pending
from tests.plan.worlds import after, dummy, empty_world, graph, intent, plan, prefers, running, seen


def starting(asked: Intent, world: Observed, resource: str, node: str) -> Observed:
    """A world in which a start is in flight."""
    pending = Pending(
        id=ActionId(f"{resource}_start_0@{node}"),
        kind="start",
        node=NodeName(node),
        resource=ResourceId(resource),
        started_as=running(asked, resource, node).started_as,
    )
    return replace(world, pending=(pending,))


def test_nothing_starts_after_what_is_stopped_again_as_soon_as_it_has_started() -> None:
    asked = intent(
        "h1 h2", dummy("a"), dummy("b"), dummy("c"), prefers("a", "h2"), after("b", "a"), after("c", "b")
    )
    world = starting(asked, seen(empty_world(asked), running(asked, "a", "h1")), "b", "h2")
    assert graph(plan(asked, world)) == {
        "a_probe_0@h2": [],
        "a_stop_0@h1": ["b_stop_0@h2"],
        "a_start_0@h2": ["a_probe_0@h2", "a_stop_0@h1"],
        "a_monitor_10000@h2": ["a_start_0@h2"],
        "b_probe_0@h1": ["b_start_0@h2"],
        "b_stop_0@h2": ["a_probe_0@h2", "b_start_0@h2"],
        "c_probe_0@h1": [],
        "c_probe_0@h2": [],
    }


def test_what_starts_after_what_is_being_started_waits_for_it() -> None:
    asked = intent("h1", dummy("b"), dummy("c"), after("c", "b"))
    world = starting(asked, empty_world(asked), "b", "h1")
    assert graph(plan(asked, world))["c_start_0@h1"] == ["b_monitor_10000@h1", "b_start_0@h1", "c_probe_0@h1"]
