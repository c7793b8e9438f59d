"""What a plan is made from: the inputs of one call, and the look-ups that every phase needs.

Holds no decisions.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from reconciler.model.collective import Bundle, Clone, Group
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import GuestType, Host, HostState, NodeState, RemoteNode
from reconciler.model.observed import Instance, NodeStatus, Observed, Pending
from reconciler.model.resource import Resource, Role
from reconciler.plan.index import Index
from reconciler.plan.tickets import Lack

_STOPPED, _ONLINE = Role.STOPPED, NodeState.ONLINE
"""What is asked for many times: Python 3.11 takes ten times as long to find it in its Enum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """A place that may hold a resource without our knowing."""

    node: NodeName
    text: str
    is_waiting: bool
    """It is only being awaited; no person need look."""
    is_joining: bool = False
    """It will be asked as soon as it has joined the cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneSet:
    """A clone, taken apart."""

    clone: Clone
    instances: tuple[ResourceId, ...]
    """Primitives or groups, by number; those that run come first, in the order of their nodes."""
    surplus: int = 0
    """How many of them, the last ones, are copies too many on a node that has another one."""
    bundle: Bundle | None = None
    """For a bundle, whose instances are its containers; None for a clone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The inputs of one planning, with actions in flight taken as done."""

    intent: Intent
    observed: Observed
    """As it will be when every action in flight has ended as expected."""
    history: History
    now: float
    """Epoch seconds."""
    resources: Mapping[ResourceId, Resource]
    """All that is declared, in rank order, then all that is removed but still active.

    Clones are taken apart: their instances are here (`ID:0`, `ID:1`, ...), and what they are made from is not.
    """
    groups: Mapping[ResourceId, Group] = field(default_factory=dict)
    """Groups with what they consist of now: of a cloned group, one for each instance (`GROUP:0`)."""
    clones: Mapping[ResourceId, CloneSet] = field(default_factory=dict)
    guests: Mapping[NodeName, Resource]
    """The guest that becomes, or still is, each guest node; of a Pacemaker cluster's nodes, the connection to it."""
    instances: Mapping[ResourceId, tuple[Instance, ...]]
    """All that is known of each resource, by node name; of a clone's instance, where that instance is."""
    running: Mapping[ResourceId, tuple[Instance, ...]]
    """What `running_of` makes of them; without what runs nowhere."""
    pending: Mapping[ResourceId, tuple[Pending, ...]] = field(default_factory=dict)
    ending: Mapping[ResourceId, tuple[Pending, ...]] = field(default_factory=dict)
    """For what still runs: what is in flight and ends it, the stop of its guest or the fencing of its node."""
    fences: Mapping[NodeName, str] = field(default_factory=dict)
    """The nodes that this plan fences, and why: what runs there ends with them."""
    emptied: frozenset[NodeName] = frozenset()
    """The nodes that everything moves away from, though they are not in standby by their declaration."""
    lacking: Mapping[ResourceId, Lack] = field(default_factory=dict)
    """The ticket that each declared resource would need to run, and that is not to be used."""
    frozen: Set[ResourceId] = frozenset()
    """What runs, and is left as it is for the loss of a ticket."""
    unpromotable: Mapping[ResourceId, Lack] = field(default_factory=dict)
    """The same for promotion."""
    contents: Mapping[ResourceId, Sequence[Resource]] = field(default_factory=dict)
    """What is in each container."""
    serving: Set[NodeName] = frozenset()
    """The nodes that are online and take resources by their declaration; those to be fenced among them."""
    index: Index = field(default_factory=Index)
    unheard: Unheard | None = None
    """Where anything that is no guest may run without our knowing."""
    joining: tuple[NodeName, ...] = ()
    """The hosts that are about to join by themselves, and can be asked only then."""

    def connection(self, node: NodeName) -> Resource | None:
        """Return the resource that connects a node; None where connecting is no matter of resources."""
        found = self.guests.get(node)
        return found if found is not None and found.agent.is_connection else None

    def state_of(self, node: NodeName) -> HostState:
        """Return what is asked of a node; one behind a connection that is not managed is left alone with it.

        Source: Pacemaker lib/pengine/unpack.c, unpack_handle_remote_attrs.
        """
        found = self.index.states.get(node)
        if found is None:
            found = self.index.states[node] = self._state_of(node)
        return found

    def _state_of(self, node: NodeName) -> HostState:
        host, guest = self.intent.hosts.get(node), self.guests.get(node)
        state = HostState.ONLINE
        if host is not None:
            state = host.state
        elif guest is not None and guest.agent.is_connection and not guest.is_managed:
            state = HostState.MAINTENANCE
        elif guest is not None and guest.remote_node is not None:
            state = guest.remote_node.state
        return HostState.STANDBY if state is HostState.ONLINE and node in self.emptied else state

    def launcher(self, node: NodeName) -> Resource | None:
        """Return what runs the guest behind a connection; None for remote nodes, and for guests of ours."""
        connection = self.connection(node)
        return self.resources.get(connection.container) if connection and connection.container else None

    def lack_of(self, resource: Resource) -> Lack | None:
        """Return the ticket for want of which a resource does not run, or is frozen; None if it wants none."""
        found = self.lacking.get(resource.declared_as)
        is_frozen = found is None and resource.id in self.frozen
        return self.unpromotable.get(resource.declared_as) if is_frozen else found

    def node_made_by(self, resource: ResourceId) -> RemoteNode | None:
        """Return the node that a resource makes by running a guest behind a connection; None if it makes none."""
        inside = self.contents.get(resource, ())
        return next((p.remote_node for p in inside if p.agent.is_connection), None) if inside else None

    def is_removed(self, resource: ResourceId) -> bool:
        """Tell whether a resource is active and no longer declared."""
        if resource in self.intent.resources:
            return False
        found = self.resources.get(resource)
        return found is None or found.declared_as not in self.intent.resources

    def known_as(self, resource: ResourceId) -> ResourceId:
        """Return the name under which nodes know a resource."""
        found = self.resources.get(resource)
        return resource if found is None else found.known_as

    def is_known(self, subject: ResourceId) -> bool:
        """Tell whether a name stands for a resource, a group or a clone."""
        return subject in self.resources or subject in self.groups or subject in self.clones

    def leaves(self, subject: ResourceId) -> tuple[ResourceId, ...]:
        """Return the resources that a name stands for: itself, a group's members, all instances of a clone."""
        if subject in self.groups:
            return self.groups[subject].members
        if subject in self.clones:
            return tuple(
                leaf for instance in self.clones[subject].instances for leaf in self.leaves(instance)
            )
        return (subject,)

    def leaves_with_roles(self, subject: ResourceId) -> tuple[ResourceId, ...]:
        """Return the resources that a name stands for where it is about roles: of a bundle, what is in it."""
        found = self.clones.get(subject)
        inner = found.bundle.inner if found is not None and found.bundle is not None else None
        return self.leaves(subject if inner is None else inner)

    def active(self, resource: ResourceId) -> tuple[Instance, ...]:
        """Return the instances that run, or may run; without what was migrated away, and is only to be cleared."""
        return self.running.get(resource, ())

    def leftovers(self, resource: ResourceId) -> tuple[Instance, ...]:
        """Return what live migrations have left behind of what runs elsewhere."""
        found = self.instances.get(resource, ())
        if len(found) < 2:
            return ()
        active = self.active(resource)
        return tuple(i for i in found if i.role is not Role.STOPPED and i not in active)

    def instance(self, resource: ResourceId, node: NodeName) -> Instance | None:
        """Return what is known of a resource on a node."""
        return self.observed.instances.get((self.known_as(resource), node))

    def node(self, name: NodeName) -> NodeStatus | None:
        """Return a node's status; None when it was never asked."""
        return self.observed.nodes.get(name)

    def is_online(self, name: NodeName) -> bool:
        """Tell whether a node's agent is connected."""
        status = self.observed.nodes.get(name)
        return status is not None and status.state is _ONLINE

    def in_flight_on(self, node: NodeName) -> bool:
        """Tell whether a connection to this node is being made or ended."""
        return any(p.resource is None for p in self.index.pending_on.get(node, ()))


def running_of(
    instances: Mapping[ResourceId, tuple[Instance, ...]],
) -> dict[ResourceId, tuple[Instance, ...]]:
    """Return the instances that run, or may run; without what was migrated away, and is only to be cleared."""
    running: dict[ResourceId, tuple[Instance, ...]] = {}
    for name, known in instances.items():
        if len(known) == 1:
            if known[0].role is not _STOPPED:
                running[name] = known
            continue
        found = tuple([i for i in known if i.role is not _STOPPED])
        if len(found) > 1:
            places = {i.node for i in found}
            found = tuple([i for i in found if i.migrated_to not in places])
        if found:
            running[name] = found
    return running


def hypervisor_type(host: Host, resource: Resource) -> GuestType | None:
    """Return the guest type of a guest that this host could run by its declaration, else None."""
    guest = resource.guest
    if guest is None:
        return None
    if guest.type is GuestType.PROCESS:
        is_local = host.agent is not None and host.agent.address is None
        return guest.type if is_local else None
    return guest.type if guest.type in host.libvirt else None
