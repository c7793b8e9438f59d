"""Reads the history of a resource on a node, and concludes what it does there now.

The rules, as Pacemaker has them (Pacemaker Administration, "How Pacemaker interprets return codes"):

* Entries count in the order of their call ids. What ended as expected says where the resource is.
* A probe that finds it running, or stopped, is never a failure.
* A failed operation leaves the resource where it was taken to be: something that failed to start, stop or be
  monitored may still run. Only errors that the resource agent cannot have got past leave it stopped after a probe.
* A later success of a start, a stop or the same monitor answers a failure, unless that was to stop the resource.
* What was started, or first found, with other parameters than declared is started_as that; a recurring monitor whose
  parameters or timeout differ is not armed as declared. A change that only asks for a reload is not seen yet.
* Recurring monitors are armed that were begun after the last start or stop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.model.names import NodeName
from reconciler.model.observed import Failure, Instance, StartedAs
from reconciler.model.operation import (
    HARD_ERRORS,
    OCF_DEGRADED,
    OCF_NOT_RUNNING,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
    STATUS_CANCELLED,
    STATUS_DONE,
    Monitor,
)
from reconciler.model.resource import OnFail, Resource, ResourceAgent, Role
from reconciler.pacemaker.digests import parameters_digest
from reconciler.pacemaker.document import Element, elements
from reconciler.pacemaker.values import integer

_STATUS_PENDING = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One <lrm_rsc_op>."""

    call: int
    operation: str
    interval_ms: int
    rc: int
    status: int
    expected_rc: int
    at: float
    reason: str
    digest: str = ""
    """Of the parameters that it was run with; empty: not recorded."""
    restart_digest: str = ""
    """The same for those parameters alone whose change asks for a restart."""
    restart_params: frozenset[str] = frozenset()
    """The names of those parameters; none: every change does."""

    @property
    def is_pending(self) -> bool:
        """Tell whether it has not ended."""
        return self.status == _STATUS_PENDING

    @property
    def is_probe(self) -> bool:
        """Tell whether it only asked once what is."""
        return self.operation == "monitor" and self.interval_ms == 0

    @property
    def is_expected(self) -> bool:
        """Tell whether it ended in a way that is no failure."""
        if self.is_probe and self.rc in {OCF_OK, OCF_RUNNING_PROMOTED, OCF_NOT_RUNNING}:
            return True
        if self.status not in {STATUS_DONE, 4}:
            return False
        is_stopped = self.operation == "stop" and self.rc == OCF_NOT_RUNNING
        return self.rc == self.expected_rc or is_stopped or self.rc == OCF_DEGRADED


def entries(lrm_resource: Element) -> list[Entry]:
    """Return a resource's history in the order in which it happened; what has not ended comes last."""
    found = [_entry(op) for op in elements(lrm_resource, "lrm_rsc_op")]
    return sorted(found, key=lambda e: (e.is_pending or e.call < 0, e.call))


def conclude(
    resource: Resource,
    node: NodeName,
    agent: ResourceAgent,
    history: Sequence[Entry],
    quiet_since: float,
    *,
    has_digests: bool,
) -> Instance | None:
    """Return what a resource does on a node by its history; None when that says nothing.

    Args:
        resource: as declared.
        node: the node.
        agent: the resource agent that the history is of.
        history: in the order in which it happened.
        quiet_since: failures before, epoch seconds, are forgotten.
        has_digests: whether digests can be compared with those of the declared parameters.
    """
    instance: Instance | None = None
    params: Mapping[str, str] = resource.params
    for entry in history:
        before = instance or Instance(resource=resource.id, node=node, role=Role.STOPPED)
        if entry.is_pending:
            if entry.operation == "start":
                instance = replace(before, role=Role.STARTED)
        elif entry.status != STATUS_CANCELLED:
            on_fail = resource.operation(entry.operation, entry.interval_ms).on_fail
            is_ignored = on_fail is OnFail.IGNORE or entry.at < quiet_since
            instance = _after(resource, before, entry, is_ignored=is_ignored)
            instance = _with_monitors(resource, instance, entry, has_digests=has_digests)
            if _is_start(entry):
                params = _params_of(resource, entry, has_digests=has_digests)
    if instance is None or instance.role is Role.STOPPED:
        return instance
    return replace(instance, started_as=StartedAs(agent=agent, params=params))


