"""All resources of this node: which there are, what is armed for them, what was started.

It knows neither connections nor processes: `requests` asks it, and what it has to tell goes to
`Parts.notify`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.executor import Flight, outcome_of
from agent.log import log
from agent.operation import Asker, Operation, from_file
from agent.processes import ProcessId
from agent.resource import RC_BUSY, Parts, Resource
from agent.resource_agents import ACTIONS, ResourceAgent, check_parameters
from agent.shim import Outcome
from agent.wire import (
    RC_IN_PROGRESS,
    RC_INVALID,
    RC_NO_SUCH_RESOURCE,
    RC_OK,
    RC_UNSUPPORTED,
    Exec,
    ExecStatus,
    OcfExit,
    Phase,
    RecurringOperation,
    StartRecord,
)
from agent.wire.values import replace

if TYPE_CHECKING:
    from pathlib import Path

    from agent.operation_file import OperationState

MAX_RESOURCES = 10_000
MAX_TIMEOUT_MS = 7 * 24 * 3600 * 1000
DEFAULT_TIMEOUT_MS = 20_000
"""For an operation that came without a timeout (Pacemaker's own default for operations)."""

_NEVER_RAN = Outcome(OcfExit.ERROR, ExecStatus.CANCELLED, "the agent was killed before the start began")
_RECURRING_ACTIONS = frozenset({"monitor", "status"})


class Resources:
    """The table of an agent's resources."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._table: dict[str, Resource] = {}

    def find(self, resource_id: str) -> ResourceAgent | None:
        """Return what is registered under an id."""
        resource = self._table.get(resource_id)
        return None if resource is None or resource.is_deleted else resource.agent

    def register(self, resource_id: str, agent: ResourceAgent, *, drops_recurring: bool) -> int:
        """Register a resource; another definition replaces the present one."""
        self._forget_deleted()
        resource = self._table.get(resource_id)
        if resource is None:
            if len(self._table) >= MAX_RESOURCES:
                return RC_BUSY
            resource = self._table[resource_id] = Resource(resource_id, agent, self._parts)
        elif resource.agent != agent:
            resource.cancel_recurring()
            resource.agent = agent
        resource.is_deleted = False
        resource.drops_recurring = drops_recurring
        return RC_OK

    def unregister(self, resource_id: str) -> int:
        """Forget a resource; what is in flight goes on.

        Its start record stays, because the resource itself was not stopped.
        """
        resource = self._table.get(resource_id)
        if resource is None or resource.is_deleted:
            return RC_OK
        resource.delete()
        if resource.current is not None:
            # Kept until its operation ends: should it be registered again before, still only one may run.
            return RC_IN_PROGRESS
        del self._table[resource_id]
        return RC_OK

    def exec(self, request: Exec, call_id: int, asker: Asker) -> int:
        """Queue an operation; returns its call id, or an error. Its result is told later, never before."""
        resource = self._table.get(request.resource_id)
        if resource is None or resource.is_deleted:
            return RC_NO_SUCH_RESOURCE
        problem = _find_problem(request)
        if problem:
            log("request refused", resource=request.resource_id, action=request.action, problem=problem)
            return RC_INVALID
        if not request.timeout_ms:
            request = replace(request, timeout_ms=DEFAULT_TIMEOUT_MS)
        return resource.ask(request, call_id, asker)

    def cancel(self, resource_id: str, action: str, interval_ms: int) -> int:
        """Cancel a recurring operation, or with interval 0 one that has not ended."""
        resource = self._table.get(resource_id)
        if resource is None:
            return RC_NO_SUCH_RESOURCE
        return RC_OK if resource.cancel(action, interval_ms) else RC_UNSUPPORTED

    def list_recurring(self, resource_id: str = "") -> tuple[RecurringOperation, ...]:
        """List what is armed, of one resource or of all."""
        names = [resource_id] if resource_id else sorted(self._table)
        return tuple(
            RecurringOperation(name, o.request.action, o.request.interval_ms, o.request.timeout_ms)
            for name in names
            if name in self._table
            for o in self._table[name].recurring.values()
        )

    def list_records(self) -> tuple[StartRecord, ...]:
        """List the start records, with what is armed and in flight now."""
        records = []
        for kept in self._parts.records.all():
            name = kept.record.resource_id
            resource = self._table.get(name)
            current = resource.current if resource else None
            in_flight = current.describe_in_flight() if current else None
            records.append(replace(kept.record, recurring=self.list_recurring(name), in_flight=in_flight))
        return tuple(records)

    def note_last_client_left(self) -> None:
        """Cancel the recurring operations of the resources that were registered so."""
        for resource in list(self._table.values()):
            if resource.drops_recurring:
                resource.cancel_recurring()

    def restore(self) -> None:
        """Take over from an earlier instance: its resources, its monitors, its operations in flight."""
        for kept in self._parts.records.all():
            record = kept.record
            agent = ResourceAgent(record.standard, record.provider, record.type_name)
            resource = self._table[record.resource_id] = Resource(record.resource_id, agent, self._parts)
            if record.phase is Phase.STARTED:
                for request in kept.monitors:
                    operation = Operation(request, next(self._parts.call_ids), Asker("", record.cluster))
                    resource.arm(operation)
        for path, state in self._parts.executor.find_left():
            self._take_over(path, state)
        for kept in self._parts.records.all():
            name = kept.record.resource_id
            if kept.record.phase is Phase.STARTING and self._table[name].current is None:
                self._parts.records.finish(name, "start", _NEVER_RAN)

    def _take_over(self, path: Path, state: OperationState) -> None:
        """Settle an operation that an earlier instance began, or watch over it until it ends."""
        try:
            operation, agent = from_file(state.request, next(self._parts.call_ids))
        except (TypeError, KeyError) as error:
            log("operation of another version is ignored", file=path.name, error=error)
            return
        resource_id = operation.request.resource_id
        resource = self._table.setdefault(resource_id, Resource(resource_id, agent, self._parts))
        process = state.process or ProcessId(0, 0)
        flight = Flight(path, process, lambda outcome: resource.end(operation, outcome))
        if state.is_over and state.process is None:
            flight.close()  # the agent was killed before anything ran
            return
        resource.adopt(operation, flight)
        if state.is_over:
            resource.end(operation, outcome_of(state))
        else:
            self._parts.executor.watch(flight)

    def _forget_deleted(self) -> None:
        """Drop what was unregistered while its last operation was in flight, and has ended since."""
        for name in [n for n, r in self._table.items() if r.is_deleted and r.current is None]:
            del self._table[name]


def _find_problem(request: Exec) -> str:
    """Say why an operation can't be asked for; empty when it can."""
    if request.action not in ACTIONS:
        return f"action {request.action!r} is unknown"
    if request.interval_ms < 0 or (request.interval_ms and request.action not in _RECURRING_ACTIONS):
        return "only a monitor can be recurring"
    if not 0 <= request.timeout_ms <= MAX_TIMEOUT_MS or not 0 <= request.start_delay_ms <= MAX_TIMEOUT_MS:
        return "timeout or start delay is out of range"
    return check_parameters(request.params)
