"""What happens between a connection and the first command."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, cast

from reconciler.act.connections import run_connection_action
from reconciler.act.context import Context
from reconciler.act.outcome import Outcome
from reconciler.model.errors import HypervisorUnreachableError
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import (
    HOST_OF_CONTAINER,
    AddressFinding,
    AddressOwner,
    AgentAddress,
    Host,
    LinkReason,
    RemoteNode,
)
from reconciler.model.observed import Instance, Observed
from reconciler.model.operation import (
    OCF_NOT_RUNNING,
    InFlight,
    OperationRequest,
    OperationResult,
    StartRecord,
)
from reconciler.model.resource import Resource, Role
from reconciler.model.transition import Action, ActionKind
from reconciler.ports import AgentLink, Clock, Hypervisor, Links, LinkTarget, Ports, Session
from reconciler.sim.journal import MemoryJournal, Pages
from reconciler.sim.life import Life
from tests.plan.worlds import WHERE, dummy, guest, intent

ASKED = intent("host1", guest("vm1", "guest1"), dummy("FAKE"))
H1, G1, FAKE = NodeName("host1"), NodeName("guest1"), ResourceId("FAKE")
ITS_OWN = AddressFinding(owner=AddressOwner.GUEST, text="it answers")
NOTHING = Observed()
STOCK = Session(is_ours=False, instance="", incarnation="", is_record_keeping=False)


@dataclass
class FakeLink:
    """An agent that is connected at once, and on which nothing runs."""

    session: Session = STOCK
    executed: list[str] = field(default_factory=list)
    timeouts_ms: dict[str, int] = field(default_factory=dict)
    is_connected: bool = False
    addresses: list[str] = field(default_factory=list)

    def link(self, target: LinkTarget, _listener: object) -> AgentLink:
        self.addresses.append(str(target.agent.address))
        return self

    async def connect(self, timeout_ms: int) -> Session:
        assert timeout_ms > 0
        self.is_connected = True
        return self.session

    async def execute(self, request: OperationRequest) -> OperationResult:
        self.executed.append(f"{request.operation} {request.interval_ms}")
        self.timeouts_ms[request.operation] = request.timeout_ms
        return OperationResult(resource=request.resource, operation=request.operation, rc=OCF_NOT_RUNNING)

    async def cancel(self, resource: ResourceId, operation: str, interval_ms: int) -> None:
        raise AssertionError((resource, operation, interval_ms))

    async def close(self) -> None:
        self.is_connected = False


@dataclass
class FakeHost:
    """A hypervisor with an opinion on addresses."""

    finding: AddressFinding | Exception
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    async def owner_of(self, host: Host, guest: Resource, address: str) -> AddressFinding:
        self.asked.append((host.name, guest.id, address))
        if isinstance(self.finding, Exception):
            raise self.finding
        return self.finding


class Names:
    """Keys, and fresh names."""

    def key_of(self, *_arguments: object) -> bytes:
        return bytes(32)

    def new_id(self) -> str:
        return "uid"

    def now(self) -> float:
        return 100.0


def connect(
    link: FakeLink,
    host: FakeHost,
    pages: Pages | None = None,
    asked: Intent = ASKED,
    observed: Observed = NOTHING,
) -> Outcome:
    names: Any = Names()
    ports = Ports(
        repository=cast("Any", None),
        hypervisor=cast("Hypervisor", host),
        links=cast("Links", link),
        keys=names,
        journal=MemoryJournal(pages or Pages(), Life(lambda: None)),
        clock=cast("Clock", names),
        compute=cast("Any", None),
    )
    context = Context(
        ports=ports,
        intent=asked,
        observed=observed,
        history=History(),
        links={},
        inquiries={},
        incarnations={},
        guest_incarnations={G1: "start1"},
        guest_hosts={G1: H1} if asked.resources.keys() >= {"vm1"} else {},
        listener=cast("Any", None),
        epoch=1,
        commit="",
    )
    action = Action(id=ActionId("c"), kind=ActionKind.CONNECT, node=G1, timeout_ms=1000)
    return asyncio.run(run_connection_action(context, action, "uid"))


def recorded(phase: str = "started") -> Pages:
    """A journal in which FAKE was started in this life of the guest."""
    pages = Pages()
    journal = MemoryJournal(pages, Life(lambda: None))
    journal.open_incarnation(G1, "start1")
    agent = ASKED.resources[FAKE].agent
    journal.save_record(
        G1,
        "start1",
        StartRecord(resource=FAKE, agent=agent, params={}, cluster="test", uid="u", phase=phase),
    )
    return pages


def test_nothing_is_run_where_the_host_says_that_somebody_else_has_the_address() -> None:
    link, host = FakeLink(), FakeHost(AddressFinding(owner=AddressOwner.STRANGER, text="that is vm2's"))
    outcome = connect(link, host, recorded())
    assert (outcome.reason, outcome.text) == (LinkReason.WRONG_NODE, "that is vm2's")
    assert (link.executed, link.is_connected) == ([], False)
    assert host.asked == [("host1", "vm1", "guest1.test")]


def test_what_a_host_says_of_an_address_is_kept() -> None:
    outcome = connect(FakeLink(), FakeHost(ITS_OWN))
    assert outcome.connected is not None
    assert outcome.connected.address == ITS_OWN


def test_a_host_that_does_not_know_or_cannot_be_asked_is_in_nobodys_way() -> None:
    nobody = AddressFinding(owner=AddressOwner.UNKNOWN, text="no neighbour")
    silent = replace(nobody, text="host1 cannot say whose guest1.test is: no route")
    for answer, finding in ((nobody, nobody), (HypervisorUnreachableError("no route"), silent)):
        outcome = connect(FakeLink(), FakeHost(answer))
        assert outcome.connected is not None
        assert (outcome.reason, outcome.connected.address) == (None, finding)


def test_where_an_address_must_be_confirmed_nothing_is_run_while_it_is_not() -> None:
    vm = ASKED.resources[ResourceId("vm1")]
    assert vm.remote_node is not None
    strict = replace(vm.remote_node, agent=replace(vm.remote_node.agent, is_confirmed=True))
    asked = replace(ASKED, resources={**ASKED.resources, vm.id: replace(vm, remote_node=strict)})
    link = FakeLink()
    nobody = AddressFinding(owner=AddressOwner.UNKNOWN, text="no neighbour")
    outcome = connect(link, FakeHost(nobody), recorded(), asked)
    text = "no neighbour; unconfirmedAddress: allow would go on"
    assert (outcome.reason, outcome.text) == (LinkReason.UNCONFIRMED, text)
    assert (link.executed, link.is_connected) == ([], False)
    assert connect(link, FakeHost(ITS_OWN), recorded(), asked).connected is not None


def test_a_container_without_an_address_is_reached_at_the_machine_that_it_runs_on() -> None:
    remote = RemoteNode(name=G1, where=WHERE, agent=AgentAddress(address=HOST_OF_CONTAINER, port=3123))
    box = dummy("box", remote_node=remote)
    asked = intent("host1 host2", box)
    own = replace(asked.hosts[H1], agent=AgentAddress())
    asked = replace(asked, hosts={**asked.hosts, H1: own})

    def running(*nodes: str) -> Observed:
        found = [Instance(resource=box.id, node=NodeName(node), role=Role.STARTED) for node in nodes]
        return Observed(instances={(i.resource, i.node): i for i in found})

    link, nobody = FakeLink(), FakeHost(AssertionError())
    for place in ("host1", "host2"):
        assert connect(link, nobody, None, asked, running(place)).connected is not None
    assert link.addresses == ["127.0.0.1", "host2.test"]
    for places in ((), ("host1", "host2")):
        outcome = connect(link, nobody, None, asked, running(*places))
        assert (outcome.reason, outcome.text) == (
            LinkReason.UNREACHABLE,
            "it is not known on which machine it is",
        )
    assert len(link.addresses) == 2


def test_what_a_stock_agent_was_given_is_asked_for_again_for_its_machine_may_have_restarted() -> None:
    link = FakeLink()
    outcome = connect(link, FakeHost(ITS_OWN), recorded())
    assert outcome.connected is not None
    assert (link.executed, outcome.connected.instances[FAKE].role) == (
        ["meta-data 0", "monitor 0"],
        Role.STOPPED,
    )


def test_a_resource_agent_is_asked_what_it_takes_when_its_long_start_has_ended() -> None:
    """The agent runs one operation of a resource at a time: what is asked before would stay out as long."""
    start = InFlight(operation="start", uid="u", interval_ms=0, timeout_ms=600_000)
    agent = ASKED.resources[FAKE].agent
    record = StartRecord(
        resource=FAKE, agent=agent, params={}, cluster="test", uid="u", phase="starting", in_flight=start
    )
    ours = replace(STOCK, is_ours=True, incarnation="start1", is_record_keeping=True, records={FAKE: record})
    for session, pages, want in (
        (ours, None, ["start 0", "meta-data 0"]),
        (STOCK, recorded("starting"), ["monitor 0", "meta-data 0"]),
    ):
        link = FakeLink(session)
        assert connect(link, FakeHost(ITS_OWN), pages).connected is not None
        assert link.executed == want


def test_a_resource_agent_that_hangs_keeps_no_node_from_being_trusted_for_longer_than_its_agent_may() -> None:
    link = FakeLink()
    assert connect(link, FakeHost(ITS_OWN), recorded()).connected is not None
    assert link.timeouts_ms["meta-data"] == 5000
