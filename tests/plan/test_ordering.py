"""What is in flight is waited for: by operations on the same resource and node, and by what it lets begin."""

from dataclasses import replace

from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Failure, Instance, Pending
from reconciler.model.resource import OnFail, Operation, Requires, Role
from reconciler.model.transition import Action, ActionKind
from reconciler.plan.check import check
from reconciler.plan.effects import advance
from tests.plan.test_remote import clustered, connection, device, remote
from tests.plan.worlds import (
    after,
    changes,
    clone,
    dummy,
    empty_world,
    graph,
    intent,
    nodes,
    online,
    only_on,
    plan,
    running,
    seen,
    settle,
)

A = ResourceId("a")


def test_a_clone_starts_after_the_probe_that_is_in_flight() -> None:
    asked = intent("h1", dummy("a"), clone("all", "a"))
    probe = Pending(id=ActionId("a_probe_0@h1"), kind="probe", node=NodeName("h1"), resource=ResourceId("a"))
    world = replace(empty_world(asked), pending=(probe,))
    assert graph(plan(asked, world))["a_start_0@h1"] == ["a_probe_0@h1"]


def test_recovery_waits_for_the_fence_that_is_in_flight() -> None:
    asked = clustered(intent("h1 h2", dummy("a", requires=Requires.NOTHING), device()))
    world = nodes(empty_world(asked), online("h1", state=NodeState.UNCLEAN))
    world = seen(world, running(asked, "a", "h1"), running(asked, "fencing", "h2"))
    fence = Pending(id=ActionId("h1_fence_0@h1"), kind="fence", node=NodeName("h1"))
    world = replace(world, pending=(fence,))
    transition = plan(asked, world)
    assert graph(transition)["a_start_0@h2"] == ["a_probe_0@h2", "h1_fence_0@h1"]
    assert check(transition, asked, world).alarms == ()


def test_what_needs_fencing_starts_after_a_fence_that_is_in_flight() -> None:
    asked = clustered(intent("h1 h2", dummy("a", requires=Requires.FENCING), device()))
    world = nodes(empty_world(asked), online("h1", state=NodeState.UNCLEAN))
    fence = Pending(id=ActionId("h1_fence_0@h1"), kind="fence", node=NodeName("h1"))
    world = replace(seen(world, running(asked, "fencing", "h2")), pending=(fence,))
    assert "h1_fence_0@h1" in graph(plan(asked, world))["a_start_0@h2"]


def test_a_connection_that_failed_begins_anew_when_its_node_was_fenced() -> None:
    reset = Operation(name="stop", on_fail=OnFail.RESET_REMOTE)
    asked = clustered(intent("h1", connection("far", operations=(reset,)), device()))
    failed = Failure(operation="stop", rc=1, text="failed")
    world = seen(
        empty_world(asked), running(asked, "far", "h1", failure=failed), running(asked, "fencing", "h1")
    )
    transition = plan(asked, nodes(world, remote("far")))
    fence = transition.actions[ActionId("far_fence_0@far")]
    after = advance(nodes(world, remote("far")), fence, transition.guest_nodes)
    assert after.instances[ResourceId("far"), NodeName("h1")].failure is None


def test_what_ran_behind_a_connection_starts_elsewhere_when_what_runs_its_guest_has_stopped() -> None:
    asked = clustered(intent("h1", dummy("vm", state=Role.STOPPED), connection("inner", "vm"), dummy("a")))
    world = seen(empty_world(asked), running(asked, "vm", "h1"), running(asked, "a", "inner"))
    world = nodes(world, remote("inner", NodeState.OFFLINE))
    stop = Pending(id=ActionId("vm_stop_0@h1"), kind="stop", node=NodeName("h1"), resource=ResourceId("vm"))
    world = replace(world, pending=(stop,))
    transition = plan(asked, world)
    assert "vm_stop_0@h1" in graph(transition)["a_start_0@h1"]
    assert check(transition, asked, world).alarms == ()


