"""Assigns one primitive, asking for the primaries that it is colocated with.

The rules, first match wins; the first five are our own, the others Pacemaker's (pcmk_sched_primitive.c):

1. What is not managed stays where it is; what is to be stopped gets no node.
2. What cannot be moved now keeps its node: that one is in maintenance, or out of reach and not known dead; or what
   failed there is to be left as it is.
3. What an operation failed on whose on-fail says so stays stopped.
4. Colocations with what nobody knows the place of are disregarded by what runs.
5. What runs stays while a neighbour's place is not known: nothing moves towards, or away from, what nobody has seen.
6. Mandatory colocations come before optional ones, and of both kinds duties before the wishes of dependents.
7. The best node wins. Where it runs, it stays if the score there is as good, and above 0.
"""

from collections.abc import Iterator

from reconciler.model.constraint import Colocation
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HostState, NodeState
from reconciler.model.observed import Instance
from reconciler.model.policy import PlacementStrategy
from reconciler.model.resource import OnFail, Resource, Role
from reconciler.model.score import INFINITY
from reconciler.plan.consequences import on_fail_of
from reconciler.plan.place.colocation import follow_primary, heed_dependent
from reconciler.plan.place.ranking import best_of
from reconciler.plan.place.room import ban_without_room
from reconciler.plan.place.scores import Scores, ban_of
from reconciler.plan.place.state import Assignment, Course
from reconciler.plan.place.trace import Cause, Rule
from reconciler.plan.situation import Situation
from reconciler.plan.whereabouts import unheard_of

_STOPPED, _MAINTENANCE = Role.STOPPED, HostState.MAINTENANCE
_CERTAIN = (NodeState.ONLINE, NodeState.OFFLINE)
_DEFAULT, _BEST = PlacementStrategy.DEFAULT, Rule.BEST
"""What is asked for each resource: Python 3.11 takes ten times as long to find it in its Enum."""


def assign_primitive(
    assignment: Assignment, name: ResourceId, prefer: NodeName | None = None, *, is_tentative: bool = False
) -> Course:
    """Assign a primitive.

    Args:
        assignment: what is known so far; its scores change.
        name: the primitive.
        prefer: this node wins if none is better.
        is_tentative: the result may be undone, so that nothing is said about it.
    """
    if name in assignment.done:
        return assignment.nodes[name]
    resource = assignment.situation.resources[name]
    assignment.begun.add(name)
    yield from _heed_colocations(assignment, resource)
    if name in assignment.done:
        return None
    return assign_bondless(assignment, resource, prefer, is_tentative=is_tentative)


def assign_bondless(
    assignment: Assignment,
    resource: Resource,
    prefer: NodeName | None = None,
    *,
    is_tentative: bool = False,
) -> NodeName | None:
    """Assign a primitive whose colocations, if it has any, were heeded; see `assign_primitive`."""
    node, obstacle = _choose(assignment, resource, prefer)
    assignment.settle(resource, node)
    if obstacle and not is_tentative:
        assignment.obstacles[resource.id] = obstacle
    return node


_NOUGHT = frozenset({"", "0", "0s"})
"""Of ocf:pacemaker:remote's reconnect_interval: a lost connection is made again at once."""


def pinned_to(situation: Situation, resource: Resource) -> NodeName | None:
    """Return the node of a resource that must not be moved now.

    Its node is in maintenance, or out of reach and not known dead: it cannot be stopped there. Or it is blocked.
    """
    active = situation.running.get(resource.id, ())
    if len(active) != 1:
        return None
    node = active[0].node
    if node in situation.fences:
        return None
    if active[0].failure is not None and is_blocked(resource, active[0]):
        return node
    if node in situation.serving and resource.guest is None:
        return None
    if situation.state_of(node) is _MAINTENANCE:
        return node
    status = situation.observed.nodes.get(node)
    if resource.guest is not None:
        is_readable = status is not None and resource.guest.type in status.hypervisors
        return None if is_readable else node
    return None if status is None or status.state in _CERTAIN else node


def is_blocked(resource: Resource, instance: Instance) -> bool:
    """Tell whether what failed is to be left as it is: its on-fail says so, or it could not be stopped."""
    failure = instance.failure
    if failure is None:
        return False
    on_fail = on_fail_of(resource, failure)
    return on_fail is OnFail.BLOCK or (failure.operation == "stop" and on_fail is OnFail.RESTART)


def _heed_colocations(assignment: Assignment, resource: Resource) -> Iterator[ResourceId]:
    this_with, with_this = assignment.bonds.this_with(resource.id), assignment.bonds.with_this(resource.id)
    for is_mandatory in (True, False):
        for colocation in this_with:
            if _is_mandatory(colocation) is is_mandatory:
                yield colocation.primary
                if not _is_free_of(assignment, resource, colocation):
                    follow_primary(assignment, colocation, resource.id)
        for colocation in with_this:
            if _is_mandatory(colocation) is is_mandatory:
                heed_dependent(assignment, colocation, resource.id)


def _is_mandatory(colocation: Colocation) -> bool:
    return abs(colocation.score) >= INFINITY


def _is_free_of(assignment: Assignment, resource: Resource, colocation: Colocation) -> bool:
    """Tell whether a colocation is disregarded: what runs stays where it is until the primary's place is known."""
    return bool(assignment.situation.active(resource.id)) and _is_lost(assignment, colocation.primary)


def _has_lost_neighbour(assignment: Assignment, resource: Resource) -> bool:
    """Tell whether something colocated may be anywhere."""
    bonds = assignment.bonds
    names = [c.dependent for c in bonds.with_this(resource.id)]
    names += [c.primary for c in bonds.this_with(resource.id)]
    return any(_is_lost(assignment, name) for name in names)


