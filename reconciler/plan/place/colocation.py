"""What colocations do to scores: dependents follow or avoid their primaries, and primaries heed their dependents.

The rules, in Pacemaker's words ("Placing Resources Relative to other Resources"; pcmk_sched_colocation.c):

* A dependent must be where the primary is (INFINITY), must not be (-INFINITY), or likes or dislikes it by the score.
  "Where" is the node, or every node with the same value of a label. A primary that runs nowhere repels by the score,
  but not an instance of a clone that has all that it may have without that one.
* Where a group is, is where its last member is if the dependent must be with it, else where its first is. Where a
  clone is, is each node with an instance; an instance of an interleaved clone goes with one instance of the other,
  that on its best node, or, if it must and there is none, nowhere.
* What is still to be assigned adds its dependents' scores to its own, in proportion to how strongly they are bound,
  and in turn those of their dependents. What runs heeds only those that may influence it. To a clone as a whole,
  dependents do not make a node worse than indifferent.
* A wish that would leave no node at all is disregarded, unless it is the dependent's own duty. Of the instances of a
  clone that it avoids, those that were assigned first count first.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reconciler.model.constraint import Colocation
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY, add_scores
from reconciler.plan.place.bonds import is_declared
from reconciler.plan.place.own import Labels, with_wishes
from reconciler.plan.place.ranking import best_first
from reconciler.plan.place.scores import Scores
from reconciler.plan.place.state import Assignment
from reconciler.plan.place.trace import Cause, Rule
from reconciler.plan.place.tree import Variant
from reconciler.plan.rules import NAME

_UNUSABLE = -100 * INFINITY
"""Marks a node that dependents would make worse than indifferent, while their scores are added up."""

_FARTHEST = 100
"""How many colocations away a wish is still heard."""


def follow_primary(assignment: Assignment, colocation: Colocation, dependent: ResourceId) -> None:
    """Change a primitive's scores by where the primary of one of its colocations was assigned."""
    before = assignment.scores[dependent]
    _follow(assignment, colocation, dependent, colocation.primary)
    is_dislike = -INFINITY < colocation.score < 0
    if is_dislike and not assignment.is_any(dependent, assignment.scores[dependent]):
        assignment.restore({dependent: before})


def heed_dependent(assignment: Assignment, colocation: Colocation, primary: ResourceId) -> None:
    """Add to the scores of a resource that is being assigned what one of its dependents would like."""
    if not _has_influence(assignment, colocation, colocation.primary):
        return
    is_clone = assignment.tree.variant(primary) is Variant.CLONE
    adding = _Adding(assignment=assignment, target=primary, spares=is_clone, is_tentative=True)
    share = colocation.score / INFINITY
    scores = adding.add(assignment.scores[primary], colocation.dependent, colocation, share, ())
    assignment.rescore(primary, scores, Cause.DEPENDENT, colocation)


def wishes_around(assignment: Assignment, instance: ResourceId, node: NodeName) -> int:
    """Return how well one node suits an instance by all that it is colocated with, on either side."""
    scores: Scores = {node: 0}
    adding = _Adding(assignment=assignment, target=instance)
    for colocation in assignment.bonds.this_with(instance):
        scores = adding.add(scores, colocation.primary, colocation, colocation.score / INFINITY, ())
    adding = _Adding(assignment=assignment, target=instance, spares=True)
    for colocation in assignment.bonds.with_this(instance):
        if _has_influence(assignment, colocation, instance):
            scores = adding.add(scores, colocation.dependent, colocation, colocation.score / INFINITY, ())
    return scores[node]


def wishes_behind(assignment: Assignment, name: ResourceId) -> Scores:
    """Return a resource's scores with those of its primaries, and of theirs, added by how strongly it is bound."""
    if assignment.bonds.is_free(name):
        return assignment.scores[name]
    while assignment.tree.variant(name) is Variant.GROUP:
        name = assignment.tree.children(name)[-1]
    adding = _Adding(assignment=assignment, target=name, is_upwards=True)
    return adding.go_on(assignment.scores[name], name, 1.0, ())


def _follow(
    assignment: Assignment, colocation: Colocation, dependent: ResourceId, primary: ResourceId
) -> None:
    """Follow a primitive, a group, or the instances of a clone."""
    if primary not in assignment.done or dependent in assignment.done:
        return
    match assignment.tree.variant(primary):
        case Variant.PRIMITIVE:
            _follow_primitive(assignment, colocation, dependent, primary)
        case Variant.GROUP:
            for member in _where_group_is(assignment, colocation, primary):
                _follow_primitive(assignment, colocation, dependent, member)
        case Variant.CLONE:
            _follow_clone(assignment, colocation, dependent, primary)


def _where_group_is(
    assignment: Assignment, colocation: Colocation, primary: ResourceId
) -> tuple[ResourceId, ...]:
    """Return the members that count for where a group is."""
    group = assignment.situation.groups[primary]
    if colocation.score >= INFINITY:
        return group.members[-1:] if group.is_colocated else ()
    return group.members[:1] if group.is_colocated else group.members


