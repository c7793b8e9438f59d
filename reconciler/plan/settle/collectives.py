"""The relations within groups and clones.

The rules (Pacemaker Explained, "Groups", "Clones"):

* A collective starts when the first part of it does, and runs when all parts that are to run do; likewise stops.
* A member of an ordered group starts after the one before it, and again when that one does; it stops before it. What
  cannot run keeps the members after it from running, not those before it.
* A group runs if all members do. A clone runs if one instance does, or as many as `min` says.
* Instances of an ordered clone start one after the other.
* What is in a bundle's containers is a part of the bundle, as the containers are.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from reconciler.model.collective import Bundle, Group
from reconciler.model.names import ResourceId
from reconciler.plan.settle.tasks import Blocking, Bond, Relation, TaskName, Verb
from reconciler.plan.situation import CloneSet, Situation

UP = frozenset({Verb.START, Verb.PROMOTE})
DOWN = frozenset({Verb.STOP, Verb.DEMOTE})
"""What brings something further up."""

_VERBS = (Verb.START, Verb.STOP)
_DONE = {
    Verb.START: Verb.STARTED,
    Verb.STOP: Verb.STOPPED,
    Verb.PROMOTE: Verb.PROMOTED,
    Verb.DEMOTE: Verb.DEMOTED,
}


def begun(subject: ResourceId, verb: Verb) -> TaskName:
    """Return the task with which something begins to start, or to stop."""
    return (subject, verb)


def done(situation: Situation, subject: ResourceId, verb: Verb) -> TaskName:
    """Return the task with which something has started, or stopped."""
    is_collective = subject in situation.groups or subject in situation.clones
    return (subject, _DONE[verb] if is_collective else verb)


def collective_relations(situation: Situation) -> Iterator[Relation]:
    """Return the relations within all groups and clones."""
    for group in situation.groups.values():
        yield from _group(situation, group)
    for cloned in situation.clones.values():
        yield from _clone(situation, cloned)


def _group(situation: Situation, group: Group) -> Iterator[Relation]:
    yield from parts(situation, group.id, group.members, _VERBS)
    if group.is_ordered:
        yield from _in_line(situation, group.members, group)


def _clone(situation: Situation, cloned: CloneSet) -> Iterator[Relation]:
    yield from parts(situation, cloned.clone.id, cloned.instances, _VERBS)
    if cloned.bundle is not None:
        yield from content(situation, cloned.bundle, _VERBS)
    if cloned.clone.is_ordered:
        for first, then in pairwise(cloned.instances):
            yield Relation(
                first=done(situation, first, Verb.START), then=begun(then, Verb.START), bond=Bond.AFTER
            )
            yield Relation(
                first=done(situation, then, Verb.STOP), then=begun(first, Verb.STOP), bond=Bond.AFTER
            )


def parts(
    situation: Situation, whole: ResourceId, names: Sequence[ResourceId], verbs: Sequence[Verb]
) -> Iterator[Relation]:
    """Tie a whole to its parts: it begins when any of them does, and is done when all have."""
    for part in names:
        for verb in verbs:
            yield Relation(
                first=begun(whole, verb), then=begun(part, verb), bond=Bond.PART, implies_first=True
            )
            yield Relation(
                first=done(situation, part, verb),
                then=(whole, _DONE[verb]),
                bond=Bond.PART,
                implies_then=True,
                blocks=Blocking.ALWAYS if verb in UP else Blocking.NO,
            )


def content(situation: Situation, bundle: Bundle, verbs: Sequence[Verb]) -> Iterator[Relation]:
    """Tie a bundle to what is in its containers, which count for whether it can be started."""
    inner = () if bundle.inner is None else (bundle.inner,)
    for relation in parts(situation, bundle.id, inner, verbs):
        yield relation._replace(blocks=Blocking.NO) if Verb.START in verbs else relation


def _in_line(situation: Situation, parts: Sequence[ResourceId], group: Group) -> Iterator[Relation]:
    for first, then in pairwise(parts):
        yield Relation(
            first=done(situation, first, Verb.START),
            then=begun(then, Verb.START),
            bond=Bond.AFTER,
            where=group.where,
            implies_then=True,
            blocks=Blocking.ALWAYS,
        )
        yield Relation(
            first=done(situation, then, Verb.STOP),
            then=begun(first, Verb.STOP),
            bond=Bond.AFTER,
            where=group.where,
            implies_first=True,
            holds=True,
        )
