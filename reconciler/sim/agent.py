"""An agent in memory: one for each life of a node, with the semantics of agent/ (or of a stock pacemaker_remoted).

At most one operation of a resource is in flight. An action's uid runs once. What is in flight goes on when the
connection, or the agent itself, ends. Recurring monitors report changes only.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.operation import (
    OCF_ERR_GENERIC,
    InFlight,
    Monitor,
    OperationRequest,
    OperationResult,
    StartRecord,
)
from reconciler.ports import Session
from reconciler.sim.chance import Chance
from reconciler.sim.effects import Stage, done, hung, result_of
from reconciler.sim.faults import Faults
from reconciler.sim.truth import Copy, Truth, variant_of

STATUS_CANCELLED = 1
CANCEL_S = 0.05
"""How long it takes until a monitor that was in flight is dead."""

_BEGINS = frozenset({"start", "migrate_from"})
"""What makes a resource run on a node, and is on record there (agent/records.py)."""

Answer = Callable[[OperationResult], None]


@dataclass(slots=True, eq=False)
class Connection:
    """The agent's end of a connection."""

    cluster: str
    epoch: int
    tell: Callable[[OperationResult], None]
    """Sends what a recurring monitor has to say."""
    lose: Callable[[str], None]
    """Ends the connection; the peer is told so."""
    ask_to_leave: Callable[[], None]
    """Tells the peer that the agent was asked to stop, and waits for an answer."""


@dataclass(slots=True, eq=False)
class _Operation:
    request: OperationRequest
    cluster: str
    answers: list[Answer] = field(default_factory=list)
    is_cancelled: bool = False


@dataclass(slots=True, eq=False)
class _Recurring:
    request: OperationRequest
    told: tuple[int, int] | None = None
    answers: list[Answer] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None
    must_rerun: bool = False


@dataclass(slots=True, eq=False)
class _Resource:
    queue: list[_Operation] = field(default_factory=list)
    current: _Operation | None = None
    recurring: dict[int, _Recurring] = field(default_factory=dict)


