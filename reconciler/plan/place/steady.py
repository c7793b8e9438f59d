"""Keeps what runs from moving to and fro: what would come back from where it is sent, stays.

Scores depend on where all else runs, so two places may each look better from the other one; Pacemaker then moves
resources with each transition, for ever. The rule: everything is assigned, and assigned again as if all were where the
first pass sent it. If something that runs well comes back to where it runs now, and all else stays where it was sent,
the second pass counts. It is as good a plan as the first one, and needs fewer moves.

Circles of more than two passes are not looked for.
"""

from dataclasses import replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HostState
from reconciler.model.observed import Instance
from reconciler.model.resource import Resource, Role
from reconciler.plan.place.state import Assignment
from reconciler.plan.situation import Situation, running_of

_Spot = tuple[NodeName | None, Role | None]
"""Where something runs, and for what can be promoted in which role."""


def restless(assignment: Assignment) -> frozenset[ResourceId]:
    """Return what runs well, where it could stay, and is to be elsewhere, or in another role."""
    situation, nodes = assignment.situation, assignment.nodes
    resources = situation.resources
    found = []
    for name, active in situation.running.items():
        resource = resources.get(name)
        if resource is None or len(active) != 1:
            continue
        if active[0].node == nodes[name] and not resource.is_promotable:
            continue
        if _could_stay(situation, resource) and _sent(assignment, resource) != _now(situation, resource):
            found.append(name)
    return frozenset(found)


def is_to_and_fro(first: Assignment, second: Assignment, moving: frozenset[ResourceId]) -> bool:
    """Tell whether something comes back by a second pass, and all else stays where the first one sent it.

    Args:
        first: from where all runs now.
        second: from where all would be by the first.
        moving: what is `restless` by the first.
    """
    resources = first.situation.resources
    back = {
        name for name in moving if _sent(second, resources[name]) == _now(first.situation, resources[name])
    }
    return bool(back) and all(
        _sent(second, r) == _sent(first, r) for r in resources.values() if r.id not in back
    )


def as_sent(assignment: Assignment) -> Situation:
    """Return the situation in which everything is where it was sent."""
    situation = assignment.situation
    instances, observed = dict(situation.instances), dict(situation.observed.instances)
    for resource in situation.resources.values():
        target, active = assignment.nodes.get(resource.id), situation.active(resource.id)
        role = assignment.roles.get(resource.id, Role.STARTED)
        if [(i.node, i.role) for i in active] == ([] if target is None else [(target, role)]):
            continue
        there = {i.node: i for i in situation.instances.get(resource.id, ())}
        there |= {i.node: Instance(resource=i.resource, node=i.node, role=Role.STOPPED) for i in active}
        if target is not None:
            uses = situation.index.start_parameters(resource, target)
            there[target] = Instance(resource=resource.known_as, node=target, role=role, started_as=uses)
        instances[resource.id] = tuple(there[node] for node in sorted(there))
        observed.update({(resource.known_as, node): there[node] for node in sorted(there)})
    return replace(
        situation,
        instances=instances,
        running=running_of(instances),
        observed=replace(situation.observed, instances=observed),
    )


def _could_stay(situation: Situation, resource: Resource) -> bool:
    (instance,) = situation.active(resource.id)
    is_well = resource.state is not Role.STOPPED and instance.failure is None
    node = instance.node
    return is_well and situation.is_online(node) and situation.state_of(node) is HostState.ONLINE


def _sent(assignment: Assignment, resource: Resource) -> _Spot:
    node = assignment.nodes.get(resource.id)
    role = assignment.roles.get(resource.id) if resource.is_promotable and node is not None else None
    return node, role


def _now(situation: Situation, resource: Resource) -> _Spot:
    (instance,) = situation.active(resource.id)
    return instance.node, instance.role if resource.is_promotable else None
