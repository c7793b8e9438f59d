"""One resource of this node: its operations one at a time in the order asked, and its recurring ones.

Rules that hold here: at most one operation of a resource is in flight. An action uid runs at most once. A
start record is on disk before its start begins. A result is on disk before anybody is told.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from agent.log import log
from agent.operation import Asker, Operation, Waiter, make_result, to_file
from agent.resource_agents import AgentError, Folders, ResourceAgent, build_environment, find_program
from agent.shim import Outcome
from agent.wire import (
    CALL_NOTIFY_CHANGES_ONLY,
    CALL_NOTIFY_ORIGINATOR_ONLY,
    RC_INVALID,
    RC_OK,
    Exec,
    ExecStatus,
    OcfExit,
    OperationResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.event_loop import EventLoop
    from agent.executor import Executor, Flight
    from agent.records import StartRecords
    from agent.results import Results

MAX_IN_FLIGHT = 256
"""Operations at once, of all resources: each is a process or more."""

MAX_QUEUED = 64
"""Operations that wait for the one in flight, of one resource."""

RC_BUSY = -11  # EAGAIN; ours

_CANCELLED = Outcome(OcfExit.ERROR, ExecStatus.CANCELLED)


class Parts(NamedTuple):
    """What the resources of an agent share."""

    loop: EventLoop
    executor: Executor
    records: StartRecords
    results: Results
    folders: Folders
    node: str
    notify: Callable[[OperationResult, str], None]
    """Called with each result and the id of the only client to tell, empty for all."""
    call_ids: itertools.count[int]
    """The one counter of call ids, for all requests of all clients."""
    waiting: list[Resource]
    """Resources whose next operation waits until fewer are in flight."""


class Resource:
    """One registered resource. `is_deleted`: its clients forgot it, but its last operation is still in flight."""

    def __init__(self, resource_id: str, agent: ResourceAgent, parts: Parts) -> None:
        self.id = resource_id
        self.agent = agent
        self.drops_recurring = False
        self.is_deleted = False
        self.current: Operation | None = None
        self.recurring: dict[tuple[str, int], Operation] = {}
        self._queue: deque[Operation] = deque()
        self._delayed: list[Operation] = []
        self._parts = parts

    def ask(self, request: Exec, call_id: int, asker: Asker) -> int:
        """Take an operation; returns its call id, or an error.

        A one-off uid that is on its way is joined; of one that has ended the result is told again.
        """
        if request.uid and not request.interval_ms:
            rc = self._repeat(request, call_id, asker)
            if rc != RC_OK:
                return rc
        if len(self._queue) + len(self._delayed) >= MAX_QUEUED:
            return RC_BUSY
        if request.action == "stop":
            self.cancel_recurring()
        operation = Operation(request, call_id, asker)
        if operation.is_recurring:
            self.arm(operation)
        elif request.start_delay_ms > 0:
            self._delayed.append(operation)
            delay_s = request.start_delay_ms / 1000
            operation.timer = self._parts.loop.call_later(delay_s, lambda: self._enqueue(operation))
        else:
            self._enqueue(operation)
        return call_id

    def arm(self, operation: Operation) -> None:
        """Arm a recurring operation; one that is armed already runs at once, and its result is told anyway."""
        armed = self.recurring.get(operation.key)
        if armed is None:
            self.recurring[operation.key] = operation
            delay_s = operation.request.start_delay_ms / 1000
            operation.timer = self._parts.loop.call_later(delay_s, lambda: self._enqueue(operation))
        else:
            armed.request, armed.call_id, armed.asker = operation.request, operation.call_id, operation.asker
            armed.told = None
            if self.current is armed:
                # What is in flight began before the question, maybe with other parameters: ask again.
                armed.must_rerun = True
            elif armed not in self._queue:
                self._enqueue(armed)
        self._note_armed()

    def cancel(self, action: str, interval_ms: int) -> bool:
        """Cancel a recurring operation, or with interval 0 the first such operation that has not ended."""
        current = [self.current] if self.current is not None else []
        for operation in (*current, *self.recurring.values(), *self._queue, *self._delayed):
            if operation.key == (action, interval_ms) and not operation.is_cancelled:
                self._cancel(operation)
                self._note_armed()
                return True
        return False

    def cancel_recurring(self) -> None:
        """Cancel all recurring operations."""
        for operation in list(self.recurring.values()):
            self._cancel(operation)
        self._note_armed()

    def delete(self) -> None:
        """Cancel everything but a one-off operation in flight."""
        self.cancel_recurring()
        for operation in (*self._queue, *self._delayed):
            self._cancel(operation)
        self.is_deleted = True

    def adopt(self, operation: Operation, flight: Flight) -> None:
        """Take over an operation that an earlier instance of the agent began; `end` will be called for it."""
        operation.flight = flight
        self.current = operation

    def end(self, operation: Operation, outcome: Outcome) -> None:
        """Write down how the operation in flight ended, tell it, and go on with the next one."""
        request = operation.request
        try:
            if not operation.is_recurring:
                self._parts.results.add(self.id, request.uid, request.action, outcome)
            self._parts.records.finish(self.id, request.action, outcome)
        except OSError as error:
            log("state cannot be written", resource=self.id, error=error)
        if operation.flight is not None:
            operation.flight.close()
        operation.flight = None
        self.current = None
        if operation.is_recurring:
            self._end_recurring(operation, outcome)
        else:
            self._tell(operation, outcome)
        self._parts.loop.call_later(0, self.advance)
        while self._parts.waiting and self._parts.executor.running < MAX_IN_FLIGHT:
            self._parts.waiting.pop(0).advance()

    def advance(self) -> None:
        """Launch the next operation if none is in flight."""
        if self.current is not None or not self._queue:
            return
        if self._parts.executor.running >= MAX_IN_FLIGHT:
            if self not in self._parts.waiting:
                self._parts.waiting.append(self)
            return
        operation = self.current = self._queue.popleft()
        operation.note_launch()
        try:
            operation.flight = self._launch(operation)
        except AgentError as error:
            if error.op_status != ExecStatus.NOT_INSTALLED:
                log(
                    "operation refused",
                    resource=self.id,
                    action=operation.request.action,
                    problem=error.reason,
                )
            self.end(operation, Outcome(error.exec_rc, error.op_status, error.reason))
        except OSError as error:
            reason = f"cannot run the operation: {error.strerror}"
            self.end(operation, Outcome(OcfExit.ERROR, ExecStatus.ERROR, reason))

    def _launch(self, operation: Operation) -> Flight:
        request = operation.request
        folders = self._parts.folders
        program = find_program(self.agent, folders)
        environment = build_environment(self.agent, self.id, request.params, folders, self._parts.node)
        self._parts.records.begin(request, self.agent, operation.asker.cluster, program)
        return self._parts.executor.start(
            program, environment, to_file(operation, self.agent), lambda outcome: self.end(operation, outcome)
        )

    def _repeat(self, request: Exec, call_id: int, asker: Asker) -> int:
        """Answer a uid that is known: the call id, or RC_INVALID if it was another action; else RC_OK."""
        current = [self.current] if self.current is not None else []
        for operation in (*current, *self._queue, *self._delayed):
            if operation.request.uid == request.uid and not operation.is_recurring:
                if operation.request.action != request.action:
                    return RC_INVALID
                operation.waiters.append(Waiter(asker, call_id, request))
                return call_id
        stored = self._parts.results.find(self.id, request.uid)
        if stored is None:
            return RC_OK
        action, outcome = stored
        if action != request.action:
            return RC_INVALID
        result = make_result(request, call_id, outcome)
        self._parts.loop.call_later(0, lambda: self._parts.notify(result, asker.client_id))
        return call_id

    def _enqueue(self, operation: Operation) -> None:
        if operation.timer is not None:
            operation.timer.cancel()
        if operation in self._delayed:
            self._delayed.remove(operation)
        operation.queued_at = time.monotonic()
        self._queue.append(operation)
        # Later, so that the reply to the request has been sent before anything is told about its result.
        self._parts.loop.call_later(0, self.advance)

    def _end_recurring(self, operation: Operation, outcome: Outcome) -> None:
        """Tell the result of one run if it is to be told, and set the timer for the next."""
        if self.recurring.get(operation.key) is not operation:
            if operation.is_cancelled:
                self._tell(operation, _CANCELLED)
            return
        if operation.must_rerun:
            operation.must_rerun = False
            self._enqueue(operation)
            return
        now = (outcome.exec_rc, outcome.op_status)
        has_changed = operation.told != now
        if has_changed and operation.told is not None:
            operation.changed_at_s = outcome.ran_at_s
        operation.told = now
        if has_changed or not operation.request.call_options & CALL_NOTIFY_CHANGES_ONLY:
            self._tell(operation, outcome)
        interval_s = operation.request.interval_ms / 1000
        operation.timer = self._parts.loop.call_later(interval_s, lambda: self._enqueue(operation))

    def _tell(self, operation: Operation, outcome: Outcome) -> None:
        is_for_one = operation.request.call_options & CALL_NOTIFY_ORIGINATOR_ONLY
        result = operation.result(outcome, is_deleted=self.is_deleted)
        self._parts.notify(result, operation.asker.client_id if is_for_one else "")
        for waiter in operation.waiters:
            self._parts.notify(make_result(waiter.request, waiter.call_id, outcome), waiter.asker.client_id)
        operation.waiters.clear()

    def _cancel(self, operation: Operation) -> None:
        """Take an operation off; one in flight has its tree killed, and is told about when that is done."""
        operation.is_cancelled = True
        if operation.timer is not None:
            operation.timer.cancel()
        if self.recurring.get(operation.key) is operation:
            del self.recurring[operation.key]
        if self.current is operation:
            if operation.flight is not None:
                operation.flight.cancel()
            return
        if operation in self._queue:
            self._queue.remove(operation)
        if operation in self._delayed:
            self._delayed.remove(operation)
        self._parts.loop.call_later(0, lambda: self._tell(operation, _CANCELLED))

    def _note_armed(self) -> None:
        try:
            self._parts.records.arm(self.id, [o.request for o in self.recurring.values()])
        except OSError as error:
            log("state cannot be written", resource=self.id, error=error)
