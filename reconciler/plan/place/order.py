"""In which order resources are assigned.

The rules (Pacemaker lib/pacemaker/pcmk_scheduler.c, assign_resources; pcmk_sched_resource.c, cmp_resources):

* What becomes a node comes first, so that there are nodes to place on; then by priority, then by rank.
* Where capacity counts, of those with the same priority the one comes first that scores higher where it runs, then the
  one that scores higher on the best node, or the next; primaries' scores count too.
* The primaries that something is colocated with come before it, and what a primary is a part of with it. A circle is
  cut where it closes.
"""

from collections.abc import Iterator

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.policy import PlacementStrategy
from reconciler.model.score import INFINITY
from reconciler.plan.place.colocation import wishes_behind
from reconciler.plan.place.state import Assignment


def assignment_order(assignment: Assignment) -> list[ResourceId]:
    """Return all that nothing contains, in the order of assignment."""
    tree = assignment.tree
    tops = _by_scores(assignment) if _counts_capacity(assignment) else list(tree.tops)
    tops.sort(key=lambda name: -tree.sample(name).priority)
    first = [name for name in tops if _makes_node(assignment, name)]
    is_first = set(first)
    ordered: dict[ResourceId, None] = {}
    begun: set[ResourceId] = set()
    for top in [*first, *(name for name in tops if name not in is_first)]:
        _add(assignment, top, ordered, begun)
    return list(ordered)


def _add(
    assignment: Assignment, top: ResourceId, ordered: dict[ResourceId, None], begun: set[ResourceId]
) -> None:
    """Add a resource after its primaries, theirs before them."""
    if top in begun:
        return
    begun.add(top)
    path: list[tuple[ResourceId, Iterator[ResourceId]]] = [(top, _primaries(assignment, top))]
    while path:
        name, primaries = path[-1]
        primary = next((p for p in primaries if p not in begun), None)
        if primary is None:
            ordered[name] = None
            path.pop()
        else:
            begun.add(primary)
            path.append((primary, _primaries(assignment, primary)))


def _primaries(assignment: Assignment, top: ResourceId) -> Iterator[ResourceId]:
    """Return the outermost resources that the primaries of a resource, or of anything in it, are parts of."""
    tree, bonds = assignment.tree, assignment.bonds
    names = [top, *tree.children(top)] if top in tree.situation.groups else [top]
    colocations = [c for name in names for c in bonds.this_with(name)]
    for is_mandatory in (True, False):
        for colocation in colocations:
            if (abs(colocation.score) >= INFINITY) is is_mandatory:
                yield tree.top(colocation.primary)


def _makes_node(assignment: Assignment, name: ResourceId) -> bool:
    situation = assignment.situation
    return any(situation.resources[leaf].remote_node is not None for leaf in situation.leaves(name))


def _counts_capacity(assignment: Assignment) -> bool:
    return assignment.situation.intent.cluster.policy.placement is not PlacementStrategy.DEFAULT


def _by_scores(assignment: Assignment) -> list[ResourceId]:
    nodes = _best_nodes(assignment)

    def rank(name: ResourceId) -> tuple[int, ...]:
        scores = wishes_behind(assignment, name)
        current = assignment.current_node(name)
        here = -INFINITY if current is None else scores.get(current, -INFINITY)
        return (-here, *(-scores.get(node, -INFINITY) for node in nodes))

    return sorted(assignment.tree.tops, key=rank)


def _best_nodes(assignment: Assignment) -> list[NodeName]:
    """Return all nodes, the best first by what they are alone."""
    situation = assignment.situation
    nodes = sorted([*situation.intent.hosts, *situation.intent.guest_nodes()])
    online = [node for node in nodes if situation.is_online(node)]
    offline = [node for node in nodes if not situation.is_online(node)]
    return [*online, *offline]
