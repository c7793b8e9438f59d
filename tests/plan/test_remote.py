"""Nodes behind connections that are resources of their own, as Pacemaker's clusters have them."""

from dataclasses import replace

from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AgentAddress, HostState, NodeKind, NodeState, RemoteNode
from reconciler.model.observed import Failure, NodeStatus
from reconciler.model.policy import Policy
from reconciler.model.resource import OnFail, Operation, Requires, Resource, ResourceAgent, Role
from reconciler.model.transition import ActionKind
from reconciler.plan.check import check
from reconciler.plan.effects import advance_all
from reconciler.plan.outlook import ideal_world, in_order
from tests.plan.worlds import (
    WHERE,
    changes,
    dummy,
    empty_world,
    graph,
    guest,
    host,
    intent,
    nodes,
    only_on,
    plan,
    prefers,
    running,
    seen,
)


def connection(name: str, container: str | None = None, **fields: object) -> Resource:
    agent = ResourceAgent(standard="ocf", provider="pacemaker", type="remote")
    node = RemoteNode(name=NodeName(name), where=WHERE, agent=AgentAddress(address=name))
    base = replace(dummy(name, operations=()), agent=agent, remote_node=node)
    return replace(base, container=ResourceId(container) if container else None, **fields)  # type: ignore[arg-type]


def remote(name: str, state: NodeState = NodeState.ONLINE, text: str = "") -> NodeStatus:
    return NodeStatus(name=NodeName(name), kind=NodeKind.REMOTE, state=state, text=text, is_known=True)


def clustered(asked: Intent) -> Intent:
    policy = Policy(has_fencing=True, connects_hosts=False)
    return replace(asked, cluster=Cluster(name="test", policy=policy))


def device() -> Resource:
    agent = ResourceAgent(standard="stonith", type="fence_dummy")
    return replace(dummy("fencing", operations=(), requires=Requires.NOTHING), agent=agent)


def test_what_is_to_run_on_a_remote_node_starts_after_its_connection() -> None:
    asked = clustered(intent("h1", connection("far"), dummy("a"), only_on("a", "far")))
    transition = plan(asked, nodes(empty_world(asked), remote("far", NodeState.OFFLINE)))
    assert changes(transition) == ["start resource/far -> h1", "start resource/a -> far"]
    assert graph(transition)["a_start_0@far"] == ["a_probe_0@far", "far_start_0@h1"]
    assert graph(transition)["a_probe_0@far"] == ["far_start_0@h1"]


def test_what_runs_on_a_remote_node_stops_before_its_connection() -> None:
    asked = clustered(intent("h1", connection("far", state=Role.STOPPED), dummy("a")))
    world = seen(empty_world(asked), running(asked, "far", "h1"), running(asked, "a", "far"))
    transition = plan(asked, nodes(world, remote("far")))
    assert changes(transition) == ["stop resource/far h1", "move resource/a far -> h1"]
    assert graph(transition)["far_stop_0@h1"] == ["a_stop_0@far"]


def test_what_runs_on_a_remote_node_whose_connection_moves_stays_and_is_watched_anew() -> None:
    asked = clustered(intent("h1 h2", connection("far"), dummy("a"), device(), only_on("a", "far")))
    world = seen(
        empty_world(asked),
        running(asked, "fencing", "h2"),
        running(asked, "far", "h1"),
        running(asked, "a", "far"),
    )
    lost = replace(world.nodes[NodeName("h1")], state=NodeState.UNCLEAN)
    transition = plan(asked, nodes(world, remote("far"), lost))
    assert changes(transition) == ["move resource/far h1 -> h2", "update resource/a -> far"]
    assert graph(transition)["a_monitor_10000@far"] == ["far_start_0@h2"]
    after = advance_all(nodes(world, remote("far"), lost), in_order(transition), transition.guest_nodes)
    assert after.active_on(ResourceId("a")) == (NodeName("far"),)


