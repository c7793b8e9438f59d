"""Takes clones apart: into instances with numbers, of which each that runs is matched with the node where it does.

The rules:

* A clone has as many instances as it may have, and as many more as run too many: those are then stopped.
* Instances of a clone that are not unique are known to nodes by one name. They are numbered by the order of the nodes
  where they run; what runs nowhere gets the numbers that are left.
* An instance of a cloned group is a group of instances; what of the group runs on one node belongs to one instance.
* Of instances that are not unique a node should have one. If it has more, the others have names of their own, and
  numbers after all the rest; they are stopped.
* Unique instances have names of their own (`ID:0`), and nodes know them by these.
* What is in a bundle has an instance for each of its nodes, by number: it never changes places.
* The containers of a bundle are instances of it as those of a clone are, and are declared one by one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.model.collective import MAX_INSTANCES, Bundle, Clone, Group
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Observed
from reconciler.model.resource import Resource, Role
from reconciler.plan.situation import CloneSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """All declared resources, with clones taken apart."""

    resources: Mapping[ResourceId, Resource]
    """In rank order."""
    groups: Mapping[ResourceId, Group]
    clones: Mapping[ResourceId, CloneSet]
    numbers: Mapping[tuple[ResourceId, NodeName], ResourceId]
    """The instance that a node's copy of a resource is, for instances that are not unique."""


def take_apart(intent: Intent, *worlds: Observed) -> Ensemble:
    """Return what is declared, with clones as instances; what runs in any of the given worlds has a number."""
    if not intent.collectives:
        return Ensemble(resources=intent.resources, groups={}, clones={}, numbers={})
    groups = {c.id: c for c in intent.collectives.values() if isinstance(c, Group)}
    clones = {c.id: c for c in intent.collectives.values() if isinstance(c, Clone)}
    cloned = {c.member: c for c in clones.values()}
    places, order = _places(worlds), _node_order(worlds)
    instances: dict[ResourceId, list[Resource]] = {}
    sets: dict[ResourceId, CloneSet] = {}
    numbers: dict[tuple[ResourceId, NodeName], ResourceId] = {}
    parts: dict[ResourceId, Group] = {i: g for i, g in groups.items() if i not in cloned}
    for clone in clones.values():
        group = groups.get(clone.member)
        members = group.members if group is not None else (clone.member,)
        reserved = intent.resources[members[0]].only_on
        running = () if clone.is_unique else _running(members, places, order, reserved)
        count = max(_count(intent, clone), len(running), _highest(clone, members, places))
        surplus = () if clone.is_unique else _surplus(members, worlds, order)
        for member in members:
            instances[member] = [
                _instance(intent.resources[member], number, clone) for number in range(count)
            ]
            numbers |= {(member, node): numbered(member, i) for i, node in enumerate(running)}
            for number, (node, copies) in enumerate(surplus, start=count):
                instances[member].append(
                    _too_many(intent.resources[member], number, clone, copies.get(member))
                )
                if member in copies:
                    numbers[copies[member], node] = numbered(member, number)
        if group is not None:
            for number in range(count + len(surplus)):
                part = numbered(group.id, number)
                parts[part] = replace(group, id=part, members=tuple(numbered(m, number) for m in members))
        every = tuple(numbered(clone.member, number) for number in range(count + len(surplus)))
        sets[clone.id] = CloneSet(clone=clone, instances=every, surplus=len(surplus))
    for bundle in (c for c in intent.collectives.values() if isinstance(c, Bundle)):
        sets[bundle.id] = _containers(bundle)
    resources = {
        r.id: r for declared in intent.resources.values() for r in instances.get(declared.id, [declared])
    }
    return Ensemble(resources=resources, groups=parts, clones=sets, numbers=numbers)


def numbered(name: ResourceId, number: int) -> ResourceId:
    """Return the name of one instance of what is cloned."""
    return ResourceId(f"{name}:{number}")


