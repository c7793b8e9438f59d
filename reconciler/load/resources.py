"""Resource documents to the model's resources: defaults applied, operations in full; references come later."""

from dataclasses import dataclass

from reconciler.load import defaults
from reconciler.load.defaults import Settings
from reconciler.load.document import ResourceDocument
from reconciler.load.document_operations import (
    GuestOperation,
    GuestOperations,
    Monitor,
    Operation,
    Operations,
)
from reconciler.load.nodes import remote_node_of
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.model import resource as model
from reconciler.model.names import ResourceId
from reconciler.model.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a document's conversion needs besides the document."""

    settings: Settings
    """Of the cluster and of its group, for what the document leaves out."""
    rank: int
    """Its position in the declaration."""
    policy: Policy


def resource_of(
    raw: RawDocument, document: ResourceDocument, given: Given, problems: Problems
) -> model.Resource:
    """Return the resource that a document declares."""
    spec = document.spec
    settings = given.settings.overridden(spec)
    written = spec.op
    operations = [
        operation_of("start", written.start if written else None, defaults.OPERATION_TIMEOUT_MS),
        operation_of("stop", written.stop if written else None, defaults.OPERATION_TIMEOUT_MS),
        *migrations(written, defaults.OPERATION_TIMEOUT_MS),
        *_special(written),
        *_monitors(raw, written.monitor if written else None, problems),
    ]
    agent, remote = agent_of(spec.agent), spec.remote_node
    return model.Resource(
        id=ResourceId(document.metadata.name),
        agent=agent,
        where=raw.at(("metadata", "name")),
        params=dict(spec.params or {}),
        operations=tuple(operations),
        state=settings.state,
        is_managed=settings.is_managed and not settings.in_maintenance,
        is_monitored=not settings.in_maintenance,
        multiple_active=settings.multiple_active,
        stickiness=settings.stickiness,
        priority=settings.priority,
        failure_limit=settings.failure_limit,
        failure_timeout_ms=settings.failure_timeout_ms,
        start_failure_is_fatal=settings.start_failure_is_fatal,
        rank=given.rank if spec.rank is None else spec.rank,
        remote_node=remote_node_of(raw, remote, remote.name) if remote is not None else None,
        container=None if spec.container is None else ResourceId(spec.container),
        needs=dict(spec.needs or {}),
        allows_migration=spec.allow_migration is True,
        allows_unhealthy=spec.allow_unhealthy is True,
        requires=defaults.requires(spec.requires, agent, given.policy),
        is_critical=settings.is_critical,
        fields=raw.fields(),
    )


def agent_of(written: str) -> model.ResourceAgent:
    """Return the resource agent of a checked `ocf:PROVIDER:TYPE` or `STANDARD:NAME`."""
    standard, _, rest = written.partition(":")
    if standard != "ocf":
        return model.ResourceAgent(standard=standard, type=rest)
    provider, _, agent_type = rest.partition(":")
    return model.ResourceAgent(standard="ocf", provider=provider, type=agent_type)


def operation_of(name: str, written: GuestOperation | None, timeout_ms: int) -> model.Operation:
    """Return an operation's settings, with `timeout_ms` when none is written."""
    if written is None:
        return model.Operation(name=name, timeout_ms=timeout_ms)
    return model.Operation(
        name=name,
        timeout_ms=timeout_ms if written.timeout is None else written.timeout,
        on_fail=_on_fail(written.on_fail),
        params=dict(written.params or {}) if isinstance(written, Operation) else {},
    )


def role_of(written: str | None) -> model.Role | None:
    """Return the role that something is limited to; what is started has any of them (Pacemaker: role)."""
    return None if written in {None, "Started"} else model.Role(written)


def migrations(written: Operations | GuestOperations | None, timeout_ms: int) -> list[model.Operation]:
    """Return the operations of a live migration for which anything is written."""
    if written is None:
        return []
    both = {"migrate_to": written.migrate_to, "migrate_from": written.migrate_from}
    return [operation_of(name, op, timeout_ms) for name, op in both.items() if op is not None]


def _on_fail(written: str | None) -> model.OnFail:
    return model.OnFail.BAN if written == "ban" else model.OnFail(written or "restart")


def _special(written: Operations | None) -> list[model.Operation]:
    """Return the operations that few resources have, or few say anything of."""
    if written is None:
        return []
    both = {"promote": written.promote, "demote": written.demote}
    both |= {"monitor": written.probe}
    return [
        operation_of(name, op, defaults.OPERATION_TIMEOUT_MS) for name, op in both.items() if op is not None
    ]


def _monitors(
    raw: RawDocument, written: Monitor | list[Monitor] | None, problems: Problems
) -> list[model.Operation]:
    if written is None:
        written = Monitor()
    if isinstance(written, Monitor):
        return [_monitor(written)]
    monitors = [_monitor(item) for item in written]
    seen: dict[int, int] = {}
    for index, monitor in enumerate(monitors):
        # An agent knows a recurring operation by name and interval alone (Pacemaker's lrmd protocol).
        if monitor.interval_ms in seen:
            where = raw.key_at(("spec", "op", "monitor", index, "interval"))
            text = f"two monitors have the interval {monitor.interval_ms}ms"
            problems.add(where, "duplicate", text, "give each another interval, if only by 1ms")
        seen[monitor.interval_ms] = index
    return monitors


def _monitor(written: Monitor) -> model.Operation:
    return model.Operation(
        name="monitor",
        interval_ms=defaults.MONITOR_INTERVAL_MS if written.interval is None else written.interval,
        timeout_ms=defaults.OPERATION_TIMEOUT_MS if written.timeout is None else written.timeout,
        on_fail=_on_fail(written.on_fail),
        role=None if written.role is None else model.Role(written.role),
        enabled=written.enabled is not False,
        params=dict(written.params or {}),
    )