class SimAgent:
    """One node's agent, in one life of the node."""

    def __init__(self, node: NodeName, life: str, truth: Truth, chance: Chance, *, is_stock: bool) -> None:
        self.node = node
        self.life = life
        self.is_stock = is_stock
        self.is_listening = False
        self.is_leaving = False
        """It was asked to stop: it takes no new connections, and ends with the last that it has."""
        self.hangs_until_s = 0.0
        self.faults = Faults()
        self.life_of: Callable[[NodeName], str | None] = lambda _node: None
        """Which life another node is in; None when it is not there. What migrates goes there by itself."""
        self.connections: list[Connection] = []
        self.records: dict[ResourceId, StartRecord] = {}
        self.epochs: dict[str, int] = {}
        self._truth = truth
        self._chance = chance
        self._meta_data_chance = chance.fork("meta-data")
        self._instance = 0
        self._is_over = False
        self._when_left: Callable[[], None] = lambda: None
        self._table: dict[ResourceId, _Resource] = {}
        self._results: dict[str, OperationResult] = {}

    def boot(self) -> None:
        """Begin to listen; ours takes up what an earlier instance of it left."""
        if self._is_over or self.is_listening:
            return
        self._instance += 1
        self.is_listening = True
        if not self.is_stock:
            for name, resource in self._table.items():
                for recurring in resource.recurring.values():
                    self._arm(name, recurring, 0.0)

    def kill(self) -> None:
        """End the agent's process; what it started goes on."""
        self.is_listening = False
        was_leaving, self.is_leaving = self.is_leaving, False
        for connection in list(self.connections):
            connection.lose("the agent closed the connection")
        self.connections.clear()
        for resource in self._table.values():
            for recurring in resource.recurring.values():
                if recurring.timer is not None:
                    recurring.timer.cancel()
                recurring.told, recurring.answers = None, []
            resource.queue.clear()
            if self.is_stock:
                resource.recurring.clear()
        if was_leaving:
            self._when_left()

    def leave(self, when_left: Callable[[], None]) -> None:
        """Be asked to stop: the newest controller is asked to let go, and without one there is nothing to wait for.

        Args:
            when_left: called once the agent has ended, however it came to that.
        """
        self.is_leaving, self._when_left = True, when_left
        if self.connections:
            self.connections[-1].ask_to_leave()
        else:
            self.kill()

    def hear_answer(self, *, is_drained: bool) -> None:
        """Take in whether the controller is going to empty this node; if not, end at once."""
        if self.is_leaving and not is_drained:
            self.kill()

    def part(self, connection: Connection) -> None:
        """Take in that a connection has ended; who was asked to stop ends with the last one."""
        if connection in self.connections:
            self.connections.remove(connection)
            if self.is_leaving and not self.connections:
                self.kill()

    def end(self) -> None:
        """End with the node."""
        self.kill()
        self._is_over = True

    def accept(self, connection: Connection) -> int | None:
        """Register a controller; return the epoch that has taken over from it, or None when it is welcome.

        A newer connection of the same cluster takes the place of an older one.
        """
        highest = self.epochs.get(connection.cluster, 0)
        if not self.is_stock:
            if connection.epoch < highest:
                return highest
            self.epochs[connection.cluster] = connection.epoch
            for other in [c for c in self.connections if c.cluster == connection.cluster]:
                self.connections.remove(other)
                other.lose("a newer connection has taken over")
        self.connections.append(connection)
        return None

    def describe(self) -> Session:
        """Say what the agent knows."""
        recurring = {
            name: tuple(_monitor(r.request) for r in resource.recurring.values())
            for name, resource in sorted(self._table.items())
            if resource.recurring
        }
        records = {
            name: replace(record, monitors=recurring.get(name, ()), in_flight=self._in_flight(name))
            for name, record in sorted(self.records.items())
        }
        return Session(
            is_ours=not self.is_stock,
            instance=f"{self.life}/{self._instance}",
            incarnation="" if self.is_stock else self.life,
            is_record_keeping=not self.is_stock,
            records={} if self.is_stock else records,
            recurring=recurring,
        )

    def ask(self, connection: Connection, request: OperationRequest, answer: Answer) -> None:
        """Take an operation; one whose uid is known is joined, or answered again."""
        if not self.is_listening or connection not in self.connections:
            return
        resource = self._table.setdefault(request.resource, _Resource())
        if request.interval_ms:
            self._ask_recurring(resource, request, answer)
            return
        known = [*([resource.current] if resource.current else []), *resource.queue]
        for operation in known:
            if not self.is_stock and operation.request.uid == request.uid:
                operation.answers.append(answer)
                return
        if not self.is_stock and request.uid in self._results:
            answer(self._results[request.uid])
            return
        if request.operation == "stop":
            for interval_ms in list(resource.recurring):
                self._disarm(resource, interval_ms)
        resource.queue.append(_Operation(request, connection.cluster, [answer]))
        self._soon(0.0, lambda: self._advance(resource))

    def knows(self, request: OperationRequest) -> bool:
        """Tell whether an operation was asked for already, and is only to be waited for."""
        resource = self._table.get(request.resource)
        known = [resource.current, *resource.queue] if resource is not None else []
        return request.uid in self._results or any(
            o is not None and o.request.uid == request.uid for o in known
        )

    def cancel(self, name: ResourceId, interval_ms: int) -> None:
        """Disarm a recurring monitor."""
        resource = self._table.get(name)
        if resource is not None:
            self._disarm(resource, interval_ms)

    def _in_flight(self, name: ResourceId) -> InFlight | None:
        current = self._table[name].current if name in self._table else None
        if current is None:
            return None
        request = current.request
        return InFlight(
            operation=request.operation,
            uid=request.uid,
            interval_ms=request.interval_ms,
            timeout_ms=request.timeout_ms,
        )

    def _ask_recurring(self, resource: _Resource, request: OperationRequest, answer: Answer) -> None:
        armed = resource.recurring.get(request.interval_ms)
        if armed is None:
            armed = resource.recurring[request.interval_ms] = _Recurring(request)
        armed.request, armed.told = request, None
        armed.answers.append(answer)
        current = resource.current
        if (
            current is not None
            and not current.is_cancelled
            and current.request.interval_ms == request.interval_ms
        ):
            armed.must_rerun = True
        else:
            self._arm(request.resource, armed, 0.0)

    def _disarm(self, resource: _Resource, interval_ms: int) -> None:
        armed = resource.recurring.pop(interval_ms, None)
        if armed is None:
            return
        if armed.timer is not None:
            armed.timer.cancel()
        cancelled = result_of(armed.request, OCF_ERR_GENERIC, STATUS_CANCELLED)
        for answer in armed.answers:
            answer(cancelled)
        resource.queue = [o for o in resource.queue if o.request.interval_ms != interval_ms]
        if resource.current is not None and resource.current.request.interval_ms == interval_ms:
            current = resource.current
            current.is_cancelled = True
            self._soon(CANCEL_S, lambda: self._go_on(resource, current))

    def _arm(self, name: ResourceId, recurring: _Recurring, delay_s: float) -> None:
        if recurring.timer is not None:
            recurring.timer.cancel()

        def enqueue() -> None:
            resource = self._table[name]
            resource.queue.append(_Operation(recurring.request, ""))
            self._advance(resource)

        recurring.timer = asyncio.get_running_loop().call_later(delay_s, enqueue)

    def _advance(self, resource: _Resource) -> None:
        """Launch the next operation if none is in flight."""
        if resource.current is not None or not resource.queue or self._is_over:
            return
        operation = resource.current = resource.queue.pop(0)
        request = operation.request
        copy = self._copy(request)
        if request.operation != "meta-data":  # which has no parameters to take over with
            self._truth.take_over(copy)
        is_question = request.operation in {"monitor", "meta-data"}
        chance = self._meta_data_chance if request.operation == "meta-data" else self._chance
        took_s = chance.between(*(self.faults.monitor_s if is_question else self.faults.operation_s))
        limit_s = request.timeout_ms / 1000
        hangs = chance.happens(self.faults.operation_hangs) or took_s > limit_s
        if request.operation in _BEGINS:
            self._record(operation, "starting", None)
        if request.operation == "start":
            self._truth.begin_start(copy)
        elif request.operation == "stop" and request.resource in self.records:
            self.records[request.resource] = replace(self.records[request.resource], phase="stopping")
        if hangs:
            self.hangs_until_s = max(self.hangs_until_s, asyncio.get_running_loop().time() + limit_s)
            self._soon(
                limit_s, lambda: self._end(resource, operation, hung(self._stage(), copy, request, chance))
            )
        else:
            self._soon(took_s, lambda: self._end(resource, operation, done(self._stage(), copy, request)))

    def _end(self, resource: _Resource, operation: _Operation, result: OperationResult) -> None:
        """Write down how an operation ended, tell it, and go on."""
        request = operation.request
        if resource.current is not operation:
            return
        if request.interval_ms:
            self._go_on(resource, operation)
            recurring = resource.recurring.get(request.interval_ms)
            if recurring is not None and not operation.is_cancelled and self.is_listening:
                self._report(recurring, result)
            return
        if request.uid:
            self._results[request.uid] = result
        if request.operation in _BEGINS | {"stop"}:
            self._record(operation, "started" if result.is_ok else "failed", result)
        for answer in operation.answers:
            answer(result)
        self._go_on(resource, operation)

    def _go_on(self, resource: _Resource, operation: _Operation) -> None:
        if resource.current is operation:
            resource.current = None
            self._advance(resource)

    def _report(self, recurring: _Recurring, result: OperationResult) -> None:
        request = recurring.request
        if recurring.must_rerun:
            recurring.must_rerun = False
            self._arm(request.resource, recurring, 0.0)
            return
        now = (result.rc, result.status)
        has_changed, recurring.told = recurring.told != now, now
        answers, recurring.answers = recurring.answers, []
        for answer in answers:
            answer(result)
        if has_changed and not answers:
            for connection in list(self.connections):
                connection.tell(result)
        self._arm(request.resource, recurring, request.interval_ms / 1000)

    def _record(self, operation: _Operation, phase: str, result: OperationResult | None) -> None:
        """Keep the start records as agent/records.py does."""
        request = operation.request
        kept = self.records.get(request.resource)
        if phase == "starting":
            self.records[request.resource] = StartRecord(
                resource=request.resource,
                agent=request.agent,
                params=request.params,
                cluster=operation.cluster,
                uid=request.uid,
                commit=request.commit,
                since=0.0,
                phase=phase,
            )
        elif kept is not None and request.operation == "stop" and phase == "started":
            del self.records[request.resource]
        elif kept is not None:
            self.records[request.resource] = replace(kept, phase=phase, result=result)

    def _stage(self) -> Stage:
        return Stage(self._truth, self._chance, self.faults, self.life_of)

    def _copy(self, request: OperationRequest) -> Copy:
        variant = variant_of(request.agent, request.params)
        return Copy(resource=request.resource, node=self.node, life=self.life, variant=variant)

    def _soon(self, delay_s: float, then: Callable[[], None]) -> None:
        """Do something later, if the node is still there."""

        def unless_over() -> None:
            if not self._is_over:
                then()

        asyncio.get_running_loop().call_later(delay_s, unless_over)


def _monitor(request: OperationRequest) -> Monitor:
    return Monitor(interval_ms=request.interval_ms, timeout_ms=request.timeout_ms)
