"""Says what Pacemaker does to its own records: failures that it forgets, histories and monitors that it ends.

None of it touches a resource; it is told so that a simulation says all that Pacemaker's would.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import HostState, NodeState
from reconciler.model.resource import Role
from reconciler.model.transition import Action, ActionKind, Transition
from reconciler.pacemaker.clearing import is_forgiven, is_superseded
from reconciler.pacemaker.read import CibInput
from reconciler.pacemaker.statuses import Sheet
from reconciler.plan.steps import action_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """A resource's failures on a node, or its history there, that Pacemaker would forget."""

    resource: ResourceId
    node: NodeName


def forgotten_failures(given: CibInput, transition: Transition) -> list[Clearance]:
    """Return the failure counts that are cleared: they expired, or their resource is another one now.

    In a guest that is disconnected for good they are not: that is ordered after the connection's start.

    Source: Pacemaker lib/pengine/unpack.c, check_operation_expiry; lib/pacemaker/pcmk_scheduler.c,
    clear_failcounts_if_removed; pcmk_sched_actions.c, process_rsc_history.
    """
    found: dict[Clearance, None] = {}
    ending = _disconnected(given, transition)
    for sheet in given.statuses.sheets:
        if sheet.is_declared and sheet.node not in ending and _is_cleared(given, sheet):
            found[Clearance(resource=sheet.name, node=sheet.node)] = None
    removed = {s.name for s in given.statuses.sheets if not s.is_declared}
    for (resource, node), count in given.statuses.counts.items():
        if resource in removed and count and _is_online(given, node):
            found[Clearance(resource=resource, node=node)] = None
    return list(found)


def deleted_histories(given: CibInput, transition: Transition) -> list[Clearance]:
    """Return the histories that are deleted: of what is removed, or is run by another resource agent now.

    Those on nodes that are fenced end with these.
    """
    fenced = {a.node for a in transition.actions.values() if a.kind is ActionKind.FENCE}
    failed = {
        i.resource
        for i in given.observed.instances.values()
        if i.failure is not None and i.role is not Role.STOPPED
    }
    found = []
    for sheet in given.statuses.sheets:
        declared = given.declared(sheet.name)
        is_other = declared is not None and declared.agent != sheet.given.agent
        is_obsolete = is_other if sheet.is_declared else given.intent.cluster.policy.stops_removed
        if (
            is_obsolete
            and sheet.name not in failed
            and sheet.node not in fenced
            and _is_available(given, sheet.node)
        ):
            found.append(Clearance(resource=sheet.written, node=sheet.node))
    return found


def needless_cancels(given: CibInput, transition: Transition) -> Iterator[Action]:
    """Return the monitors that are ended for they are declared no more, though their resource stops anyway.

    Source: Pacemaker lib/pacemaker/pcmk_sched_actions.c, pcmk__check_action_config.
    """
    if not given.intent.cluster.policy.cancels_removed:
        return
    stops = {(a.resource, a.node): a for a in transition.actions.values() if a.kind is ActionKind.STOP}
    for key, instance in given.observed.instances.items():
        declared, stop = given.declared(key[0]), stops.get(key)
        if declared is None or stop is None:
            continue
        kept = {(o.name, o.interval_ms) for o in declared.operations if o.enabled}
        for armed in instance.monitors:
            if (armed.name, armed.interval_ms) not in kept:
                name = action_id(ActionKind.CANCEL, key[0], key[1], armed.interval_ms)
                yield replace(stop, id=name, kind=ActionKind.CANCEL, interval_ms=armed.interval_ms)


def pending_starts(given: CibInput, transition: Transition) -> Iterator[Action]:
    """Return the starts that were sent before, and are waited for: a transition lists them once more."""
    busy = {
        (a.resource, a.node)
        for a in transition.actions.values()
        if a.kind in {ActionKind.START, ActionKind.STOP}
    }
    for key, instance in given.observed.instances.items():
        if instance.is_starting and key not in busy:
            action = next((a for a in transition.actions.values() if a.resource == key[0]), None)
            yield Action(
                id=ActionId(f"{instance.resource}_start_0@{instance.node}"),
                kind=ActionKind.START,
                node=instance.node,
                resource=instance.resource,
                instance=None if action is None else action.instance,
            )


def _disconnected(given: CibInput, transition: Transition) -> set[NodeName]:
    """Return the guest nodes whose connection stops, and does not start again."""
    done = {(a.kind, a.resource) for a in transition.actions.values()}
    return {
        node
        for node, guest in given.intent.guest_nodes().items()
        if guest.container is not None
        and (ActionKind.STOP, guest.id) in done
        and (ActionKind.START, guest.id) not in done
    }


def _is_cleared(given: CibInput, sheet: Sheet) -> bool:
    count = given.statuses.counts.get((sheet.name, sheet.node), 0)
    if is_forgiven(sheet.history, sheet.given, count):
        return True
    return sheet.course.is_active and is_superseded(sheet.armed, sheet.given, count)


def _is_online(given: CibInput, node: NodeName) -> bool:
    status = given.observed.nodes.get(node)
    return status is not None and status.state is NodeState.ONLINE


def _is_available(given: CibInput, node: NodeName) -> bool:
    """Tell whether a node can run anything, or is in maintenance."""
    found = given.intent.hosts.get(node) or given.intent.remote_nodes().get(node)
    return _is_online(given, node) and found is not None and found.state is not HostState.STANDBY
