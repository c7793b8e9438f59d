"""The relations that declared orders make.

The rules:

* A mandatory order `first then`: `then` does not start while `first` does not run. If it is symmetrical, `then` stops
  before `first` does, and when `first` is known not to run; and when `first` starts, `then` starts after it, again if
  it runs already. While `then` can't be stopped, or may run where nobody could look, `first` is not stopped either,
  unless it has failed: what has failed is not kept down for the sake of what it cannot serve.
* After a mandatory order of stops, `then` stops too when `first` does, and starts again if it may.
* Of several alternatives one is enough.
* An order that names a group or a clone is one with each part of it. What is not cloned itself waits for all of a
  clone to start, but is restarted or stopped only for the instance on its own node. A clone minds no instance of
  another one that only stops, as long as others of it run (pcmk_sched_instances.c). Two clones of which the second is
  interleaved are ordered instance by instance, on each node.
* Where a number of instances is enough, nothing but their number matters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from reconciler.model.constraint import Ordering, OrderKind
from reconciler.model.names import NodeName, ResourceId
from reconciler.plan.decision import Decision
from reconciler.plan.settle.collectives import UP, begun, done
from reconciler.plan.settle.tasks import Blocking, Bond, Relation, TaskName, Verb
from reconciler.plan.situation import Situation

Decisions = Mapping[ResourceId, Decision]
Place = Callable[[Situation, Decisions, ResourceId], NodeName | None]
Relate = Callable[[Situation, Decisions, Ordering, ResourceId, ResourceId], Iterator[Relation]]
_INVERSE = {
    Verb.START: Verb.STOP,
    Verb.STOP: Verb.START,
    Verb.PROMOTE: Verb.DEMOTE,
    Verb.DEMOTE: Verb.PROMOTE,
}
_VERBS = {verb.value: verb for verb in _INVERSE}


def alternatives_task(name: str) -> TaskName:
    """Return the task that is done when one of several alternatives is."""
    return (ResourceId(f"one-or-more:{name}"), Verb.STARTED)


def minimum_task(ordering: Ordering) -> TaskName:
    """Return the task that is done when enough instances of a clone run."""
    return (ResourceId(f"clone-one-or-more:{ordering.id}"), Verb.STARTED)


def least_tasks(situation: Situation) -> dict[TaskName, int]:
    """Return how many of those that come before it each task needs that does not need them all."""
    found = {alternatives_task(o.alternatives): 1 for o in situation.intent.orderings if o.alternatives}
    for cloned in situation.clones.values():
        found[(cloned.clone.id, Verb.STARTED)] = 1
        if cloned.clone.promotion is not None:
            found[(cloned.clone.id, Verb.PROMOTED)] = 1
    for ordering in situation.intent.orderings:
        least = _least(situation, ordering)
        if least:
            found[minimum_task(ordering)] = least
    return found


def _least(situation: Situation, ordering: Ordering) -> int:
    """Return how many instances of the clone that comes first have to run; 0: it is no question of number."""
    first = situation.clones.get(ordering.first)
    if first is None or ordering.alternatives:
        return 0
    return first.clone.min or (0 if ordering.needs_all else 1)


def is_binding(ordering: Ordering) -> bool:
    """Tell whether stopping `first` stops `then`."""
    is_start_order = (
        ordering.kind is OrderKind.MANDATORY
        and ordering.first_action == "start"
        and ordering.then_action == "start"
        and not ordering.alternatives
    )
    return is_start_order and ordering.is_symmetrical


def order_relations(situation: Situation, decisions: Decisions) -> Iterator[Relation]:
    """Return the relations of all declared orders."""
    for ordering in situation.intent.orderings:
        if not (situation.is_known(ordering.first) and situation.is_known(ordering.then)):
            continue
        if ordering.first_action not in _VERBS or ordering.then_action not in _VERBS:
            continue
        if ordering.alternatives:
            yield from _alternative(situation, ordering)
        else:
            is_by_node = _is_by_node(situation, ordering)
            yield from _starts(situation, decisions, ordering, is_by_node=is_by_node)
            if ordering.is_symmetrical and ordering.kind is not OrderKind.SERIALIZE:
                yield from _stops(situation, decisions, ordering, is_by_node=is_by_node)


def _is_by_node(situation: Situation, ordering: Ordering) -> bool:
    then = situation.clones.get(ordering.then)
    return ordering.first in situation.clones and then is not None and then.clone.is_interleaved


def _starts(
    situation: Situation, decisions: Decisions, ordering: Ordering, *, is_by_node: bool
) -> Iterator[Relation]:
    """Relate what comes first, as it starts or does what else the order says, to what comes then."""
    if _least(situation, ordering):
        yield from _minimum(situation, ordering)
    elif is_by_node:
        yield from _pairs(situation, decisions, ordering, forward)
        yield from _alone(situation, decisions, ordering)
    else:
        yield from forward(situation, decisions, ordering, ordering.first, ordering.then)


def _stops(
    situation: Situation, decisions: Decisions, ordering: Ordering, *, is_by_node: bool
) -> Iterator[Relation]:
    """Relate the two the other way round as they stop; where a number is enough, that implies nothing."""
    if _least(situation, ordering):
        for relation in inverse(situation, decisions, ordering, ordering.first, ordering.then):
            yield relation._replace(implies_first=False, holds=False)
    elif is_by_node:
        yield from _pairs(situation, decisions, ordering, inverse)
    else:
        yield from inverse(situation, decisions, ordering, ordering.first, ordering.then)


def forward(
    situation: Situation, decisions: Decisions, ordering: Ordering, first: ResourceId, then: ResourceId
) -> Iterator[Relation]:
    """Relate all of one subject to all of another, in the order that is declared."""
    first_verb, then_verb = _VERBS[ordering.first_action], _VERBS[ordering.then_action]
    is_mandatory = ordering.kind is OrderKind.MANDATORY
    is_start = is_mandatory and {first_verb, then_verb} <= UP
    is_stop = is_mandatory and first_verb is then_verb is Verb.STOP
    is_local = first in situation.clones and then not in situation.clones
    blocks = Blocking.ALWAYS if ordering.is_symmetrical else Blocking.IF_STARTING
    for task in _tasks(situation, then, then_verb):
        yield Relation(
            first=done(situation, first, first_verb),
            then=task,
            bond=Bond.AFTER,
            where=ordering.where,
            implies_then=(is_start or is_stop) and ordering.is_symmetrical and not is_local,
            blocks=blocks if is_start else Blocking.NO,
            holds=is_stop,
        )
    if is_local and is_start and ordering.is_symmetrical:
        for leaf in situation.leaves(then):
            for instance in _instances_at(
                situation, decisions, first, _target(situation, decisions, leaf), _target
            ):
                yield Relation(
                    first=done(situation, instance, first_verb),
                    then=(leaf, then_verb),
                    bond=Bond.AFTER,
                    where=ordering.where,
                    implies_then=True,
                    told_as=first,
                )


def inverse(
    situation: Situation, decisions: Decisions, ordering: Ordering, first: ResourceId, then: ResourceId
) -> Iterator[Relation]:
    """Relate all of one subject to all of another, in reverse."""
    first_verb, then_verb = _VERBS[ordering.first_action], _VERBS[ordering.then_action]
    is_start = ordering.kind is OrderKind.MANDATORY and {first_verb, then_verb} <= UP
    is_local = first in situation.clones and then not in situation.clones
    is_between_clones = first in situation.clones and then in situation.clones
    for leaf in _leaves_that(situation, then, then_verb):
        yield Relation(
            first=(leaf, _INVERSE[then_verb]),
            then=begun(first, _INVERSE[first_verb]),
            bond=Bond.AFTER,
            where=ordering.where,
            implies_first=is_start and not is_local and not is_between_clones,
            holds=is_start,
            interrupts=is_start and (is_local or is_between_clones),
        )
        node = _current(situation, decisions, leaf)
        for instance in (
            _instances_at(situation, decisions, first, node, _current) if is_local and is_start else ()
        ):
            yield Relation(
                first=(leaf, _INVERSE[then_verb]),
                then=begun(instance, _INVERSE[first_verb]),
                bond=Bond.AFTER,
                where=ordering.where,
                implies_first=True,
                told_as=first,
            )


def _instances_at(
    situation: Situation, decisions: Decisions, clone: ResourceId, node: NodeName | None, place: Place
) -> list[ResourceId]:
    """Return the instances of a clone on a node: what is not cloned minds only those beside it."""
    if node is None:
        return []
    return [i for i in situation.clones[clone].instances if place(situation, decisions, i) == node]


def _tasks(situation: Situation, subject: ResourceId, verb: Verb) -> list[TaskName]:
    """Return the tasks of a subject and of all its parts."""
    leaves = [(leaf, verb) for leaf in _leaves_that(situation, subject, verb)]
    return leaves if leaves == [(subject, verb)] else [begun(subject, verb), *leaves]


def _leaves_that(situation: Situation, subject: ResourceId, verb: Verb) -> tuple[ResourceId, ...]:
    """Return the parts of a subject that do something themselves."""
    is_of_role = verb is Verb.PROMOTE or verb is Verb.DEMOTE
    return situation.leaves_with_roles(subject) if is_of_role else situation.leaves(subject)


def _alternative(situation: Situation, ordering: Ordering) -> Iterator[Relation]:
    """Let one of several be enough; they are ordered with what starts after them, and imply nothing."""
    either = alternatives_task(ordering.alternatives)
    yield from _enough(situation, ordering, either, (ordering.first,), Blocking.IF_STARTING)
    if ordering.is_symmetrical:
        for leaf in situation.leaves(ordering.then):
            yield Relation(
                first=(leaf, Verb.STOP),
                then=begun(ordering.first, Verb.STOP),
                bond=Bond.AFTER,
                where=ordering.where,
            )


def _minimum(situation: Situation, ordering: Ordering) -> Iterator[Relation]:
    """Let a number of instances be enough: what comes then does not start without, and minds nothing else."""
    instances = situation.clones[ordering.first].instances
    yield from _enough(situation, ordering, minimum_task(ordering), instances, Blocking.ALWAYS)


def _enough(
    situation: Situation,
    ordering: Ordering,
    enough: TaskName,
    firsts: Sequence[ResourceId],
    blocks: Blocking,
) -> Iterator[Relation]:
    """Let what comes then start after a task that is done when enough of those that come first have started."""
    for first in firsts:
        yield Relation(
            first=done(situation, first, Verb.START),
            then=enough,
            bond=Bond.PART,
            implies_then=True,
            blocks=Blocking.ALWAYS,
        )
    for task in _tasks(situation, ordering.then, Verb.START):
        yield Relation(first=enough, then=task, bond=Bond.AFTER, where=ordering.where, blocks=blocks)


def _pairs(
    situation: Situation, decisions: Decisions, ordering: Ordering, relate: Relate
) -> Iterator[Relation]:
    """Relate the instances of two clones that share a node: where they are to run, and where they do."""
    firsts, thens = situation.clones[ordering.first].instances, situation.clones[ordering.then].instances
    related = set()
    for place in (_target, _current):
        there = {node: i for i in reversed(firsts) if (node := place(situation, decisions, i)) is not None}
        for then in thens:
            node = place(situation, decisions, then)
            first = there.get(node) if node is not None else None
            if first is not None and (first, then) not in related:
                related.add((first, then))
                for relation in relate(situation, decisions, ordering, first, then):
                    yield relation._replace(is_beside=True)


def _alone(situation: Situation, decisions: Decisions, ordering: Ordering) -> Iterator[Relation]:
    """Keep an instance from running where none of the clone is that comes first."""
    if not is_binding(ordering):
        return
    firsts = situation.clones[ordering.first].instances
    there = {_target(situation, decisions, first) for first in firsts}
    for then in situation.clones[ordering.then].instances:
        node = _target(situation, decisions, then)
        if node is None or node in there:
            continue
        missing = (ResourceId(f"{ordering.first}@{node}"), Verb.START)
        for task in _tasks(situation, then, Verb.START):
            yield Relation(
                first=missing, then=task, bond=Bond.ALONE, where=ordering.where, blocks=Blocking.ALWAYS
            )


def _target(situation: Situation, decisions: Decisions, subject: ResourceId) -> NodeName | None:
    found = (decisions[leaf].target for leaf in situation.leaves(subject) if leaf in decisions)
    return next((node for node in found if node is not None), None)


def _current(situation: Situation, decisions: Decisions, subject: ResourceId) -> NodeName | None:
    found = (decisions[leaf].active for leaf in situation.leaves(subject) if leaf in decisions)
    return next((active[0].node for active in found if active), None)
