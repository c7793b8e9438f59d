"""Says what Pacemaker does to its own records: failures that it forgets, histories that it deletes.

None of it touches a resource; it is told so that a simulation says all that Pacemaker's would.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import HostState, NodeState
from reconciler.model.resource import Resource, Role
from reconciler.model.transition import Action, ActionKind, Transition
from reconciler.pacemaker.digests import DefinitionChange, definition_change
from reconciler.pacemaker.history_entries import Entry
from reconciler.pacemaker.read import CibInput
from reconciler.pacemaker.statuses import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """A resource's failures on a node, or its history there, that Pacemaker would forget."""

    resource: ResourceId
    node: NodeName


def forgotten_failures(given: CibInput) -> list[Clearance]:
    """Return the failure counts that are cleared: they expired, or their resource is another one now.

    Source: Pacemaker lib/pengine/unpack.c, check_operation_expiry; lib/pacemaker/pcmk_scheduler.c,
    clear_failcounts_if_removed; pcmk_sched_actions.c, process_rsc_history.
    """
    found: dict[Clearance, None] = {}
    for sheet in given.statuses.sheets:
        if sheet.is_declared and _is_cleared(given, sheet):
            found[Clearance(resource=sheet.name, node=sheet.node)] = None
    removed = {s.name for s in given.statuses.sheets if not s.is_declared}
    for (resource, node), count in given.statuses.counts.items():
        if resource in removed and count and _is_online(given, node):
            found[Clearance(resource=resource, node=node)] = None
    return list(found)


def deleted_histories(given: CibInput) -> list[Clearance]:
    """Return the histories that are deleted: of what is removed, or is run by another resource agent now."""
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
        if is_obsolete and sheet.name not in failed and _is_available(given, sheet.node):
            found.append(Clearance(resource=sheet.written, node=sheet.node))
    return found


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


def _is_cleared(given: CibInput, sheet: Sheet) -> bool:
    resource, key = sheet.given.resource, (sheet.name, sheet.node)
    count = given.statuses.counts.get(key, 0)
    if count and sheet.given.has_expired and any(_is_old(sheet, e) for e in sheet.history):
        return True
    if not sheet.given.has_digests:
        return False
    if any(e.is_last_failure and _has_changed(resource, e) for e in sheet.history):
        return True
    if not count or not sheet.course.is_active or sheet.given.has_expired:
        return False
    return any(_is_redefined(resource, e) for e in sheet.armed)


def _is_old(sheet: Sheet, entry: Entry) -> bool:
    timeout_s = sheet.given.resource.failure_timeout_ms / 1000
    return timeout_s > 0 and entry.at > 0 and sheet.given.now >= entry.at + timeout_s


def _has_changed(resource: Resource, entry: Entry) -> bool:
    is_kind = entry.operation in {"start", "monitor"} and entry.digests.all
    return bool(is_kind) and definition_change(resource, entry) is not DefinitionChange.NONE


def _is_redefined(resource: Resource, entry: Entry) -> bool:
    """Tell whether an operation would be another one now; a recurring one, also whether it is declared no more."""
    declared = {(o.name, o.interval_ms) for o in resource.operations if o.enabled}
    if entry.interval_ms and (entry.operation, entry.interval_ms) not in declared:
        return True
    is_kind = entry.interval_ms or entry.operation in {"monitor", "start", "promote", "migrate_from"}
    return bool(is_kind) and definition_change(resource, entry) is not DefinitionChange.NONE


def _is_online(given: CibInput, node: NodeName) -> bool:
    status = given.observed.nodes.get(node)
    return status is not None and status.state is NodeState.ONLINE


def _is_available(given: CibInput, node: NodeName) -> bool:
    """Tell whether a node can run anything, or is in maintenance."""
    host = given.intent.hosts.get(node)
    is_up = _is_online(given, node) and host is not None
    return is_up and host is not None and host.state is not HostState.STANDBY