def test_a_remote_node_whose_connection_asks_for_it_is_fenced_and_emptied() -> None:
    monitor = Operation(name="monitor", interval_ms=10_000, on_fail=OnFail.RESET_REMOTE)
    asked = clustered(
        intent(
            "h1", device(), connection("far", operations=(monitor,)), dummy("a", requires=Requires.FENCING)
        )
    )
    lost = Failure(operation="monitor", rc=1, text="no answer", interval_ms=10_000)
    world = seen(
        empty_world(asked),
        running(asked, "fencing", "h1"),
        running(asked, "far", "h1", failure=lost),
        running(asked, "a", "far"),
    )
    transition = plan(asked, nodes(world, remote("far", NodeState.OFFLINE)))
    assert changes(transition) == ["recover resource/far h1 -> h1", "move resource/a far -> h1"]
    assert graph(transition)["a_start_0@h1"] == ["a_probe_0@h1", "far_fence_0@far"]
    assert graph(transition)["far_start_0@h1"] == ["far_fence_0@far", "far_stop_0@h1"]


def test_a_guest_that_failed_ends_all_in_it_and_brings_it_back() -> None:
    asked = clustered(intent("h1", dummy("vm"), connection("in", "vm"), dummy("a"), only_on("a", "in")))
    gone = Failure(operation="monitor", rc=7, text="not running", interval_ms=10_000)
    world = seen(
        empty_world(asked),
        running(asked, "vm", "h1", failure=gone),
        running(asked, "in", "h1"),
        running(asked, "a", "in"),
    )
    transition = plan(asked, nodes(world, remote("in", NodeState.OFFLINE)))
    assert changes(transition) == [
        "recover resource/vm h1 -> h1",
        "restart resource/in h1 -> h1",
        "recover resource/a in -> in",
    ]
    assert "a_stop_0@in" not in graph(transition)
    assert graph(transition)["a_start_0@in"] == ["in_start_0@h1", "vm_start_0@h1", "vm_stop_0@h1"]
    assert [m.name for m in transition.milestones] == ["a_stop_0", "stonith-in-reboot on in"]


def test_what_ran_in_a_guest_that_runs_nowhere_any_more_ended_with_it() -> None:
    asked = clustered(intent("h1", dummy("vm"), connection("in", "vm"), dummy("a"), only_on("a", "in")))
    world = seen(empty_world(asked), running(asked, "a", "in"))
    world = nodes(world, remote("in", NodeState.OFFLINE))
    transition = plan(asked, world)
    assert changes(transition) == [
        "start resource/vm -> h1",
        "start resource/in -> h1",
        "recover resource/a in -> in",
    ]
    assert "a_stop_0@in" not in graph(transition)
    assert "in_start_0@h1" in graph(transition)["a_start_0@in"]
    assert [m.name for m in transition.milestones] == ["a_stop_0", "stonith-in-reboot on in"]
    assert check(transition, asked, world).alarms == ()


def test_what_is_in_a_guest_on_a_host_that_is_lost_and_cannot_be_fenced_is_held() -> None:
    asked = clustered(intent("h1 h2", dummy("vm"), connection("in", "vm"), dummy("a"), only_on("a", "in")))
    world = seen(
        empty_world(asked), *(running(asked, *at) for at in (("vm", "h2"), ("in", "h2"), ("a", "in")))
    )
    lost = NodeStatus(name=NodeName("h2"), kind=NodeKind.HOST, state=NodeState.UNCLEAN, is_known=True)
    transition = plan(asked, nodes(world, lost, remote("in", NodeState.UNCLEAN)))
    assert changes(transition) == []
    assert {b.address for b in transition.blocked} == {"resource/vm", "resource/in", "resource/a"}


