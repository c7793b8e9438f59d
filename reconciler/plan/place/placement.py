"""Assigns every resource to a node, or to none: primitives, groups and clones, in the order that `order` says.

A resource that is being assigned may ask for another one, a primary of its colocations. That is assigned first, with
all that it is a part of; a circle is cut where it closes. The same inputs give the same places.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.policy import PlacementStrategy
from reconciler.model.resource import Role
from reconciler.plan.place.clones import assign_clone
from reconciler.plan.place.groups import assign_part
from reconciler.plan.place.order import assignment_order
from reconciler.plan.place.primitives import assign_bondless
from reconciler.plan.place.state import Assignment, Course, begin
from reconciler.plan.place.steady import as_sent, is_to_and_fro, restless
from reconciler.plan.place.trace import Trace
from reconciler.plan.situation import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where each resource is to run."""

    nodes: Mapping[ResourceId, NodeName | None]
    """Of primitives and instances; None: nowhere, by declaration or because no node will do."""
    roles: Mapping[ResourceId, Role]
    """Of primitives in promotable clones."""
    obstacles: Mapping[ResourceId, str]
    """For those that should run and find no node: why, in a sentence."""
    allowed: Mapping[ResourceId, frozenset[NodeName]]
    """For those that take capacity, where that counts: the nodes of which their constraints speak."""
    counts_load: bool
    """Somewhere the number of resources on nodes decided between them."""
    is_held: bool
    """Something stays that would move, and come back with the next plan."""


def place(situation: Situation, trace: Trace | None = None) -> Placement:
    """Assign all resources of a situation; a trace takes notes."""
    first = chosen = begin(situation, trace)
    allowed = _allowed(first)
    _assign_all(first)
    moving = restless(first)
    if moving:
        second = begin(as_sent(first))
        _assign_all(second)
        if is_to_and_fro(first, second, moving):
            chosen = second
            if trace is not None:
                trace.hold(name for name in moving if second.nodes[name] != first.nodes[name])
    return Placement(
        nodes=chosen.nodes,
        roles=chosen.roles,
        obstacles=chosen.obstacles,
        allowed=allowed,
        counts_load=first.counts_load,
        is_held=chosen is not first,
    )


def _assign_all(assignment: Assignment) -> None:
    resources, is_free = assignment.situation.resources, assignment.bonds.is_free
    for name in assignment_order(assignment):
        if is_free(name):
            assign_bondless(assignment, resources[name])
        else:
            _assign(assignment, name)
    for resource_id in resources:
        assignment.nodes.setdefault(resource_id, None)


def _allowed(assignment: Assignment) -> dict[ResourceId, frozenset[NodeName]]:
    situation = assignment.situation
    if situation.intent.cluster.policy.placement is PlacementStrategy.DEFAULT:
        return {}
    return {r.id: frozenset(assignment.scores.get(r.id, ())) for r in situation.resources.values() if r.needs}


def _assign(assignment: Assignment, name: ResourceId) -> None:
    """Assign a resource, and before it goes on what it asks for.

    Invariant: each course on the stack waits for the one above it; no resource is on it twice.
    """
    waiting = [_course(assignment, name)]
    while waiting:
        try:
            wanted = next(waiting[-1])
        except StopIteration:
            waiting.pop()
        else:
            waiting.append(_course(assignment, wanted))


def _course(assignment: Assignment, name: ResourceId) -> Course:
    """Return how a resource comes to be assigned, with all that it is a part of; nothing if that has begun.

    A member of a group whose assignment has begun is assigned by itself: another member asks for it.
    """
    top = assignment.tree.top(name)
    bundle = assignment.tree.bundles.get(top)
    if bundle is not None and bundle not in assignment.begun:
        yield from assign_clone(assignment, bundle)
    elif top not in assignment.begun:
        if top in assignment.situation.clones:
            yield from assign_clone(assignment, top)
        else:
            yield from assign_part(assignment, top)
    elif name not in assignment.begun and name in assignment.situation.resources:
        yield from assign_part(assignment, name)
    return None
