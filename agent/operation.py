"""One operation of a resource: what was asked, by whom, who waits for it, and what is told about it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.resource_agents import ResourceAgent
from agent.wire import Exec, InFlight, OperationResult
from agent.wire.values import replace

if TYPE_CHECKING:
    from agent.event_loop import Timer
    from agent.executor import Flight
    from agent.shim import Outcome


class Asker(NamedTuple):
    """The connection that an operation came from: its client id (empty: an earlier agent's) and cluster."""

    client_id: str
    cluster: str


class Waiter(NamedTuple):
    """Somebody who asked for an operation that was on its way already."""

    asker: Asker
    call_id: int
    request: Exec


class Operation:
    """An operation that is queued or in flight, or a recurring one between two runs."""

    def __init__(self, request: Exec, call_id: int, asker: Asker) -> None:
        self.request = request
        self.call_id = call_id
        self.asker = asker
        self.queued_at = time.monotonic()
        self.queue_time_ms = 0
        self.waiters: list[Waiter] = []
        self.flight: Flight | None = None
        self.is_cancelled = False
        # Of a recurring operation only.
        self.timer: Timer | None = None
        self.told: tuple[int, int] | None = None
        self.changed_at_s = 0
        self.must_rerun = False

    @property
    def key(self) -> tuple[str, int]:
        """What a resource has at most one recurring operation of."""
        return (self.request.action, self.request.interval_ms)

    @property
    def is_recurring(self) -> bool:
        """Whether it runs again and again."""
        return self.request.interval_ms > 0

    def note_launch(self) -> None:
        """Note that its time in the queue is over."""
        self.queue_time_ms = int((time.monotonic() - self.queued_at) * 1000)

    def describe_in_flight(self) -> InFlight:
        """Describe it for a start record's reader."""
        request = self.request
        return InFlight(
            action=request.action,
            call_id=self.call_id,
            uid=request.uid,
            pid=self.flight.process.pid if self.flight else 0,
            timeout_ms=request.timeout_ms,
            interval_ms=request.interval_ms,
        )

    def result(self, outcome: Outcome, *, is_deleted: bool = False) -> OperationResult:
        """Say how it ended, to whom asked first."""
        return replace(
            make_result(self.request, self.call_id, outcome),
            changed_at_s=self.changed_at_s,
            queue_time_ms=self.queue_time_ms,
            is_resource_deleted=is_deleted,
        )


def make_result(request: Exec, call_id: int, outcome: Outcome) -> OperationResult:
    """Say how an operation ended, as the answer to `request`: whoever asks gets the own userdata back."""
    return OperationResult(
        resource_id=request.resource_id,
        action=request.action,
        call_id=call_id,
        exec_rc=outcome.exec_rc,
        op_status=outcome.op_status,
        interval_ms=request.interval_ms,
        timeout_ms=request.timeout_ms,
        start_delay_ms=request.start_delay_ms,
        ran_at_s=outcome.ran_at_s,
        exec_time_ms=outcome.exec_time_ms,
        userdata=request.userdata,
        exit_reason=outcome.exit_reason,
        output=outcome.output,
        params=request.params,
        uid=request.uid,
    )


def to_file(operation: Operation, agent: ResourceAgent) -> dict[str, Any]:
    """Describe an operation for a later instance of the agent. Parameters are left out: it will not run it."""
    return {
        "action": operation.request.action,
        "timeout_ms": operation.request.timeout_ms,
        "exec": vars(replace(operation.request, params={}, userdata="")),
        "agent": list(agent),
        "cluster": operation.asker.cluster,
    }


def from_file(described: dict[str, Any], call_id: int) -> tuple[Operation, ResourceAgent]:
    """Read such a description.

    Raises:
        TypeError: another version of the agent wrote it.
        KeyError: likewise.
    """
    operation = Operation(Exec(**described["exec"]), call_id, Asker("", str(described["cluster"])))
    return operation, ResourceAgent(*described["agent"])
