"""Turns relations between tasks into edges between actions, those in flight included.

The rules:

* Where both tasks of a relation are done by actions, each action of `then` waits for all of `first`. Tasks of groups
  and clones run nothing: who waits for one waits for all that comes before it.
* What migrates live is not waited for by what stops after it, unless that stop implies its own.
* What is kept, and asked again how it is, or is on a node that is connected anew, may turn out not to run: what starts
  after it waits for the answer.
* What stops after something that ends with its guest waits for the guest, where that makes no circle.
* Before something is stopped because what it starts after is to start, that is probed: it may run already.
"""

from collections.abc import Sequence

from reconciler.model.names import ActionId
from reconciler.model.resource import Role
from reconciler.model.transition import Action, ActionKind, Milestone
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.settle.blocked import begun_in_vain, never_done
from reconciler.plan.settle.collectives import DOWN
from reconciler.plan.settle.settle import Settled
from reconciler.plan.settle.tasks import START, STOP, Bond, Relation, TaskName, Verb
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps, action_id

_KINDS = {
    START: ActionKind.START,
    STOP: ActionKind.STOP,
    Verb.PROMOTE: ActionKind.PROMOTE,
    Verb.DEMOTE: ActionKind.DEMOTE,
}


_MOVING = frozenset({START, STOP})
_AFTER = Bond.AFTER


def order_by_relations(situation: Situation, settled: Settled, steps: Steps) -> None:
    """Add the edges of all relations that order."""
    reached: dict[TaskName, tuple[ActionId, ...]] = {}
    asked: dict[TaskName, tuple[ActionId, ...]] = {}
    _order_by_ties(situation, settled, steps)
    for (resource, verb), relations in settled.relations.by_then.items():
        decision = settled.decisions.get(resource)
        if decision is None or resource not in steps.by_subject:
            continue
        is_live = decision.migrates and verb in _MOVING
        planned = steps.of(_KINDS[verb], resource)
        for relation in relations:
            if not relation.is_order or _is_passed_by(settled, relation):
                continue
            is_after, first = relation.bond is _AFTER, relation.first
            before = (asked if is_after else reached).get(first)
            if before is None:
                before = _reach(situation, settled, steps, first, reached)
            if is_after and first not in asked:
                before = asked[first] = (*before, *_answers(situation, settled, steps, first))
            for action in _begin_live(settled, steps, relation) if is_live else planned:
                steps.order_all(before, action.id)


def _order_by_ties(situation: Situation, settled: Settled, steps: Steps) -> None:
    """Let what starts in a guest wait for what runs that; where its connection starts, it waits for this already."""
    for node in situation.guests:
        launcher = situation.launcher(node)
        if launcher is None or launcher.id not in steps.by_subject:
            continue
        task, connection = (launcher.id, START), situation.guests[node].id
        if steps.of(ActionKind.START, connection) and steps.of(ActionKind.START, launcher.id):
            continue
        before = (*_own(situation, settled, steps, task), *_answers(situation, settled, steps, task))
        for tie in settled.ties.of(task) if before else ():
            for name in tie.contents:
                for action in steps.of(ActionKind.START, name):
                    steps.order_all(before, action.id)


def milestones(situation: Situation, settled: Settled, steps: Steps) -> tuple[Milestone, ...]:
    """Return the steps that run nothing, with the actions that they wait for."""
    reached: dict[TaskName, tuple[ActionId, ...]] = {}
    found = []
    never = never_done(situation, settled.decisions)
    begun = begun_in_vain(situation, settled.decisions)
    for task in sorted({*settled.milestones, *begun} - never, key=str):
        subject, verb = task
        name = subject if "one-or-more:" in subject else f"{subject}_{verb.value}_0"
        after = _reach(situation, settled, steps, task, reached)
        found.append(Milestone(name=name, subject=subject, after=tuple(sorted(after))))
    found += _implied_stops(situation, settled, steps)
    found += _ended_guests(situation, settled, steps)
    found += [
        Milestone(name=f"{r}_start_0", subject=r, after=_own(situation, settled, steps, (r, START)))
        for r, decision in settled.decisions.items()
        if decision.migrates
    ]
    return tuple(sorted(found, key=lambda m: m.name))


def _ended_guests(situation: Situation, settled: Settled, steps: Steps) -> list[Milestone]:
    """Return the ends of guests that are lost: by the stop of what runs them, or the fencing of its host."""
    found = []
    for node in sorted(situation.fences):
        launcher = situation.launcher(node)
        if launcher is None:
            continue
        decision = settled.decisions[launcher.id]
        how = "reboot" if decision.starts else "off"
        after = _own(situation, settled, steps, (launcher.id, STOP))
        name = f"stonith-{node}-{how} on {node}"
        found.append(Milestone(name=name, subject=launcher.id, after=after, ends=node, how=how))
    return found


def _implied_stops(situation: Situation, settled: Settled, steps: Steps) -> list[Milestone]:
    """Return the stops that fencing makes needless."""
    found = []
    for decision in [d for d in settled.decisions.values() if d.ends_with]:
        for node in sorted(decision.ends_with & situation.fences.keys()):
            after = tuple(a.id for a in steps.on(ActionKind.FENCE, node))
            name = decision.resource.id
            was_promoted = any(i.node == node and i.role is Role.PROMOTED for i in decision.active)
            if was_promoted and decision.demotes:
                found.append(Milestone(name=f"{name}_demote_0", subject=name, node=node, after=after))
            found.append(Milestone(name=f"{name}_stop_0", subject=name, node=node, after=after))
    return found


