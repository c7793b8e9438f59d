"""The relations that declared orders, colocations and guests make.

The rules:

* A mandatory order `first then`: `then` does not start while `first` does not run. If it is symmetrical, `then` stops
  before `first` does, and when `first` is known not to run; and when `first` starts, `then` starts after it, again if
  it runs already. While `then` can't be stopped, `first` is not stopped either, unless it has failed: what has failed
  is not kept down for the sake of what it cannot serve.
* Of several alternatives one is enough.
* An order that names a group or a clone is one with each part of it; two clones of which the second is interleaved
  are ordered instance by instance, on each node.
* What must be with a primary does not start while the primary does not run.
* What runs in a guest ends with it: when the guest stops, it stops before, or with it if its agent is out of reach.
  Nothing starts in a guest that will not be there.
"""

from collections.abc import Iterator, Mapping

from reconciler.model.constraint import Ordering, OrderKind
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.score import INFINITY
from reconciler.plan.decision import Decision
from reconciler.plan.settle.collectives import begun, done
from reconciler.plan.settle.tasks import Blocking, Bond, Relation, TaskName, Verb
from reconciler.plan.situation import Situation

Decisions = Mapping[ResourceId, Decision]
_INVERSE = {Verb.START: Verb.STOP, Verb.STOP: Verb.START}
_VERBS = {"start": Verb.START, "stop": Verb.STOP}


def alternatives_task(name: str) -> TaskName:
    """Return the task that is done when one of several alternatives is."""
    return (ResourceId(f"one-or-more:{name}"), Verb.STARTED)


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
        if not (_is_known(situation, ordering.first) and _is_known(situation, ordering.then)):
            continue
        if ordering.first_action not in _VERBS or ordering.then_action not in _VERBS:
            continue
        if ordering.alternatives:
            yield from _alternative(situation, ordering)
        elif _is_by_node(situation, ordering):
            yield from _by_node(situation, decisions, ordering)
        else:
            yield from _whole(situation, ordering, ordering.first, ordering.then)


def _is_known(situation: Situation, subject: ResourceId) -> bool:
    return subject in situation.resources or subject in situation.groups or subject in situation.clones


def _is_by_node(situation: Situation, ordering: Ordering) -> bool:
    then = situation.clones.get(ordering.then)
    return ordering.first in situation.clones and then is not None and then.clone.is_interleaved


def _whole(
    situation: Situation, ordering: Ordering, first: ResourceId, then: ResourceId
) -> Iterator[Relation]:
    """Relate all of one subject to all of another."""
    first_verb, then_verb = _VERBS[ordering.first_action], _VERBS[ordering.then_action]
    is_mandatory = ordering.kind is OrderKind.MANDATORY
    is_start = is_mandatory and first_verb is then_verb is Verb.START
    is_stop = is_mandatory and first_verb is then_verb is Verb.STOP
    blocks = Blocking.ALWAYS if ordering.is_symmetrical else Blocking.IF_STARTING
    for task in _tasks(situation, then, then_verb):
        yield Relation(
            first=done(situation, first, first_verb),
            then=task,
            bond=Bond.AFTER,
            where=ordering.where,
            implies_then=is_start and ordering.is_symmetrical,
            blocks=blocks if is_start else Blocking.NO,
            holds=is_stop,
        )
    if not ordering.is_symmetrical or ordering.kind is OrderKind.SERIALIZE:
        return
    for leaf in situation.leaves(then):
        yield Relation(
            first=(leaf, _INVERSE[then_verb]),
            then=begun(first, _INVERSE[first_verb]),
            bond=Bond.AFTER,
            where=ordering.where,
            implies_first=is_start,
            holds=is_start,
        )


def _tasks(situation: Situation, subject: ResourceId, verb: Verb) -> list[TaskName]:
    """Return the tasks of a subject and of all its parts."""
    leaves = [(leaf, verb) for leaf in situation.leaves(subject)]
    return leaves if leaves == [(subject, verb)] else [begun(subject, verb), *leaves]


def _alternative(situation: Situation, ordering: Ordering) -> Iterator[Relation]:
    """Let one of several be enough; they are ordered with what starts after them, and imply nothing."""
    either = alternatives_task(ordering.alternatives)
    yield Relation(
        first=done(situation, ordering.first, Verb.START),
        then=either,
        bond=Bond.PART,
        implies_then=True,
        blocks=Blocking.ALWAYS,
    )
    for task in _tasks(situation, ordering.then, Verb.START):
        yield Relation(
            first=either, then=task, bond=Bond.AFTER, where=ordering.where, blocks=Blocking.IF_STARTING
        )
    if ordering.is_symmetrical:
        for leaf in situation.leaves(ordering.then):
            yield Relation(
                first=(leaf, Verb.STOP),
                then=begun(ordering.first, Verb.STOP),
                bond=Bond.AFTER,
                where=ordering.where,
            )


def _by_node(situation: Situation, decisions: Decisions, ordering: Ordering) -> Iterator[Relation]:
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
                yield from _whole(situation, ordering, first, then)
            elif first is None and node is not None and place is _target:
                yield from _alone(situation, ordering, then, node)


def _alone(situation: Situation, ordering: Ordering, then: ResourceId, node: NodeName) -> Iterator[Relation]:
    """Keep an instance from running where none of the other clone is."""
    if not is_binding(ordering):
        return
    missing = (ResourceId(f"{ordering.first}@{node}"), Verb.START)
    for task in _tasks(situation, then, Verb.START):
        yield Relation(
            first=missing, then=task, bond=Bond.AFTER, where=ordering.where, blocks=Blocking.ALWAYS
        )


def _target(situation: Situation, decisions: Decisions, subject: ResourceId) -> NodeName | None:
    found = (decisions[leaf].target for leaf in situation.leaves(subject) if leaf in decisions)
    return next((node for node in found if node is not None), None)


def _current(situation: Situation, decisions: Decisions, subject: ResourceId) -> NodeName | None:
    found = (decisions[leaf].active for leaf in situation.leaves(subject) if leaf in decisions)
    return next((active[0].node for active in found if active), None)


def colocation_relations(situation: Situation) -> Iterator[Relation]:
    """Return a relation for each duty to be where something else is."""
    for colocation in situation.intent.colocations:
        if colocation.score < INFINITY or not _is_known(situation, colocation.primary):
            continue
        for leaf in situation.leaves(colocation.dependent):
            if leaf in situation.resources:
                yield Relation(
                    first=done(situation, colocation.primary, Verb.START),
                    then=(leaf, Verb.START),
                    bond=Bond.WITH,
                    where=colocation.where,
                    is_order=False,
                    blocks=Blocking.IF_STARTING,
                )


def guest_relations(situation: Situation, decisions: Decisions) -> Iterator[Relation]:
    """Return the relations between guests and what runs, or is to run, in them."""
    for decision in decisions.values():
        resource = decision.resource
        if resource.guest is not None:
            continue
        for instance in decision.active:
            guest = situation.guests.get(instance.node)
            if guest is not None and guest.id in decisions:
                yield Relation(
                    first=(resource.id, Verb.STOP),
                    then=(guest.id, Verb.STOP),
                    bond=Bond.GUEST,
                    is_order=False,
                    implies_first=True,
                    ends=True,
                )
        if decision.target is not None and decision.target in situation.guests:
            guest = situation.guests[decision.target]
            yield Relation(
                first=(guest.id, Verb.START),
                then=(resource.id, Verb.START),
                bond=Bond.GUEST,
                is_order=False,
                blocks=Blocking.IF_STARTING,
            )
