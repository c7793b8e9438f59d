"""Chooses which instances of a promotable clone are promoted, once they have their nodes.

The rules (Pacemaker lib/pacemaker/pcmk_sched_promotable.c):

* A node that suits promotion by the resource's own word scores so much more for the instances; the instance with the
  best such score comes first. An instance's word counts where it runs, where nothing of the clone runs and that is
  known, or everywhere as long as nothing at all is known of it.
* Of a group, the words of all members add up.
* What is in a bundle is where its container is, and heeds the bundle's colocations for the promoted role.
* What was given a node is promoted there by its score: its own word, or just below 0 if it has none; locations and
  colocations for the promoted role on top. Below 0 nothing is promoted.
* Where the wishes of what is to be with the promoted one, and the scores of the nodes, are added, the highest come
  first; of equals, that which is promoted already.
* What is not managed, or is blocked, stays in its role; if that is promoted, it counts, and comes first.
* So many are promoted as the clone allows in all and on one node; without quorum, in a frozen cluster, none anew.
"""

from collections import Counter
from functools import cmp_to_key

from reconciler.model.constraint import Colocation
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY, add_scores
from reconciler.plan.place.colocation import heed_dependent, is_interleaved, place_of
from reconciler.plan.place.importance import can_serve, compare, importance
from reconciler.plan.place.primitives import is_blocked
from reconciler.plan.place.state import Assignment
from reconciler.plan.place.trace import Cause
from reconciler.plan.place.tree import Variant
from reconciler.plan.situation import CloneSet, Situation

_ORDER_OF_ROLES = (Role.STOPPED, Role.UNKNOWN, Role.STARTED, Role.UNPROMOTED, Role.PROMOTED)


def heed_promotion_scores(assignment: Assignment, cloned: CloneSet) -> None:
    """Add to the scores of all instances how well nodes suit promotion."""
    for instance in cloned.instances:
        scores = assignment.scores[instance]
        changed: dict[NodeName, int] = {}
        for node, score in scores.items():
            word = _word(assignment, instance, node) if can_serve(assignment, cloned.clone.id, node) else None
            if word is None or word <= 0:
                continue
            changed[node] = add_scores(score, word)
            priority = assignment.tree.sample(instance).priority
            if word > assignment.promotions.get(instance, priority):
                assignment.promotions[instance] = word
        if changed:
            assignment.rescore(instance, {**scores, **changed}, Cause.PROMOTION)


def assign_roles(assignment: Assignment, cloned: CloneSet) -> None:
    """Give every instance of a clone, all of which have their nodes, its role."""
    for instance in cloned.instances:
        node = assignment.node_of(instance)
        if node is not None:
            assignment.promotions[instance] = _priority(assignment, cloned, instance, node)
    finals = _final_scores(assignment, cloned)
    promotion = cloned.clone.promotion
    assert promotion is not None
    counts: Counter[NodeName] = Counter()
    ranked = assignment.ranked[cloned.clone.id] = _best_first(assignment, cloned, finals)
    for instance in ranked:
        node = assignment.node_of(instance)
        is_chosen = (
            node is not None
            and finals[instance] >= 0
            and counts.total() < promotion.max
            and counts[node] < promotion.node_max
            and _can_be_promoted(assignment, cloned, instance, node)
        )
        if is_chosen and node is not None:
            counts[node] += 1
        for leaf in assignment.situation.leaves(instance):
            assignment.roles[leaf] = Role.PROMOTED if is_chosen else Role.UNPROMOTED


def _word(assignment: Assignment, instance: ResourceId, node: NodeName) -> int | None:
    """Return an instance's own promotion score on a node; None if it has none."""
    words = [_word_of_primitive(assignment, leaf, node) for leaf in assignment.situation.leaves(instance)]
    known = [word for word in words if word is not None]
    return sum(known) if known else None