def _follow_clone(
    assignment: Assignment, colocation: Colocation, dependent: ResourceId, primary: ResourceId
) -> None:
    instances: Mapping[NodeName, ResourceId] = assignment.spread[primary]
    is_bundle = assignment.situation.clones[primary].bundle is not None
    if colocation.primary_role is not None and assignment.is_promotable(primary) and not is_bundle:
        _follow_promotable(assignment, colocation, dependent, primary)
    elif is_interleaved(assignment, colocation, primary):
        for node in best_first(assignment, dependent, assignment.scores[dependent], None):
            if node in instances:
                _follow(assignment, colocation, dependent, instances[node])
                return
        if colocation.score >= INFINITY:
            assignment.note(dependent, Rule.NO_INSTANCE)
            assignment.settle(assignment.situation.resources[dependent], None)
    elif colocation.score >= INFINITY:
        scores, role = assignment.scores[dependent], colocation.primary_role if is_bundle else None
        places = {n for n, i in instances.items() if role is None or assignment.role_of(i) is role}
        after = {n: s if n in places else -INFINITY for n, s in scores.items()}
        assignment.rescore(dependent, after, Cause.PRIMARY, colocation)
    else:
        for instance in assignment.ranked[primary]:
            if instance not in assignment.left_over:
                _follow(assignment, colocation, dependent, instance)


def _follow_promotable(
    assignment: Assignment, colocation: Colocation, dependent: ResourceId, primary: ResourceId
) -> None:
    """Follow the instances that have a role; if it must, a dependent prefers those that their nodes suit better."""
    before = assignment.scores[dependent]
    after = dict(before)
    nodes: dict[NodeName, int] = {}
    for instance in assignment.tree.children(primary):
        node = assignment.node_of(instance)
        if node is None or assignment.role_of(instance) is not colocation.primary_role:
            continue
        nodes[node] = assignment.scores[instance].get(node, 0)
        if colocation.score < INFINITY:
            for candidate in _where(assignment.labels, before, node, colocation.node_attribute):
                after[candidate] = add_scores(after[candidate], colocation.score)
    are_both_promoted = colocation.dependent_role is colocation.primary_role is Role.PROMOTED
    if colocation.score >= INFINITY and not are_both_promoted:
        # What does not run has to be started somewhere before it can be promoted.
        after = {n: add_scores(s, nodes[n]) if n in nodes else -INFINITY for n, s in before.items()}
    assignment.rescore(dependent, after, Cause.PRIMARY, colocation)


def is_interleaved(assignment: Assignment, colocation: Colocation, primary: ResourceId) -> bool:
    """Tell whether instances of a dependent go each with one instance of the primary; with a bundle they always do."""
    dependent, found = (
        assignment.situation.clones.get(colocation.dependent),
        assignment.situation.clones[primary],
    )
    if dependent is None or found.bundle is not None:
        return dependent is not None
    return dependent.clone.is_interleaved and dependent.clone.node_max == found.clone.node_max


def _follow_primitive(
    assignment: Assignment, colocation: Colocation, dependent: ResourceId, primary: ResourceId
) -> None:
    if not _is_about(assignment, colocation, dependent, primary):
        return
    node = assignment.nodes.get(primary)
    before = assignment.scores[dependent]
    score, attribute, labels = colocation.score, colocation.node_attribute, assignment.labels
    if node is None:
        if score < 0:
            return
        after = {candidate: add_scores(-score, own) for candidate, own in before.items()}
    else:
        after = dict.fromkeys(before, -INFINITY) if score >= INFINITY else dict(before)
        for candidate in _where(labels, before, node, attribute):
            own = before[candidate]
            after[candidate] = own if score >= INFINITY else add_scores(score, own)
    if abs(score) >= INFINITY or assignment.is_any(dependent, after):
        assignment.rescore(dependent, after, Cause.PRIMARY, colocation)