def _entry(op: Element) -> Entry:
    parts = op.get("transition-key", "").split(":")
    has_expected = len(parts) == 4 and parts[2].lstrip("-").isdigit()
    interval_ms = integer(op.get("interval"))
    is_probe = op.get("operation") == "monitor" and interval_ms == 0
    return Entry(
        call=integer(op.get("call-id"), -1),
        operation=op.get("operation", ""),
        interval_ms=interval_ms,
        rc=integer(op.get("rc-code")),
        status=integer(op.get("op-status")),
        expected_rc=int(parts[2]) if has_expected else (OCF_NOT_RUNNING if is_probe else OCF_OK),
        at=float(integer(op.get("last-rc-change"))),
        reason=op.get("exit-reason", ""),
        digest=op.get("op-digest", ""),
        restart_digest=op.get("op-restart-digest", ""),
        restart_params=frozenset(op.get("op-force-restart", "").split()),
    )


def _after(resource: Resource, before: Instance, entry: Entry, *, is_ignored: bool) -> Instance:
    """Return an instance after one more operation has ended."""
    if entry.is_expected:
        return _after_success(resource, before, entry)
    if is_ignored:
        runs = entry.operation != "stop" and entry.rc != OCF_NOT_RUNNING
        return replace(before, role=Role.STARTED) if runs and not entry.is_probe else before
    text = entry.reason or f"return code {entry.rc}"
    failure = Failure(
        operation=entry.operation,
        rc=entry.rc,
        text=text,
        interval_ms=entry.interval_ms,
        is_hard=entry.rc in HARD_ERRORS,
    )
    is_absent = entry.is_probe and failure.is_hard
    return replace(before, role=before.role if is_absent else Role.STARTED, failure=failure)


def _after_success(resource: Resource, before: Instance, entry: Entry) -> Instance:
    failure = before.failure
    if failure is not None:
        is_final = resource.operation(failure.operation, failure.interval_ms).on_fail is OnFail.STOP
        is_same = (failure.operation, failure.interval_ms) == (entry.operation, entry.interval_ms)
        is_answer = is_same or entry.operation in {"start", "stop", "promote", "migrate_from"}
        failure = None if is_answer and not is_final else failure
    is_stopped = entry.operation in {"stop", "migrate_to"} or entry.rc == OCF_NOT_RUNNING
    return replace(before, role=Role.STOPPED if is_stopped else Role.STARTED, failure=failure)


def _with_monitors(resource: Resource, instance: Instance, entry: Entry, *, has_digests: bool) -> Instance:
    if entry.operation in {"start", "stop"}:
        return replace(instance, monitors=frozenset())
    if not entry.interval_ms:
        return instance
    operation = resource.operation(entry.operation, entry.interval_ms)
    wanted = parameters_digest({**resource.params, **operation.params}, operation.timeout_ms)
    is_same = not has_digests or entry.digest in {"", wanted}
    monitor = Monitor(
        name=entry.operation, interval_ms=entry.interval_ms, timeout_ms=operation.timeout_ms if is_same else 0
    )
    return replace(instance, monitors=instance.monitors | {monitor})


def _is_start(entry: Entry) -> bool:
    return entry.rc == OCF_OK and (entry.is_probe or entry.operation in {"start", "migrate_from"})


def _params_of(resource: Resource, entry: Entry, *, has_digests: bool) -> Mapping[str, str]:
    """Return the parameters that something was started with, or found: others, if their digest is another."""
    operation = resource.operation(entry.operation, entry.interval_ms)
    wanted = parameters_digest({**resource.params, **operation.params})
    if not has_digests or entry.digest in {"", wanted}:
        return resource.params
    counting = {name: value for name, value in resource.params.items() if name in entry.restart_params}
    if entry.restart_params and parameters_digest(counting) == entry.restart_digest:
        return resource.params
    return {"op-digest": entry.digest}
