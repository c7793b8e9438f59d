"""What the operations of resource agents lead to in a simulation, and what they say of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from reconciler.model.names import NodeName
from reconciler.model.operation import (
    OCF_ERR_GENERIC,
    OCF_ERR_UNIMPLEMENTED,
    OCF_NOT_RUNNING,
    OCF_OK,
    STATUS_DONE,
    STATUS_TIMEOUT,
    OperationRequest,
    OperationResult,
)
from reconciler.sim.chance import Chance
from reconciler.sim.faults import Faults
from reconciler.sim.truth import Copy, Truth


class Stage(NamedTuple):
    """What the operations on one node have their effect on, and the odds of it."""

    truth: Truth
    chance: Chance
    faults: Faults
    life_of: Callable[[NodeName], str | None]
    """Which life another node is in; None when it is not there. What migrates goes there by itself."""


def done(stage: Stage, copy: Copy, request: OperationRequest) -> OperationResult:
    """Let an operation have its effect, and return its result."""
    chance, faults, truth = stage.chance, stage.faults, stage.truth
    match request.operation:
        case "start":
            was_running = (
                truth.copies[copy].is_started and truth.is_alive(copy) if copy in truth.copies else False
            )
            is_ok = was_running or not chance.happens(faults.start_fails)
            truth.end_start(copy, is_ok=is_ok, is_running=is_ok or chance.happens(faults.start_fails_running))
            return result_of(request, OCF_OK if is_ok else OCF_ERR_GENERIC)
        case "stop":
            if truth.is_alive(copy) and chance.happens(faults.stop_fails):
                truth.note("stop-failed", copy.resource, copy.node)
                return result_of(request, OCF_ERR_GENERIC)
            truth.stop(copy)
            return result_of(request, OCF_OK)
        case "migrate_to" | "migrate_from":
            return _moved(stage, copy, request)
        case "meta-data":
            return silence(request)
        case _:
            if not truth.is_alive(copy):
                return result_of(request, OCF_NOT_RUNNING)
            return result_of(request, OCF_ERR_GENERIC if chance.happens(faults.monitor_lies) else OCF_OK)


def hung(stage: Stage, copy: Copy, request: OperationRequest, chance: Chance) -> OperationResult:
    """Return the result of an operation that ran into its timeout; it may have had its effect by then."""
    has_effect = chance.happens(0.5)
    if request.operation == "start":
        stage.truth.end_start(copy, is_ok=False, is_running=has_effect)
    elif request.operation == "stop" and has_effect:
        stage.truth.stop(copy)
    elif request.peer is not None and has_effect:
        _moved(stage, copy, request)
    return result_of(request, OCF_ERR_GENERIC, STATUS_TIMEOUT)


def _moved(stage: Stage, copy: Copy, request: OperationRequest) -> OperationResult:
    """Let one half of a live migration have its effect, or fail with or without it.

    As with virtual machines, what is handed over runs at the other end from then on (OCF's migrate_to).
    """
    is_ok, has_effect = not stage.chance.happens(stage.faults.migration_fails), stage.chance.happens(0.5)
    assert request.peer is not None
    life = stage.life_of(request.peer)
    if not stage.truth.is_alive(copy) or (request.operation == "migrate_to" and life is None):
        return result_of(request, OCF_ERR_GENERIC)
    if request.operation == "migrate_to" and life is not None and (is_ok or has_effect):
        stage.truth.hand_over(copy, replace(copy, node=request.peer, life=life))
    if request.operation == "migrate_from" and is_ok:
        stage.truth.end_start(copy, is_ok=True, is_running=True)
    return result_of(request, OCF_OK if is_ok else OCF_ERR_GENERIC)


def silence(request: OperationRequest) -> OperationResult:
    """Return what resource agents of the simulation say of themselves."""
    return result_of(request, OCF_ERR_UNIMPLEMENTED)


def result_of(request: OperationRequest, rc: int, status: int = STATUS_DONE) -> OperationResult:
    """Return how an operation ended."""
    return OperationResult(
        resource=request.resource,
        operation=request.operation,
        interval_ms=request.interval_ms,
        rc=rc,
        status=status,
        uid=request.uid,
    )
