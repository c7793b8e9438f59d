"""Resources that consist of others: groups, and clones of a resource or of a group."""

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


Collective = Group | Clone
