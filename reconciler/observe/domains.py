"""What is known of guests from their hypervisors: readings of whole hosts, and results of our own actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, GuestType, RemoteNode
from reconciler.model.observed import Failure, Instance, StartedAs
from reconciler.model.resource import Guest, Resource, ResourceAgent, Role
from reconciler.ports import Domain

HypervisorKey = tuple[NodeName, GuestType]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestFact:
    """The last thing known of a guest on a host."""

    domain: Domain | None
    """None: it is not there."""
    guest_type: GuestType
    sequence: int
    """When it became known; what was read before an action ended says nothing about its result."""
    is_certain: bool = True
    """False after an action whose outcome is unknown, until the next reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypervisors:
    """All that is known of guests, by guest and host."""

    facts: Mapping[tuple[ResourceId, NodeName], GuestFact] = field(default_factory=dict)
    readable: frozenset[HypervisorKey] = frozenset()
    """Hypervisors that answered the last time they were asked."""
    heard: frozenset[HypervisorKey] = frozenset()
    """Hypervisors that answered, or failed to, at least once."""
    errors: Mapping[HypervisorKey, str] = field(default_factory=dict)

    def read(
        self, key: HypervisorKey, domains: Sequence[Domain], sequence: int, cluster: str
    ) -> "Hypervisors":
        """Return what is known after a hypervisor listed its domains.

        Args:
            key: the host and guest type.
            domains: all that carry a mark; other clusters' are not ours to look at.
            sequence: when the listing was begun.
            cluster: the name of our cluster.
        """
        host, guest_type = key
        listed = {d.resource: d for d in domains if d.cluster.lower() == cluster.lower()}
        facts = dict(self.facts)
        gone = {r for (r, h), f in facts.items() if h == host and f.guest_type is guest_type} - set(listed)
        for resource in sorted(listed.keys() | gone):
            known = facts.get((resource, host))
            if known is None or known.sequence < sequence:
                facts[(resource, host)] = GuestFact(
                    domain=listed.get(resource), guest_type=guest_type, sequence=sequence
                )
        errors = {k: text for k, text in self.errors.items() if k != key}
        return replace(
            self, facts=facts, readable=self.readable | {key}, heard=self.heard | {key}, errors=errors
        )

    def unreadable(self, key: HypervisorKey, text: str) -> "Hypervisors":
        """Return what is known after a hypervisor did not answer: what was known, and that it may be old."""
        return replace(
            self,
            readable=self.readable - {key},
            heard=self.heard | {key},
            errors={**self.errors, key: text},
        )

    def with_fact(self, resource: ResourceId, host: NodeName, fact: GuestFact) -> "Hypervisors":
        """Return what is known after an action of ours on a guest has ended."""
        return replace(self, facts={**self.facts, (resource, host): fact})

    def without_host(self, host: NodeName, sequence: int) -> "Hypervisors":
        """Return what is known after an operator confirmed that a host is dead: nothing runs there."""
        facts = {
            key: replace(fact, domain=None, sequence=sequence, is_certain=True) if key[1] == host else fact
            for key, fact in self.facts.items()
        }
        return replace(self, facts=facts)

    def present(self) -> set[ResourceId]:
        """Return the guests of ours that are anywhere, declared or not."""
        return {resource for (resource, _), fact in self.facts.items() if fact.domain is not None}

    def domain_of(self, resource: ResourceId) -> tuple[NodeName, Domain] | None:
        """Return where a guest is, if it is at exactly one place."""
        found = [(h, f.domain) for (r, h), f in self.facts.items() if r == resource and f.domain is not None]
        return found[0] if len(found) == 1 else None


def removed_node(domain: Domain, guest_type: GuestType) -> Resource | None:
    """Describe a guest of ours that is a node, and of which nothing but its mark is left; None for plain guests.

    Things of ours may run in it: that it is a node must not be lost with its declaration. Its agent is looked for
    where the declaration's default has it.
    """
    if domain.node is None:
        return None
    nowhere = Where(file="", line=0)
    return Resource(
        id=domain.resource,
        agent=ResourceAgent(standard="guest", type=guest_type.value),
        where=nowhere,
        state=Role.STOPPED,
        guest=Guest(type=guest_type),
        remote_node=RemoteNode(
            name=domain.node, where=nowhere, agent=AgentAddress(address=domain.address or domain.node)
        ),
    )


def guest_instance(resource: ResourceId, host: NodeName, fact: GuestFact) -> Instance:
    """Return a guest on a host as the instance of a resource."""
    if not fact.is_certain:
        note = f"what became of its last action on {host} is not known yet"
        return Instance(resource=resource, node=host, role=Role.UNKNOWN, note=note)
    if fact.domain is None:
        return Instance(resource=resource, node=host, role=Role.STOPPED)
    agent = ResourceAgent(standard="guest", type=fact.guest_type.value)
    failure = None
    if not fact.domain.is_running:
        failure = Failure(
            operation="monitor", rc=1, text=f"its domain is {fact.domain.text or 'not running'}"
        )
    return Instance(
        resource=resource,
        node=host,
        role=Role.STARTED,
        started_as=StartedAs(agent=agent, params={"digest": fact.domain.digest}),
        failure=failure,
    )
