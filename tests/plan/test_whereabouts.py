"""Nothing is started while it may run where nobody could look."""

from dataclasses import replace

from reconciler.model.history import History
from reconciler.model.intent import Cluster
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Instance, Pending
from reconciler.model.policy import Policy
from reconciler.model.resource import Role
from tests.plan.worlds import changes, dummy, empty_world, guest, intent, nodes, online, plan, running, seen


def test_what_runs_nowhere_waits_for_a_host_that_joins_unless_that_was_asked() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"))
    asked = replace(asked, cluster=Cluster(policy=Policy(connects_hosts=False)))
    world = nodes(empty_world(asked), online("h2", state=NodeState.PENDING))
    known = Instance(resource=dummy("a").id, node=NodeName("h2"), role=Role.STOPPED)
    transition = plan(asked, seen(world, known))
    assert changes(transition) == ["start resource/a -> h1"]
    assert [(b.address, b.text) for b in transition.blocked] == [
        ("resource/b", "it may run on h2, which is about to join")
    ]
    assert changes(plan(asked, seen(world, known, running(asked, "b", "h1")))) == ["start resource/a -> h1"]


def test_what_runs_nowhere_waits_while_a_guest_that_was_removed_may_run_where_nobody_can_look() -> None:
    asked = intent("h1", dummy("a"))
    former = History(former={ResourceId("vm"): guest("vm", "g1")})
    world = nodes(empty_world(asked), online("h1", hypervisors=frozenset()))
    transition = plan(asked, world, former)
    assert changes(transition) == []
    assert [(b.address, b.text) for b in transition.blocked] == [
        (
            "resource/a",
            "it may run on g1, whose guest vm is no longer declared, and may run on a host that cannot be asked",
        )
    ]
    assert changes(plan(asked, empty_world(asked), former)) == ["start resource/a -> h1"]


def test_what_runs_nowhere_waits_for_the_end_of_a_node_that_was_not_heard_of() -> None:
    asked = intent("h1", guest("vm", "g1", state=Role.STOPPED), dummy("a"))
    stop = Pending(id=ActionId("vm_stop_0@h1"), kind="stop", node=NodeName("h1"), resource=ResourceId("vm"))
    world = replace(seen(empty_world(asked), running(asked, "vm", "h1")), pending=(stop,))
    transition = plan(asked, world)
    assert (changes(transition), transition.is_complete) == ([], False)
    known = nodes(world, online("g1", kind=NodeKind.GUEST))
    assert changes(plan(asked, known)) == ["start resource/a -> h1"]
