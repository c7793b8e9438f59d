"""Finds what must not be stopped in order, for something that stops before it cannot be."""

from collections.abc import Mapping

from reconciler.model.names import ResourceId
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.settle.tasks import STOP, Obstacle, Relations
from reconciler.plan.situation import Situation
from reconciler.plan.whereabouts import unheard_of

Decisions = Mapping[ResourceId, Decision]


def hold_stops(
    situation: Situation, decisions: Decisions, relations: Relations
) -> dict[ResourceId, Obstacle]:
    """Return what runs and must not be stopped, and why.

    What nobody knows to run may do so where nobody could look, and cannot be stopped there before it is found.
    The guest of such a resource counts too: it stops only after what runs in it. What has failed is stopped all the
    same, and so is what has to stop before that.
    """
    if not _is_any_holding(relations):
        return {}
    urgent = _urgent(decisions, relations)
    found: dict[ResourceId, Obstacle] = {}
    stuck = {d.resource.id: why for d in decisions.values() if (why := _stuck(situation, decisions, d))}
    open_ids = list(stuck)
    while open_ids:
        then = open_ids.pop(0)
        below = _held_by(situation, relations, then)
        places = {i.node for i in decisions[then].active} if then in found else set()
        below += [situation.guests[n].id for n in sorted(places) if n in situation.guests]
        why = found.get(then) or stuck[then]
        for first in below:
            is_running = first in decisions and bool(decisions[first].active)
            if is_running and first not in found and first not in urgent:
                found[first] = why
                open_ids.append(first)
    return found


def _is_any_holding(relations: Relations) -> bool:
    stops = [found for (_, verb), found in relations.by_first.items() if verb is STOP]
    return any(relation.holds for found in stops for relation in found)


def _held_by(situation: Situation, relations: Relations, then: ResourceId) -> list[ResourceId]:
    """Return what may stop only after a resource has."""
    holding = [r for r in relations.after((then, STOP)) if r.holds]
    return [leaf for r in holding for leaf in situation.leaves(r.then[0])]


def _urgent(decisions: Decisions, relations: Relations) -> set[ResourceId]:
    """Return what has failed, and what has to stop for it."""
    urgent = {d.resource.id for d in decisions.values() if d.is_failed or d.is_forced}
    open_ids = sorted(urgent)
    while open_ids:
        first = open_ids.pop()
        for relation in relations.before((first, STOP)):
            then = relation.first[0]
            if relation.implies_first and not relation.ends and then in decisions and then not in urgent:
                urgent.add(then)
                open_ids.append(then)
    return urgent


def _stuck(situation: Situation, decisions: Decisions, decision: Decision) -> Obstacle | None:
    """Return why something that runs, or may run, is not stopped, nor ends with its guest; None if it is, or does."""
    name = decision.resource.id
    if not decision.active:
        unheard = unheard_of(situation, decision.resource)
        if unheard is None or unheard.is_joining:
            return None
        text = f"{name}, which stops before, may run on {unheard.node}, {unheard.text}"
        return Obstacle(text=text, subject=name, step="stop", is_waiting=unheard.is_waiting)
    if decision.fate is not Fate.HOLD and not decision.is_frozen:
        return None
    guests = [situation.guests.get(i.node) for i in decision.active]
    if all(g is not None and g.id in decisions and decisions[g.id].stops for g in guests):
        return None
    text = f"{name}, which stops before, can't be stopped: {decision.obstacle}"
    return Obstacle(text=text, subject=name, step="stop")
