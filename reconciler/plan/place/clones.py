"""Assigns the instances of clones.

The rules (Pacemaker lib/pacemaker/pcmk_sched_instances.c):

* What is bound to a clone makes its nodes better, never worse than indifferent.
* A clone has at most so many instances in all, and at most so many on one node. What has a number beyond the maximum
  runs too many, and gets no node. The instances of most importance come first; `importance` says which.
* Instances that run stay if no node is better. If another is better, an instance is thought of as going there, and the
  question is asked again: so each node gets its share, and what already runs there is the one that stays.
* The others then get the best nodes that are left, until the clone has as many instances as it may have.
* What is to be with a clone is not with an instance that is blocked.
* Instances that are not unique are as good as each other: one that runs where another was sent stays in its stead.
* Ours alone: what cannot be moved now keeps its place first of all. That an instance gets no node since others have
  them all is no obstacle.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.model.collective import Clone
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.score import INFINITY
from reconciler.plan.place.colocation import heed_dependent
from reconciler.plan.place.groups import assign_part, release_part
from reconciler.plan.place.importance import by_importance, can_serve, is_failed
from reconciler.plan.place.primitives import is_blocked, pinned_to
from reconciler.plan.place.promotion import assign_roles, heed_promotion_scores
from reconciler.plan.place.replicas import assign_belongings
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
    """Assign all instances of a clone, which has no node itself; or the containers of a bundle, and all else of it."""
    found = assignment.situation.clones[name]
    assignment.begun.add(name)
    if found.clone.promotion is not None:
        heed_promotion_scores(assignment, found)
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
    instances = assignment.ranked[name] = by_importance(assignment, found)
    _assign_all(sharing, instances)
    if not found.clone.is_unique:
        _keep_places(assignment, found.instances[:most])
    spread = assignment.spread.setdefault(name, {})
    for instance in instances:
        node = assignment.node_of(instance)
        if node is not None and not _is_blocked(assignment, instance):
            spread.setdefault(node, instance)
    if found.clone.promotion is not None:
        assign_roles(assignment, found)
    assignment.done.add(name)
    if found.bundle is not None:
        yield from assign_belongings(assignment, found.bundle)
    return None


def _assign_all(sharing: _Sharing, instances: list[ResourceId]) -> None:
    """Assign what cannot be moved, then what may stay, then the rest."""
    assignment = sharing.assignment
    for instance in instances:
        if _is_pinned(assignment, instance):
            _assign_finally(sharing, instance)
    _assign_early(sharing, instances)
    for instance in instances:
        if instance not in assignment.done:
            _assign_finally(sharing, instance)


def _keep_places(assignment: Assignment, instances: Sequence[ResourceId]) -> None:
    """Swap the nodes of instances until none leaves a node for another one to come there.

    Without that a clone would never come to rest: the next plan would move them again. What failed is stopped anyway.
    Invariant: each swap leaves one more instance where it runs, and takes none away from there.
    """
    chosen = {node: i for i in instances if (node := _sent_to(assignment, i)) is not None}
    for instance in instances:
        current, node = assignment.current_node(instance), _sent_to(assignment, instance)
        if current is None or current not in chosen or is_failed(assignment, instance):
            continue
        other = chosen[current]
        if current in {node, assignment.current_node(other)}:
            continue
        for mine, others in zip(*(assignment.situation.leaves(i) for i in (instance, other)), strict=True):
            if not _is_pinned(assignment, mine) and not _is_pinned(assignment, others):
                assignment.swap(mine, others)
        if (instance in assignment.left_over) is not (other in assignment.left_over):
            assignment.left_over ^= {instance, other}
        chosen[current] = instance
        if node is not None:
            chosen[node] = other


def _sent_to(assignment: Assignment, instance: ResourceId) -> NodeName | None:
    """Return the node of an instance, by what of it can be moved."""
    leaves = (leaf for leaf in assignment.situation.leaves(instance) if not _is_pinned(assignment, leaf))
    return next((node for leaf in leaves if (node := assignment.nodes.get(leaf)) is not None), None)


def _is_pinned(assignment: Assignment, instance: ResourceId) -> bool:
    return _home(assignment, instance) is not None


def _home(assignment: Assignment, instance: ResourceId) -> NodeName | None:
    """Return the node that something of an instance cannot be moved from, so that nothing of it may be elsewhere."""
    situation = assignment.situation
    leaves = [situation.resources[leaf] for leaf in situation.leaves(instance)]
    pinned = (pinned_to(situation, resource) for resource in leaves if resource.is_managed)
    return next((node for node in pinned if node is not None), None)


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
    available = sum(can_serve(assignment, sharing.clone.id, node) for node in scores)
    fair_share = max(1, sharing.max_total // available) if available else 1
    for instance in instances:
        if sharing.assigned >= sharing.max_total:
            return
        current = assignment.current_node(instance)
        if current is None or instance in assignment.done or is_failed(assignment, instance):
            continue
        if can_serve(assignment, sharing.clone.id, current) and not (
            current in scores and sharing.counts[current] >= fair_share
        ):
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
    is_left_over = sharing.assigned >= sharing.max_total
    if is_left_over:
        for name in [instance, *assignment.tree.children(instance)]:
            assignment.rescore(name, dict.fromkeys(assignment.scores[name], -INFINITY), Cause.CLONE_MAX)
    node = _assign(sharing, instance, None)
    if node is not None:
        sharing.assigned += 1
        return
    if is_left_over or instance in sharing.removed:
        assignment.left_over.add(instance)
    if is_possible:
        for leaf in assignment.situation.leaves(instance):
            assignment.obstacles.pop(leaf, None)


def _assign(sharing: _Sharing, instance: ResourceId, prefer: NodeName | None) -> NodeName | None:
    """Assign an instance to a node that is not full; with a preference, such that it can be undone."""
    assignment = sharing.assignment
    if instance in sharing.removed:
        closed = list(assignment.scores[instance])
    else:
        full = (node for node, count in sharing.counts.items() if count >= sharing.clone.node_max)
        home = _home(assignment, instance)
        away = (node for node in assignment.scores[instance] if home is not None and node != home)
        closed = [*sharing.banned, *full, *away]
    if closed:
        for name in [instance, *assignment.tree.children(instance)]:
            scores = assignment.scores[name]
            after = scores | {node: -INFINITY for node in closed if node in scores}
            assignment.rescore(name, after, Cause.CLONE_NODE)
    node = result_of(assign_part(assignment, instance, prefer, is_tentative=prefer is not None))
    if node is not None:
        sharing.counts[node] += 1
    return node
