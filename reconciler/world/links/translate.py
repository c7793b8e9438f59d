"""Between the words of the wire and those of the model; it must not keep or send anything.

What an agent says is a guest's text: it is cut, and lines and control characters are taken out of what is shown
on one line.
"""

from collections.abc import Mapping, Sequence

from agent import wire
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.operation import InFlight, Monitor, OperationRequest, OperationResult, StartRecord
from reconciler.model.resource import ResourceAgent

FEATURE_SET = "3.16.2"
"""What resource agents may expect of a cluster (Pacemaker 2.1.5, include/crm/crm.h, CRM_FEATURE_SET)."""

_META_PREFIX = "CRM_meta_"
_FEATURE_SET_NAME = "crm_feature_set"
_MAX_REASON = 1024
"""Characters of an exit reason that are kept; a line or two."""


def exec_of(request: OperationRequest, node: NodeName, *, is_ours: bool) -> wire.Exec:
    """Return the wire's request for an operation.

    Pacemaker's controller adds the CRM_meta_ parameters (lib/pacemaker/pcmk_graph_producer.c), and resource
    agents read them. The uid travels as the user data too, which every agent echoes.

    Args:
        request: What to do.
        node: Where.
        is_ours: Whether our agent gets it; only then what stock agents do not know is sent.
    """
    meta = {
        **{f"{_META_PREFIX}{name}": value for name, value in request.meta.items()},
        "CRM_meta_name": request.operation,
        "CRM_meta_timeout": str(request.timeout_ms),
        "CRM_meta_interval": str(request.interval_ms),
        "CRM_meta_on_node": node,
        _FEATURE_SET_NAME: FEATURE_SET,
        **_ends_of(request, node),
    }
    return wire.Exec(
        resource_id=request.resource,
        action=request.operation,
        timeout_ms=request.timeout_ms,
        interval_ms=request.interval_ms,
        userdata=request.uid,
        params={**meta, **request.params, **request.own_params},
        call_options=wire.CALL_NOTIFY_CHANGES_ONLY if request.interval_ms else 0,
        uid=request.uid if is_ours else "",
        commit=request.commit if is_ours else "",
    )


def result_of(result: wire.OperationResult, *, is_ours: bool) -> OperationResult:
    """Return the model's result; `is_ours` as in `exec_of`."""
    return OperationResult(
        resource=ResourceId(result.resource_id),
        operation=result.action,
        interval_ms=result.interval_ms,
        rc=result.exec_rc,
        status=result.op_status,
        reason=one_line(result.exit_reason),
        output=wire.clean_text(result.output, wire.MAX_RESULT_TEXT),
        uid=_uid_of(result, is_ours=is_ours),
        ran_at=float(result.ran_at_s),
        took_ms=result.exec_time_ms,
    )


def refusal_of(request: OperationRequest, rc: int) -> OperationResult:
    """Return the result of an operation that an agent would not run."""
    return OperationResult(
        resource=request.resource,
        operation=request.operation,
        interval_ms=request.interval_ms,
        rc=wire.OcfExit.ERROR,
        status=wire.ExecStatus.ERROR,
        reason=f"the agent refused the request ({rc})",
        uid=request.uid,
    )


def monitors_of(operations: Sequence[wire.RecurringOperation]) -> Mapping[ResourceId, tuple[Monitor, ...]]:
    """Return the armed recurring operations by resource."""
    found: dict[ResourceId, tuple[Monitor, ...]] = {}
    for operation in operations:
        resource = ResourceId(operation.resource_id)
        found[resource] = (*found.get(resource, ()), _monitor_of(operation))
    return found


def records_of(records: Sequence[wire.StartRecord]) -> Mapping[ResourceId, StartRecord]:
    """Return the start records by resource."""
    return {ResourceId(record.resource_id): _record_of(record) for record in records}


def one_line(text: str) -> str:
    """Return text that can stand in a log line: one line, no control characters, not long."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_MAX_REASON]


def _ends_of(request: OperationRequest, node: NodeName) -> Mapping[str, str]:
    """Return what the ends of a live migration are told of each other (OCF Resource Agent API 1.1, migrate_to)."""
    if request.peer is None:
        return {}
    source, target = (node, request.peer) if request.operation == "migrate_to" else (request.peer, node)
    return {"CRM_meta_migrate_source": source, "CRM_meta_migrate_target": target}


def _uid_of(result: wire.OperationResult, *, is_ours: bool) -> str:
    """Return the uid of the action that a result belongs to; what is ours in a stock agent's is not its word."""
    if is_ours:
        return result.uid
    return "" if result.interval_ms else result.userdata


def _record_of(record: wire.StartRecord) -> StartRecord:
    return StartRecord(
        resource=ResourceId(record.resource_id),
        agent=ResourceAgent(standard=record.standard, provider=record.provider, type=record.type_name),
        params=_own_params(record.params),
        cluster=record.cluster,
        uid=record.uid,
        commit=record.commit,
        since=float(record.since_s),
        phase=record.phase.value,
        monitors=tuple(_monitor_of(operation) for operation in record.recurring),
        in_flight=_in_flight_of(record.in_flight) if record.in_flight is not None else None,
        agent_hash=record.agent_hash,
        result=_result_of(record),
    )


def _own_params(params: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters that the declaration gave, without those that `exec_of` added."""
    return {
        name: value
        for name, value in params.items()
        if not name.startswith(_META_PREFIX) and name != _FEATURE_SET_NAME
    }


def _result_of(record: wire.StartRecord) -> OperationResult | None:
    if record.exec_rc is None:
        return None
    status = wire.ExecStatus.DONE if record.op_status is None else record.op_status
    return OperationResult(
        resource=ResourceId(record.resource_id),
        operation=record.operation or "start",
        rc=record.exec_rc,
        status=status,
        reason=one_line(record.exit_reason),
        uid=record.uid,
    )


def _monitor_of(operation: wire.RecurringOperation) -> Monitor:
    return Monitor(name=operation.action, interval_ms=operation.interval_ms, timeout_ms=operation.timeout_ms)


def _in_flight_of(operation: wire.InFlight) -> InFlight:
    return InFlight(
        operation=operation.action,
        uid=operation.uid,
        interval_ms=operation.interval_ms,
        timeout_ms=operation.timeout_ms,
    )
