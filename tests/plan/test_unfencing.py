"""A node that its fencing devices keep out is let in before anything is done there that minds it."""

from dataclasses import replace

from reconciler.model.intent import Cluster, Intent
from reconciler.model.node import NodeKind
from reconciler.model.observed import NodeStatus, Observed
from reconciler.model.policy import Policy
from reconciler.model.resource import Requires, Resource, ResourceAgent
from tests.plan.worlds import changes, dummy, empty_world, graph, intent, nodes, online, plan, running, seen

POLICY = Policy(has_fencing=True)


def asked_of(*things: Resource) -> Intent:
    agent = ResourceAgent(standard="stonith", type="fence_dummy")
    device = replace(dummy("device", operations=()), agent=agent)
    return replace(intent("h1", device, *things), cluster=Cluster(name="test", policy=POLICY))


def out(name: str) -> NodeStatus:
    return online(name, NodeKind.HOST, needs_unfencing=True)


def kept_out(asked: Intent) -> Observed:
    return nodes(empty_world(asked), out("h1"))


def test_a_node_is_let_in_before_probes_and_starts_of_what_minds_it() -> None:
    asked = asked_of(dummy("a", requires=Requires.UNFENCING, operations=()), dummy("b", operations=()))
    transition = plan(asked, kept_out(asked))
    assert graph(transition) == {
        "h1_unfence_0@h1": [],
        "device_probe_0@h1": ["h1_unfence_0@h1"],
        "device_start_0@h1": ["device_probe_0@h1", "h1_unfence_0@h1"],
        "a_probe_0@h1": ["h1_unfence_0@h1"],
        "a_start_0@h1": ["a_probe_0@h1", "h1_unfence_0@h1"],
        "b_probe_0@h1": [],
        "b_start_0@h1": ["b_probe_0@h1"],
    }
    (reason,) = next(a for a in transition.actions.values() if a.kind.value == "unfence").reasons
    assert reason.text == "required by device monitor"


def test_what_needs_a_node_to_be_let_in_and_is_there_is_restarted_around_it() -> None:
    asked = asked_of(dummy("a", requires=Requires.UNFENCING, operations=()))
    world = seen(kept_out(asked), running(asked, "device", "h1"), running(asked, "a", "h1"))
    transition = plan(asked, world)
    assert changes(transition) == ["restart resource/a h1 -> h1"]
    assert graph(transition) == {
        "a_stop_0@h1": [],
        "h1_unfence_0@h1": ["a_stop_0@h1"],
        "a_start_0@h1": ["a_stop_0@h1", "h1_unfence_0@h1"],
    }


def test_a_node_that_is_in_is_not_let_in_again() -> None:
    asked = asked_of(dummy("a", requires=Requires.UNFENCING))
    transition = plan(asked, empty_world(asked))
    assert [a for a in transition.actions if "unfence" in a] == []