def test_nothing_is_looked_for_in_a_guest_that_stops() -> None:
    asked = clustered(intent("h1 h2", dummy("vm"), connection("in", "vm"), dummy("a"), prefers("vm", "h2")))
    world = seen(empty_world(asked), running(asked, "vm", "h1"), running(asked, "in", "h1"))
    got = graph(plan(asked, nodes(world, remote("in"))))
    assert [name for name in got if name.startswith("a_probe")] == ["a_probe_0@h1", "a_probe_0@h2"]


def with_state(asked: Intent, state: HostState) -> Intent:
    far = asked.resources[ResourceId("far")]
    assert far.remote_node is not None
    node = replace(far.remote_node, state=state)
    return replace(asked, resources={**asked.resources, far.id: replace(far, remote_node=node)})


def test_all_leaves_a_node_in_standby_and_nothing_a_node_in_maintenance() -> None:
    asked = clustered(intent("h1", connection("far"), dummy("a", stickiness=100)))
    world = seen(empty_world(asked), running(asked, "far", "h1"), running(asked, "a", "far"))
    world = nodes(world, remote("far"))
    assert changes(plan(asked, world)) == []
    assert changes(plan(with_state(asked, HostState.STANDBY), world)) == ["move resource/a far -> h1"]
    stopped = replace(asked.resources[ResourceId("a")], state=Role.STOPPED)
    asked = replace(asked, resources={**asked.resources, stopped.id: stopped})
    assert changes(plan(asked, world)) == ["stop resource/a far"]
    assert changes(plan(with_state(asked, HostState.MAINTENANCE), world)) == []


def test_a_node_behind_a_connection_that_is_not_managed_is_left_alone() -> None:
    asked = clustered(intent("h1", connection("far", is_managed=False), dummy("a", state=Role.STOPPED)))
    world = seen(empty_world(asked), running(asked, "far", "h1"), running(asked, "a", "far"))
    assert changes(plan(asked, nodes(world, remote("far")))) == []


def test_monitors_are_armed_again_when_a_connection_comes_back() -> None:
    asked = clustered(intent("h1", connection("far"), dummy("a"), only_on("a", "far"), device()))
    world = seen(empty_world(asked), running(asked, "a", "far"))
    transition = plan(asked, nodes(world, remote("far", NodeState.UNCLEAN)))
    assert graph(transition)["a_monitor_10000@far"] == ["far_start_0@h1"]


def test_what_fences_or_makes_a_node_never_runs_on_a_machine_that_is_a_remote_node() -> None:
    machine = replace(host("db1"), kind=NodeKind.REMOTE, libvirt={})
    device = dummy("device", agent=ResourceAgent(standard="stonith", type="fence_dummy"))
    asked = intent("", guest("vm1", "guest1"), dummy("FAKE"), device)
    asked = replace(asked, hosts={machine.name: machine})
    assert plan(asked, ideal_world(asked)).placement == {
        ResourceId("vm1"): None,
        ResourceId("FAKE"): machine.name,
        ResourceId("device"): None,
    }


def test_a_stock_agent_that_is_not_ours_is_left_alone_and_blocks_what_may_run_there() -> None:
    asked = intent("host1 db1", dummy("FAKE"))
    stranger = NodeStatus(
        name=NodeName("db1"), kind=NodeKind.REMOTE, state=NodeState.UNKNOWN, needs_adoption=True
    )
    transition = plan(asked, nodes(ideal_world(asked), stranger))
    assert [action.kind for action in transition.actions.values()] == [ActionKind.PROBE]
    probed = advance_all(ideal_world(asked), transition.actions.values(), {})
    transition = plan(asked, nodes(probed, stranger))
    assert (dict(transition.actions), {b.address: b.text for b in transition.blocked}) == (
        {},
        {
            "resource/FAKE": "it may run on db1, whose stock agent is not ours yet: see `reconcile adopt db1`",
            "node/db1": "its stock agent may be another cluster's, which would lose it; `reconcile adopt db1` takes it",
        },
    )