def test_a_container_is_not_restarted_for_what_is_stopped_in_it_and_is_to_be() -> None:
    ends = Operation(name="stop", on_fail=OnFail.RESTART_CONTAINER)
    inside = dummy("a", container=ResourceId("pod"), state=Role.STOPPED, operations=(ends,))
    asked = intent("h1", dummy("pod"), inside)
    failed = running(asked, "a", "h1", failure=Failure(operation="stop", rc=1, text="failed"))
    world = settle(asked, empty_world(asked))
    assert changes(plan(asked, seen(world, failed))) != []
    assert changes(plan(asked, seen(world, replace(failed, role=Role.STOPPED)))) == []


def test_what_failed_to_stop_in_a_container_is_stopped_between_its_stop_and_its_start() -> None:
    asked, failed = failed_inside("h1")
    world = seen(empty_world(asked), running(asked, "pod", "h1"), failed)
    transition = plan(asked, world)
    order = {name: before for name, before in graph(transition).items() if "monitor" not in name}
    assert order == {
        "pod_stop_0@h1": [],
        "a_stop_0@h1": ["pod_stop_0@h1"],
        "pod_start_0@h1": ["a_stop_0@h1", "pod_stop_0@h1"],
        "a_start_0@h1": ["a_stop_0@h1", "pod_start_0@h1"],
    }
    assert check(transition, asked, world).alarms == ()
    assert changes(plan(asked, settle(asked, world))) == []


def test_a_container_is_not_restarted_for_what_failed_in_it_where_it_was_before() -> None:
    asked, failed = failed_inside("h1 h2")
    world = settle(asked, seen(empty_world(asked), running(asked, "pod", "h2"), running(asked, "a", "h2")))
    assert changes(plan(asked, seen(world, replace(failed, role=Role.STOPPED)))) == []


def test_what_runs_behind_a_connection_is_planned_as_if_the_stop_in_flight_of_its_guest_were_over() -> None:
    asked = clustered(intent("h1 h2", dummy("vm"), connection("inner", "vm"), dummy("a", stickiness=100)))
    world = seen(empty_world(asked), running(asked, "vm", "h1"), running(asked, "a", "inner"))
    world = nodes(world, remote("inner", NodeState.OFFLINE))
    stop = Pending(id=ActionId("vm_stop_0@h1"), kind="stop", node=NodeName("h1"), resource=ResourceId("vm"))
    over = Action(id=stop.id, kind=ActionKind.STOP, node=stop.node, resource=stop.resource)
    planned = plan(asked, replace(world, pending=(stop,)))
    calm = plan(asked, advance(world, over, planned.guest_nodes))
    assert planned.placement == calm.placement


def test_what_starts_after_something_waits_while_the_node_of_that_is_connected_anew() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), after("b", "a"), only_on("b", "h1"))
    world = nodes(seen(empty_world(asked), running(asked, "a", "h2")), online("h2", state=NodeState.PENDING))
    connect = Pending(id=ActionId("h2_connect_0@h2"), kind="connect", node=NodeName("h2"))
    assert graph(plan(asked, replace(world, pending=(connect,))))["b_start_0@h1"] == [
        "b_probe_0@h1",
        "h2_connect_0@h2",
    ]
    unmanaged = replace(
        asked, resources={**asked.resources, A: replace(asked.resources[A], is_managed=False)}
    )
    assert graph(plan(unmanaged, world))["b_start_0@h1"] == ["b_probe_0@h1", "h2_connect_0@h2"]


def failed_inside(hosts: str) -> tuple[Intent, Instance]:
    """A container, and something in it that failed to stop on h1."""
    ends = Operation(name="stop", on_fail=OnFail.RESTART_CONTAINER)
    asked = intent(hosts, dummy("pod"), dummy("a", container=ResourceId("pod"), operations=(ends,)))
    return asked, running(asked, "a", "h1", failure=Failure(operation="stop", rc=1, text="failed"))
