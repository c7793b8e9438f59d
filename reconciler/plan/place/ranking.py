"""Which of several nodes is better.

The rules (Pacemaker lib/pacemaker/pcmk_sched_nodes.c, compare_nodes), first match wins:

1. The higher score; a node that cannot take the resource is worst, whatever its score.
2. With the `balanced` strategy, the node with more capacity left.
3. But for the `minimal` strategy, the node with fewer resources assigned, then the one where the resource runs.
4. The name: the same inputs give the same places.
"""

from functools import cmp_to_key

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.policy import PlacementStrategy
from reconciler.model.resource import Resource
from reconciler.model.score import INFINITY
from reconciler.plan.place.scores import Scores
from reconciler.plan.place.state import Assignment


def best_of(
    assignment: Assignment, resource: Resource, scores: Scores, current: NodeName | None
) -> NodeName | None:
    """Return the best node that can take a resource and is not banned; None when there is none."""
    obstacle = assignment.availability.obstacle
    best: list[NodeName] = []
    highest = 0
    for node, score in scores.items():
        if score < highest or obstacle(resource, node) is not None:
            continue
        if score > highest:
            best, highest = [node], score
        else:
            best.append(node)
    if len(best) <= 1:
        return best[0] if best else None
    strategy = assignment.strategy
    if strategy is PlacementStrategy.MINIMAL:
        return min(best)
    if strategy is PlacementStrategy.BALANCED:
        return best_first(assignment, resource.id, dict.fromkeys(best, highest), current)[0]
    assignment.counts_load = True
    load = assignment.load
    return min([(load[node], node != current, node) for node in best])[2]


def best_first(
    assignment: Assignment, name: ResourceId, scores: Scores, current: NodeName | None
) -> list[NodeName]:
    """Return the nodes of a table of scores, the best first."""
    resource = assignment.tree.sample(name)
    is_available = assignment.availability.is_available
    strategy = assignment.strategy
    assignment.counts_load = True
    load, capacity = assignment.load, assignment.capacity
    effective = {n: s if is_available(resource, n) else -INFINITY for n, s in scores.items()}

    def least(node: NodeName) -> tuple[int, int, bool, NodeName]:
        if strategy is PlacementStrategy.MINIMAL:
            return (-effective[node], 0, False, node)
        return (-effective[node], load[node], node != current, node)

    if strategy is not PlacementStrategy.BALANCED:
        return sorted(effective, key=least)

    def compare(left: NodeName, right: NodeName) -> int:
        if effective[left] != effective[right]:
            return effective[right] - effective[left]
        by_capacity = capacity.compare(left, right)
        if by_capacity:
            return by_capacity
        return -1 if least(left) < least(right) else 1

    return sorted(sorted(effective), key=cmp_to_key(compare))
