from dataclasses import replace
from typing import Any

from reconciler.model.history import ConnectionFailure, History
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import (
    AgentAddress,
    AgentFlavor,
    GuestType,
    LinkReason,
    NodeKind,
    NodeState,
    RemoteNode,
)
from reconciler.model.observed import Failure, Instance, NodeStatus, Observed
from reconciler.model.resource import Resource, Role
from reconciler.observe.domains import GuestFact, Hypervisors
from reconciler.observe.nodes import NodeView
from reconciler.observe.snapshot import Knowledge, is_same, snapshot, types_of
from reconciler.ports import Domain
from tests.plan.worlds import WHERE, dummy, guest, host, intent, only_on, running, seen

ASKED = intent("host1", guest("vm1", "guest1"), dummy("FAKE"))
H1, G1, DB1 = NodeName("host1"), NodeName("guest1"), NodeName("db1")
VM1, FAKE = ResourceId("vm1"), ResourceId("FAKE")
LXC = (H1, GuestType.LXC)
DOMAIN = Domain(resource=VM1, cluster="test", digest="d", uid="u", is_running=True)
UP = Hypervisors().read(LXC, [DOMAIN], 1, "test")
EMPTY = Hypervisors().read(LXC, [], 1, "test")
SILENT = ConnectionFailure(count=1, last_at=0.0, reason=LinkReason.SILENT, text="says nothing")
ROGUE = ConnectionFailure(count=1, last_at=0.0, reason=LinkReason.ROGUE, text="a stranger")


def look(hypervisors: Hypervisors = UP, *views: NodeView, **fields: Any) -> Observed:
    base = Knowledge(
        intent=ASKED, history=History(), hypervisors=hypervisors, views={view.name: view for view in views}
    )
    return snapshot(replace(base, **fields))


def connected(name: NodeName, *instances: Instance) -> NodeView:
    return NodeView(name=name, is_connected=True, is_known=True, instances={i.resource: i for i in instances})


def state(observed: Observed, name: NodeName) -> NodeState | None:
    return observed.nodes[name].state if name in observed.nodes else None


def test_what_was_never_asked_is_not_in_a_snapshot() -> None:
    assert look(Hypervisors()) == Observed()


def test_a_host_with_an_agent_is_what_its_agent_is() -> None:
    views = {
        NodeState.ONLINE: connected(H1),
        NodeState.UNCLEAN: NodeView(name=H1, is_known=True, reason=LinkReason.LOST),
        NodeState.UNKNOWN: NodeView(name=H1, reason=LinkReason.REFUSED),
        NodeState.OFFLINE: NodeView(name=H1, is_known=True, has_left=True),
    }
    assert {want: state(look(EMPTY, view), H1) for want, view in views.items()} == {s: s for s in views}


def test_a_host_whose_agent_was_not_heard_of_is_unknown_though_its_hypervisor_answers() -> None:
    status = look(EMPTY).nodes[H1]
    assert (status.state, status.hypervisors, status.is_known) == (
        NodeState.UNKNOWN,
        frozenset({GuestType.LXC}),
        False,
    )


def test_a_host_without_an_agent_is_what_its_hypervisor_is() -> None:
    asked = replace(ASKED, hosts={H1: replace(host("host1"), agent=None)})
    lost = EMPTY.unreadable(LXC, "no route")
    assert state(look(Hypervisors(), intent=asked), H1) is None
    assert state(look(EMPTY, intent=asked), H1) is NodeState.ONLINE
    got = look(lost, intent=asked).nodes[H1]
    assert (got.state, got.text) == (NodeState.UNKNOWN, "lxc: no route")


def test_a_guest_node_is_what_its_guest_and_its_agent_are() -> None:
    assert state(look(EMPTY), G1) is NodeState.OFFLINE
    assert state(look(UP), G1) is NodeState.UNKNOWN
    assert state(look(UP, connected(G1)), G1) is NodeState.ONLINE
    assert state(look(UP, NodeView(name=G1, has_left=True)), G1) is NodeState.OFFLINE
    assert state(look(UP, NodeView(name=G1, reason=LinkReason.LOST)), G1) is NodeState.PENDING


def test_a_guest_that_was_never_started_is_offline_once_all_that_could_run_it_answer() -> None:
    two = intent("host1 host2", guest("vm1", "guest1"))
    assert state(look(EMPTY, intent=two), G1) is None
    both = EMPTY.read((NodeName("host2"), GuestType.LXC), [], 2, "test")
    assert state(look(both, intent=two), G1) is NodeState.OFFLINE
    assert state(look(both.unreadable(LXC, "lost"), intent=two), G1) is None


def test_a_stock_agent_that_ran_before_us_needs_adoption() -> None:
    def asked(flavor: AgentFlavor) -> Resource:
        vm1 = ASKED.resources[VM1]
        assert vm1.remote_node is not None
        agent = AgentAddress(address="192.0.2.1", flavor=flavor)
        return replace(vm1, remote_node=replace(vm1.remote_node, agent=agent))

    found = {
        flavor: look(UP, intent=replace(ASKED, resources={VM1: asked(flavor)})).nodes[G1].needs_adoption
        for flavor in AgentFlavor
    }
    assert found == {AgentFlavor.STOCK: True, AgentFlavor.RECONCILER: False}


