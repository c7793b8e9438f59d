"""What orders and colocations must fulfil together: none waits for itself, and none asks for what cannot be."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from reconciler.load.problems import Problems
from reconciler.model.collective import Clone, Collective, Group, parts_of
from reconciler.model.constraint import Colocation, Ordering, OrderKind
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.score import INFINITY

_MAX_CYCLES = 20


def containers(collectives: Mapping[ResourceId, Collective]) -> dict[ResourceId, tuple[ResourceId, ...]]:
    """Return the group and the clone that each resource or group belongs to."""
    clones = {c.member: c.id for c in collectives.values() if isinstance(c, Clone)}
    found: dict[ResourceId, tuple[ResourceId, ...]] = {member: (clone,) for member, clone in clones.items()}
    for group in collectives.values():
        if isinstance(group, Group):
            around = (group.id, clones[group.id]) if group.id in clones else (group.id,)
            found |= dict.fromkeys(group.members, around)
    return found


def check_cycles(
    orderings: Sequence[Ordering],
    inside: Mapping[ResourceId, ResourceId],
    collectives: Mapping[ResourceId, Collective],
    problems: Problems,
) -> None:
    """Report cycles of what must start before what, one by one, each broken where it is reported.

    Args:
        orderings: those that can be meant.
        inside: the guest of each resource that can run in one guest only.
        collectives: whose order is that of their members.
        problems: takes the findings.
    """
    edges: dict[tuple[ResourceId, ResourceId], Where | None] = {}
    for resource, guest in inside.items():
        edges[guest, resource] = None
    for group in collectives.values():
        if isinstance(group, Group) and group.is_ordered:
            edges |= dict.fromkeys(pairwise(group.members), None)
    for ordering in orderings:
        is_start = {ordering.first_action, ordering.then_action} <= {"start", "promote"}
        if is_start and ordering.kind is not OrderKind.SERIALIZE and not ordering.alternatives:
            for first in _parts(collectives, ordering.first):
                for then in _parts(collectives, ordering.then):
                    edges.setdefault((first, then), ordering.where)
    for _ in range(_MAX_CYCLES):
        cycle = _find_cycle(edges)
        if cycle is None:
            return
        steps = list(pairwise(cycle))
        written = sorted((where, step) for step in steps if (where := edges[step]) is not None)
        if not written:
            return
        where, _ = written[-1]
        text = f"{' → '.join(cycle)} is a cycle: none of them could ever start"
        problems.add(where, "order-cycle", text, "remove one of these orderings")
        # One ordering of a group stands for several steps, which are all broken by its removal.
        edges = {pair: at for pair, at in edges.items() if at != where}


def _find_cycle(edges: Mapping[tuple[ResourceId, ResourceId], object]) -> list[ResourceId] | None:
    sorter: TopologicalSorter[ResourceId] = TopologicalSorter()
    for first, then in edges:
        sorter.add(then, first)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle: list[ResourceId] = error.args[1]
        # Python documents each node as a predecessor of the next one: first before then.
        start = cycle.index(min(cycle[:-1]))
        return [*cycle[start:-1], *cycle[: start + 1]]
    return None


def check_colocations(
    intent: Intent,
    colocations: Sequence[Colocation],
    allowed: Mapping[ResourceId, frozenset[NodeName]],
    problems: Problems,
) -> None:
    """Report what must and must not be together, and what must be together and has no node in common.

    Args:
        intent: for its groups.
        colocations: those that can be meant.
        allowed: the nodes of each resource, group and clone.
        problems: takes the findings.
    """
    wanted: dict[tuple[ResourceId, ResourceId], Colocation] = {}
    for colocation in colocations:
        if abs(colocation.score) < INFINITY or colocation.dependent_role or colocation.primary_role:
            continue
        one, other = sorted((colocation.dependent, colocation.primary))
        before = wanted.setdefault((one, other), colocation)
        if before.score != colocation.score and before.node_attribute == colocation.node_attribute:
            text = f"{one} and {other} must be together and must be apart"
            hint = f"remove this, or what {before.where} asks for"
            problems.add(colocation.where, "contradiction", text, hint)
    for colocation in wanted.values():
        if colocation.score < 0 or colocation.node_attribute is not None:
            continue
        ones, others = (allowed.get(name, frozenset()) for name in (colocation.dependent, colocation.primary))
        # What has no node at all is reported for itself.
        if ones and others and not ones & others:
            text = f"no node may run both {colocation.dependent} and {colocation.primary}"
            hint = "let their placement.on, or rules, have a node in common"
            problems.add(colocation.where, "never-together", text, hint)
    for group in intent.collectives.values():
        if isinstance(group, Group) and group.is_colocated and group.members:
            nodes = [allowed.get(member, frozenset()) for member in group.members]
            if all(nodes) and not frozenset.intersection(*nodes):
                text = f"no node may run all members of {group.id}"
                hint = "let their placement.on, or rules, have a node in common"
                problems.add(group.where, "never-together", text, hint)


def _parts(collectives: Mapping[ResourceId, Collective], name: ResourceId) -> tuple[ResourceId, ...]:
    """Return the resources that a name means."""
    found = collectives.get(name)
    if found is None:
        return (name,)
    return tuple(one for part in parts_of(found) for one in _parts(collectives, part))
