"""The machines of a simulation: hosts, the domains that they run, and the agents in both.

They live in virtual time by themselves, whoever controls them; faults come to them from outside (`incidents`).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AgentFlavor, GuestType
from reconciler.ports import Domain, GuestStart, Wake
from reconciler.sim.agent import SimAgent
from reconciler.sim.chance import Chance
from reconciler.sim.faults import Faults
from reconciler.sim.truth import Copy, Truth


@dataclass(slots=True, eq=False)
class SimDomain:
    """One domain of ours, and the agent in it if it is to be a node."""

    domain: Domain
    guest_type: GuestType
    agent: SimAgent | None


@dataclass(slots=True, eq=False)
class Machine:
    """One host."""

    name: NodeName
    boots: int = 1
    is_stock: bool = False
    """Its agent is the distribution's."""
    is_up: bool = True
    agent: SimAgent | None = None
    domains: dict[ResourceId, SimDomain] = field(default_factory=dict)
    starting: set[ResourceId] = field(default_factory=set)
    """Guests whose start is under way: libvirt refuses a second domain of the same UUID."""
    strangers: tuple[Domain, ...] = ()
    """Of another cluster."""

    @property
    def life(self) -> str:
        """Return the name of its present boot."""
        return f"{self.name}-boot{self.boots}"


@dataclass(slots=True, eq=False)
class Network:
    """What gets through to whom."""

    cut_off: set[NodeName] = field(default_factory=set)
    """Nodes that nothing gets through to, nor from."""
    hung: set[NodeName] = field(default_factory=set)
    """Nodes whose agent answers nothing."""
    wrong_key: set[NodeName] = field(default_factory=set)
    hypervisors_cut_off: set[NodeName] = field(default_factory=set)
    """Hosts whose hypervisor cannot be reached."""


