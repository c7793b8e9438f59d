"""What was seen of the world: facts only, and UNKNOWN is one of the values."""

from collections.abc import Mapping
from dataclasses import field

from reconciler.model.agent_metadata import AgentMetadata
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import AddressFinding, GuestType, LinkReason, NodeKind, NodeState
from reconciler.model.operation import Monitor
from reconciler.model.record import record
from reconciler.model.resource import ResourceAgent, Role


@record(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """One node as it was last seen."""

    name: NodeName
    kind: NodeKind
    state: NodeState
    reason: LinkReason | None = None
    text: str = ""
    """For people: what the reason means here."""
    hypervisors: frozenset[GuestType] = frozenset()
    """Hosts only: the guest types whose hypervisor answers now."""
    needs_adoption: bool = False
    """Its stock agent was running before we knew of it: it is not connected until an operator says so."""
    is_leaving: bool = False
    """It asked to leave: everything moves away, and then it is let go."""
    is_member: bool = False
    """Though it is unclean, the cluster's membership has it, so that this part of the cluster may fence it."""
    needs_unfencing: bool = False
    """Its fencing devices keep it out until they let it in."""
    is_known: bool = False
    """All that we started there is listed among the instances; without, anything may run there."""
    key_epoch: int | None = field(default=None, compare=False)
    """Of the derived key that its connection was made with; None without one."""
    address: AddressFinding | None = field(default=None, compare=False)
    """Whose the address of its agent is; None for what is no guest, and without a connection."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Its node attributes: permanent and transient ones merged, a transient one before a permanent one."""


@record(frozen=True, slots=True)
class StartedAs:
    """The parameters that a running instance was started with."""

    agent: ResourceAgent
    params: Mapping[str, str] = field(default_factory=dict)
    """For a guest: {"digest": ...} of its domain's definition."""


@record(frozen=True, slots=True, kw_only=True)
class Failure:
    """The operation that failed last, until a later success answers it."""

    operation: str
    rc: int
    text: str
    interval_ms: int = 0
    is_hard: bool = False
    """Trying again on this node cannot help (not installed, not configured, ...)."""
    is_missing: bool = False
    """The program itself is not there: what is ignored otherwise is not."""


@record(frozen=True, slots=True, kw_only=True)
class Instance:
    """One resource on one node."""

    resource: ResourceId
    node: NodeName
    role: Role
    """STOPPED, STARTED, ... or UNKNOWN: it may run, and a probe could not tell."""
    started_as: StartedAs | None = None
    """None while stopped, and when it runs with parameters that nobody knows."""
    failure: Failure | None = None
    monitors: frozenset[Monitor] = frozenset()
    """The recurring monitors that are armed."""
    note: str = ""
    """For people: why the role is UNKNOWN."""
    needs_reload: bool = False
    """Its parameters were declared anew, and its resource agent can take them up while it runs."""
    is_starting: bool = False
    """Its start was sent, and has not ended."""
    migrating_to: NodeName | None = None
    """It was sent to this node by a live migration, which the other node has not taken up yet."""
    migrating_from: NodeName | None = None
    """It comes from this node by a live migration, and is to be taken up."""
    migrated_to: NodeName | None = None
    """It was taken up by this node after a live migration, or is there still: it only remains to be stopped here."""
    can_migrate: bool = True
    """False: a live migration of it failed, and it is not to be tried again before it was restarted."""


@record(frozen=True, slots=True, kw_only=True)
class Pending:
    """An action in flight: sent, its result not yet known."""

    id: ActionId
    kind: str
    """The value of its ActionKind."""
    node: NodeName
    resource: ResourceId | None = None
    interval_ms: int = 0
    timeout_ms: int = 20_000
    started_as: StartedAs | None = None
    """Of a start: the parameters that were sent."""
    peer: NodeName | None = None
    """Of a live migration: the other node."""


@record(frozen=True, slots=True, kw_only=True)
class Observed:
    """One snapshot.

    A node that is missing was never asked. A missing instance on an online node was not probed yet.
    """

    nodes: Mapping[NodeName, NodeStatus] = field(default_factory=dict)
    instances: Mapping[tuple[ResourceId, NodeName], Instance] = field(default_factory=dict)
    pending: tuple[Pending, ...] = ()
    has_quorum: bool = True
    promotion_scores: Mapping[tuple[ResourceId, NodeName], int] = field(default_factory=dict)
    """How well what can be promoted suits that on each node, by its own word (Pacemaker's promotion scores)."""
    agents: Mapping[tuple[NodeName, str], str] = field(default_factory=dict)
    """The digest of what each node's resource agents, by name, say of themselves, where that is known."""
    metadata: Mapping[str, AgentMetadata] = field(default_factory=dict)
    """What resource agents say of themselves, by digest: most nodes have the same."""

    def instances_of(self, resource: ResourceId) -> tuple[Instance, ...]:
        """Return what is known of one resource, by node name."""
        found = [i for (r, _), i in self.instances.items() if r == resource]
        return tuple(sorted(found, key=lambda i: i.node))

    def active_on(self, resource: ResourceId) -> tuple[NodeName, ...]:
        """Return the nodes where a resource runs, or may run."""
        return tuple(i.node for i in self.instances_of(resource) if i.role is not Role.STOPPED)
