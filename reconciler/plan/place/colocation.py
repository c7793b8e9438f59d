"""What colocations do to scores: dependents follow or avoid their primaries, and primaries heed their dependents.

The rules, in Pacemaker's words ("Placing Resources Relative to other Resources"):

* Every resource has working scores, at first by what concerns it alone. Each colocation that is applied changes them,
  and who heeds a dependent heeds its scores as they have become by then.
* A dependent must be where the primary is (INFINITY), must not be (-INFINITY), or likes or dislikes it by the score.
  "Where" is the node, or every node with the same value of a label.
* A primary that is still to be assigned adds its dependents' scores, in proportion to how strongly they are bound, and
  in turn those of their dependents.
* A wish that would leave no node at all is disregarded, unless it is the dependent's own duty.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.constraint import Colocation
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY, add_scores
from reconciler.plan.place.scores import Scores, locations_by_resource, own_scores
from reconciler.plan.situation import Situation

Labels = Mapping[NodeName, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The working scores of all resources, and what binds them."""

    scores: dict[ResourceId, Scores]
    primaries: Mapping[ResourceId, list[Colocation]]
    """Colocations by dependent, in the order in which they are declared."""
    dependents: Mapping[ResourceId, list[Colocation]]
    """The same by primary; those of dependents that are not to run are left out."""
    labels: Labels


def all_wishes(situation: Situation) -> Wishes:
    """Return the scores of all declared resources by what concerns each alone."""
    primaries: dict[ResourceId, list[Colocation]] = {}
    dependents: dict[ResourceId, list[Colocation]] = {}
    for colocation in situation.intent.colocations:
        primaries.setdefault(colocation.dependent, []).append(colocation)
        dependent = situation.intent.resources.get(colocation.dependent)
        if dependent is not None and dependent.state is not Role.STOPPED:
            dependents.setdefault(colocation.primary, []).append(colocation)
    grouped = locations_by_resource(situation)
    scores = {
        r.id: own_scores(situation, r, grouped.get(r.id, ())) for r in situation.intent.resources.values()
    }
    labels: dict[NodeName, Mapping[str, str]] = {h.name: h.labels for h in situation.intent.hosts.values()}
    labels |= {node: remote.labels for node, remote in situation.intent.remote_nodes().items()}
    return Wishes(scores=scores, primaries=primaries, dependents=dependents, labels=labels)


def follow_primary(
    wishes: Wishes, colocation: Colocation, node: NodeName | None, unavailable: frozenset[NodeName]
) -> None:
    """Change a dependent's scores by where its primary was assigned; to no node, a duty leaves none to it."""
    before = wishes.scores[colocation.dependent]
    after = dict(before)
    place = None if node is None else _place(wishes.labels, node, colocation.node_attribute)
    for candidate, score in before.items():
        is_there = place is not None and _place(wishes.labels, candidate, colocation.node_attribute) == place
        if is_there and colocation.score < INFINITY:
            after[candidate] = add_scores(score, colocation.score)
        elif not is_there and colocation.score >= INFINITY:
            after[candidate] = -INFINITY
    if abs(colocation.score) >= INFINITY or _is_any(after, unavailable):
        wishes.scores[colocation.dependent] = after


def add_dependents(
    wishes: Wishes, primary: ResourceId, assigned: frozenset[ResourceId], unavailable: frozenset[NodeName]
) -> None:
    """Add to a primary's scores what its dependents would like that are not assigned yet."""
    scores = wishes.scores[primary]
    for colocation in wishes.dependents.get(primary, ()):
        if colocation.dependent in assigned:
            continue
        share = colocation.score / INFINITY
        path = frozenset({primary})
        after = _with_share(wishes, scores, colocation, share, path)
        if _is_any(after, unavailable) or not _is_any(scores, unavailable):
            scores = after
    wishes.scores[primary] = scores


def _with_share(
    wishes: Wishes, scores: Scores, colocation: Colocation, share: float, path: frozenset[ResourceId]
) -> Scores:
    """Return scores with a share of a dependent's, and of those of its own dependents."""
    dependent = colocation.dependent
    if dependent in path or dependent not in wishes.scores:
        return scores
    best: dict[str | None, int] = {}
    for node, wish in wishes.scores[dependent].items():
        place = _place(wishes.labels, node, colocation.node_attribute)
        best[place] = max(wish, best.get(place, -INFINITY))
    result = {
        node: _plus(score, best.get(_place(wishes.labels, node, colocation.node_attribute), -INFINITY), share)
        for node, score in scores.items()
    }
    if not _is_any(result, frozenset()):
        return scores
    for further in wishes.dependents.get(dependent, ()):
        part = share * further.score / INFINITY
        result = _with_share(wishes, result, further, part, path | {dependent})
    return result


def _plus(score: int, wish: int, share: float) -> int:
    """Add a share of a wish to a score, rounded half away from 0 and at least 1; two negatives make no positive."""
    if wish == 0 or share == 0 or (wish < 0 and share < 0):
        return score
    points = share * wish
    rounded = max(1, int(abs(points) + 0.5))
    return add_scores(score, rounded if points > 0 else -rounded)


def _place(labels: Labels, node: NodeName, attribute: str | None) -> str | None:
    """Return what "where" means: a node's name, or the value of its label; None if it has none."""
    if attribute is None or attribute == "#uname":
        return node
    return labels.get(node, {}).get(attribute)


def _is_any(scores: Scores, unavailable: frozenset[NodeName]) -> bool:
    """Tell whether any node is left."""
    return any(score >= 0 and node not in unavailable for node, score in scores.items())
