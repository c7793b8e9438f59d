"""Digests of parameters, by which Pacemaker sees that a definition has changed since an operation ran."""

import hashlib
from collections.abc import Mapping
from enum import Enum
from xml.sax.saxutils import quoteattr

from reconciler.model.resource import Resource
from reconciler.pacemaker.history_entries import Entry


class DefinitionChange(Enum):
    """What a changed definition asks for."""

    NONE = "none"
    RELOAD = "reload"
    """The resource agent can take it up while the resource runs; of a monitor: that it is armed anew."""
    RESTART = "restart"


def parameters_digest(params: Mapping[str, str], timeout_ms: int | None = None) -> str:
    """Return what Pacemaker's op-digest is for parameters: the MD5 of one XML element, with them in order.

    Args:
        params: names and values.
        timeout_ms: of a recurring operation, whose timeout counts too.
    """
    pairs = dict(params)
    if timeout_ms is not None:
        pairs["CRM_meta_timeout"] = str(timeout_ms)
    attributes = "".join(
        f' {name}="{quoteattr(value, {chr(34): "&quot;"})[1:-1]}"' for name, value in sorted(pairs.items())
    )
    return hashlib.md5(f" <parameters{attributes}/>\n".encode(), usedforsecurity=False).hexdigest()


def definition_change(resource: Resource, entry: Entry) -> DefinitionChange:
    """Return what has changed in a definition since an operation ran with it.

    Parameters that an operation has of its own count. Of an operation without a digest nobody knows what it ran with,
    so that it counts as changed. Values that are secret may have been taken out of a saved CIB, so that without them
    nothing else may differ.

    Source: Pacemaker lib/pacemaker/pcmk_sched_actions.c, only_sanitized_changed.
    """
    change = recorded_change(resource, entry)
    if change is DefinitionChange.NONE:
        return change
    operation = resource.operation(entry.operation, entry.interval_ms)
    params = {**resource.params, **operation.params}
    timeout_ms = operation.timeout_ms if entry.interval_ms else None
    is_same = _is_same_but_for_secrets(resource, params, timeout_ms, entry)
    return DefinitionChange.NONE if is_same else change


def recorded_change(resource: Resource, entry: Entry) -> DefinitionChange:
    """Return what has changed in a definition by the digests on record alone, whatever is secret in it.

    Source: Pacemaker lib/pengine/pe_digest.c, rsc_action_digest_cmp.
    """
    digests = entry.digests
    operation = resource.operation(entry.operation, entry.interval_ms)
    params = {**resource.params, **operation.params}
    timeout_ms = operation.timeout_ms if entry.interval_ms else None
    change = DefinitionChange.NONE
    if digests.restart and not _is_same_for_restart(params, timeout_ms, entry):
        change = DefinitionChange.RESTART
    elif digests.all != parameters_digest(params, timeout_ms):
        has_own = bool(operation.params) and not entry.interval_ms
        can_reload = bool(entry.interval_ms or digests.restart) and not has_own
        change = DefinitionChange.RELOAD if can_reload else DefinitionChange.RESTART
    return change


def _is_same_for_restart(params: Mapping[str, str], timeout_ms: int | None, entry: Entry) -> bool:
    names = entry.digests.restart_names
    if names is None:
        return parameters_digest(params, timeout_ms) == entry.digests.restart
    counting = {name: value for name, value in params.items() if name in names}
    return parameters_digest(counting) == entry.digests.restart


def _is_same_but_for_secrets(
    resource: Resource, params: Mapping[str, str], timeout_ms: int | None, entry: Entry
) -> bool:
    digests = entry.digests
    if not digests.secure:
        return False
    every = params if digests.covers_operation else resource.params
    is_device = resource.agent.standard == "stonith" and not digests.covers_operation
    known = {
        name: value
        for name, value in every.items()
        if name not in digests.secret_names and not (is_device and name.startswith("pcmk_"))
    }
    return parameters_digest(known, timeout_ms if digests.covers_operation else None) == digests.secure