def test_the_stock_agent_of_a_machine_needs_adoption_until_an_operator_gave_it_to_us() -> None:
    machine = replace(
        host("db1"), kind=NodeKind.REMOTE, agent=AgentAddress(address="db1", flavor=AgentFlavor.STOCK)
    )
    asked = replace(ASKED, hosts={DB1: machine})
    want = NodeStatus(name=DB1, kind=NodeKind.REMOTE, state=NodeState.UNKNOWN, needs_adoption=True)
    assert look(Hypervisors(), intent=asked).nodes == {DB1: want}
    adopted = History(adopted=frozenset({DB1}))
    assert look(Hypervisors(), intent=asked, history=adopted).nodes == {}
    assert look(Hypervisors(), connected(DB1), intent=asked, history=adopted).nodes == {
        DB1: replace(want, state=NodeState.ONLINE, needs_adoption=False, is_known=True)
    }


def test_an_agent_that_stays_away_is_a_failure_of_its_guest() -> None:
    got = look(UP, NodeView(name=G1), history=History(connections={G1: SILENT}))
    assert got.instances[VM1, H1].failure == Failure(operation="connect", rc=1, text="says nothing")
    assert (got.nodes[G1].reason, got.nodes[G1].text) == (LinkReason.SILENT, "says nothing")


def test_an_agent_that_cannot_be_trusted_is_no_failure_of_its_guest() -> None:
    got = look(UP, NodeView(name=G1), history=History(connections={G1: ROGUE}))
    assert (got.instances[VM1, H1].failure, got.nodes[G1].reason) == (None, LinkReason.ROGUE)


def test_a_connected_agent_answers_old_failures() -> None:
    got = look(UP, connected(G1), history=History(connections={G1: SILENT}))
    assert (got.instances[VM1, H1].failure, got.nodes[G1].reason) == (None, None)


def test_what_ran_on_a_node_that_is_lost_is_still_told() -> None:
    fake = running(ASKED, "FAKE", "guest1")
    lost = replace(connected(G1, fake), is_connected=False, reason=LinkReason.LOST)
    assert look(UP, lost).instances[FAKE, G1] == fake


def test_what_ran_in_a_guest_that_is_gone_is_gone() -> None:
    got = look(EMPTY, connected(G1, running(ASKED, "FAKE", "guest1")))
    assert (FAKE, G1) not in got.instances


def test_a_removed_guest_is_a_node_while_it_is_remembered() -> None:
    without = intent("host1")
    assert state(look(UP, connected(G1), intent=without), G1) is None
    history = History(former={VM1: ASKED.resources[VM1]})
    assert state(look(UP, connected(G1), intent=without, history=history), G1) is NodeState.ONLINE


def test_a_guest_whose_start_ended_unknown_may_be_there() -> None:
    fact = GuestFact(domain=None, guest_type=GuestType.LXC, sequence=2, is_certain=False)
    got = look(EMPTY.with_fact(VM1, H1, fact))
    assert got.instances[VM1, H1].role is Role.UNKNOWN


def test_snapshots_are_compared_without_what_is_under_way() -> None:
    base = look(UP, connected(G1))
    nodes = {**base.nodes, G1: NodeStatus(name=G1, kind=NodeKind.GUEST, state=NodeState.PENDING)}
    other_node = replace(base, nodes=nodes)
    started = seen(base, running(ASKED, "FAKE", "guest1"))
    assert is_same(base, look(UP, connected(G1)), frozenset())
    assert not is_same(base, started, frozenset())
    assert is_same(base, started, frozenset({(FAKE, None)}))
    assert is_same(base, started, frozenset({(None, G1)}))
    assert not is_same(base, started, frozenset({(VM1, None), (None, H1)}))
    assert not is_same(base, other_node, frozenset({(FAKE, None)}))
    assert is_same(base, other_node, frozenset({(None, G1)}))


def test_only_the_controllers_own_machine_runs_processes() -> None:
    local = replace(host("host1"), agent=AgentAddress())
    asked = replace(ASKED, hosts={H1: local, NodeName("host2"): host("host2")})
    assert types_of(asked, H1) == (GuestType.LXC, GuestType.PROCESS)
    assert types_of(asked, NodeName("host2")) == (GuestType.LXC,)


def test_a_node_that_a_resource_makes_is_online_while_that_runs_and_its_agent_is_connected() -> None:
    node = RemoteNode(name=NodeName("box-node"), where=WHERE, agent=AgentAddress(address="192.0.2.9"))
    asked = intent("host1", dummy("box", remote_node=node))
    box = Instance(resource=ResourceId("box"), node=NodeName("host1"), role=Role.STARTED)
    observed = look(UP, connected(NodeName("host1"), box), connected(node.name), intent=asked)
    assert state(observed, node.name) is NodeState.ONLINE


def test_a_node_that_a_resource_makes_is_offline_once_it_was_asked_for_on_every_host_that_may_have_it() -> (
    None
):
    node = RemoteNode(name=NodeName("box-node"), where=WHERE, agent=AgentAddress(address="192.0.2.9"))
    asked = intent("host1 host2", dummy("box", remote_node=node))
    here, there = NodeName("host1"), NodeName("host2")
    stopped = [Instance(resource=ResourceId("box"), node=host, role=Role.STOPPED) for host in (here, there)]
    fresh = look(UP, connected(here), connected(there, stopped[1]), intent=asked)
    known = look(UP, connected(here, stopped[0]), connected(there, stopped[1]), intent=asked)
    limited = replace(asked, locations=(only_on("box", "host2"),))
    enough = look(UP, connected(here), connected(there, stopped[1]), intent=limited)
    found = [state(observed, node.name) for observed in (fresh, known, enough)]
    assert found == [None, NodeState.OFFLINE, NodeState.OFFLINE]