def _reach(
    situation: Situation,
    settled: Settled,
    steps: Steps,
    task: TaskName,
    reached: dict[TaskName, tuple[ActionId, ...]],
) -> tuple[ActionId, ...]:
    """Return the actions that do a task, or, of one that runs nothing, all that come before it."""
    if task in reached:
        return reached[task]
    if task[0] in settled.decisions:
        found = _own(situation, settled, steps, task)
    else:
        reached[task] = ()
        before: dict[ActionId, None] = {}
        for relation in settled.relations.before(task):
            if relation.is_order and not _is_passed_by(settled, relation):
                before |= dict.fromkeys(_reach(situation, settled, steps, relation.first, reached))
        found = tuple(before)
    reached[task] = found
    return found


def _is_passed_by(settled: Settled, relation: Relation) -> bool:
    """Tell whether what migrates live need not be waited for: it only should stop before, if it stops at all."""
    if relation.first[1] is not STOP or relation.bond is not _AFTER:
        return False
    first = settled.decisions.get(relation.first[0])
    is_optional = not (relation.implies_first or relation.implies_then or relation.holds)
    return is_optional and first is not None and first.migrates


def _begin_live(settled: Settled, steps: Steps, relation: Relation) -> Sequence[Action]:
    """Return the actions with which the second task of a relation begins, where that is a live migration.

    It begins to start, and to stop, at once. Two that migrate live stop in order, at their ends: the
    second could not take over before the first has.
    """
    resource, verb = relation.then
    first = settled.decisions.get(relation.first[0])
    is_end = verb is STOP and first is not None and first.migrates
    if not is_end:
        return steps.of(ActionKind.MIGRATE_TO, resource) or steps.of(ActionKind.MIGRATE_FROM, resource)
    return steps.of(_KINDS[verb], resource)


def _own(situation: Situation, settled: Settled, steps: Steps, task: TaskName) -> tuple[ActionId, ...]:
    """Return the actions that start or stop a resource, planned or in flight; its node's fencing stops it too."""
    resource, verb = task
    is_live = settled.decisions[resource].migrates and verb is START
    kind = ActionKind.MIGRATE_FROM if is_live else _KINDS[verb]
    planned = [a.id for a in steps.of(kind, resource)]
    pending = [p.id for p in situation.pending.get(resource, ()) if p.kind == kind.value]
    decision = settled.decisions[resource]
    fences = decision.ends_with if verb in DOWN else ()
    return (*planned, *pending, *(a.id for node in sorted(fences) for a in steps.on(ActionKind.FENCE, node)))


def _answers(situation: Situation, settled: Settled, steps: Steps, first: TaskName) -> tuple[ActionId, ...]:
    """Return what tells anew how something is that is kept, and does not go down: its monitors, and connections."""
    decision = settled.decisions.get(first[0])
    if first[1] in DOWN or decision is None or decision.fate is not Fate.KEEP:
        return ()
    if decision.promotes or decision.demotes:
        return ()
    planned = [a.id for a in steps.of(ActionKind.MONITOR, first[0])]
    kind = ActionKind.MONITOR.value
    asked = [p.id for p in situation.pending.get(first[0], ()) if p.kind == kind]
    return (*planned, *asked, *_connections(situation, steps, decision))


def _connections(situation: Situation, steps: Steps, decision: Decision) -> list[ActionId]:
    """Return the connections to the nodes of something that runs: in flight, and planned if it is not managed.

    What is managed is held until the connection has begun.
    """
    found = []
    for node in [instance.node for instance in decision.active]:
        name = action_id(ActionKind.CONNECT, node, node)
        if name in steps.actions or name in [p.id for p in situation.index.pending_on.get(node, ())]:
            found.append(name)
    return found


def order_by_surprises(situation: Situation, settled: Settled, steps: Steps) -> None:
    """Add the edges that matter when the world is not as it is taken to be: they concern what stops."""
    if not steps.of(ActionKind.STOP):
        return
    for relations in settled.relations.by_then.values():
        for relation in relations:
            if relation.bond is not _AFTER:
                continue
            if relation.implies_first:
                _order_after_guest(situation, settled, steps, relation)
            if relation.implies_then:
                _order_probe_before_stop(steps, relation)


def _order_after_guest(situation: Situation, settled: Settled, steps: Steps, relation: Relation) -> None:
    then = settled.decisions.get(relation.first[0])
    for node in sorted(then.ends_with) if then is not None and then.ends_with else ():
        guest = situation.guests.get(node)
        for guest_stop in steps.of(ActionKind.STOP, guest.id) if guest is not None else ():
            for first_stop in steps.of(ActionKind.STOP, relation.then[0]):
                if not steps.reaches(first_stop.id, guest_stop.id):
                    steps.order(guest_stop.id, first_stop.id)


def _order_probe_before_stop(steps: Steps, relation: Relation) -> None:
    stops = steps.of(ActionKind.STOP, relation.then[0])
    if not stops or not steps.of(ActionKind.START, relation.first[0]):
        return
    for stop in stops:
        for probe in steps.of(ActionKind.PROBE, relation.first[0]):
            if not steps.reaches(stop.id, probe.id):
                steps.order(probe.id, stop.id)
