"""Decides what is left as it is, or held: the first rules on what is to become of a resource.

The rules, first match wins; `recovery` has those that follow:

1. What may run with parameters that nobody knows, or whose stop failed, is held until an operator says what to do;
   unless it is in a container, whose end it cannot survive.
2. What is not managed, or whose host is in maintenance, is left alone.
3. What runs on a node that is out of reach is held: it can be neither stopped nor known dead.
"""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.model.names import NodeName
from reconciler.model.node import HostState, NodeState
from reconciler.model.observed import Instance
from reconciler.model.resource import OnFail, Resource, Role
from reconciler.plan.case import Case, decision_on, differs
from reconciler.plan.consequences import is_ended_by_container, on_fail_of
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.situation import Situation

_UNKNOWN, _MAINTENANCE, _ONLINE = Role.UNKNOWN, HostState.MAINTENANCE, NodeState.ONLINE
"""What is asked for each resource: Python 3.11 takes ten times as long to find it in its Enum."""


def held(case: Case) -> Decision | None:
    """Return the decision on what is held, or left alone; None if it is neither."""
    situation, resource = case.situation, case.resource
    kept_running = _out_of_fencing(case) if case.active else ()
    for instance in kept_running:
        if instance.role is _UNKNOWN and resource.declared_as not in situation.history.restarts:
            return decision_on(
                case, Fate.HOLD, obstacle=instance.note or f"its state on {instance.node} is unknown"
            )
        obstacle = _beyond_help(resource, instance) if instance.failure is not None else None
        if obstacle is not None:
            return decision_on(case, Fate.HOLD, obstacle=obstacle)
    is_removed = not situation.intent.cluster.policy.stops_removed and situation.is_removed(resource.id)
    if is_removed or not resource.is_managed:
        return _unmanaged(case)
    for instance in kept_running:
        if instance.node in situation.serving and resource.guest is None:
            continue
        if situation.state_of(instance.node) is _MAINTENANCE:
            return _left_alone(case, instance)
        obstacle = _out_of_reach(case, instance)
        if obstacle is not None:
            return decision_on(case, Fate.HOLD, obstacle=obstacle)
    return None


def _beyond_help(resource: Resource, instance: Instance) -> str | None:
    """Return why what failed is left as it is; None if something can be done."""
    failure = instance.failure
    assert failure is not None
    if failure.operation == "stop" and not is_ended_by_container(resource, failure):
        return f"its stop failed on {instance.node}: {failure.text}; put it right there, then `cleanup`"
    if on_fail_of(resource, failure) is OnFail.BLOCK:
        return f"{failure.operation} failed on {instance.node}: {failure.text}; onFail is block"
    return None


def _unmanaged(case: Case) -> Decision:
    """Leave what is not managed as it is; for the lack of a ticket, that is said."""
    resource = case.resource
    kept = replace(decision_on(case, Fate.KEEP), is_left_alone=True)
    lack = case.situation.lack_of(resource)
    if lack is None:
        return kept
    is_frozen = resource.id in case.situation.frozen
    return replace(kept, obstacle=lack.text, obstacle_at=lack.where, lacks_ticket=True, is_frozen=is_frozen)


def _out_of_fencing(case: Case) -> Sequence[Instance]:
    """Return the instances that have to be dealt with where they are: those on nodes that are fenced end with them."""
    fences = case.situation.fences
    return [i for i in case.active if i.node not in fences] if fences else case.active


def _left_alone(case: Case, instance: Instance) -> Decision:
    """Leave what runs on a host in maintenance as it is, and say so where that is not as declared."""
    situation, resource = case.situation, case.resource
    is_wanted = not situation.is_removed(resource.id) and resource.state is not Role.STOPPED
    is_right = instance.started_as is None or not differs(
        instance.started_as, situation.index.start_parameters(resource, instance.node)
    )
    is_as_asked = is_wanted and is_right and instance.failure is None and len(case.active) == 1
    text = None if is_as_asked else f"it runs on {instance.node}, which is in maintenance"
    return replace(decision_on(case, Fate.KEEP, obstacle=text), is_left_alone=True)


def _out_of_reach(case: Case, instance: Instance) -> str | None:
    """Return why an active instance can be neither stopped nor called dead; None when it can."""
    status = case.situation.observed.nodes.get(instance.node)
    if case.resource.guest is not None:
        if status is not None and case.resource.guest.type in status.hypervisors:
            return None
        wants_change = case.target != instance.node or instance.failure is not None
        return f"it runs on {instance.node}, which cannot be asked" if wants_change else None
    if status is None or status.state is _ONLINE:
        return None
    connection = case.situation.connection(instance.node)
    is_lost = _is_lost_with_host(case.situation, instance.node)
    if connection is not None and case.placement.nodes.get(connection.id) is not None and not is_lost:
        return None
    failure = case.situation.history.connections.get(instance.node)
    why = f" ({failure.reason.value}: {failure.text})" if failure else ""
    return f"it runs on {instance.node}, whose agent is not connected{why}"


def _is_lost_with_host(situation: Situation, node: NodeName) -> bool:
    """Tell whether what runs a guest is out of reach, and is not fenced: then the guest cannot be connected anew."""
    launcher = situation.launcher(node)
    active = situation.active(launcher.id) if launcher is not None else ()
    return any(not situation.is_online(i.node) and i.node not in situation.fences for i in active)
