"""The colocations of every resource: those it is the dependent of, and those it is the primary of.

The rules (Pacemaker lib/pacemaker/pcmk_sched_group.c and pcmk_sched_primitive.c, the *_colocations methods):

* Each member of a colocated group must be with the one before it.
* A group's colocations as a dependent are heeded by its first member, as a primary by its last; these also see those
  of all other members, for the members follow each other. An instance heeds those of its clone.
* If a member is not managed, the chain of members is cut there: those after it heed what the group must be with.
* What runs in a container that is no node must be with it.
* Of several, the other side of higher priority comes first, then clones before groups before primitives, then the id;
  of several with the same other side the one that was declared last (g_list_insert_sorted puts equals in front).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from reconciler.model.collective import Group
from reconciler.model.constraint import Colocation
from reconciler.model.names import ResourceId
from reconciler.model.resource import Resource
from reconciler.model.score import INFINITY
from reconciler.plan.place.tree import Tree

_MEMBERSHIP = "#group-members"
"""The id of colocations that nobody declared: those within a group."""

_CONTAINMENT = "#resource-with-container"
_WITH_REPLICA = 10_000
"""The score by which a connection is with a bundle's container."""

_Rank = tuple[int, int, bool, ResourceId]

Declared = Mapping[ResourceId, Sequence[Colocation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bonds:
    """Colocations by resource, names resolved to what they stand for."""

    tree: Tree
    declared_this: Declared
    """By dependent."""
    declared_with: Declared
    """By primary."""
    tied: Set[ResourceId]
    """All that is on either side of a declared one."""
    sorted_this: dict[ResourceId, tuple[Colocation, ...]] = field(default_factory=dict)
    sorted_with: dict[ResourceId, tuple[Colocation, ...]] = field(default_factory=dict)

    def this_with(self, name: ResourceId) -> tuple[Colocation, ...]:
        """Return the colocations that a resource heeds as a dependent, the first to be heeded first."""
        found = self.sorted_this.get(name)
        if found is None:
            heeded = self.declared_this.get(name, ()) if self._is_alone(name) else self._this_with(name)
            found = _first_heeded(heeded, lambda c: self._rank(c.primary))
            self.sorted_this[name] = found
        return found

    def with_this(self, name: ResourceId) -> tuple[Colocation, ...]:
        """Return the colocations that a resource heeds as a primary, the first to be heeded first."""
        found = self.sorted_with.get(name)
        if found is None:
            heeded = self.declared_with.get(name, ()) if self._is_alone(name) else self._with_this(name)
            found = _first_heeded(heeded, lambda c: self._rank(c.dependent))
            self.sorted_with[name] = found
        return found

    def is_free(self, name: ResourceId) -> bool:
        """Tell whether a primitive is a part of nothing, and colocated with nothing."""
        return (
            name not in self.tied and name not in self.tree.parents and name in self.tree.situation.resources
        )

    def _is_alone(self, name: ResourceId) -> bool:
        """Tell whether a resource heeds no colocations but its own: it is no group, and a part of nothing."""
        return name not in self.tree.parents and name not in self.tree.situation.groups

    def _rank(self, other: ResourceId) -> _Rank:
        tree = self.tree
        found = tree.situation.clones.get(other)
        is_promotable = found is not None and found.clone.promotion is not None
        return (-tree.priority(other), -tree.variant(other), not is_promotable, other)

    def _this_with(self, name: ResourceId) -> Iterator[Colocation]:
        yield from self._declared(name, self.declared_this, first_or_last=0)
        parent = self.tree.parents.get(name)
        group = self.tree.situation.groups.get(parent) if parent is not None else None
        if parent is None or group is None or name == group.members[0]:
            return
        before = group.members[: group.members.index(name)]
        if group.is_colocated:
            yield _membership(group, self.tree.situation.resources[name], before[-1])
        if any(not self.tree.situation.resources[member].is_managed for member in before):
            yield from (c for c in self.declared_this.get(parent, ()) if c.score >= INFINITY)

    def _with_this(self, name: ResourceId) -> Iterator[Colocation]:
        yield from self._declared(name, self.declared_with, first_or_last=-1)
        group = self.tree.group_around(name)
        if group is not None and group.is_colocated and name in group.members[:-1]:
            follower = group.members[group.members.index(name) + 1]
            yield _membership(group, self.tree.situation.resources[follower], name)

    def _declared(self, name: ResourceId, declared: Declared, *, first_or_last: int) -> Iterator[Colocation]:
        """Return the declared colocations that a resource heeds, its own and those of what is around it."""
        yield from declared.get(name, ())
        parent = self.tree.parents.get(name)
        groups = self.tree.situation.groups
        group_id = name if name in groups else parent if parent in groups else None
        if group_id is None:
            yield from declared.get(parent, ()) if parent is not None else ()
            return
        group = groups[group_id]
        if group_id != name:
            if name != group.members[first_or_last]:
                return
            yield from declared.get(group_id, ())
        clone_id = self.tree.parents.get(group_id)
        yield from declared.get(clone_id, ()) if clone_id is not None else ()
        if group.is_colocated:
            for member in group.members:
                if member != name:
                    yield from (c for c in declared.get(member, ()) if is_declared(c))


def _first_heeded(
    heeded: Iterable[Colocation], rank: Callable[[Colocation], _Rank]
) -> tuple[Colocation, ...]:
    """Return colocations by rank, of equals the last one first."""
    found = list(heeded)
    found.reverse()
    return tuple(sorted(found, key=rank))


def bonds_of(tree: Tree) -> Bonds:
    """Index the colocations of an intent by what they are about."""
    this: dict[ResourceId, list[Colocation]] = {}
    with_: dict[ResourceId, list[Colocation]] = {}
    for colocation in tree.situation.intent.colocations:
        dependent, primary = tree.subject(colocation.dependent), tree.subject(colocation.primary)
        if dependent is None or primary is None or dependent == primary or not colocation.score:
            continue
        is_same = (dependent, primary) == (colocation.dependent, colocation.primary)
        resolved = colocation if is_same else replace(colocation, dependent=dependent, primary=primary)
        this.setdefault(dependent, []).append(resolved)
        with_.setdefault(primary, []).append(resolved)
    for resource in tree.situation.resources.values():
        container = tree.situation.resources.get(resource.container) if resource.container else None
        if container is not None and container.remote_node is None:
            bond = _with_container(resource)
            if resource.id in tree.bundles:
                # Finite, for a container may be on a remote node, where no connection can be; and what runs well is
                # not moved for the sake of its connection (lib/pacemaker/pcmk_sched_colocation.c).
                bond = replace(bond, score=_WITH_REPLICA, has_influence=False)
            this.setdefault(bond.dependent, []).append(bond)
            with_.setdefault(bond.primary, []).append(bond)
    return Bonds(tree=tree, declared_this=this, declared_with=with_, tied=this.keys() | with_.keys())


def is_declared(colocation: Colocation) -> bool:
    """Tell whether somebody wrote a colocation, rather than a group or a container coming with it."""
    return colocation.id not in {_MEMBERSHIP, _CONTAINMENT}


def _membership(group: Group, member: Resource, previous: ResourceId) -> Colocation:
    return Colocation(
        id=_MEMBERSHIP,
        dependent=member.id,
        primary=previous,
        score=INFINITY,
        where=group.where,
        has_influence=member.is_critical,
    )


def _with_container(resource: Resource) -> Colocation:
    assert resource.container is not None
    return Colocation(
        id=_CONTAINMENT,
        dependent=resource.id,
        primary=resource.container,
        score=INFINITY,
        where=resource.where,
        has_influence=resource.is_critical,
    )
