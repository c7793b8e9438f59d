"""Carries decisions over to what depends on them, until nothing changes any more.

The rules:

* What runs in a guest ends with it: when the guest stops, it stops before, or with it if its agent is out of reach.
* Nothing starts in a guest that will not be there.
* A mandatory order `first then`: `then` does not start while `first` does not run. If it is symmetrical, `then` stops
  before `first` does, and when `first` is known not to run; and when `first` starts, `then` starts after it, again if
  it runs already. Of several alternatives one is enough. While `then` can't be stopped, `first` is not
  stopped either, unless it has failed: what has failed is not kept down for the sake of what it cannot serve.
* What must be with a primary does not start while the primary does not run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.model.constraint import Ordering, OrderKind
from reconciler.model.names import ResourceId
from reconciler.model.observed import Instance
from reconciler.model.score import INFINITY
from reconciler.model.transition import Reason
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.situation import Situation
from reconciler.plan.whereabouts import unheard_of

Decisions = dict[ResourceId, Decision]


def carry_over(situation: Situation, decided: Iterable[Decision]) -> Decisions:
    """Return the decisions with all consequences.

    Ends because a decision only ever goes from keeping over restarting to stopping, or from starting to holding.
    """
    decisions = {d.resource.id: d for d in decided}
    for resource, why in unstoppable(situation, decisions).items():
        if decisions[resource].stops:
            before = decisions[resource]
            decisions[resource] = replace(before, fate=Fate.HOLD, intended=before.fate, obstacle=why)
    changed = True
    while changed:
        changed = False
        for resource, before in list(decisions.items()):
            after = _with_guest(situation, decisions, before)
            after = _with_orders(situation, decisions, after)
            after = _with_primaries(situation, decisions, after)
            if after != before:
                decisions[resource] = after
                changed = True
    return decisions


def unstoppable(situation: Situation, decisions: Mapping[ResourceId, Decision]) -> dict[ResourceId, str]:
    """Return what must not be stopped in order, for something that stops before it cannot be; and why.

    The guest of such a resource counts too: it stops only after what runs in it.
    """
    urgent = _urgent(situation, decisions)
    found: dict[ResourceId, str] = {}
    open_ids = [d.resource.id for d in decisions.values() if _is_stuck(situation, decisions, d)]
    while open_ids:
        then = open_ids.pop(0)
        below = [o.first for o in situation.intent.orderings if o.then == then and is_binding(o)]
        below += [o.then for o in situation.intent.orderings if o.first == then and _is_stop_order(o)]
        places = {i.node for i in decisions[then].active} if then in found else set()
        below += [situation.guests[n].id for n in sorted(places) if n in situation.guests]
        why = found.get(then) or f"{then}, which stops before, can't be stopped: {decisions[then].obstacle}"
        for first in below:
            is_running = first in decisions and bool(decisions[first].active)
            if is_running and first not in found and first not in urgent:
                found[first] = why
                open_ids.append(first)
    return found


def _urgent(situation: Situation, decisions: Mapping[ResourceId, Decision]) -> set[ResourceId]:
    """Return what has failed, and what has to stop for it."""
    urgent = {d.resource.id for d in decisions.values() if d.is_failed or d.is_forced}
    grew = True
    while grew:
        more = {o.then for o in situation.intent.orderings if is_binding(o) and o.first in urgent} - urgent
        urgent |= more
        grew = bool(more)
    return urgent


def _is_stuck(situation: Situation, decisions: Mapping[ResourceId, Decision], decision: Decision) -> bool:
    """Tell whether something runs, or may run, and is not stopped, nor ends with its guest."""
    if decision.fate is not Fate.HOLD or not decision.active:
        return False
    guests = [situation.guests.get(i.node) for i in decision.active]
    return not all(g is not None and g.id in decisions and decisions[g.id].stops for g in guests)


def is_binding(ordering: Ordering) -> bool:
    """Tell whether stopping `first` stops `then`."""
    return _is_start_order(ordering) and ordering.is_symmetrical


def _is_start_order(ordering: Ordering) -> bool:
    """Tell whether `then` may start only while `first` runs."""
    return (
        ordering.kind is OrderKind.MANDATORY
        and ordering.first_action == "start"
        and ordering.then_action == "start"
        and not ordering.alternatives
    )


def _is_stop_order(ordering: Ordering) -> bool:
    """Tell whether `then` may stop only after `first` has stopped."""
    is_stop = ordering.first_action == "stop" and ordering.then_action == "stop"
    return ordering.kind is OrderKind.MANDATORY and is_stop


def _with_guest(situation: Situation, decisions: Decisions, decision: Decision) -> Decision:
    """Let what is in a guest share its fate."""
    if decision.resource.guest is not None:
        return decision
    for instance in decision.active:
        guest = situation.guests.get(instance.node)
        fate = decisions.get(guest.id) if guest else None
        if fate is None or not fate.stops:
            continue
        is_implied = (
            decision.is_left_alone
            or fate.is_forced
            or decision.fate is Fate.HOLD
            or not situation.is_online(instance.node)
        )
        if not decision.stops:
            decision = _stop_with_guest(situation, decision, instance, fate)
        if is_implied:
            decision = replace(decision, ends_with=decision.ends_with | {instance.node})
    if decision.starts and decision.target is not None and decision.target in situation.guests:
        guest = situation.guests[decision.target]
        host = decisions[guest.id]
        comes = host.runs_after or (host.fate is Fate.HOLD and situation.is_online(decision.target))
        if not comes:
            return _not_started(
                decision, f"its guest {guest.id} does not run: {host.obstacle or 'it is stopped'}", host
            )
    return decision


def _stop_with_guest(
    situation: Situation, decision: Decision, instance: Instance, guest: Decision
) -> Decision:
    """Stop what is in a guest that stops; held things are let go, for their guest's end settles them."""
    reason = Reason("guest", f"its guest {guest.resource.id} is stopped")
    target = decision.target
    if decision.fate is Fate.HOLD and situation.is_removed(decision.resource.id):
        target = None
    if target is None or decision.is_left_alone:
        fate = Fate.STOP
    elif target == instance.node:
        fate, reason = Fate.RESTART, Reason("guest", f"its guest {guest.resource.id} is restarted")
    else:
        fate = Fate.MOVE
    return replace(
        decision,
        fate=fate,
        reasons=(*decision.reasons, reason),
        obstacle=None if fate is not Fate.STOP else decision.obstacle,
    )