def _instance(declared: Resource, number: int, clone: Clone) -> Resource:
    return replace(
        declared,
        id=numbered(declared.id, number),
        instance_of=declared.id,
        is_unique=clone.is_unique,
        is_promotable=clone.promotion is not None,
        only_on=declared.only_on[number : number + 1],
    )


def _containers(bundle: Bundle) -> CloneSet:
    containers = tuple(replica.container for replica in bundle.replicas)
    clone = Clone(
        id=bundle.id,
        member=containers[0],
        where=bundle.where,
        max=len(containers),
        node_max=bundle.node_max,
        is_interleaved=bundle.is_interleaved,
        is_unique=True,
        priority=bundle.priority,
    )
    return CloneSet(clone=clone, instances=containers, bundle=bundle)


def _too_many(declared: Resource, number: int, clone: Clone, named: ResourceId | None) -> Resource:
    return replace(_instance(declared, number, clone), state=Role.STOPPED, named=named)


def _surplus(
    members: tuple[ResourceId, ...], worlds: Iterable[Observed], order: Mapping[NodeName, int]
) -> tuple[tuple[NodeName, dict[ResourceId, ResourceId]], ...]:
    """Return the copies too many: for each instance that they make up its node, and the name of each member's copy."""
    found: dict[NodeName, dict[ResourceId, dict[ResourceId, None]]] = {}
    for world in worlds:
        for (name, node), instance in world.instances.items():
            member, _, number = name.rpartition(":")
            if number.isdigit() and member in members and instance.role is not Role.STOPPED:
                found.setdefault(node, {}).setdefault(ResourceId(member), {})[name] = None
    slots: list[tuple[NodeName, dict[ResourceId, ResourceId]]] = []
    for node in _listed(found, order):
        copies = {member: list(names) for member, names in found[node].items()}
        slots += [
            (node, {member: names[i] for member, names in copies.items() if i < len(names)})
            for i in range(max(len(names) for names in copies.values()))
        ]
    return tuple(slots)


def _count(intent: Intent, clone: Clone) -> int:
    """Return how many instances a clone may have."""
    if clone.max is not None:
        return clone.max
    agents = sum(host.agent is not None for host in intent.hosts.values())
    return max(1, agents + len(intent.guest_nodes()))


def _node_order(worlds: Iterable[Observed]) -> dict[NodeName, int]:
    """Return the nodes by the order in which they are listed."""
    order: dict[NodeName, int] = {}
    for world in worlds:
        for node in world.nodes:
            order.setdefault(node, len(order))
    return order


def _listed(nodes: Iterable[NodeName], order: Mapping[NodeName, int]) -> list[NodeName]:
    return sorted(nodes, key=lambda n: (order.get(n, len(order)), n))


def _places(worlds: Iterable[Observed]) -> dict[ResourceId, set[NodeName]]:
    """Return the nodes where each resource runs, or may run."""
    active: dict[ResourceId, set[NodeName]] = {}
    for world in worlds:
        for (resource, node), instance in world.instances.items():
            if instance.role is not Role.STOPPED:
                active.setdefault(resource, set()).add(node)
    return active


def _running(
    members: tuple[ResourceId, ...],
    places: Mapping[ResourceId, set[NodeName]],
    order: Mapping[NodeName, int],
    reserved: tuple[NodeName, ...],
) -> tuple[NodeName, ...]:
    """Return the nodes where any member runs, in the order in which nodes are listed; first those reserved for it.

    Which member runs there does not count: an instance keeps its number when another one of its members stops.
    """
    found = {node for member in members for node in places.get(member, ()) if node not in reserved}
    return (*reserved, *_listed(found, order))


def _highest(
    clone: Clone, members: tuple[ResourceId, ...], places: Mapping[ResourceId, set[NodeName]]
) -> int:
    """Return one more than the highest number of a unique instance that runs.

    A number that no clone can have is not one of its instances', whatever a node says: it is not declared.
    """
    if not clone.is_unique:
        return 0
    highest = 0
    for resource in places:
        name, _, number = resource.rpartition(":")
        if name in members and number.isdigit() and len(number) <= len(str(MAX_INSTANCES)):
            highest = max(highest, int(number) + 1)
    return highest