class Machines:
    """All hosts."""

    def __init__(self, truth: Truth, chance: Chance, faults: Faults) -> None:
        self.truth = truth
        self.faults = faults
        self.network = Network()
        self.hosts: dict[NodeName, Machine] = {}
        self.watchers: list[Wake] = []
        self._chance = chance
        self._epochs: dict[NodeName, dict[str, int]] = {}
        self.node_of_uid: dict[str, NodeName] = {}

    def add_hosts(self, intent: Intent) -> None:
        """Put up the hosts that a declaration names."""
        for host in intent.hosts.values():
            machine = self.hosts.setdefault(host.name, Machine(name=host.name))
            if host.agent is not None and machine.agent is None:
                machine.is_stock = host.agent.flavor is AgentFlavor.STOCK
                machine.agent = self._agent(host.name, machine.life, is_stock=machine.is_stock)
                machine.agent.boot()

    def set_faults(self, faults: Faults) -> None:
        """Change the odds, everywhere."""
        self.faults = faults
        for agent in self.agents().values():
            agent.faults = faults

    def agents(self) -> dict[NodeName, SimAgent]:
        """Return all agents that there are, listening or not, by node."""
        found: dict[NodeName, SimAgent] = {}
        for machine in self.hosts.values():
            if machine.agent is not None and machine.is_up:
                found[machine.name] = machine.agent
            for domain in machine.domains.values():
                if domain.agent is not None:
                    found[domain.agent.node] = domain.agent
        return found

    def domains(self) -> list[tuple[Machine, SimDomain]]:
        """Return all domains of ours."""
        return [(m, d) for m in self.hosts.values() for d in m.domains.values()]

    def create(self, machine: Machine, start: GuestStart) -> None:
        """Let a domain appear on a host; its agent will listen when it has booted."""
        guest, remote = start.guest.guest, start.guest.remote_node
        assert guest is not None
        domain = Domain(
            resource=start.guest.id,
            cluster=start.cluster.name,
            digest=start.digest,
            uid=start.uid,
            is_running=True,
            text="running",
            node=remote.name if remote else None,
        )
        agent = None
        if remote is not None:
            agent = self._agent(remote.name, start.uid, is_stock=remote.agent.flavor is AgentFlavor.STOCK)
            self.node_of_uid[start.uid] = remote.name
            self.after(self.faults.boot_s, agent.boot)
        machine.domains[start.guest.id] = SimDomain(domain, guest.type, agent)
        self.truth.end_start(self.copy_of(machine, domain), is_ok=True, is_running=True)
        self.tell_watchers()

    def destroy(self, machine: Machine, found: SimDomain, what: str) -> None:
        """End a domain with all that is in it."""
        domain = found.domain
        if machine.domains.get(domain.resource) is not found:
            return
        del machine.domains[domain.resource]
        self.truth.note(what, domain.resource, machine.name, domain.uid)
        if found.agent is not None:
            found.agent.end()
            self.truth.end_life(found.agent.node, domain.uid)
        copy = self.copy_of(machine, domain)
        facts = self.truth.copies.get(copy)
        if facts is not None:
            facts.is_alive, facts.has_ended = False, True
        self.tell_watchers()

    def hang(self, machine: Machine, found: SimDomain) -> None:
        """Let a domain be there and not work."""
        found.domain = replace(found.domain, is_running=False, text="crashed")
        self.truth.note("guest-hangs", found.domain.resource, machine.name)
        if found.agent is not None:
            found.agent.kill()
        self.tell_watchers()

    def go_down(self, machine: Machine) -> None:
        """Let a host crash, with all that is on it."""
        if not machine.is_up:
            return
        self.truth.note("host-down", "", machine.name)
        for domain in list(machine.domains.values()):
            self.destroy(machine, domain, "guest-died")
        machine.is_up = False
        machine.starting.clear()
        if machine.agent is not None:
            machine.agent.end()
        self.truth.end_life(machine.name, machine.life)

    def come_up(self, machine: Machine) -> None:
        """Let a host boot."""
        if machine.is_up:
            return
        machine.is_up = True
        machine.boots += 1
        self.truth.note("host-up", "", machine.name)
        if machine.agent is not None:
            machine.agent = self._agent(machine.name, machine.life, is_stock=machine.is_stock)
            self.after(self.faults.boot_s, machine.agent.boot)
        self.tell_watchers()

    def copy_of(self, machine: Machine, domain: Domain) -> Copy:
        """Return a domain as the copy of a resource."""
        return self.guest_copy(machine, domain.resource, domain.uid)

    def guest_copy(self, machine: Machine, resource: ResourceId, uid: str) -> Copy:
        """Return a guest's start as the copy of a resource."""
        return Copy(resource=resource, node=machine.name, life=machine.life, variant=(("uid", uid),))

    def tell_watchers(self) -> None:
        """Tell of a change; events are late, get lost, and come twice."""
        if self._chance.happens(self.faults.event_lost):
            return
        for _ in range(2 if self._chance.happens(self.faults.event_repeated) else 1):
            for wake in list(self.watchers):
                self.after(self.faults.event_delay_s, wake)

    def after(self, range_s: tuple[float, float], then: Callable[[], None]) -> None:
        """Do something after a while."""
        asyncio.get_running_loop().call_later(self._chance.between(*range_s), then)

    def _agent(self, node: NodeName, life: str, *, is_stock: bool) -> SimAgent:
        agent = SimAgent(node, life, self.truth, self._chance.fork(life), is_stock=is_stock)
        agent.life_of = self._life_of
        agent.faults = self.faults
        # Which controllers it has seen outlives a guest's life, as agent/epochs.py says.
        agent.epochs = self._epochs.setdefault(node, {})
        return agent

    def _life_of(self, node: NodeName) -> str | None:
        """Return the life of a node that is there."""
        found = self.agents().get(node)
        return None if found is None else found.life


def in_order(domains: Sequence[Domain]) -> tuple[Domain, ...]:
    """Return domains by name."""
    return tuple(sorted(domains, key=lambda d: (d.cluster, d.resource)))
