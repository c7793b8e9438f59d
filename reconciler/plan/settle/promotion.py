"""The tasks and relations of promotion and demotion.

The rules (Pacemaker lib/pacemaker/pcmk_sched_promotable.c, pcmk_sched_group.c):

* What is promoted is demoted before it stops. What is to be promoted is promoted after it has started, and again when
  it was demoted; it is not promoted if it cannot be started.
* A collective is promoted, or demoted, as it is started and stopped: it begins when the first part of it does.
* A clone is demoted before any instance of it stops, starts or is promoted, and has started before one is promoted.
* Members of an ordered group are promoted one after the other, and demoted in reverse; instances of an ordered clone
  too.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from reconciler.model.collective import Bundle
from reconciler.model.names import ResourceId
from reconciler.model.resource import Role
from reconciler.plan.decision import Decision
from reconciler.plan.settle.collectives import content, done, parts
from reconciler.plan.settle.tasks import Blocking, Bond, Obstacle, Relation, Task, TaskName, Verb
from reconciler.plan.situation import CloneSet, Situation

_VERBS = (Verb.PROMOTE, Verb.DEMOTE)
_IN_TURN = (
    (Verb.STOPPED, Verb.PROMOTE),
    (Verb.DEMOTED, Verb.STOP),
    (Verb.DEMOTED, Verb.START),
    (Verb.DEMOTED, Verb.PROMOTE),
    (Verb.STARTED, Verb.PROMOTE),
)
"""Of a clone as a whole."""


def lay_out_roles(tasks: dict[TaskName, Task], decision: Decision, *, is_frozen: bool) -> None:
    """Put down what a decision asks for on something with roles."""
    resource = decision.resource
    promote = tasks.setdefault((resource.id, Verb.PROMOTE), Task((resource.id, Verb.PROMOTE)))
    demote = tasks.setdefault((resource.id, Verb.DEMOTE), Task((resource.id, Verb.DEMOTE)))
    promote.is_required, demote.is_required = decision.promotes, decision.demotes
    promote.is_frozen = is_frozen
    # What is not promoted cannot be demoted, whatever waits for that.
    demote.is_frozen = is_frozen or not decision.was_promoted
    if decision.role is not Role.PROMOTED:
        promote.obstacle = Obstacle(text="it is not to be promoted")


def promotion_relations(situation: Situation, roled: Iterable[Decision]) -> Iterator[Relation]:
    """Return the relations of roles: of resources that have some, of groups, and of clones."""
    for decision in roled:
        yield from _own(decision)
    for cloned in situation.clones.values():
        if cloned.clone.promotion is not None:
            yield from _clone(situation, cloned)
        elif cloned.bundle is not None and _is_promotable(situation, cloned.bundle):
            yield from content(situation, cloned.bundle, _VERBS)
            yield from _in_turn(cloned.bundle.id)


def _is_promotable(situation: Situation, bundle: Bundle) -> bool:
    return bundle.inner is not None and situation.clones[bundle.inner].clone.promotion is not None


def _own(decision: Decision) -> Iterator[Relation]:
    name = decision.resource.id
    if decision.was_promoted:
        yield Relation(first=(name, Verb.DEMOTE), then=(name, Verb.STOP), bond=Bond.OWN, implies_first=True)
    if decision.role is Role.PROMOTED:
        yield Relation(
            first=(name, Verb.START),
            then=(name, Verb.PROMOTE),
            bond=Bond.OWN,
            implies_then=True,
            blocks=Blocking.ALWAYS,
        )
        yield Relation(first=(name, Verb.DEMOTE), then=(name, Verb.PROMOTE), bond=Bond.OWN, implies_then=True)


def _clone(situation: Situation, cloned: CloneSet) -> Iterator[Relation]:
    clone = cloned.clone
    yield from parts(situation, clone.id, cloned.instances, _VERBS)
    yield from _in_turn(clone.id)
    if clone.is_ordered:
        yield from _in_line(situation, cloned.instances, blocks=Blocking.NO)
    for instance in cloned.instances:
        group = situation.groups.get(instance)
        if group is None:
            continue
        yield from parts(situation, group.id, group.members, _VERBS)
        if group.is_ordered:
            yield from _in_line(situation, group.members, blocks=Blocking.ALWAYS)


def _in_turn(clone: ResourceId) -> Iterator[Relation]:
    for first, then in _IN_TURN:
        yield Relation(first=(clone, first), then=(clone, then), bond=Bond.TURN)


def _in_line(situation: Situation, names: Sequence[ResourceId], blocks: Blocking) -> Iterator[Relation]:
    is_group = blocks is not Blocking.NO
    for first, then in pairwise(names):
        yield Relation(
            first=done(situation, first, Verb.PROMOTE),
            then=(then, Verb.PROMOTE),
            bond=Bond.AFTER,
            implies_then=is_group,
            blocks=blocks,
        )
        yield Relation(
            first=done(situation, then, Verb.DEMOTE),
            then=(first, Verb.DEMOTE),
            bond=Bond.AFTER,
        )
