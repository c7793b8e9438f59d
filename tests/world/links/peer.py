"""An agent played by the test, for links to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from agent import tls, wire
from reconciler.model.attribute import AttributeChange, NodeAttributes
from reconciler.model.errors import LinkError
from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AgentAddress, AgentFlavor
from reconciler.model.observed import Observed
from reconciler.model.operation import OperationRequest, OperationResult
from reconciler.model.resource import ResourceAgent
from reconciler.ports import ClusterView, LinkTarget
from reconciler.settings import pace_of
from reconciler.world.links.channel import Stream
from reconciler.world.links.links import LinkSettings, WireLink, WireLinks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

NODE = NodeName("guest1")

DUMMY = ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy")

START = OperationRequest(
    resource=ResourceId("web"), agent=DUMMY, operation="start", params={"port": "80"}, uid="u1", commit="abc"
)

MONITOR = replace(START, operation="monitor", interval_ms=10_000, uid="", commit="")

OURS = wire.RegisterReply(
    0, client_id="c", agent="1.0", instance="i1", boot="b1", node="guest1", epoch=7, has_records=True
)

STOCK = wire.RegisterReply(0, client_id="c", protocol_version="1.1", uptime_s=5)


PATIENCE_S = 60
"""Only reached when a test fails."""

CONNECT_MS = PATIENCE_S * 1000


def impatient(detect_ms: int = 5000) -> LinkSettings:
    """Settings under which an attempt follows the one before at once, and links are watched at another pace."""
    pace = replace(pace_of(detect_ms), retry_s=0.01, connect_s=PATIENCE_S, handshake_s=PATIENCE_S)
    return LinkSettings(pace=lambda _: pace)


FAST = impatient()

KEY = bytes(range(256)) * 16


def play(
    tmp_path: Path,
    scenario: Callable[[Agent, WireLink], Coroutine[Any, Any, Any]],
    *,
    agent: Agent | None = None,
    heard: Heard | None = None,
    settings: LinkSettings = FAST,
    flavor: AgentFlavor = AgentFlavor.RECONCILER,
) -> Any:
    """Serve an agent on a Unix socket, let the scenario use a link to it, and close both."""
    served = agent or Agent()

    async def run() -> Any:
        path = tmp_path / "agent.sock"
        link = WireLinks(path, settings).link(target(AgentAddress(flavor=flavor)), heard or Heard())
        async with served.serving(path), asyncio.timeout(PATIENCE_S):
            try:
                return await scenario(served, link)
            finally:
                await link.close()

    return asyncio.run(run())


def target(address: AgentAddress | None = None, key: bytes | None = None) -> LinkTarget:
    cluster = Cluster(name="shop")
    return LinkTarget(node=NODE, agent=address or AgentAddress(), cluster=cluster, key=key, epoch=7)


async def failure(work: Coroutine[Any, Any, Any]) -> Any:
    """The error that the work ends in."""
    try:
        await work
    except LinkError as error:
        return error
    raise AssertionError("no error")


@dataclass
class Heard:
    """A listener that remembers."""

    results: list[OperationResult] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    leaving: int = 0
    drains: bool = True
    """Whether the node of an agent that is asked to stop is emptied."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    cluster: ClusterView = field(default_factory=lambda: ClusterView(intent=Intent(), observed=Observed()))

    def view(self) -> ClusterView:
        return self.cluster

    def on_attribute(self, node: NodeName, change: AttributeChange) -> None:
        known = self.cluster.attributes
        after = {**known, node: known.get(node, NodeAttributes()).changed(change)}
        self.cluster = replace(self.cluster, attributes=after)
        self.changed.set()

    def on_result(self, node: NodeName, result: OperationResult) -> None:
        assert node == NODE
        self.results.append(result)
        self.changed.set()

    def on_lost(self, node: NodeName, text: str) -> None:
        assert node == NODE
        self.lost.append(text)
        self.changed.set()

    def on_leaving(self, node: NodeName) -> bool:
        assert node == NODE
        self.leaving += 1
        self.changed.set()
        return self.drains

    async def on(self, kind: str, count: int) -> None:
        """Wait until that many results or losses were heard."""
        while len(self.results if kind == "result" else self.lost) < count:
            self.changed.clear()
            await self.changed.wait()


Answer = Any

"""A function of (agent, message id, request); what it returns does not matter."""