def _is_about(
    assignment: Assignment, colocation: Colocation, dependent: ResourceId, primary: ResourceId
) -> bool:
    """Tell whether a colocation for roles concerns two primitives, of which the dependent has no role yet."""
    is_stopped = assignment.situation.resources[dependent].state is Role.STOPPED
    if colocation.dependent_role not in {None, Role.STOPPED if is_stopped else None}:
        return False
    return colocation.primary_role in {None, assignment.role_of(primary)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Adding:
    """How the scores of what is colocated are added up (pcmk__add_colocated_node_scores)."""

    assignment: Assignment
    target: ResourceId
    """Whose scores they are added to."""
    spares: bool = False
    """No node is made worse than indifferent by a dependent."""
    is_tentative: bool = False
    """What would leave no node is not added; further wishes never are."""
    is_upwards: bool = False
    """Primaries are followed instead of dependents."""

    def add(
        self,
        scores: Scores,
        source: ResourceId,
        colocation: Colocation,
        share: float,
        path: tuple[ResourceId, ...],
    ) -> Scores:
        """Return scores with a share of a source's own, and of those behind it; a circle is cut where it closes."""
        tree = self.assignment.tree
        if tree.variant(source) is Variant.GROUP:
            if source in path:
                return scores
            path = (*path, source)
            source = tree.children(source)[0]
        if source in path or source not in self.assignment.scores or len(path) > _FARTHEST:
            return scores
        result = self._with_share(scores, source, colocation, share)
        if self.assignment.is_any(self.target, result):
            result = self.go_on(result, source, share, path)
        elif self.is_tentative or path:
            return scores
        if self.spares:
            result = {node: 1 if score == _UNUSABLE else score for node, score in result.items()}
        return result

    def go_on(self, scores: Scores, source: ResourceId, share: float, path: tuple[ResourceId, ...]) -> Scores:
        """Return scores with what is bound to a source added."""
        bonds = self.assignment.bonds
        for further in bonds.this_with(source) if self.is_upwards else bonds.with_this(source):
            if not self.is_upwards and not _has_influence(self.assignment, further, further.primary):
                continue
            other = further.primary if self.is_upwards else further.dependent
            part = share * further.score / INFINITY
            scores = self.add(scores, other, further, part, (*path, source))
        return scores

    def _with_share(self, scores: Scores, source: ResourceId, colocation: Colocation, share: float) -> Scores:
        own = self._speaking_for_group(source, colocation)
        if self.is_upwards:
            serving = self.assignment.situation.serving
            own = {node: score for node, score in own.items() if node in serving}
        attribute = colocation.node_attribute
        if attribute is None or attribute == NAME:
            return {n: self._plus(s, own.get(n, -INFINITY), share, colocation) for n, s in scores.items()}
        assignment, best = self.assignment, dict[str | None, int]()
        for node, score in own.items():
            if assignment.availability.is_available(assignment.tree.sample(source), node):
                place = place_of(assignment.labels, node, attribute)
                best[place] = max(score, best.get(place, -INFINITY))
        return {
            node: self._plus(
                score, best.get(place_of(assignment.labels, node, attribute), -INFINITY), share, colocation
            )
            for node, score in scores.items()
        }

    def _speaking_for_group(self, source: ResourceId, colocation: Colocation) -> Scores:
        """Return a source's scores; those of a member that follows others with what its group would like."""
        scores, tree = self.assignment.scores[source], self.assignment.tree
        group = tree.group_around(source)
        is_follower = group is not None and source != group.members[0]
        if group is None or not is_follower or source != colocation.dependent or not is_declared(colocation):
            return scores
        return with_wishes(scores, tree.situation.index.wishes.get(group.id, ()))

    def _plus(self, score: int, wish: int, share: float, colocation: Colocation) -> int:
        """Add a share of a wish to a score, rounded half away from 0; what is too small for that counts as 1.

        Pacemaker gives that 1 the sign of the share, whatever the wish; so do we, to come to the same places.
        """
        if not wish:
            return score
        if score == _UNUSABLE or (share < 0 and wish < 0 and not self._may_drive_away(wish, colocation)):
            return score
        points = share * wish
        rounded = int(points + (0.5 if points >= 0 else -0.5))
        if not rounded:
            rounded = 1 if share > 0 else -1
        result = add_scores(score, rounded)
        if self.spares and result < 0 <= score:
            return score if score == 0 else _UNUSABLE
        return result

    def _may_drive_away(self, wish: int, colocation: Colocation) -> bool:
        """Tell whether a primary heeds what a dependent avoids that wants to be apart from it.

        Two negatives make no positive, but where the dependent has a single node left and the primary is not sticky
        enough: it moves out of the way.
        """
        assignment = self.assignment
        if assignment.tree.sample(colocation.primary).stickiness >= -wish:
            return False
        if not _has_influence(assignment, colocation, colocation.primary):
            return False
        scores = assignment.scores.get(colocation.dependent, {})
        return sum(score >= 0 for score in scores.values()) == 1


def _has_influence(assignment: Assignment, colocation: Colocation, primary: ResourceId) -> bool:
    """Tell whether a primary heeds a dependent: by default, and always while it does not run."""
    return colocation.has_influence or not assignment.active(primary)


def place_of(labels: Labels, node: NodeName, attribute: str | None) -> str | None:
    """Return what "where" means: a node's name, or the value of its label; None if it has none."""
    if attribute is None or attribute == NAME:
        return node
    return labels.get(node, {}).get(attribute)


def _where(
    labels: Labels, nodes: Collection[NodeName], node: NodeName, attribute: str | None
) -> list[NodeName]:
    """Return those of several nodes that count as where one node is."""
    if attribute is None or attribute == NAME:
        return [node] if node in nodes else []
    place = place_of(labels, node, attribute)
    return [other for other in nodes if place_of(labels, other, attribute) == place]
