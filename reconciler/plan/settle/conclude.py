"""Reads a decision back from the tasks of its resource."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Role
from reconciler.model.transition import Reason
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.settle.tasks import START, STOP, Obstacle, Task, Verb
from reconciler.plan.settle.words import Tasks, reasons_of
from reconciler.plan.situation import Situation

_NOWHERE: frozenset[NodeName] = frozenset()


def conclude(
    situation: Situation, decisions: Mapping[ResourceId, Decision], tasks: Tasks, decision: Decision
) -> Decision:
    """Return what is to become of a resource, all consequences considered.

    Args:
        situation: what is planned for.
        decisions: what is to become of each resource by itself.
        tasks: all tasks, settled.
        decision: the one on the resource to conclude on.
    """
    resource = decision.resource.id
    start, stop = tasks[(resource, START)], tasks[(resource, STOP)]
    if not start.is_live and decision.migrates:
        decision = _interrupted(situation, decision)
    ends_with = _ends_with(situation, decisions, tasks, decision) if decision.active else _NOWHERE
    if _is_changed(decision, start, stop):
        decision = (
            _stopped(decision, start, stop, tasks) if decision.active else _not_started(decision, start)
        )
    if decision.has_roles:
        decision = _with_roles(decision, tasks)
    if not ends_with:
        return decision
    is_lost = any(situation.launcher(node) is not None for node in ends_with & situation.fences.keys())
    return replace(decision, ends_with=ends_with, is_failed=decision.is_failed or is_lost)


def _interrupted(situation: Situation, decision: Decision) -> Decision:
    """Return the decision on what cannot migrate: it stops wherever it may run, both ends of what was handed over."""
    active = situation.active(decision.resource.id)
    is_there = any(i.node == decision.target for i in active)
    return replace(
        decision, fate=Fate.RESTART if is_there else Fate.MOVE, active=active, is_handed_over=False
    )


def _with_roles(decision: Decision, tasks: Tasks) -> Decision:
    """Return a decision on what can be promoted with what becomes of its role."""
    promote = tasks.get((decision.resource.id, Verb.PROMOTE))
    demote = tasks.get((decision.resource.id, Verb.DEMOTE))
    if promote is None or demote is None:
        return decision
    if decision.fate is Fate.HOLD and not decision.active:
        # It keeps the role that it would have, to be told.
        return replace(decision, promotes=False)
    demotes = decision.was_promoted and demote.is_required and not demote.is_frozen
    is_promoted = promote.happens or (decision.was_promoted and not demotes)
    otherwise = Role.UNPROMOTED if decision.resource.is_promotable else Role.STARTED
    return replace(
        decision,
        role=Role.PROMOTED if is_promoted else otherwise,
        promotes=promote.happens,
        demotes=demotes,
    )


def _is_changed(decision: Decision, start: Task, stop: Task) -> bool:
    if decision.migrates:
        return not (stop.is_required and start.happens)
    return stop.is_required != decision.stops or start.happens != decision.starts


def _stopped(decision: Decision, start: Task, stop: Task, tasks: Tasks) -> Decision:
    """Return the decision on what runs and has to stop; it starts again if it can."""
    reasons = (*decision.reasons, *reasons_of(start, stop, tasks))
    if start.happens:
        is_there = any(i.node == decision.target for i in decision.active)
        fate = decision.fate if decision.stops else (Fate.RESTART if is_there else Fate.MOVE)
        return replace(decision, fate=fate, reasons=reasons, obstacle=None)
    stopped = replace(decision, fate=Fate.STOP, reasons=reasons)
    hindrance = start.hindrance
    return _hindered(stopped, hindrance) if start.is_required and hindrance is not None else stopped


def _not_started(decision: Decision, start: Task) -> Decision:
    """Return the decision on what does not run, and should; it is started or held."""
    if start.hindrance is None:
        return replace(decision, fate=Fate.START)
    if start.hindrance.is_alone:
        # That there is nothing beside it to serve is as it should be.
        return replace(decision, fate=Fate.KEEP, target=None)
    return _hindered(replace(decision, fate=Fate.HOLD, intended=Fate.START), start.hindrance)


def _hindered(decision: Decision, hindrance: Obstacle) -> Decision:
    """Say what lacks, and when it may not any more."""
    code = "colocated" if hindrance.is_place else "unrunnable"
    reason = Reason(code, hindrance.text, hindrance.where, hindrance.subject, hindrance.step)
    return replace(
        decision,
        reasons=(*decision.reasons, reason),
        obstacle=hindrance.text,
        retry_at=hindrance.retry_at,
        is_uncertain=hindrance.is_uncertain,
        is_waiting=hindrance.is_waiting,
    )


def _ends_with(
    situation: Situation, decisions: Mapping[ResourceId, Decision], tasks: Tasks, decision: Decision
) -> frozenset[NodeName]:
    """Return the nodes on which a resource ends with the node, without being stopped before.

    The node is fenced; or it is a guest that is destroyed, or in which it cannot be stopped: nobody may, or nobody
    is there to do it.
    """
    is_stopped = tasks[(decision.resource.id, STOP)].is_required
    found = {i.node for i in decision.active if i.node in situation.fences} if is_stopped else set()
    if decision.resource.guest is not None:
        return frozenset(found)
    for instance in decision.active:
        guest = situation.guests.get(instance.node)
        if guest is None or guest.agent.is_connection or not tasks[(guest.id, STOP)].is_required:
            continue
        is_kept = decision.is_left_alone or decision.fate is Fate.HOLD
        if is_kept or decisions[guest.id].is_forced or not situation.is_online(instance.node):
            found.add(instance.node)
    return frozenset(found)