def _word_of_primitive(assignment: Assignment, leaf: ResourceId, node: NodeName) -> int | None:
    situation = assignment.situation
    resource = situation.resources[leaf]
    is_here = any(i.node == node for i in situation.active(leaf))
    is_known = situation.instance(leaf, node) is not None
    is_free = is_known and not (resource.is_unique or _is_other_here(assignment, leaf, node))
    is_fresh = not situation.active(leaf) and (
        not resource.is_unique or not any(name == leaf for name, _ in situation.observed.instances)
    )
    is_counting = is_here or is_free or is_fresh or (resource.is_unique and is_known)
    if not is_counting or assignment.scores[leaf].get(node, -INFINITY) < 0:
        return None
    rated = _host_of(assignment, node) if resource.is_rated_by_host else node
    return situation.observed.promotion_scores.get((resource.known_as, rated))


def _is_other_here(assignment: Assignment, leaf: ResourceId, node: NodeName) -> bool:
    """Tell whether another instance of the same runs on a node."""
    instance = assignment.situation.instance(leaf, node)
    return instance is not None and instance.role is not Role.STOPPED


def _priority(assignment: Assignment, cloned: CloneSet, instance: ResourceId, node: NodeName) -> int:
    """Return how well an instance can be promoted on its node, by what concerns it alone."""
    situation = assignment.situation
    if _is_untouchable(situation, instance):
        score = INFINITY if _is_promoted(assignment, instance) else -INFINITY
    elif any(situation.resources[r].state is not Role.STARTED for r in situation.leaves(instance)):
        score = -INFINITY
    else:
        word = _word(assignment, instance, node)
        score = -1 if word is None else word
    for location in situation.intent.locations:
        is_promoted = location.role is Role.PROMOTED and location.node == node
        if is_promoted and assignment.tree.subject(location.resource) == cloned.clone.id:
            score = add_scores(score, location.score)
    bundle = assignment.tree.bundles.get(cloned.clone.id)
    around = () if bundle is None else assignment.bonds.this_with(bundle)
    for colocation in (*assignment.bonds.this_with(instance), *around):
        primary = colocation.primary
        if assignment.tree.variant(primary) is Variant.GROUP:
            members = assignment.tree.children(primary)
            primary = members[-1] if colocation.score >= INFINITY else members[0]
        if primary in assignment.done:
            score = add_scores(score, _bonus(assignment, colocation, primary, node))
    return score


def _bonus(assignment: Assignment, colocation: Colocation, primary: ResourceId, node: NodeName) -> int:
    """Return what a colocation says for, or against, promoting an instance on its node."""
    if assignment.tree.variant(primary) is not Variant.CLONE:
        return _bonus_of_primitive(assignment, colocation, primary, node)
    places = {i: assignment.node_of(i) for i in assignment.tree.children(primary)}
    here = [
        i
        for i, place in places.items()
        if place is not None and _is_there(assignment, colocation, place, node)
    ]
    is_by_role = colocation.primary_role is not None and assignment.is_promotable(primary)
    if is_by_role and colocation.dependent_role is Role.PROMOTED:
        if any(assignment.role_of(i) is colocation.primary_role for i in here):
            return colocation.score
        return -INFINITY if colocation.score >= INFINITY else 0
    if is_interleaved(assignment, colocation, primary):
        return _bonus_of_primitive(assignment, colocation, here[0], node) if here else 0
    if colocation.score >= INFINITY:
        return 0
    bonus = 0
    for instance in places:
        bonus = add_scores(bonus, _bonus_of_primitive(assignment, colocation, instance, node))
    return bonus


def _bonus_of_primitive(
    assignment: Assignment, colocation: Colocation, primary: ResourceId, node: NodeName
) -> int:
    """Return what a colocation with a primitive, or one instance of a clone, says."""
    if colocation.dependent_role not in {Role.PROMOTED, Role.UNPROMOTED}:
        return 0
    place = assignment.node_of(primary)
    if place is not None and colocation.primary_role not in {None, assignment.role_of(primary)}:
        return 0
    if place is None or not _is_there(assignment, colocation, place, node):
        is_must = colocation.score >= INFINITY and colocation.dependent_role is Role.PROMOTED
        return -INFINITY if is_must else 0
    return -colocation.score if colocation.dependent_role is Role.UNPROMOTED else colocation.score


