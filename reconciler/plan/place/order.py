"""In which order resources are assigned.

The rules (Pacemaker lib/pacemaker/pcmk_scheduler.c, assign_resources; pcmk_sched_resource.c, cmp_resources):

* What becomes a node comes first, so that there are nodes to place on; then by priority, then by rank.
* Where capacity counts, of those with the same priority the one comes first that scores higher where it runs, then the
  one that scores higher on the best node, or the next. Primaries' scores count too, and against nodes that cannot take
  resources as things are.
* What is assigned asks for its primaries, which then come before; `placement` sees to that.
"""

from functools import cmp_to_key

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.policy import PlacementStrategy
from reconciler.model.score import INFINITY
from reconciler.plan.place.colocation import wishes_behind
from reconciler.plan.place.state import Assignment

_SPAN = 2 * INFINITY + 1
"""How many scores there are: a node's turn and a score there make one number."""


def assignment_order(assignment: Assignment) -> list[ResourceId]:
    """Return all that nothing contains, in the order of assignment."""
    tree, situation = assignment.tree, assignment.situation
    counts_capacity = assignment.strategy is not PlacementStrategy.DEFAULT
    tops = _by_scores(assignment) if counts_capacity else tree.tops

    def rank(name: ResourceId) -> tuple[bool, int]:
        primitive = situation.resources.get(name)
        if primitive is not None:
            return primitive.remote_node is None, -primitive.priority
        leaves = [situation.resources[leaf] for leaf in situation.leaves(name)]
        return all(leaf.remote_node is None for leaf in leaves), -tree.priority(name)

    return sorted(tops, key=rank)


def _by_scores(assignment: Assignment) -> list[ResourceId]:
    nodes = _best_nodes(assignment)
    turns = {node: turn * _SPAN + INFINITY for turn, node in enumerate(nodes)}
    last = len(nodes) * _SPAN

    def rank(name: ResourceId) -> tuple[int, ...]:
        scores = wishes_behind(assignment, name)
        current = assignment.current_node(name)
        here = -INFINITY if current is None else scores.get(current, -INFINITY)
        # Node by node, the best first. Most resources score on few of many nodes: the others, as bad as banned, are not
        # listed, so that whoever scores on a node that another one does not list comes first.
        listed = [turns[n] - score for n, score in scores.items() if score > -INFINITY and n in turns]
        listed.sort()
        # Flat, for tuples of numbers are compared thrice as quickly as lists in tuples.
        return -here, *listed, last

    return sorted(assignment.tree.tops, key=rank)


def _best_nodes(assignment: Assignment) -> list[NodeName]:
    """Return all nodes, the best first by what they are alone."""
    situation, capacity = assignment.situation, assignment.capacity

    def compare(left: NodeName, right: NodeName) -> int:
        is_apart = assignment.is_serving(right) - assignment.is_serving(left)
        return is_apart or (capacity.compare(left, right) if is_balanced else 0)

    is_balanced = assignment.strategy is PlacementStrategy.BALANCED
    return sorted(sorted([*situation.intent.hosts, *situation.intent.guest_nodes()]), key=cmp_to_key(compare))
