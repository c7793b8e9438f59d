"""Says whose failures Pacemaker forgets: they expired, or what failed is another thing now.

Source: Pacemaker lib/pengine/unpack.c, check_operation_expiry; lib/pacemaker/pcmk_sched_actions.c,
process_rsc_history.
"""

from collections.abc import Sequence

from reconciler.model.resource import Resource
from reconciler.pacemaker.digests import DefinitionChange, definition_change, recorded_change
from reconciler.pacemaker.history import Circumstances
from reconciler.pacemaker.history_entries import Entry


def is_forgiven(history: Sequence[Entry], given: Circumstances, count: int) -> bool:
    """Tell whether failures are forgotten as soon as they are read, so that they ban nothing in this plan.

    Args:
        history: what a node says of a resource.
        given: what that is judged by.
        count: how often the resource failed there.
    """
    if count and given.has_expired and any(_is_old(given, entry) for entry in history):
        return True
    if not given.has_digests or not given.resource.is_managed:
        return False
    return any(entry.is_last_failure and _has_changed(given.resource, entry) for entry in history)


def is_superseded(armed: Sequence[Entry], given: Circumstances, count: int) -> bool:
    """Tell whether failures are forgotten after this plan: an operation of what runs would be another one now."""
    is_judged = given.has_digests and given.resource.is_managed and not given.has_expired
    return bool(count) and is_judged and any(_is_redefined(given.resource, entry) for entry in armed)


def _is_old(given: Circumstances, entry: Entry) -> bool:
    timeout_s = given.resource.failure_timeout_ms / 1000
    return timeout_s > 0 and entry.at > 0 and given.now >= entry.at + timeout_s


def _has_changed(resource: Resource, entry: Entry) -> bool:
    is_kind = entry.operation in {"start", "monitor"} and entry.digests.all
    return bool(is_kind) and recorded_change(resource, entry) is not DefinitionChange.NONE


def _is_redefined(resource: Resource, entry: Entry) -> bool:
    """Tell whether an operation would be another one now; a recurring one, also whether it is declared no more."""
    declared = {(o.name, o.interval_ms) for o in resource.operations if o.enabled}
    if entry.interval_ms and (entry.operation, entry.interval_ms) not in declared:
        return True
    is_kind = entry.interval_ms or entry.operation in {"monitor", "start", "promote", "migrate_from"}
    return bool(is_kind) and definition_change(resource, entry) is not DefinitionChange.NONE
