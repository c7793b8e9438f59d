"""Which instance of a clone comes first (Pacemaker lib/pacemaker/pcmk_sched_instances.c, pcmk__cmp_instance)."""

from dataclasses import dataclass
from functools import cmp_to_key

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.score import INFINITY
from reconciler.plan.place.colocation import wishes_around
from reconciler.plan.place.state import Assignment
from reconciler.plan.situation import CloneSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """What decides which instance of a clone is assigned first (pcmk__cmp_instance); compared in this order."""

    places: int
    """If both run: fewer places first."""
    is_astray: bool
    """It runs where it may not, and comes last."""
    priority: int
    current: NodeName | None
    """What runs comes first."""
    is_serving: bool
    """Its node can run resources."""
    is_known: bool
    """Its clone may be on that node."""
    is_failed: bool
    wishes: int
    """How well its node suits all that it is colocated with."""
    number: int


def by_importance(assignment: Assignment, cloned: CloneSet) -> list[ResourceId]:
    """Return the instances of a clone, the one first that is assigned first."""
    found = [importance(assignment, cloned, number) for number in range(len(cloned.instances))]
    return [cloned.instances[one.number] for one in sorted(found, key=cmp_to_key(compare))]


def importance(assignment: Assignment, cloned: CloneSet, number: int) -> Importance:
    """Return the importance of one instance."""
    clone, instance = cloned.clone.id, cloned.instances[number]
    scores = assignment.scores[instance]
    active = assignment.current_node(instance)
    current = active if active is not None and scores.get(active, -INFINITY) >= 0 else None
    return Importance(
        places=len({i.node for i in assignment.active(instance)}),
        is_astray=active is not None and current is None,
        priority=assignment.promotions.get(instance, assignment.tree.priority(instance)),
        current=current,
        is_serving=current is not None and can_serve(assignment, clone, current),
        is_known=current in assignment.scores[clone],
        is_failed=is_failed(assignment, instance),
        wishes=0 if current is None else wishes_around(assignment, instance, current),
        number=number,
    )


def compare(left: Importance, right: Importance) -> int:
    """Return below 0 if the left one is assigned first; 0 leaves the order as it is."""
    if left.places and right.places and left.places != right.places:
        return left.places - right.places
    mine, others = (left.is_astray, -left.priority), (right.is_astray, -right.priority)
    if mine == others:
        mine, others = (left.current is None, 0), (right.current is None, 0)
        if left.current is None and right.current is None:
            return 0
    if mine == others:
        mine, others = (not left.is_serving, 0), (not right.is_serving, 0)
    if mine == others:
        if not left.is_known and not right.is_known:
            return 0
        mine, others = (not left.is_known, 0), (not right.is_known, 0)
    if mine == others:
        mine, others = (left.is_failed, -left.wishes), (right.is_failed, -right.wishes)
    if mine == others:
        return left.number - right.number
    return -1 if mine < others else 1


def can_serve(assignment: Assignment, clone: ResourceId, node: NodeName) -> bool:
    """Tell whether a node can take instances of a clone now."""
    return assignment.availability.is_available(assignment.tree.sample(clone), node)


def is_failed(assignment: Assignment, instance: ResourceId) -> bool:
    """Tell whether anything of an instance has failed."""
    return any(i.failure is not None for i in assignment.active(instance))
