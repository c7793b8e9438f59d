"""Settings of operations to those of the model, in full: what is left out comes from the cluster's defaults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.load import defaults
from reconciler.load.document_operations import (
    GuestOperation,
    GuestOperations,
    Monitor,
    MonitorOverride,
    Operation,
    OperationDefaults,
    OperationDefaultsOverride,
    Operations,
    OperationsOverride,
    SingleOperations,
)
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.model import resource as model
from reconciler.model.rule import OperationOverride

_FIXED = ("start", "stop")
"""Operations that every resource has."""
_NAMES = {"migrate_to": "migrateTo", "migrate_from": "migrateFrom"}
"""As in YAML, where that differs."""
_OF_YAML = {"migrateTo": "migrate_to", "migrateFrom": "migrate_from", "probe": "monitor"}


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
            o for o in self.said.overrides or [] if o.when is None and self._fits(o, name, interval_ms)
        ]
        layers = [(self.said.timeout, self.said.on_fail), *((o.timeout, o.on_fail) for o in fitting)]
        for timeout, consequence in layers:
            timeout_ms = timeout_ms if timeout is None else timeout
            on_fail = consequence or on_fail
        return timeout_ms, on_fail

    def at_times(self, written: Operations | None) -> Iterator[tuple[int, tuple[OperationOverride, ...]]]:
        """Yield the place of what holds at times only, and what it means for operations.

        What operations say themselves goes before.
        """
        overrides = (self.said.overrides if self.said is not None else None) or []
        for place, override in enumerate(overrides):
            if override.when is None:
                continue
            found = []
            for name, interval_ms, own in _each(written or Operations()):
                if not self._fits(override, name, interval_ms):
                    continue
                later = [o for o in overrides[place:] if o.when is None and self._fits(o, name, interval_ms)]
                closer = [*later, *([] if own is None else [own])]
                timeout = None if any(o.timeout is not None for o in closer) else override.timeout
                on_fail = None if any(o.on_fail is not None for o in closer) else override.on_fail
                if timeout is not None or on_fail is not None:
                    change = OperationOverride(
                        name=_OF_YAML.get(name, name),
                        interval_ms=interval_ms,
                        timeout_ms=timeout,
                        on_fail=None if on_fail is None else _on_fail(on_fail),
                    )
                    found.append(change)
            yield place, tuple(found)

    def _fits(self, override: OperationDefaultsOverride, name: str, interval_ms: int) -> bool:
        agents, operations = override.agents, override.operations
        is_operation = operations is None or name in operations
        is_agent = agents is None or any(fnmatchcase(self.agent, pattern) for pattern in agents)
        return is_operation and is_agent and override.interval in {None, interval_ms}


def _each(written: Operations) -> Iterator[tuple[str, int, Operation | GuestOperation | Monitor | None]]:
    """Yield the operations of a resource: name as in YAML, interval in milliseconds, and what is written."""
    for name, one in _single(written).items():
        yield _NAMES.get(name, name), 0, one
    monitors = Monitor() if written.monitor is None else written.monitor
    for monitor in [monitors] if isinstance(monitors, Monitor) else monitors:
        yield "monitor", interval_of(monitor), monitor


def operations_of(
    raw: RawDocument, written: Operations | None, usual: Usual, problems: Problems
) -> tuple[model.Operation, ...]:
    """Return the operations of a resource: those that are written, and those of which the defaults say something."""
    said = written or Operations()
    nothing = Usual(None).of("")
    found = [
        operation_of(name, one, usual)
        for name, one in _single(said).items()
        if one is not None or name in _FIXED or usual.of(_NAMES.get(name, name)) != nothing
    ]
    return (*found, *_monitors(raw, said.monitor, usual, problems))


def guest_operations_of(written: GuestOperations | None) -> tuple[model.Operation, ...]:
    """Return the operations of a guest."""
    said, usual = written or GuestOperations(), Usual(None, timeout_ms=defaults.GUEST_TIMEOUT_MS)
    return tuple(
        operation_of(name, one, usual)
        for name, one in _single(said).items()
        if one is not None or name in _FIXED
    )


def operations_overridden(
    written: OperationsOverride | GuestOperations | None,
) -> tuple[OperationOverride, ...]:
    """Return what is said of operations, and of nothing else."""
    if written is None:
        return ()
    found = [
        OperationOverride(
            name="monitor" if name == "probe" else name,
            timeout_ms=one.timeout,
            on_fail=None if one.on_fail is None else _on_fail(one.on_fail),
            params=dict(one.params or {}) if isinstance(one, Operation) else {},
        )
        for name, one in _single(written).items()
        if one is not None
    ]
    monitors = monitors_overridden(written) if isinstance(written, OperationsOverride) else []
    return (*found, *(_monitor_override(monitor) for monitor in monitors))


def monitors_overridden(written: OperationsOverride) -> list[MonitorOverride]:
    """Return the checks that something is said of."""
    monitor = written.monitor
    if monitor is None:
        return []
    return [monitor] if isinstance(monitor, MonitorOverride) else monitor


def interval_of(written: Monitor | MonitorOverride) -> int:
    """Return the interval of a check, in milliseconds."""
    return defaults.MONITOR_INTERVAL_MS if written.interval is None else written.interval


def _monitor_override(written: MonitorOverride) -> OperationOverride:
    return OperationOverride(
        name="monitor",
        interval_ms=interval_of(written),
        timeout_ms=written.timeout,
        on_fail=None if written.on_fail is None else _on_fail(written.on_fail),
        enabled=written.enabled,
        params=dict(written.params or {}),
    )


def _single(
    written: Operations | OperationsOverride | GuestOperations,
) -> Mapping[str, GuestOperation | None]:
    """Return the operations that do not recur, by name."""
    found: dict[str, GuestOperation | None] = {
        "start": written.start, "stop": written.stop, "migrate_to": written.migrate_to,
        "migrate_from": written.migrate_from,
    }  # fmt: skip
    if isinstance(written, SingleOperations):
        found |= {"promote": written.promote, "demote": written.demote, "probe": written.probe}
    return found


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
    interval_ms = interval_of(written)
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
