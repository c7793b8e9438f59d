"""What results mean: folds them, expected or not, into what is known of one resource on one node."""

from dataclasses import replace

from reconciler.model.digest import own_digest
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Failure, Instance, StartedAs
from reconciler.model.operation import (
    HARD_ERRORS,
    OCF_FAILED_PROMOTED,
    Monitor,
    OperationRequest,
    OperationResult,
)
from reconciler.model.resource import Role
from reconciler.plan.effects import armed, started


def after_result(
    before: Instance | None, request: OperationRequest, result: OperationResult, node: NodeName
) -> Instance:
    """Return an instance after one operation on it has ended, however it ended."""
    known = before or Instance(resource=request.resource, node=node, role=Role.STOPPED)
    uses = StartedAs(agent=request.agent, params=request.params)
    match request.operation:
        case "start" | "migrate_from":
            failed = replace(known, role=Role.STARTED, started_as=uses, failure=_failure(result))
            return started(known, uses) if result.is_ok else failed
        case "stop":
            stopped = Instance(resource=request.resource, node=node, role=Role.STOPPED)
            return stopped if result.is_ok else _still_there(known, result)
        case "migrate_to":
            # Its monitors were disarmed before, for they would find out only that it is on its way.
            left = replace(known, monitors=frozenset())
            return left if result.is_ok else _still_there(known, result)
        case "reload-agent" | "reload":
            failed = replace(known, failure=_failure(result))
            return replace(known, started_as=uses) if result.is_ok else failed
        case "promote" | "demote":
            role = Role.PROMOTED if request.operation == "promote" else Role.UNPROMOTED
            return replace(known, role=role, failure=None if result.is_ok else _failure(result))
        case "monitor" if request.interval_ms:
            own = own_digest(request.own_params)
            monitor = Monitor(interval_ms=request.interval_ms, timeout_ms=request.timeout_ms, params=own)
            return after_monitor(armed(known, monitor), result)
        case "monitor":
            return _after_probe(known, uses, result)
        case _:
            return known


def after_monitor(known: Instance, result: OperationResult) -> Instance:
    """Return an instance after a recurring monitor reported; what is not running is not answered to.

    What is found in another role than it has has failed, and is in that role (OCF Resource Agent API 1.1, "monitor").
    A probe that failed says no more than that it may run there: what then finds nothing answers the probe.
    """
    if known.role is Role.STOPPED:
        return known
    if result.is_not_running and _is_by_failed_probe(known):
        return Instance(resource=known.resource, node=known.node, role=Role.STOPPED)
    role = _role_found(known.role, result)
    is_well = result.is_promoted if known.role is Role.PROMOTED else result.is_ok
    if not is_well:
        return replace(known, role=role, failure=_failure(result))
    failure = known.failure
    is_answered = (
        failure is not None and failure.operation == "monitor" and failure.interval_ms == result.interval_ms
    )
    return replace(known, failure=None) if is_answered else known


def in_role(known: Instance, result: OperationResult) -> Instance:
    """Return an instance that was started, after it was asked for its role."""
    return replace(known, role=Role.PROMOTED) if result.is_promoted else after_monitor(known, result)


def outcome_unknown(
    before: Instance | None, resource: ResourceId, node: NodeName, operation: str
) -> Instance:
    """Return an instance whose operation was sent and whose result did not come."""
    known = before or Instance(resource=resource, node=node, role=Role.STOPPED)
    if operation == "monitor":
        return known
    note = f"its {operation} on {node} was interrupted, and how it ended is not known yet"
    return replace(known, role=Role.UNKNOWN, note=note)


def _after_probe(known: Instance, uses: StartedAs, result: OperationResult) -> Instance:
    """Return what a probe proves.

    An instance with a start record is probed with the record's parameters, so that the answer is a fact. Without
    one, running is a fact only where instances cannot differ by parameters.
    """
    role = _role_found(Role.STARTED, result)
    if result.is_ok or result.is_promoted:
        if known.started_as is not None or not uses.agent.has_parameters:
            return replace(known, role=role, started_as=known.started_as or uses, note="")
        note = (
            f"it runs on {known.node} and was not started by us: its parameters are unknown; "
            f"`reconcile adopt {known.resource}` takes it as declared, `reconcile restart {known.resource}` restarts it"
        )
        return replace(known, role=Role.UNKNOWN, note=note)
    stopped = Instance(resource=known.resource, node=known.node, role=Role.STOPPED)
    if result.is_not_running:
        return stopped
    if result.rc in HARD_ERRORS:
        return replace(stopped, failure=_failure(result))
    return replace(known, role=role, started_as=known.started_as or uses, failure=_failure(result))


def _is_by_failed_probe(known: Instance) -> bool:
    failure = known.failure
    return failure is not None and failure.operation == "monitor" and not failure.interval_ms


def _still_there(known: Instance, result: OperationResult) -> Instance:
    return replace(known, role=Role.STARTED, failure=_failure(result), monitors=frozenset())


def _role_found(before: Role, result: OperationResult) -> Role:
    """Return the role that a monitor found a resource in, which was known to be active."""
    if result.is_promoted or result.rc == OCF_FAILED_PROMOTED:
        return Role.PROMOTED
    if before is Role.PROMOTED and (result.is_ok or result.is_not_running):
        return Role.UNPROMOTED
    return before


def _failure(result: OperationResult) -> Failure:
    return Failure(
        operation=result.operation,
        rc=result.rc,
        text=result.describe(),
        interval_ms=result.interval_ms,
        is_hard=result.rc in HARD_ERRORS,
    )
