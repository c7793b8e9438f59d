"""Answers the control socket: status, snapshots for plans, sync, and operators' orders."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from reconciler.load.record import dump_plan_input
from reconciler.loop import orders
from reconciler.loop.memory import Memory
from reconciler.loop.reconciler import Reconciler
from reconciler.loop.tickets import TicketOrder, order_ticket
from reconciler.model.errors import UsageError
from reconciler.model.event import Event
from reconciler.model.intent import Intent
from reconciler.plan.rules import with_nodes_in_force
from reconciler.report.document import Document
from reconciler.report.event import event_document
from reconciler.report.status import Present, status_document
from reconciler.world.assemble import World
from reconciler.world.control import Answer, Message

MAX_QUEUED = 1000
"""Events that one who waits for a sync has not read yet."""

TICKET_ORDERS = frozenset(order.value for order in TicketOrder)

Order = Callable[[Memory, float], str]


class Controller:
    """What the one writer of a state tells and does on request."""

    def __init__(self, reconciler: Reconciler, world: World) -> None:
        self._reconciler = reconciler
        self._world = world
        self._queues: set[asyncio.Queue[Document | None]] = set()

    def publish(self, event: Event) -> None:
        """Pass an event on to those who wait for a sync; who is slow loses some."""
        document = event_document(event, self._world.ports.clock.now())
        for queue in self._queues:
            if queue.qsize() < MAX_QUEUED:
                queue.put_nowait(document)

    def status(self) -> Document:
        """Return the status document of now."""
        memory = self._reconciler.memory
        return status_document(
            Present(
                intent=with_nodes_in_force(memory.intent or Intent(), self._world.ports.clock.now()),
                source=memory.tree.source if memory.tree else None,
                observed=self._reconciler.observed,
                history=memory.history,
                transition=self._reconciler.transition,
                problems=memory.problems,
                refused=memory.refused,
                key_fingerprint=self._world.keys.fingerprint(),
            )
        )

    def answering(self, group: asyncio.TaskGroup) -> Answer:
        """Return what answers requests, with syncs as tasks of a group that outlives them."""

        async def answer(request: Message) -> AsyncGenerator[Message]:
            match request.get("command"):
                case "status":
                    yield {"result": self.status()}
                case "snapshot":
                    yield {"result": self._snapshot()}
                case "order":
                    yield {"result": await self.carry_out(request)}
                case "sync":
                    async for event in self._sync(group):
                        yield {"event": event}
                    yield {"result": self.status()}
                case other:
                    raise UsageError(f"there is no command {other!r}; is the daemon of another version?")

        return answer

    async def carry_out(self, request: Message) -> str:
        """Carry out an operator's order, and say what was done.

        Raises:
            UsageError: there is nothing of that name.
        """
        return await self._reconciler.call(_order(request))

    def _snapshot(self) -> str:
        memory = self._reconciler.memory
        now = self._world.ports.clock.now()
        return dump_plan_input(memory.intent or Intent(), self._reconciler.observed, memory.history, now)

    async def _sync(self, group: asyncio.TaskGroup) -> AsyncGenerator[Document]:
        """Give the events of a sync until it is done."""
        queue: asyncio.Queue[Document | None] = asyncio.Queue()

        async def sync() -> None:
            await self._reconciler.sync()
            queue.put_nowait(None)

        self._queues.add(queue)
        task = group.create_task(sync())
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._queues.discard(queue)
            task.cancel()


def _order(request: Message) -> Order:
    """Return the change that a request orders."""
    name = str(request.get("name"))
    node = request.get("node")
    match request.get("order"):
        case "cleanup":
            return lambda memory, _: orders.cleanup(memory, name, node)
        case "restart":
            return lambda memory, _: orders.restart(memory, name)
        case "adopt":
            return lambda memory, now: orders.adopt(memory, name, now)
        case "confirm-fenced":
            return lambda memory, _: orders.confirm_fenced(memory, name)
        case "allow-destroy":
            return lambda memory, _: orders.allow_destroy(memory, name)
        case order if order in TICKET_ORDERS:
            return lambda memory, now: order_ticket(memory, TicketOrder(order), name, now)
        case other:
            raise UsageError(f"there is no order {other!r}")
