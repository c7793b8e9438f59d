"""Everything that one commit asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from reconciler.model.collective import Clone, Collective, Group
from reconciler.model.constraint import Colocation, Location, Ordering, TicketConstraint
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, FencingLevel, Host, RemoteNode
from reconciler.model.policy import Policy
from reconciler.model.resource import Resource
from reconciler.model.rule import LocationRule, NodeOverride, Override, PolicyOverride

_UUIDS = UUID("6d3d6c1e-3c0b-5a7e-9f0e-0d6a4c1f7a55")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What holds for all."""

    name: str = "default"
    where: Where | None = None
    max_destroy: int = 1
    """Guests that one commit may remove; never limits recovery."""
    policy: Policy = field(default_factory=Policy)

    @property
    def uuid(self) -> UUID:
        """Return the cluster's identity, derived from its name so that nothing has to be kept."""
        return uuid5(_UUIDS, self.name.lower())

    def uuid_of(self, name: str) -> UUID:
        """Return the identity of a guest or node of this cluster."""
        return uuid5(self.uuid, name.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a commit asks for, references checked and defaults applied."""

    cluster: Cluster = field(default_factory=Cluster)
    hosts: Mapping[NodeName, Host] = field(default_factory=dict)
    resources: Mapping[ResourceId, Resource] = field(default_factory=dict)
    """In rank order; guests, members of groups, and what clones are made from included."""
    collectives: Mapping[ResourceId, Collective] = field(default_factory=dict)
    """Groups and clones, in rank order; they share the name space of resources."""
    locations: tuple[Location, ...] = ()
    location_rules: tuple[LocationRule, ...] = ()
    """They become locations when a plan is made."""
    overrides: tuple[Override, ...] = ()
    """Of several that hold for one resource, the last counts; likewise those of nodes and of the cluster."""
    node_overrides: tuple[NodeOverride, ...] = ()
    policy_overrides: tuple[PolicyOverride, ...] = ()
    colocations: tuple[Colocation, ...] = ()
    orderings: tuple[Ordering, ...] = ()
    tickets: tuple[TicketConstraint, ...] = ()
    """Whether the tickets are granted is history."""
    fencing_levels: tuple[FencingLevel, ...] = ()
    """Which fencing devices are used on which nodes, where the devices do not say it themselves."""

    @property
    def has_rules(self) -> bool:
        """Tell whether something depends on conditions, which are judged when a plan is made."""
        return bool(self.location_rules or self.overrides or self.node_overrides or self.policy_overrides)

    def cloned(self) -> frozenset[ResourceId]:
        """Return the resources of which clones are made: they may run on several nodes at once."""
        members = {c.member for c in self.collectives.values() if isinstance(c, Clone)}
        return self._primitives_in(members)

    def numbered(self) -> frozenset[ResourceId]:
        """Return the resources of which unique clones are made: nodes know their instances by numbers alone."""
        return self._primitives_in(
            {c.member for c in self.collectives.values() if isinstance(c, Clone) and c.is_unique}
        )

    def promotable(self) -> frozenset[ResourceId]:
        """Return the resources of which promotable clones are made."""
        members = {
            c.member for c in self.collectives.values() if isinstance(c, Clone) and c.promotion is not None
        }
        return self._primitives_in(members)

    def _primitives_in(self, members: set[ResourceId]) -> frozenset[ResourceId]:
        """Return primitives and groups with all that the groups consist of."""
        groups = [c for c in self.collectives.values() if isinstance(c, Group) and c.id in members]
        return frozenset(members).union(*(g.members for g in groups))

    def guest_nodes(self) -> Mapping[NodeName, Resource]:
        """Return the guest that becomes each guest node."""
        return {r.remote_node.name: r for r in self.resources.values() if r.remote_node is not None}

    def remote_nodes(self) -> Mapping[NodeName, RemoteNode]:
        """Return the node side of each guest that becomes a node."""
        return {
            r.remote_node.name: r.remote_node for r in self.resources.values() if r.remote_node is not None
        }

    def agent_of(self, node: NodeName) -> AgentAddress | None:
        """Return where a declared node's agent is; None for a host without one, and for what is not declared."""
        host, remote = self.hosts.get(node), self.remote_nodes().get(node)
        if host is not None:
            return host.agent
        return remote.agent if remote is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an intent was read."""

    folder: str
    commit: str | None = None
    """Full hash; None for a folder that is taken as it is."""
    revision: str | None = None
    """The branch, tag or revision that `commit` was found by."""
    is_dirty: bool = False
    """There are changes beside the commit that were left out, or, without a commit, git is not used."""
