"""Resources that consist of others: groups, clones of a resource or of a group, and bundles of containers."""

from dataclasses import dataclass, field

from reconciler.model.names import ResourceId, Where

MAX_INSTANCES = 1000
"""The most that a clone may ask for; one that does not say how many it has may have more, one for each node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Resources that run together on one node, and start one after the other (Pacemaker Explained, "Groups")."""

    id: ResourceId
    members: tuple[ResourceId, ...]
    """Primitives, in the order in which they start."""
    where: Where
    is_ordered: bool = True
    """False: they start and stop in any order."""
    is_colocated: bool = True
    """False: each finds a node of its own."""
    priority: int | None = field(default=None, compare=False)
    """Of the group as a whole; None: that of its first member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """How many instances of a clone are promoted (Pacemaker's promotable clones)."""

    max: int = 1
    node_max: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """A resource, or a group, that runs on several nodes at once (Pacemaker Explained, "Clones")."""

    id: ResourceId
    member: ResourceId
    """The primitive or the group that every instance is like."""
    where: Where
    max: int | None = None
    """Instances in all (clone-max); None: one for each node."""
    node_max: int = 1
    """Instances on one node (clone-node-max); more than one only if they are unique."""
    min: int = 0
    """Instances that must run before what starts after the clone may start (clone-min); 0: any."""
    is_interleaved: bool = False
    """An instance is ordered with, and placed by, the other clone's instance on the same node alone."""
    is_ordered: bool = False
    """Instances start one after the other."""
    is_unique: bool = False
    """Instances differ (globally-unique): each has a name of its own, and several may share a node."""
    notifies: bool = False
    promotion: Promotion | None = None
    """None: instances are started, and not promoted."""
    priority: int | None = field(default=None, compare=False)
    """Of the clone as a whole; None: that of what it is made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One of a bundle's containers, with what there is for it alone; each is a resource of its own."""

    container: ResourceId
    address: ResourceId | None = None
    """The address that is set up on the container's host before it starts."""
    connection: ResourceId | None = None
    """What connects the agent in it, and makes a node of it; None: nothing is run in it by us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A service that runs in containers, which are as good as each other (Pacemaker Explained, "Bundles").

    The containers share the nodes as the instances of a clone do. In each runs one instance of a clone, and nothing
    else; that clone is tied to the bundle: it starts, stops, is promoted and demoted as a part of it.
    """

    id: ResourceId
    replicas: tuple[Replica, ...]
    where: Where
    inner: ResourceId | None = None
    """The clone whose instance number N is in replica number N; None: there is nothing in the containers."""
    node_max: int = 1
    """Containers on one node (replicas-per-host)."""
    is_interleaved: bool = False
    """As for clones."""
    priority: int | None = field(default=None, compare=False)

    def belongings(self) -> tuple[ResourceId, ...]:
        """Return what belongs to it, but for its containers, in the order in which that is assigned."""
        there = [name for r in self.replicas for name in (r.address, r.connection) if name is not None]
        return (*there, self.inner) if self.inner is not None else tuple(there)


Collective = Group | Clone | Bundle


def parts_of(collective: Collective) -> tuple[ResourceId, ...]:
    """Return what a collective consists of: primitives, or groups and clones in their turn."""
    match collective:
        case Group():
            return collective.members
        case Clone():
            return (collective.member,)
        case Bundle():
            return (*(r.container for r in collective.replicas), *collective.belongings())
