"""Links against an agent that is scripted by the test, over a Unix socket and over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from agent import tls, wire
from reconciler.model.errors import LinkError, OutcomeUnknownError
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AgentAddress, AgentFlavor, LinkReason
from reconciler.model.operation import InFlight, Monitor, OperationRequest, OperationResult, StartRecord
from reconciler.model.resource import ResourceAgent
from reconciler.ports import LinkTarget, Session
from reconciler.world.links import LinkSettings, WireLink, WireLinks
from reconciler.world.links_channel import Stream

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
FAST = LinkSettings(retry_s=0.01)
KEY = bytes(range(256)) * 16
PATIENCE_S = 20
"""Only reached when a test fails."""


def test_a_session_tells_what_our_agent_keeps(tmp_path: Path) -> None:
    record = wire.StartRecord(
        "web", "ocf", "heartbeat", "Dummy", "shop", "u0", "abc", "hash", wire.Phase.STARTED, 100, 0, 0,
        params={"port": "80", "CRM_meta_timeout": "20000", "crm_feature_set": "3.16.2"},
        recurring=(wire.RecurringOperation("web", "monitor", 10_000, 20_000),),
        in_flight=wire.InFlight("monitor", 5, "", 77, 20_000, 10_000),
    )  # fmt: skip
    armed = (wire.RecurringOperation("web", "monitor", 10_000, 20_000),)

    async def scenario(agent: Agent, link: WireLink) -> Session:
        agent.records = (record,)
        agent.recurring = armed
        return await link.connect(5000)

    monitor = Monitor(interval_ms=10_000, timeout_ms=20_000)
    kept = StartRecord(
        resource=ResourceId("web"),
        agent=DUMMY,
        params={"port": "80"},
        cluster="shop",
        uid="u0",
        commit="abc",
        since=100.0,
        monitors=(monitor,),
        in_flight=InFlight(operation="monitor", uid="", interval_ms=10_000, timeout_ms=20_000),
        agent_hash="hash",
        result=OperationResult(resource=ResourceId("web"), operation="start", uid="u0"),
    )
    assert play(tmp_path, scenario) == Session(
        is_ours=True,
        instance="i1",
        incarnation="b1",
        is_record_keeping=True,
        records={ResourceId("web"): kept},
        recurring={ResourceId("web"): (monitor,)},
    )


def test_a_stock_agent_is_sent_nothing_that_it_does_not_know(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Session:
        agent.register_reply = STOCK
        session = await link.connect(5000)
        await link.execute(START)
        return session

    agent = Agent()
    session = play(tmp_path, scenario, agent=agent, flavor=AgentFlavor.STOCK)
    assert (session.is_ours, session.is_record_keeping, session.incarnation) == (False, False, "")
    assert session.instance.startswith("stock-")
    sent = [type(request) for request in agent.requests]
    assert sent == [
        wire.Register,
        wire.GetRecurring,
        wire.ResourceInfo,
        wire.ResourceRegister,
        wire.Exec,
    ]
    assert agent.requests[0] == wire.Register("reconciler", is_ipc_provider=True)
    exec_ = agent.requests[-1]
    assert isinstance(exec_, wire.Exec)
    assert (exec_.uid, exec_.commit, exec_.userdata) == ("", "", "u1")


def test_our_agent_is_told_cluster_and_epoch(tmp_path: Path) -> None:
    agent = Agent()
    play(tmp_path, lambda _agent, link: link.connect(5000), agent=agent)
    assert agent.requests[0] == wire.Register("reconciler", is_ipc_provider=True, cluster="shop", epoch=7)


def test_an_operation_is_sent_with_what_resource_agents_expect(tmp_path: Path) -> None:
    async def scenario(_agent: Agent, link: WireLink) -> OperationResult:
        await link.connect(5000)
        return await link.execute(START)

    agent = Agent()
    result = play(tmp_path, scenario, agent=agent)
    assert result == OperationResult(
        resource=ResourceId("web"), operation="start", uid="u1", ran_at=50.0, took_ms=6
    )
    assert agent.requests[-1] == wire.Exec(
        "web",
        "start",
        timeout_ms=20_000,
        userdata="u1",
        params={
            "CRM_meta_name": "start",
            "CRM_meta_timeout": "20000",
            "CRM_meta_interval": "0",
            "CRM_meta_on_node": "guest1",
            "crm_feature_set": "3.16.2",
            "port": "80",
        },
        uid="u1",
        commit="abc",
    )


def test_a_resource_is_introduced_once_and_only_if_the_agent_does_not_know_it(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        agent.resources["known"] = wire.ResourceInfoReply(0, 1, "known", "ocf", "heartbeat", "Dummy")
        agent.resources["other"] = wire.ResourceInfoReply(0, 1, "other", "systemd", "", "nginx")
        await link.connect(5000)
        for resource in ("known", "other", "new", "new"):
            await link.execute(replace(START, resource=ResourceId(resource), uid=f"{resource}-start"))

    agent = Agent()
    play(tmp_path, scenario, agent=agent)
    asked = [r.resource_id for r in agent.requests if isinstance(r, wire.ResourceInfo)]
    registered = [r.resource_id for r in agent.requests if isinstance(r, wire.ResourceRegister)]
    assert (asked, registered) == (["known", "other", "new"], ["other", "new"])


def test_a_monitor_returns_its_first_result_and_reports_changes(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> OperationResult:
        await link.connect(5000)
        first = await link.execute(MONITOR)
        changed = wire.OperationResult("web", "monitor", agent.call_id, 7, 0, interval_ms=10_000)
        agent.notify(changed)
        agent.notify(replace(changed, op_status=wire.ExecStatus.CANCELLED))
        agent.notify(replace(changed, exec_rc=0))
        await heard.on("result", 2)
        return first

    heard = Heard()
    first = play(tmp_path, scenario, heard=heard)
    assert (first.rc, first.interval_ms) == (0, 10_000)
    assert [(result.rc, result.status, result.uid) for result in heard.results] == [(7, 0, ""), (0, 0, "")]


def test_a_lost_connection_makes_the_outcome_unknown_never_failed(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> tuple[Any, bool]:
        agent.on_exec = lambda agent, message_id, _: (agent.reply(message_id, 8), agent.hang_up())
        await link.connect(5000)
        return await failure(link.execute(START)), link.is_connected

    heard = Heard()
    error, is_connected = play(tmp_path, scenario, heard=heard)
    assert (type(error), error.reason, is_connected) == (OutcomeUnknownError, LinkReason.LOST, False)
    assert heard.lost == ["the agent closed the connection"]


def test_losing_the_connection_before_the_operation_was_sent_is_no_unknown_outcome(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> list[Any]:
        await link.connect(5000)
        agent.on[wire.ResourceInfo] = lambda agent, _id, _request: agent.hang_up()
        return [await failure(link.execute(START)), await failure(link.execute(START))]

    errors = play(tmp_path, scenario)
    assert [(type(error), error.reason) for error in errors] == [(LinkError, LinkReason.LOST)] * 2


def test_a_result_that_stays_out_is_unknown_and_is_kept_for_who_asks_again(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> list[Any]:
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, 8)
        await link.connect(5000)
        impatient = replace(START, timeout_ms=10)
        error = await failure(link.execute(impatient))
        late = wire.OperationResult("web", "start", 8, 1, 0, exit_reason="no", uid="u1")
        agent.notify(late)
        agent.notify(wire.OperationResult("web", "monitor", 9, 7, 0, interval_ms=10_000))
        await heard.on("result", 1)
        return [error, link.is_connected, await link.execute(impatient)]

    heard = Heard()
    agent = Agent()
    settings = replace(FAST, result_grace_s=0.01)
    error, is_connected, result = play(tmp_path, scenario, agent=agent, heard=heard, settings=settings)
    assert (type(error), error.reason, is_connected) == (OutcomeUnknownError, LinkReason.SILENT, True)
    want = OperationResult(resource=ResourceId("web"), operation="start", rc=1, reason="no", uid="u1")
    assert result == want
    assert len([request for request in agent.requests if isinstance(request, wire.Exec)]) == 1


def test_a_request_that_the_agent_will_not_run_is_a_failed_operation(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> list[OperationResult]:
        await link.connect(5000)
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, wire.RC_INVALID)
        by_exec = await link.execute(START)
        agent.on[wire.ResourceRegister] = lambda agent, message_id, _: agent.reply(
            message_id, wire.RC_INVALID
        )
        return [by_exec, await link.execute(START)]

    want = OperationResult(
        resource=ResourceId("web"),
        operation="start",
        rc=1,
        status=wire.ExecStatus.ERROR,
        reason="the agent refused the request (-22)",
        uid="u1",
    )
    assert play(tmp_path, scenario) == [want, want]


def test_a_controller_that_was_replaced_is_told_so_at_registration_and_at_any_operation(
    tmp_path: Path,
) -> None:
    async def scenario(agent: Agent, link: WireLink) -> list[Any]:
        await link.connect(5000)
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, wire.RC_STALE_EPOCH)
        errors = [await failure(link.execute(START))]
        agent.register_reply = wire.RegisterReply(wire.RC_STALE_EPOCH, epoch=8)
        return [*errors, await failure(link.connect(60_000))]

    errors = play(tmp_path, scenario)
    assert [(type(error), error.reason) for error in errors] == [(LinkError, LinkReason.STALE)] * 2


def test_the_agent_of_another_node_is_not_believed(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        agent.register_reply = replace(OURS, node="guest2")
        return await failure(link.connect(60_000))

    error = play(tmp_path, scenario)
    assert (error.reason, str(error)) == (LinkReason.ROGUE, "the agent there is that of node guest2")


def test_connecting_tries_again_until_the_agent_is_there(tmp_path: Path) -> None:
    async def scenario() -> Session:
        agent = Agent()
        link = WireLinks(tmp_path / "agent.sock", FAST).link(target(), Heard())
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
            connecting = tasks.create_task(link.connect(PATIENCE_S * 1000))
            while (await failure(link.execute(START))).reason is not LinkReason.LOST:
                pass
            async with agent.serving(tmp_path / "agent.sock"):
                session = await connecting
                await link.close()
        return session

    assert asyncio.run(scenario()).is_ours


def test_connecting_gives_up_with_the_reason_of_the_last_attempt(tmp_path: Path) -> None:
    async def scenario() -> Any:
        link = WireLinks(tmp_path / "agent.sock", FAST).link(target(), Heard())
        return await failure(link.connect(30))

    assert asyncio.run(scenario()).reason is LinkReason.REFUSED


def test_an_agent_that_does_not_register_us_is_silent(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        agent.on[wire.Register] = lambda _agent, _id, _request: None
        return await failure(link.connect(50))

    assert play(tmp_path, scenario).reason is LinkReason.SILENT


def test_an_agent_that_wants_to_stop_is_answered_and_reported(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        await link.connect(5000)
        agent.notify(wire.ShutdownRequest())
        await agent.heard(wire.ShutdownAck)
        agent.hang_up()
        await heard.on("lost", 1)

    heard = Heard()
    play(tmp_path, scenario, heard=heard)
    assert (heard.leaving, heard.lost) == (1, ["the agent left in order"])


def test_programs_in_the_guest_that_ask_for_cluster_daemons_fail_at_once(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        await link.connect(5000)
        agent.notify(wire.ProxyNew("S", "attrd"))
        await agent.heard(wire.ProxyDestroy)

    agent = Agent()
    play(tmp_path, scenario, agent=agent)
    assert agent.requests[-1] == wire.ProxyDestroy("S")


def test_another_client_is_warned_of_and_does_not_end_the_link(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(agent: Agent, link: WireLink) -> OperationResult:
        await link.connect(5000)
        agent.notify(wire.NewClient())
        return await link.execute(START)

    assert play(tmp_path, scenario).is_ok
    warnings = [(r.message, r.__dict__["node"]) for r in caplog.records if r.levelno == logging.WARNING]
    assert warnings == [("another client connected to the agent", "guest1")]


def test_a_resource_that_another_client_removed_is_introduced_again(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        await link.connect(5000)
        await link.execute(START)
        agent.notify(wire.ResourceNotice(wire.OP_RESOURCE_UNREGISTER, "web", 0))
        agent.notify(wire.OperationResult("web", "monitor", 9, 7, 0, interval_ms=10_000))
        await heard.on("result", 1)
        await link.execute(replace(START, uid="u2"))

    agent, heard = Agent(), Heard()
    play(tmp_path, scenario, agent=agent, heard=heard)
    assert len([request for request in agent.requests if isinstance(request, wire.ResourceInfo)]) == 2


def test_a_resource_that_the_agent_has_just_forgotten_is_introduced_again(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> OperationResult:
        def forget_once(agent: Agent, message_id: int, _request: wire.Request) -> None:
            agent.on_exec = None
            agent.reply(message_id, wire.RC_NO_SUCH_RESOURCE)

        agent.on_exec = forget_once
        await link.connect(5000)
        return await link.execute(START)

    agent = Agent()
    assert play(tmp_path, scenario, agent=agent).is_ok
    assert len([request for request in agent.requests if isinstance(request, wire.ResourceInfo)]) == 2


def test_an_agent_that_falls_silent_is_lost(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, 8)
        agent.on[wire.Poke] = lambda _agent, _id, _request: None
        await link.connect(5000)
        return await failure(link.execute(START))

    heard = Heard()
    settings = replace(FAST, heartbeat_s=0.02, silence_s=0.1)
    error = play(tmp_path, scenario, heard=heard, settings=settings)
    assert (type(error), error.reason) == (OutcomeUnknownError, LinkReason.LOST)
    assert heard.lost == ["the agent was silent for 0.1 s"]


@pytest.mark.slow
def test_no_verdict_is_passed_when_our_own_loop_was_late(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> bool:
        await link.connect(5000)
        await agent.heard(wire.Poke)
        time.sleep(0.5)  # noqa: ASYNC251 - a loop that is held up is what is tested
        for _ in range(3):
            await agent.heard(wire.Poke)
        return link.is_connected

    settings = replace(FAST, heartbeat_s=0.05, silence_s=0.3)
    assert play(tmp_path, scenario, settings=settings)


def test_bytes_that_are_not_the_protocol_end_the_link(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> None:
        await link.connect(5000)
        agent.send([b"HTTP/1.1 200 OK\r\n\r\n"])
        await heard.on("lost", 1)

    heard = Heard()
    play(tmp_path, scenario, heard=heard)
    assert heard.lost == [
        "the agent broke the protocol: not a remote protocol message: it begins with 48545450"
    ]


def test_a_monitor_that_is_not_there_is_cancelled_with_success(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        await link.connect(5000)
        for rc in (0, wire.RC_UNSUPPORTED, wire.RC_NO_SUCH_RESOURCE):
            agent.on[wire.Cancel] = lambda agent, message_id, _, rc=rc: agent.reply(message_id, rc)
            await link.cancel(ResourceId("web"), "monitor", 10_000)
        agent.on[wire.Cancel] = lambda agent, message_id, _: agent.reply(message_id, wire.RC_STALE_EPOCH)
        return await failure(link.cancel(ResourceId("web"), "monitor", 10_000))

    assert play(tmp_path, scenario).reason is LinkReason.STALE


def test_closing_makes_outcomes_unknown_and_is_no_loss(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> Any:
        agent.on_exec = lambda agent, message_id, _: agent.reply(message_id, 8)
        await link.connect(5000)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(failure(link.execute(START)))
            await agent.heard(wire.Exec)
            await link.close()
            await link.close()
        return running.result()

    heard = Heard()
    assert type(play(tmp_path, scenario, heard=heard)) is OutcomeUnknownError
    assert heard.lost == []


def test_a_link_can_be_connected_again_after_it_was_lost(tmp_path: Path) -> None:
    async def scenario(agent: Agent, link: WireLink) -> OperationResult:
        await link.connect(5000)
        agent.hang_up()
        await heard.on("lost", 1)
        await link.connect(5000)
        return await link.execute(START)

    heard = Heard()
    assert play(tmp_path, scenario, heard=heard).is_ok


def test_a_parameter_that_cannot_travel_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    async def scenario(_agent: Agent, link: WireLink) -> list[Any]:
        await link.connect(5000)
        error = await failure(link.execute(replace(START, params={"a": "\x00secret"})))
        return [error, link.is_connected]

    error, is_connected = play(tmp_path, scenario)
    assert (type(error), is_connected, "secret" in str(error)) == (LinkError, True, False)


def test_a_link_over_tls_carries_operations_of_any_size(tmp_path: Path) -> None:
    async def scenario() -> OperationResult:
        agent = Agent()
        agent.output = "x" * 60_000
        async with agent.serving_tls(KEY) as port, asyncio.timeout(PATIENCE_S):
            address = AgentAddress(address="127.0.0.1", port=port)
            link = WireLinks(tmp_path, FAST).link(target(address, KEY), Heard())
            await link.connect(5000)
            result = await link.execute(replace(START, params={"text": "y" * 100_000}))
            await link.close()
        return result

    assert asyncio.run(scenario()).output == "x" * 60_000


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
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def on_result(self, node: NodeName, result: OperationResult) -> None:
        assert node == NODE
        self.results.append(result)
        self.changed.set()

    def on_lost(self, node: NodeName, text: str) -> None:
        assert node == NODE
        self.lost.append(text)
        self.changed.set()

    def on_leaving(self, node: NodeName) -> None:
        assert node == NODE
        self.leaving += 1
        self.changed.set()

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