def _with_orders(situation: Situation, decisions: Decisions, decision: Decision) -> Decision:
    """Stop and start in the declared orders."""
    for ordering in situation.intent.orderings:
        if ordering.then != decision.resource.id or not _is_start_order(ordering):
            continue
        first = decisions.get(ordering.first)
        if first is None:
            continue
        decision = _with_order(situation, decision, first, ordering)
    for name in sorted({o.alternatives for o in situation.intent.orderings if o.alternatives}):
        decision = _with_alternatives(situation, decisions, decision, name)
    return decision


def _with_order(situation: Situation, decision: Decision, first: Decision, ordering: Ordering) -> Decision:
    """Keep one mandatory order; only a symmetrical one concerns what runs already."""
    is_free = decision.fate is Fate.KEEP and bool(decision.active) and not decision.is_left_alone
    name = first.resource.id
    if is_free and ordering.is_symmetrical:
        if first.starts:
            verb = "is restarted" if first.stops else "is started"
            reason = Reason("after", f"{name}, which it starts after, {verb}", ordering.where, name)
            decision = replace(decision, fate=Fate.RESTART, reasons=(*decision.reasons, reason))
        elif first.stops or _is_down(situation, first):
            verb = "is stopped" if first.stops else "does not run"
            reason = Reason("after", f"{name}, which it starts after, {verb}", ordering.where, name)
            decision = replace(decision, fate=Fate.STOP, reasons=(*decision.reasons, reason))
    if decision.starts and not first.runs_after:
        why = first.obstacle or "it is stopped"
        text = f"it starts after {name}, which does not run: {why}"
        decision = _not_started(decision, text, first)
    return decision


def _is_down(situation: Situation, decision: Decision) -> bool:
    """Tell whether something is stopped and to stay so; what may run where nobody has looked yet is not."""
    is_left_stopped = not decision.active and decision.fate is Fate.KEEP
    return is_left_stopped and unheard_of(situation, decision.resource) is None


def _with_alternatives(situation: Situation, decisions: Decisions, decision: Decision, name: str) -> Decision:
    """Do not start what needs one of several, while none of them runs."""
    firsts = [
        decisions[o.first]
        for o in situation.intent.orderings
        if o.alternatives == name and o.then == decision.resource.id and o.first in decisions
    ]
    if not decision.starts or not firsts or any(first.runs_after for first in firsts):
        return decision
    text = f"it starts after one of {', '.join(f.resource.id for f in firsts)}, and none of them runs"
    return _not_started(decision, text, firsts[0], subject=f"one-or-more:{name}")


def _with_primaries(situation: Situation, decisions: Decisions, decision: Decision) -> Decision:
    """Do not start what must be with something that does not run."""
    if not decision.starts:
        return decision
    for colocation in situation.intent.colocations:
        if colocation.dependent != decision.resource.id or colocation.score < INFINITY:
            continue
        primary = decisions.get(colocation.primary)
        if primary is not None and not primary.runs_after:
            why = primary.obstacle or "it is stopped"
            text = f"it must run with {primary.resource.id}, which does not run: {why}"
            return _not_started(decision, text, primary)
    return decision


def _not_started(decision: Decision, text: str, cause: Decision, subject: str = "") -> Decision:
    """Take the start out of a decision and keep its stop."""
    reason = Reason("unrunnable", text, cause.resource.where, subject or cause.resource.id)
    return replace(
        decision,
        fate=Fate.STOP if decision.active else Fate.HOLD,
        intended=None if decision.active else Fate.START,
        reasons=(*decision.reasons, reason),
        obstacle=text,
        retry_at=cause.retry_at,
        is_uncertain=cause.is_uncertain or bool(cause.active),
        is_waiting=cause.is_waiting,
    )