class Agent:
    """A scripted agent that serves one client at a time."""

    def __init__(self) -> None:
        self.requests: list[wire.Request] = []
        self.register_reply = OURS
        self.records: tuple[wire.StartRecord, ...] = ()
        self.recurring: tuple[wire.RecurringOperation, ...] = ()
        self.resources: dict[str, wire.ResourceInfoReply] = {}
        self.output = ""
        self.call_id = 0
        self.on: dict[type, Answer] = {}
        self.on_exec: Answer = None
        self._counts: defaultdict[type, int] = defaultdict(int)
        self._changed = asyncio.Event()
        self._wire = wire.Connection(wire.Role.SERVER)
        self._send: Callable[[list[bytes]], None] = lambda _chunks: None
        self._close: Callable[[], None] = lambda: None

    @contextlib.asynccontextmanager
    async def serving(self, path: Path) -> AsyncIterator[None]:
        writers: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            self.take(writer.writelines, writer.close)
            connection = self._wire
            with contextlib.suppress(ConnectionError):
                while chunk := await reader.read(65536):
                    self.hear(connection, chunk)
            writer.close()

        server = await asyncio.start_unix_server(serve, path)
        try:
            yield
        finally:
            server.close()
            for writer in writers:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()
            await server.wait_closed()

    @contextlib.asynccontextmanager
    async def serving_tls(self, key: bytes) -> AsyncIterator[int]:
        loop = asyncio.get_running_loop()
        streams: list[Stream] = []

        async def serve(listener: socket.socket) -> None:
            plain, _ = await loop.sock_accept(listener)
            channel = tls.TLSSocket(plain, tls.server_credentials(lambda _: key))
            while True:
                try:
                    channel.handshake()
                    break
                except tls.WantReadError:
                    readable = asyncio.Event()
                    loop.add_reader(channel.fileno(), readable.set)
                    await readable.wait()
                    loop.remove_reader(channel.fileno())
                except tls.TLSError:
                    channel.close()
                    return
            connection = wire.Connection(wire.Role.SERVER)
            stream = Stream(channel, lambda chunk: self.hear(connection, chunk), lambda _: None)
            streams.append(stream)
            self.take(stream.send, stream.close, connection)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(serve(listener))
                try:
                    yield listener.getsockname()[1]
                finally:
                    task.cancel()
                    for stream in streams:
                        stream.close()

    def take(
        self,
        send: Callable[[list[bytes]], None],
        close: Callable[[], None],
        connection: wire.Connection | None = None,
    ) -> None:
        self._wire = connection or wire.Connection(wire.Role.SERVER)
        self._send, self._close = send, close

    def send(self, chunks: list[bytes]) -> None:
        self._send(chunks)

    def reply(self, message_id: int, rc: int) -> None:
        self._send(self._wire.send_reply(message_id, wire.Reply(rc, max(rc, 0))))

    def notify(self, notice: wire.Notice) -> None:
        self._send(self._wire.send_notice(notice))

    def hang_up(self) -> None:
        self._close()

    async def heard(self, kind: type) -> None:
        """Wait until one more request of that kind has come than at the last call."""
        while self._counts[kind] == 0:
            self._changed.clear()
            await self._changed.wait()
        self._counts[kind] -= 1

    def hear(self, connection: wire.Connection, chunk: bytes) -> None:
        connection.receive_bytes(chunk)
        while (event := connection.next_event()) is not None:
            assert isinstance(event, wire.RequestReceived)
            self._answer(event.message_id, event.request)
            self._counts[type(event.request)] += 1
            self._changed.set()

    def _answer(self, message_id: int, request: wire.Request) -> None:
        if not isinstance(request, wire.Poke):
            self.requests.append(request)
        if type(request) in self.on:
            self.on[type(request)](self, message_id, request)
        elif isinstance(request, wire.Exec):
            self._exec(message_id, request)
        else:
            self._send(self._wire.send_reply(message_id, self._reply_to(request)))

    def _reply_to(self, request: wire.Request) -> wire.AnyReply:
        if isinstance(request, wire.Register):
            return self.register_reply
        if isinstance(request, wire.GetRecords):
            return wire.RecordsReply(0, 1, self.records)
        if isinstance(request, wire.GetRecurring):
            return wire.RecurringReply(0, 1, self.recurring)
        if isinstance(request, wire.ResourceInfo):
            unknown = wire.ResourceInfoReply(wire.RC_NO_SUCH_RESOURCE)
            return self.resources.get(request.resource_id, unknown)
        return wire.Reply(0, 1)

    def _exec(self, message_id: int, request: wire.Exec) -> None:
        if self.on_exec is not None:
            self.on_exec(self, message_id, request)
            return
        self.call_id += 1
        self.reply(message_id, self.call_id)
        result = wire.OperationResult(
            request.resource_id,
            request.action,
            self.call_id,
            0,
            0,
            interval_ms=request.interval_ms,
            ran_at_s=50,
            exec_time_ms=6,
            userdata=request.userdata,
            output=self.output,
            uid=request.uid,
        )
        self.notify(result)
