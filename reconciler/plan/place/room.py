"""Bans the nodes that have no room for a primitive, or for all that must run with it; `capacity` has the rules."""

from collections.abc import Iterable

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from reconciler.plan.place.capacity import Capacity, Needs, total
from reconciler.plan.place.state import Assignment
from reconciler.plan.place.trace import Cause
from reconciler.plan.place.tree import Variant

_ROLES_OF_OTHERS = {Role.PROMOTED, Role.UNPROMOTED, Role.STOPPED}
"""Colocations of these roles say nothing of where a resource runs."""


def ban_without_room(assignment: Assignment, name: ResourceId) -> NodeName | None:
    """Ban nodes for a primitive; return the one with most left when none has room for all that must run together."""
    capacity, scores = assignment.capacity, assignment.scores[name]
    resource = assignment.situation.resources[name]
    is_free = assignment.bonds.is_free(name)
    together = resource.needs if is_free else total(_needs_together(assignment, name))
    if not together:
        return None
    obstacle = assignment.availability.obstacle
    usable = sorted([n for n, score in scores.items() if score >= 0 and obstacle(resource, n) is None])
    roomy = capacity.with_room(usable, together)
    is_any = bool(roomy)
    roomy = roomy or capacity.with_room(usable, resource.needs)
    if len(roomy) < len(usable):
        crowded = set(usable).difference(roomy)
        after = {n: -INFINITY if n in crowded else s for n, s in scores.items()}
        assignment.rescore(name, after, Cause.CAPACITY)
    return None if is_any else _roomiest(capacity, usable)


def _roomiest(capacity: Capacity, nodes: Iterable[NodeName]) -> NodeName | None:
    """Return the node with most left; of several the first."""
    found: NodeName | None = None
    for node in nodes:
        if found is None or capacity.compare(node, found) < 0:
            found = node
    return found


def _needs_together(assignment: Assignment, name: ResourceId) -> Iterable[Needs]:
    """Return the needs of all that must run with a primitive, itself included, and is not assigned yet."""
    found: dict[ResourceId, None] = {}
    _collect(assignment, name, name, found)
    for other in found:
        yield from _needs_of(assignment, other, found)


def _collect(
    assignment: Assignment, name: ResourceId, origin: ResourceId, found: dict[ResourceId, None]
) -> None:
    """Add what must run together with a resource, directly or not."""
    tree, bonds = assignment.tree, assignment.bonds
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found[current] = None
        group = tree.situation.groups.get(current)
        if group is not None and (group.is_colocated or current in tree.parents):
            waiting += reversed(group.members)
            continue
        is_clone = tree.variant(current) is Variant.CLONE
        further = [c.primary for c in bonds.this_with(current) if _binds(c.score, c.dependent_role)]
        further += [
            c.dependent
            for c in bonds.with_this(current)
            if _binds(c.score, c.dependent_role)
            and not (is_clone and tree.variant(c.dependent) is not Variant.CLONE)
        ]
        waiting += [other for other in reversed(further) if other != origin]


def _binds(score: int, role: Role | None) -> bool:
    return score >= INFINITY and role not in _ROLES_OF_OTHERS


def _needs_of(assignment: Assignment, name: ResourceId, found: dict[ResourceId, None]) -> Iterable[Needs]:
    """Return what one of those that run together adds; members and instances that are there speak for themselves."""
    tree = assignment.tree
    if name in assignment.done:
        return
    match tree.variant(name):
        case Variant.PRIMITIVE:
            yield tree.situation.resources[name].needs
        case Variant.GROUP:
            group = tree.situation.groups[name]
            is_together = group.is_colocated or name in tree.parents
            for member in group.members if is_together else group.members[:1]:
                if member not in found and member not in assignment.done:
                    yield tree.situation.resources[member].needs
        case Variant.CLONE:
            instances = tree.children(name)
            is_there = False
            for instance in instances:
                if instance in found:
                    is_there = True
                elif any(member in found for member in tree.children(instance)):
                    is_there = True
                    yield from _needs_of(assignment, instance, found)
            if not is_there and instances:
                yield from _needs_of(assignment, instances[0], found)
