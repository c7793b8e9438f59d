"""Assigns the instances of clones.

The rules (Pacemaker lib/pacemaker/pcmk_sched_instances.c):

* What is bound to a clone makes its nodes better, never worse than indifferent.
* A clone has at most so many instances in all, and at most so many on one node. What has a number beyond the maximum
  runs too many, and gets no node. The instances of most importance come first; `_Importance` says which.
* Instances that run stay if no node is better. If another is better, an instance is thought of as going there, and the
  question is asked again: so each node gets its share, and what already runs there is the one that stays.
* The others then get the best nodes that are left.
* What is to be with a clone is not with an instance that is blocked.
* Ours alone: what cannot be moved now keeps its place first of all. That an instance gets no node since others have
  them all is no obstacle.
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import cmp_to_key

from reconciler.model.collective import Clone
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.score import INFINITY
from reconciler.plan.place.colocation import heed_dependent, wishes_around
from reconciler.plan.place.groups import assign_part, release_part
from reconciler.plan.place.primitives import is_blocked, pinned_to
from reconciler.plan.place.state import Assignment, Course, result_of
from reconciler.plan.place.trace import Cause


@dataclass(slots=True, kw_only=True)
class _Sharing:
    """The instances of one clone while they share the nodes."""

    assignment: Assignment
    clone: Clone
    max_total: int
    banned: tuple[NodeName, ...]
    """Nodes where the clone as a whole may not be."""
    removed: frozenset[ResourceId]
    """Instances that run beyond the maximum."""
    counts: Counter[NodeName] = field(default_factory=Counter)
    """Instances on each node so far."""
    assigned: int = 0


def assign_clone(assignment: Assignment, name: ResourceId) -> Course:
    """Assign all instances of a clone, which has no node itself."""
    found = assignment.situation.clones[name]
    assignment.begun.add(name)
    for colocation in assignment.bonds.this_with(name):
        yield colocation.primary
    for colocation in assignment.bonds.with_this(name):
        heed_dependent(assignment, colocation, name)
    most = len(found.instances) - found.surplus
    max_total = most if found.clone.max is None else found.clone.max
    sharing = _Sharing(
        assignment=assignment,
        clone=found.clone,
        max_total=max_total,
        banned=tuple(node for node, score in assignment.scores[name].items() if score < 0),
        removed=frozenset(found.instances[max_total:]),
    )
    instances = _by_importance(sharing, found.instances)
    for instance in instances:
        if _is_pinned(assignment, instance):
            _assign_finally(sharing, instance)
    _assign_early(sharing, instances)
    for instance in instances:
        if instance not in assignment.done:
            _assign_finally(sharing, instance)
    spread = assignment.spread.setdefault(name, {})
    for instance in instances:
        node = assignment.node_of(instance)
        if node is not None and not _is_blocked(assignment, instance):
            spread.setdefault(node, instance)
    assignment.done.add(name)
    return None


def _is_pinned(assignment: Assignment, instance: ResourceId) -> bool:
    situation = assignment.situation
    leaves = [situation.resources[leaf] for leaf in situation.leaves(instance)]
    return any(resource.is_managed and pinned_to(situation, resource) is not None for resource in leaves)


def _is_blocked(assignment: Assignment, instance: ResourceId) -> bool:
    situation = assignment.situation
    return any(
        is_blocked(situation.resources[leaf], found)
        for leaf in situation.leaves(instance)
        for found in situation.active(leaf)
    )


def _assign_early(sharing: _Sharing, instances: list[ResourceId]) -> None:
    """Let instances stay where they run, up to a fair share for each node."""
    assignment = sharing.assignment
    scores = assignment.scores[sharing.clone.id]
    available = sum(_can_serve(sharing, node) for node in scores)
    fair_share = max(1, sharing.max_total // available) if available else 1
    for instance in instances:
        if sharing.assigned >= sharing.max_total:
            return
        current = assignment.current_node(instance)
        if current is None or instance in assignment.done or _is_failed(assignment, instance):
            continue
        if _can_serve(sharing, current) and not (current in scores and sharing.counts[current] >= fair_share):
            _stay(sharing, instance, current)


def _stay(sharing: _Sharing, instance: ResourceId, current: NodeName) -> None:
    """Assign an instance to the node where it runs, unless so many other nodes are better that none is left for it."""
    assignment = sharing.assignment
    if assignment.scores[instance].get(current, -INFINITY) < 0:
        return
    names = [instance, *assignment.tree.children(instance)]
    before = {name: assignment.scores[name] for name in names}
    counts = sharing.counts.copy()
    for _ in range(sharing.max_total - sharing.assigned):
        chosen = _assign(sharing, instance, current)
        if chosen == current:
            sharing.counts = counts
            sharing.counts[current] += 1
            sharing.assigned += 1
            return
        assignment.restore(before)
        release_part(assignment, instance)
        if chosen is None:
            break
    sharing.counts = counts


def _assign_finally(sharing: _Sharing, instance: ResourceId) -> None:
    """Assign an instance to the best node that is left, if the clone may have one more."""
    assignment = sharing.assignment
    is_possible = assignment.is_any(instance, assignment.scores[instance])
    if sharing.assigned >= sharing.max_total:
        for name in [instance, *assignment.tree.children(instance)]:
            assignment.rescore(name, dict.fromkeys(assignment.scores[name], -INFINITY), Cause.CLONE_MAX)
    node = _assign(sharing, instance, None)
    if node is not None:
        sharing.assigned += 1
    elif is_possible:
        for leaf in assignment.situation.leaves(instance):
            assignment.obstacles.pop(leaf, None)


def _assign(sharing: _Sharing, instance: ResourceId, prefer: NodeName | None) -> NodeName | None:
    """Assign an instance to a node that is not full; with a preference, such that it can be undone."""
    assignment = sharing.assignment
    if instance in sharing.removed:
        closed = list(assignment.scores[instance])
    else:
        full = (node for node, count in sharing.counts.items() if count >= sharing.clone.node_max)
        closed = [*sharing.banned, *full]
    if closed:
        for name in [instance, *assignment.tree.children(instance)]:
            scores = assignment.scores[name]
            after = scores | {node: -INFINITY for node in closed if node in scores}
            assignment.rescore(name, after, Cause.CLONE_NODE)
    node = result_of(assign_part(assignment, instance, prefer, is_tentative=prefer is not None))
    if node is not None:
        sharing.counts[node] += 1
    return node


def _can_serve(sharing: _Sharing, node: NodeName) -> bool:
    assignment = sharing.assignment
    return assignment.availability.is_available(assignment.tree.sample(sharing.clone.id), node)


def _is_failed(assignment: Assignment, instance: ResourceId) -> bool:
    return any(i.failure is not None for i in assignment.active(instance))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Importance:
    """What decides which instance of a clone is assigned first (pcmk__cmp_instance); compared in this order."""

    places: int
    """If both run: fewer places first."""
    is_astray: bool
    """It runs where it may not, and comes last."""
    priority: int
    current: NodeName | None
    """What runs comes first."""
    is_serving: bool
    """Its node can run resources."""
    is_known: bool
    """Its clone may be on that node."""
    is_failed: bool
    wishes: int
    """How well its node suits all that it is colocated with."""
    number: int


def _by_importance(sharing: _Sharing, instances: tuple[ResourceId, ...]) -> list[ResourceId]:
    found = [_importance(sharing, name, number) for number, name in enumerate(instances)]
    return [instances[one.number] for one in sorted(found, key=cmp_to_key(_compare))]


def _importance(sharing: _Sharing, instance: ResourceId, number: int) -> _Importance:
    assignment = sharing.assignment
    scores = assignment.scores[instance]
    active = assignment.current_node(instance)
    current = active if active is not None and scores.get(active, -INFINITY) >= 0 else None
    return _Importance(
        places=len({i.node for i in assignment.active(instance)}),
        is_astray=active is not None and current is None,
        priority=assignment.tree.sample(instance).priority,
        current=current,
        is_serving=current is not None and _can_serve(sharing, current),
        is_known=current in assignment.scores[sharing.clone.id],
        is_failed=_is_failed(assignment, instance),
        wishes=0 if current is None else wishes_around(assignment, instance, current),
        number=number,
    )


def _compare(left: _Importance, right: _Importance) -> int:
    """Return below 0 if the left one is assigned first; 0 leaves the order as it is."""
    if left.places and right.places and left.places != right.places:
        return left.places - right.places
    mine, others = (left.is_astray, -left.priority), (right.is_astray, -right.priority)
    if mine == others:
        mine, others = (left.current is None, 0), (right.current is None, 0)
        if left.current is None and right.current is None:
            return 0
    if mine == others:
        mine, others = (not left.is_serving, 0), (not right.is_serving, 0)
    if mine == others:
        if not left.is_known and not right.is_known:
            return 0
        mine, others = (not left.is_known, 0), (not right.is_known, 0)
    if mine == others:
        mine, others = (left.is_failed, -left.wishes), (right.is_failed, -right.wishes)
    if mine == others:
        return left.number - right.number
    return -1 if mine < others else 1
