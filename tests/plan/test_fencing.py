"""What may still run is made certain of before it is started again."""

from dataclasses import replace

from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Failure, Observed
from reconciler.model.policy import Policy, QuorumPolicy
from reconciler.model.resource import OnFail, Operation, Requires, Resource, ResourceAgent
from reconciler.model.transition import ActionKind
from tests.plan.worlds import (
    MONITOR,
    changes,
    clone,
    dummy,
    empty_world,
    graph,
    intent,
    nodes,
    online,
    plan,
    running,
    seen,
)


def device(name: str) -> Resource:
    agent = ResourceAgent(standard="stonith", type="fence_dummy")
    return replace(dummy(name, operations=(), requires=Requires.NOTHING), agent=agent)


def fenced(*things: Resource) -> Intent:
    asked = intent("h1 h2", device("fencing"), *things)
    policy = Policy(has_fencing=True, on_quorum_loss=QuorumPolicy.STOP)
    return replace(asked, cluster=Cluster(name="test", policy=policy))


def lost(asked: Intent, node: str, *names: str) -> Observed:
    """A world in which the named resources run on a node that is not heard of any more."""
    unclean = online(node, NodeKind.HOST, state=NodeState.UNCLEAN, text="peer is gone")
    world = seen(empty_world(asked), running(asked, "fencing", "h2"))
    return nodes(seen(world, *(running(asked, name, node) for name in names)), unclean)


def test_an_unclean_node_is_fenced_before_what_ran_there_starts_elsewhere() -> None:
    asked = fenced(dummy("a", requires=Requires.FENCING))
    transition = plan(asked, lost(asked, "h1", "a"))
    assert changes(transition) == ["move resource/a h1 -> h2"]
    assert graph(transition) == {
        "h1_fence_0@h1": [],
        "a_probe_0@h2": [],
        "a_start_0@h2": ["a_probe_0@h2", "h1_fence_0@h1"],
        "a_monitor_10000@h2": ["a_start_0@h2"],
    }
    assert [m.name for m in transition.milestones] == ["a_stop_0"]


def test_without_a_device_or_quorum_what_ran_there_is_held() -> None:
    asked = fenced(dummy("a", requires=Requires.FENCING))
    world = replace(lost(asked, "h1", "a"), has_quorum=False)
    transition = plan(asked, world)
    assert [a for a in transition.actions.values() if a.kind.value in {"fence", "start"}] == []
    assert "a" in {b.address.partition("/")[2] for b in transition.blocked}


def test_a_failure_whose_on_fail_is_fence_fences_the_node() -> None:
    stop = Operation(name="stop", on_fail=OnFail.FENCE)
    asked = fenced(dummy("a", operations=(MONITOR, stop), requires=Requires.FENCING))
    failed = running(asked, "a", "h1", failure=Failure(operation="stop", rc=1, text="no"))
    world = seen(empty_world(asked), running(asked, "fencing", "h2"), failed)
    transition = plan(asked, world)
    assert changes(transition) == ["recover resource/a h1 -> h2"]
    assert graph(transition)["a_start_0@h2"] == ["a_probe_0@h2", "h1_fence_0@h1"]


def test_a_node_that_leaves_is_let_go_when_nothing_runs_there() -> None:
    asked = intent("h1 h2", dummy("a"))
    world = seen(empty_world(asked), running(asked, "a", "h1"))
    transition = plan(asked, nodes(world, online("h1", is_leaving=True)))
    assert changes(transition) == ["move resource/a h1 -> h2"]
    assert graph(transition)["h1_release_0@h1"] == ["a_stop_0@h1"]


def test_a_member_is_fenced_without_quorum_and_a_node_that_is_none_is_not() -> None:
    asked = fenced(dummy("a", requires=Requires.FENCING))
    world = replace(lost(asked, "h1", "a"), has_quorum=False)
    member = replace(world.nodes[NodeName("h1")], is_member=True)
    assert [a for a in plan(asked, nodes(world, member)).actions if "fence" in a] == ["h1_fence_0@h1"]
    assert [a for a in plan(asked, world).actions if "fence" in a] == []


def test_what_failed_in_a_clone_is_named_as_the_instance_that_it_is() -> None:
    stop = Operation(name="stop", on_fail=OnFail.FENCE)
    a = dummy("a", operations=(MONITOR, stop), requires=Requires.FENCING)
    asked = replace(fenced(a), collectives={ResourceId("c"): clone("c", "a")})
    failed = running(asked, "a", "h1", failure=Failure(operation="stop", rc=1, text="no"))
    world = seen(empty_world(asked), running(asked, "fencing", "h2"), failed)
    fences = [a for a in plan(asked, world).actions.values() if a.kind is ActionKind.FENCE]
    assert [r.text for a in fences for r in a.reasons] == ["a:0 failed there"]


def test_a_node_that_leaves_stays_as_long_as_something_is_held_there() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"))
    stuck = running(asked, "b", "h1", failure=Failure(operation="stop", rc=1, text="no"))
    world = seen(empty_world(asked), running(asked, "a", "h1"), stuck)
    transition = plan(asked, nodes(world, online("h1", is_leaving=True)))
    assert changes(transition) == ["move resource/a h1 -> h2"]
    assert [a for a in transition.actions if "release" in a] == []
