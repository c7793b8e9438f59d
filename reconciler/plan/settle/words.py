"""Says why tasks are done, and why they cannot be."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.names import ResourceId
from reconciler.model.transition import Reason
from reconciler.plan.decision import Decision
from reconciler.plan.settle.tasks import Bond, Obstacle, Relation, Task, TaskName, Verb

Tasks = Mapping[TaskName, Task]


def obstacle_after(first: Task, relation: Relation, decisions: Mapping[ResourceId, Decision]) -> Obstacle:
    """Return the obstacle for a task that lacks another before it."""
    before = first.hindrance
    assert before is not None
    subject, verb = first.name
    decision = decisions.get(subject)
    if relation.bond is Bond.PART:
        return replace(before, is_own=False)
    return Obstacle(
        text=_lacks(subject, relation.bond, before.text),
        subject=subject,
        step=verb.value,
        where=decision.resource.where if decision else relation.where,
        retry_at=before.retry_at,
        is_uncertain=before.is_uncertain,
        is_waiting=before.is_waiting,
        is_own=False,
        is_place=relation.bond is Bond.WITH,
        is_alone=before.is_alone and (relation.bond is Bond.ALONE or relation.is_beside),
    )


def _lacks(subject: ResourceId, bond: Bond, why: str) -> str:
    """Say what something lacks."""
    match bond:
        case Bond.AFTER | Bond.PART if subject.startswith("one-or-more:"):
            return "it starts after one of several, and none of them runs"
        case Bond.AFTER | Bond.PART if subject.startswith("clone-one-or-more:"):
            return "it starts after a clone of which too few instances run"
        case Bond.ALONE:
            return f"there is no instance beside it of {subject.partition('@')[0]}, which it starts after"
        case Bond.AFTER | Bond.PART:
            return f"it starts after {subject}, which does not run: {why}"
        case Bond.GUEST:
            return f"its guest {subject} does not run: {why}"
        case Bond.WITH:
            return f"it must run with {subject}, which does not run: {why}"


def reasons_of(start: Task, stop: Task, tasks: Tasks) -> tuple[Reason, ...]:
    """Return why a resource is stopped, or restarted, for the sake of others; each other is named once."""
    found: dict[str, Reason] = {}
    causes = [*start.causes, *stop.causes] if start.happens else [*stop.causes, *start.causes]
    if start.hindrance is not None and start.hindrance.is_alone:
        found[""] = Reason("alone", start.hindrance.text)
    for relation in causes:
        other = relation.then if relation.first in {start.name, stop.name} else relation.first
        if other[0] not in found:
            found[other[0]] = _reason(relation, other, tasks)
    return tuple(found.values())


def _reason(relation: Relation, other: TaskName, tasks: Tasks) -> Reason:
    subject = relation.told_as or other[0]
    verb = _verb(subject, tasks)
    if relation.bond is Bond.GUEST:
        return Reason("guest", f"its guest {subject} {verb}")
    if relation.bond is Bond.WITH:
        return Reason("colocated", f"it must run with {subject}, which {verb}", relation.where, subject)
    if relation.implies_then and relation.then[1] is Verb.STOP:
        return Reason("stops-after", f"{subject}, which it stops after, {verb}", relation.where)
    text = f"{subject}, which it starts after, {verb}"
    code, step = _step(subject, other[1], tasks)
    return Reason(code, text, relation.where, subject, step.value)


def _step(subject: ResourceId, verb: Verb, tasks: Tasks) -> tuple[str, Verb]:
    """Return what matters of a subject: that it starts, that it cannot, or else that it stops."""
    for start in (Verb.STARTED, Verb.START):
        task = tasks.get((subject, start))
        if task is not None and task.happens:
            return "after", start
        if task is not None and task.hindrance is not None:
            return "unrunnable", start
    return "after", verb


def _happens(name: TaskName, tasks: Tasks) -> bool:
    task = tasks.get(name)
    return task is not None and task.happens


def _verb(subject: ResourceId, tasks: Tasks) -> str:
    """Return what becomes of something, as a verb."""
    starts = _happens((subject, Verb.START), tasks) or _happens((subject, Verb.STARTED), tasks)
    stop = tasks.get((subject, Verb.STOP))
    stops = stop is not None and stop.is_required
    if starts:
        return "is restarted" if stops else "is started"
    return "is stopped" if stops else "does not run"