def _is_lost(assignment: Assignment, name: ResourceId) -> bool:
    """Tell whether something should run, and nobody knows whether and where it does.

    Of a group each member counts; a clone is only lost if nothing of it is seen anywhere.
    """
    situation = assignment.situation
    if name in situation.clones:
        return not assignment.active(name) and any(
            _is_primitive_lost(situation, r) for r in situation.leaves(name)
        )
    return any(_is_primitive_lost(situation, leaf) for leaf in situation.leaves(name))


def _is_primitive_lost(situation: Situation, name: ResourceId) -> bool:
    resource = situation.resources[name]
    if resource.state is _STOPPED or situation.active(name):
        return False
    return unheard_of(situation, resource) is not None


def _choose(
    assignment: Assignment, resource: Resource, prefer: NodeName | None
) -> tuple[NodeName | None, str]:
    """Return the node for a resource, or None and, if it should run, why there is none."""
    situation, name = assignment.situation, resource.id
    is_stopped = resource.state is _STOPPED
    if is_stopped:
        assignment.rescore(name, dict.fromkeys(assignment.scores[name], -INFINITY), Cause.STATE)
    if not resource.is_managed:
        assignment.note(name, Rule.UNMANAGED)
        return assignment.current_node(name), ""
    if is_stopped:
        assignment.note(name, Rule.STOPPED)
        return None, ""
    if name in situation.instances:
        pinned = pinned_to(situation, resource)
        if pinned is not None:
            assignment.note(name, Rule.PINNED)
            return pinned, ""
        stopping = _stopped_by_failure(situation, resource)
        if stopping is not None:
            assignment.note(name, Rule.FAILED)
            return None, stopping
        if resource.remote_node is not None and resource.agent.is_connection:
            prefer = _half_migrated_to(situation, name) or prefer
    if assignment.strategy is not _DEFAULT:
        roomiest = ban_without_room(assignment, name)
        prefer = prefer if prefer is not None else roomiest
    node, rule = _best(assignment, resource, prefer)
    assignment.note(name, rule)
    if node is None:
        return None, _explain_none(assignment, resource, assignment.scores[name])
    return node, ""


def _half_migrated_to(situation: Situation, name: ResourceId) -> NodeName | None:
    """Return the node that a live migration in progress leads to; None when there is none."""
    return next((i.migrating_to for i in situation.active(name) if i.migrating_to is not None), None)


def _best(
    assignment: Assignment, resource: Resource, prefer: NodeName | None
) -> tuple[NodeName | None, Rule]:
    """Return the best node for a resource that may move, and what made it the best."""
    name = resource.id
    scores = assignment.scores[name]
    current = assignment.current_node(name) if name in assignment.situation.running else None
    best = best_of(assignment, resource, scores, current)
    if best is None:
        return None, Rule.NONE
    if best in (prefer, current):
        return best, _BEST
    is_available = assignment.availability.is_available
    if prefer is not None and scores.get(prefer) == scores[best] and is_available(resource, prefer):
        return prefer, Rule.PREFERRED
    if current is None or scores.get(current, -INFINITY) < 0 or not is_available(resource, current):
        return best, Rule.BEST
    is_as_good = scores[best] > 0 and scores[current] == scores[best]
    if is_as_good and not _is_one_of_unique(assignment, name):
        return current, Rule.STAYS
    return (current, Rule.HELD) if _has_lost_neighbour(assignment, resource) else (best, Rule.BEST)


def _is_one_of_unique(assignment: Assignment, name: ResourceId) -> bool:
    """Tell whether a primitive is an instance of a unique clone: those that stay were assigned early."""
    found = assignment.situation.clones.get(assignment.tree.parents.get(name, name))
    return found is not None and found.clone.is_unique and found.bundle is None


def _stopped_by_failure(situation: Situation, resource: Resource) -> str | None:
    """Return why a resource is to stay stopped: an operation failed whose on-fail says so; None if it is not."""
    for instance in situation.instances.get(resource.id, ()):
        failure = instance.failure
        if failure is not None:
            on_fail = on_fail_of(resource, failure)
            if (
                on_fail is OnFail.RESET_REMOTE
                and resource.params.get("reconnect_interval", "0") not in _NOUGHT
            ):
                return f"{failure.operation} failed on {instance.node}: {failure.text}; it is connected again later"
            if on_fail is OnFail.STOP:
                return f"{failure.operation} failed on {instance.node}: {failure.text}; onFail is stop"
    return None


def _explain_none(assignment: Assignment, resource: Resource, scores: Scores) -> str:
    """Say in one sentence why no node will do."""
    situation = assignment.situation
    lack = situation.lack_of(resource)
    if lack is not None:
        return lack.text
    is_symmetric = situation.intent.cluster.policy.is_symmetric
    if not scores and is_symmetric:
        kind = f"a {resource.guest.type.value} guest" if resource.guest else "it"
        return f"no host can run {kind} by its declaration"
    unplaced = [
        c.primary
        for c in assignment.bonds.this_with(resource.id)
        if c.score >= INFINITY and not _runs_anywhere(assignment, c.primary)
    ]
    if unplaced:
        return f"it must run with {unplaced[0]}, which runs nowhere"
    obstacle = assignment.availability.obstacle
    bans = [text for node in scores if (text := ban_of(situation, resource, node))]
    allowed = [
        text for node, score in scores.items() if score > -INFINITY and (text := obstacle(resource, node))
    ]
    parts = sorted({*bans, *allowed})
    return "; ".join(parts) if parts else "its constraints leave no node"


def _runs_anywhere(assignment: Assignment, name: ResourceId) -> bool:
    return any(assignment.nodes.get(leaf) is not None for leaf in assignment.situation.leaves(name))