def _is_there(assignment: Assignment, colocation: Colocation, place: NodeName, node: NodeName) -> bool:
    attribute, labels = colocation.node_attribute, assignment.labels
    place, node = _host_of(assignment, place), _host_of(assignment, node)
    return place_of(labels, place, attribute) == place_of(labels, node, attribute)


def _host_of(assignment: Assignment, node: NodeName) -> NodeName:
    """Return where a bundle's container is that makes a node; any other node is itself."""
    guest = assignment.situation.guests.get(node)
    if guest is None or guest.remote_node is None or not guest.remote_node.is_reserved:
        return node
    return assignment.nodes.get(guest.container or guest.id) or node


def _final_scores(assignment: Assignment, cloned: CloneSet) -> dict[ResourceId, int]:
    """Return the score by which each instance is promoted, with what would be with the promoted one."""
    name, before = cloned.clone.id, assignment.scores[cloned.clone.id]
    situation = assignment.situation
    nodes = {instance: assignment.node_of(instance) for instance in cloned.instances}
    scores = dict(before)
    for instance, node in nodes.items():
        if node is not None and assignment.promotions[instance] >= 0:
            scores[node] = add_scores(assignment.promotions[instance], scores.get(node, 0))
    assignment.rescore(name, scores, Cause.PROMOTION)
    for colocation in assignment.bonds.with_this(name):
        if colocation.primary_role is Role.PROMOTED:
            heed_dependent(assignment, colocation, name)
    finals = {}
    for instance, node in nodes.items():
        if node is None:
            finals[instance] = -INFINITY
        elif assignment.promotions[instance] < 0 or _is_untouchable(situation, instance):
            finals[instance] = assignment.promotions[instance]
        else:
            finals[instance] = assignment.scores[name].get(node, 0)
    return finals


def _best_first(assignment: Assignment, cloned: CloneSet, finals: dict[ResourceId, int]) -> list[ResourceId]:
    found = {i: importance(assignment, cloned, number) for number, i in enumerate(cloned.instances)}

    def rank(left: ResourceId, right: ResourceId) -> int:
        mine = (-finals[left], -_current_role(assignment, left))
        others = (-finals[right], -_current_role(assignment, right))
        if mine != others:
            return -1 if mine < others else 1
        return compare(found[left], found[right])

    return sorted(cloned.instances, key=cmp_to_key(rank))


def _current_role(assignment: Assignment, instance: ResourceId) -> int:
    return max((_ORDER_OF_ROLES.index(i.role) for i in assignment.active(instance)), default=0)


def _can_be_promoted(assignment: Assignment, cloned: CloneSet, instance: ResourceId, node: NodeName) -> bool:
    situation = assignment.situation
    is_promoted = _is_promoted(assignment, instance)
    if _is_untouchable(situation, instance):
        return is_promoted
    if assignment.promotions[instance] < 0 or not can_serve(assignment, cloned.clone.id, node):
        return False
    is_frozen = situation.intent.cluster.policy.on_quorum_loss is QuorumPolicy.FREEZE
    return is_promoted or situation.observed.has_quorum or not is_frozen


def _is_promoted(assignment: Assignment, instance: ResourceId) -> bool:
    return any(i.role is Role.PROMOTED for i in assignment.active(instance))


def _is_untouchable(situation: Situation, instance: ResourceId) -> bool:
    """Tell whether an instance stays in its role whatever happens: it is not managed, or blocked."""
    leaves = [situation.resources[leaf] for leaf in situation.leaves(instance)]
    return any(not r.is_managed or any(is_blocked(r, i) for i in situation.active(r.id)) for r in leaves)
