"""Settings of operations to those of the model, in full: what is left out comes from the cluster's defaults."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.load import defaults
from reconciler.load.document_operations import (
    GuestOperation,
    GuestOperations,
    Monitor,
    Operation,
    OperationDefaults,
    Operations,
)
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.model import resource as model

_FIXED = ("start", "stop")
"""Operations that every resource has."""
_NAMES = {"migrate_to": "migrateTo", "migrate_from": "migrateFrom"}
"""As in YAML, where that differs."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What holds for the operations of one resource that say nothing."""

    said: OperationDefaults | None
    agent: str = ""
    """The resource agent, as it is written."""
    timeout_ms: int = defaults.OPERATION_TIMEOUT_MS
    """Where nothing is said at all."""

    def of(self, name: str, interval_ms: int = 0) -> tuple[int, str]:
        """Return the timeout in milliseconds and the consequence of a failure, as it is written.

        Args:
            name: as in `op`.
            interval_ms: of a check.
        """
        timeout_ms, on_fail = self.timeout_ms, "restart"
        if self.said is None:
            return timeout_ms, on_fail
        fitting = [
            o
            for o in self.said.overrides or []
            if (o.operations is None or name in o.operations)
            and o.interval in {None, interval_ms}
            and (o.agents is None or any(fnmatchcase(self.agent, pattern) for pattern in o.agents))
        ]
        layers = [(self.said.timeout, self.said.on_fail), *((o.timeout, o.on_fail) for o in fitting)]
        for timeout, consequence in layers:
            timeout_ms = timeout_ms if timeout is None else timeout
            on_fail = consequence or on_fail
        return timeout_ms, on_fail


def operations_of(
    raw: RawDocument, written: Operations | None, usual: Usual, problems: Problems
) -> tuple[model.Operation, ...]:
    """Return the operations of a resource: those that are written, and those of which the defaults say something."""
    said = written or Operations()
    single = {
        "start": said.start, "stop": said.stop, "migrate_to": said.migrate_to, "migrate_from": said.migrate_from,
        "promote": said.promote, "demote": said.demote, "probe": said.probe,
    }  # fmt: skip
    nothing = Usual(None).of("")
    found = [
        operation_of(name, one, usual)
        for name, one in single.items()
        if one is not None or name in _FIXED or usual.of(_NAMES.get(name, name)) != nothing
    ]
    return (*found, *_monitors(raw, said.monitor, usual, problems))


def guest_operations_of(written: GuestOperations | None) -> tuple[model.Operation, ...]:
    """Return the operations of a guest."""
    said, usual = written or GuestOperations(), Usual(None, timeout_ms=defaults.GUEST_TIMEOUT_MS)
    single = {
        "start": said.start, "stop": said.stop, "migrate_to": said.migrate_to, "migrate_from": said.migrate_from,
    }  # fmt: skip
    return tuple(
        operation_of(name, one, usual) for name, one in single.items() if one is not None or name in _FIXED
    )


def operation_of(name: str, written: GuestOperation | None, usual: Usual) -> model.Operation:
    """Return one operation that does not recur."""
    timeout_ms, on_fail = usual.of(_NAMES.get(name, name))
    said = written or GuestOperation()
    return model.Operation(
        name="monitor" if name == "probe" else name,
        timeout_ms=timeout_ms if said.timeout is None else said.timeout,
        on_fail=_on_fail(said.on_fail or on_fail),
        params=dict(said.params or {}) if isinstance(said, Operation) else {},
    )


def _on_fail(written: str) -> model.OnFail:
    return model.OnFail.BAN if written == "ban" else model.OnFail(written)


def _monitors(
    raw: RawDocument, written: Monitor | list[Monitor] | None, usual: Usual, problems: Problems
) -> list[model.Operation]:
    if written is None:
        written = Monitor()
    if isinstance(written, Monitor):
        return [_monitor(written, usual)]
    monitors = [_monitor(item, usual) for item in written]
    seen: dict[int, int] = {}
    for index, monitor in enumerate(monitors):
        # An agent knows a recurring operation by name and interval alone (Pacemaker's lrmd protocol).
        if monitor.interval_ms in seen:
            where = raw.key_at(("spec", "op", "monitor", index, "interval"))
            text = f"two monitors have the interval {monitor.interval_ms}ms"
            problems.add(where, "duplicate", text, "give each another interval, if only by 1ms")
        seen[monitor.interval_ms] = index
    return monitors


def _monitor(written: Monitor, usual: Usual) -> model.Operation:
    interval_ms = defaults.MONITOR_INTERVAL_MS if written.interval is None else written.interval
    timeout_ms, on_fail = usual.of("monitor", interval_ms)
    return model.Operation(
        name="monitor",
        interval_ms=interval_ms,
        timeout_ms=timeout_ms if written.timeout is None else written.timeout,
        on_fail=_on_fail(written.on_fail or on_fail),
        role=None if written.role is None else model.Role(written.role),
        enabled=written.enabled is not False,
        is_left_alone=written.enabled == "unchanged",
        params=dict(written.params or {}),
    )
