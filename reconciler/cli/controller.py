"""Answers the control socket: status, snapshots for plans, sync, and operators' orders."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from reconciler.load.record import dump_plan_input
from reconciler.loop import orders
from reconciler.loop.memory import Memory
from reconciler.loop.reconciler import Reconciler
from reconciler.model.errors import UsageError
from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId
from reconciler.report.document import Document
from reconciler.report.logs import log_entry
from reconciler.report.status import Present, status_document
from reconciler.world.assemble import World
from reconciler.world.control import Message

Order = Callable[[Memory, float], str]


class Controller:
    """What the one writer of a state tells and does on request."""

    def __init__(self, reconciler: Reconciler, world: World) -> None:
        self._reconciler = reconciler
        self._world = world
        self._queues: set[asyncio.Queue[str]] = set()

    def publish(self, line: str) -> None:
        """Pass a line of progress on to those who wait for a sync; who is slow loses lines."""
        for queue in self._queues:
            if not queue.full():
                queue.put_nowait(line)

    def status(self) -> Document:
        """Return the status document of now."""
        memory = self._reconciler.memory
        return status_document(
            Present(
                intent=memory.intent or Intent(),
                source=memory.tree.source if memory.tree else None,
                observed=self._reconciler.observed,
                history=memory.history,
                transition=self._reconciler.transition,
                problems=memory.problems,
                refused=memory.refused,
                key_fingerprint=self._world.keys.fingerprint(),
            )
        )

    async def answer(self, request: Message) -> AsyncGenerator[Message]:
        """Answer one request."""
        match request.get("command"):
            case "status":
                yield {"result": self.status()}
            case "snapshot":
                yield {"result": self._snapshot()}
            case "logs":
                entries = self._world.journal.logs(
                    ResourceId(str(request["resource"])), int(request["limit"])
                )
                yield {"result": [log_entry(e) for e in entries]}
            case "order":
                yield {"result": await self._reconciler.call(_order(request))}
            case "sync":
                async for message in self._sync():
                    yield message
            case other:
                raise UsageError(f"there is no command {other!r}; is the daemon of another version?")

    def _snapshot(self) -> str:
        memory = self._reconciler.memory
        now = self._world.ports.clock.now()
        return dump_plan_input(memory.intent or Intent(), self._reconciler.observed, memory.history, now)

    async def _sync(self) -> AsyncGenerator[Message]:
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=1000)
        self._queues.add(queue)
        try:
            async with asyncio.TaskGroup() as group:
                sync = group.create_task(self._reconciler.sync())
                while not sync.done() or not queue.empty():
                    getter = group.create_task(queue.get())
                    await asyncio.wait({sync, getter}, return_when=asyncio.FIRST_COMPLETED)
                    if getter.done():
                        yield {"event": getter.result()}
                    else:
                        getter.cancel()
            yield {"result": self.status()}
        finally:
            self._queues.discard(queue)


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
        case other:
            raise UsageError(f"there is no order {other!r}")
