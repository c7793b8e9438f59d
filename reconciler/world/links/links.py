"""The real links to agents: TLS-PSK over TCP or this machine's Unix socket, one event loop, no threads.

It must not decide anything about a node: it connects, carries operations, and says what it heard. A connection
that ends while an operation runs makes that operation's outcome unknown, never failed.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent import wire
from agent.tls import STOCK_IDENTITY
from agent.wire.keys import identity_for
from reconciler.model.errors import LinkError, OutcomeUnknownError
from reconciler.model.names import ResourceId
from reconciler.model.node import AgentFlavor, LinkReason
from reconciler.model.operation import OperationRequest, OperationResult
from reconciler.model.resource import ResourceAgent
from reconciler.ports import LinkListener, LinkTarget, Session
from reconciler.settings import Pace, pace_of
from reconciler.world.channel.channel import Channel, CibCache
from reconciler.world.daemon_threads import DaemonThreads
from reconciler.world.links.client import AgentClient, Pulse
from reconciler.world.links.dial import Door, dial
from reconciler.world.links.translate import (
    exec_of,
    monitors_of,
    records_of,
    refusal_of,
    result_of,
)

log = logging.getLogger(__name__)

CLIENT_NAME = "reconciler"
_INCURABLE = frozenset({reason for reason in LinkReason if reason.is_authentication})
"""Failures that trying again within one `connect` cannot cure."""

_RESOLVER_THREADS = 2
_MAX_LATE_RESULTS = 1000
_CLIENTS_EACH_S = 60.0
"""Between two warnings that others connect to the same agent."""
_UPTIME_ERROR_S = 2.0
"""Agents round their uptime to seconds, and the reply takes its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Deadlines of links."""

    pace: Callable[[int], Pace] = pace_of
    """The timers that the declaration chooses for each link, by `detect_ms`."""
    reply_s: float = 10.0
    """For the reply to a request; Pacemaker allows as much (lib/lrmd/lrmd_client.c)."""
    result_grace_s: float = 30.0
    """For the result of an operation, on top of its own timeout: it may queue behind another operation."""


class WireLinks:
    """Makes links of one controller.

    Args:
        socket_path: The Unix socket of this machine's own agent.
        settings: Deadlines.
    """

    def __init__(self, socket_path: Path, settings: LinkSettings | None = None) -> None:
        self._socket_path = socket_path
        self._settings = settings or LinkSettings()
        self._resolver = DaemonThreads(_RESOLVER_THREADS, "resolve")
        self._cib = CibCache()

    def link(self, target: LinkTarget, listener: LinkListener) -> "WireLink":
        """Return a link that is not connected yet."""
        identity = STOCK_IDENTITY
        if target.key is not None and target.agent.flavor is AgentFlavor.RECONCILER:
            identity = identity_for(STOCK_IDENTITY, target.key)
        pace = self._settings.pace(target.agent.detect_ms)
        door = Door(
            address=target.agent.address,
            port=target.agent.port,
            socket_path=self._socket_path,
            key=target.key,
            tls12=target.agent.tls12,
            connect_s=pace.connect_s,
            handshake_s=pace.handshake_s,
            unacknowledged_ms=pace.unacknowledged_ms,
            identity=identity,
        )
        return WireLink(target, listener, door, self._settings, (self._resolver, self._cib))


class WireLink:
    """The link to one node's agent; it can be connected again after it was lost."""

    def __init__(
        self,
        target: LinkTarget,
        listener: LinkListener,
        door: Door,
        settings: LinkSettings,
        shared: tuple[DaemonThreads, CibCache],
    ) -> None:
        self._target = target
        self._node = target.node
        self._listener = listener
        self._door = door
        self._settings = settings
        self._pace = settings.pace(target.agent.detect_ms)
        self._resolver, self._cib = shared
        self._client: AgentClient | None = None
        self._channel: Channel | None = None
        self._is_ours = False
        self._is_up = False
        """A session has begun and not ended."""
        self._is_leaving = False
        self._stock_started_at: float | None = None
        self._end_text = "not connected"
        self._other_clients, self._warn_of_clients_at = 0, 0.0
        self._registered: dict[ResourceId, ResourceAgent] = {}
        self._by_uid: dict[str, _Running] = {}
        self._by_call: dict[int, _Running] = {}
        self._late: dict[str, OperationResult] = {}
        """Results of actions that nobody waited for any more, by uid."""

    @property
    def is_connected(self) -> bool:
        """Tell whether operations can be sent."""
        return self._is_up and self._client is not None and self._client.is_open

    async def connect(self, timeout_ms: int) -> Session:
        """Connect, prove both sides' key, register, read the agent's state; tries again until the time is up.

        Raises:
            LinkError: with the reason of the last attempt.
        """
        await self.close()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_ms / 1000
        while True:
            try:
                return await self._attempt(deadline)
            except LinkError as error:
                if error.reason in _INCURABLE or loop.time() + self._pace.retry_s >= deadline:
                    raise
            await asyncio.sleep(self._pace.retry_s)

    async def execute(self, request: OperationRequest) -> OperationResult:
        """Run one operation and return its result, whatever it is; a recurring one returns its first result.

        A result that came while nobody waited is returned at once when its uid is asked for again.

        Raises:
            OutcomeUnknownError: The link was lost before the result came, or the result stayed out.
            LinkError: Nothing was sent.
        """
        if request.uid in self._late:
            return self._late.pop(request.uid)
        client = self._connected()
        running = _Running(asyncio.get_running_loop().create_future(), request.uid)
        rc = await self._introduce(client, request) or await self._begin(client, request, running)
        if rc == wire.RC_NO_SUCH_RESOURCE:  # another client has just removed it
            self._registered.pop(request.resource, None)
            rc = await self._introduce(client, request) or await self._begin(client, request, running)
        if rc == wire.RC_STALE_EPOCH:
            raise _link_refusal(rc, "the agent refused the operation")
        if rc < 0:
            return refusal_of(request, rc)
        return await self._result(request, running)

    async def cancel(self, resource: ResourceId, operation: str, interval_ms: int) -> None:
        """Stop a recurring operation; none there is success.

        Raises:
            LinkError: The link is not there, or the agent would not.
        """
        reply = await self._connected().ask(wire.Cancel(resource, operation, interval_ms))
        if reply.rc not in (wire.RC_OK, wire.RC_UNSUPPORTED, wire.RC_NO_SUCH_RESOURCE):
            raise _link_refusal(reply.rc, f"the agent would not cancel {operation} of {resource}")

    async def close(self) -> None:
        """End the connection in order; what runs on the node goes on. Never raises."""
        if self._client is not None:
            self._client.close()
        self._drop("the connection was closed by us")

    def _connected(self) -> AgentClient:
        if not self.is_connected or self._client is None:
            raise LinkError(LinkReason.LOST, self._end_text)
        return self._client

    async def _attempt(self, deadline: float) -> Session:
        channel = await dial(self._door, self._resolver, deadline)
        pulse = Pulse(
            interval_s=self._pace.heartbeat_s,
            silence_s=self._pace.silence_s,
            reply_s=self._settings.reply_s,
        )
        client = AgentClient(channel, pulse, self._on_notice, self._on_end)
        self._client = client
        self._channel = Channel(self._node, self._listener, client.tell, self._cib)
        try:
            async with asyncio.timeout_at(deadline):
                session = await self._register(client)
        except BaseException as error:
            client.close()
            self._client = None
            if isinstance(error, TimeoutError):
                raise LinkError(LinkReason.SILENT, "the agent did not register us in time") from error
            if isinstance(error, OutcomeUnknownError):
                raise LinkError(error.reason, str(error)) from error
            raise
        if not client.is_open:
            raise LinkError(LinkReason.LOST, "the connection ended as soon as it was made")
        self._is_up = True
        client.start_heartbeat()
        return session

    async def _register(self, client: AgentClient) -> Session:
        """Register, and read what the agent knows."""
        is_stock = self._target.agent.flavor is AgentFlavor.STOCK
        request = wire.Register(
            CLIENT_NAME,
            # Who acts provides: else a stock agent stops without asking (execd/pacemaker-execd.c).
            is_ipc_provider=self._target.epoch > 0,
            cluster="" if is_stock else self._target.cluster.name,
            epoch=None if is_stock or self._target.epoch == 0 else self._target.epoch,
        )
        reply = await client.ask(request)
        assert isinstance(reply, wire.RegisterReply), "the wire pairs replies with requests"
        if reply.rc != wire.RC_OK:
            raise _link_refusal(reply.rc, "the agent refused to register us")
        if reply.node and reply.node.lower() != self._node.lower():
            raise LinkError(LinkReason.WRONG_NODE, f"the agent there is that of node {reply.node}")
        self._is_ours = reply.is_ours
        records = await client.ask(wire.GetRecords()) if reply.is_ours else wire.RecordsReply(0)
        recurring = await client.ask(wire.GetRecurring())
        assert isinstance(records, wire.RecordsReply), "the wire pairs replies with requests"
        assert isinstance(recurring, wire.RecurringReply), "the wire pairs replies with requests"
        return Session(
            is_ours=reply.is_ours,
            instance=reply.instance or self._stock_instance(reply.uptime_s),
            incarnation=reply.boot,
            is_record_keeping=reply.has_records and records.rc == wire.RC_OK,
            records=records_of(records.records),
            recurring=monitors_of(recurring.operations),
        )

    def _stock_instance(self, uptime_s: int | None) -> str:
        """Name a stock agent's process by when it started; "" before Pacemaker 2.1.6, which does not say."""
        if uptime_s is None:
            return ""
        started_at = asyncio.get_running_loop().time() - uptime_s
        if self._stock_started_at is None or abs(started_at - self._stock_started_at) > _UPTIME_ERROR_S:
            self._stock_started_at = started_at
        return f"stock-{self._stock_started_at:.0f}"

    async def _introduce(self, client: AgentClient, request: OperationRequest) -> int:
        """Make the agent know a resource before its operation; return 0, or the code with which it refused."""
        agent = request.agent
        if self._registered.get(request.resource) == agent:
            return wire.RC_OK
        try:
            info = await client.ask(wire.ResourceInfo(request.resource))
            assert isinstance(info, wire.ResourceInfoReply), "the wire pairs replies with requests"
            known = ResourceAgent(standard=info.standard, provider=info.provider, type=info.type_name)
            if info.rc != wire.RC_OK or known != agent:
                register = wire.ResourceRegister(request.resource, agent.standard, agent.provider, agent.type)
                reply = await client.ask(register)
                if reply.rc != wire.RC_OK:
                    return reply.rc
        except OutcomeUnknownError as error:  # of these two requests, not of the operation
            raise LinkError(error.reason, str(error)) from error
        self._registered[request.resource] = agent
        return wire.RC_OK

    async def _begin(self, client: AgentClient, request: OperationRequest, running: "_Running") -> int:
        """Send an operation; return its call id, or the code with which it was refused."""
        if request.uid:
            self._by_uid[request.uid] = running

        def note_call(reply: wire.AnyReply) -> None:
            if reply.rc > 0:
                running.call_id = reply.rc
                self._by_call[reply.rc] = running

        rc = wire.RC_INVALID
        try:
            rc = (await client.ask(exec_of(request, self._node, is_ours=self._is_ours), note_call)).rc
        finally:
            if rc <= 0 and not running.call_id:
                self._forget(running)
        return rc or wire.RC_INVALID

    async def _result(self, request: OperationRequest, running: "_Running") -> OperationResult:
        limit_s = request.timeout_ms / 1000 + self._settings.result_grace_s
        try:
            async with asyncio.timeout(limit_s):
                return await running.future
        except TimeoutError as error:
            text = f"no result of {request.operation} of {request.resource} within {limit_s:g} s"
            raise OutcomeUnknownError(LinkReason.SILENT, text) from error

    def _on_notice(self, notice: wire.Notice) -> None:
        if isinstance(notice, wire.OperationResult):
            self._on_result(notice)
        elif isinstance(notice, wire.ShutdownRequest):
            self._on_leaving()
        elif isinstance(notice, wire.NewClient):
            self._on_other_client()
        elif isinstance(notice, wire.ResourceNotice) and notice.operation == wire.OP_RESOURCE_UNREGISTER:
            self._registered.pop(ResourceId(notice.resource_id), None)
        elif (
            isinstance(notice, (wire.ProxyNew, wire.ProxyRequest, wire.ProxyDestroy))
            and self._channel is not None
        ):
            self._channel.take(notice)

    def _on_other_client(self) -> None:
        """Warn that somebody else has the key; one who comes again and again fills no log."""
        now = asyncio.get_running_loop().time()
        self._other_clients += 1
        if now >= self._warn_of_clients_at:
            extra = {"node": self._node, "clients": self._other_clients}
            log.warning("another client connected to the agent", extra=extra)
            self._other_clients, self._warn_of_clients_at = 0, now + _CLIENTS_EACH_S

    def _on_result(self, notice: wire.OperationResult) -> None:
        if notice.op_status == wire.ExecStatus.PENDING:
            return  # systemd's; the result follows
        result = result_of(notice, is_ours=self._is_ours)
        running = self._by_uid.get(result.uid) or self._by_call.get(notice.call_id)
        if running is not None:
            self._forget(running)
            if not running.future.done():
                running.future.set_result(result)
                return
        if notice.interval_ms:
            if notice.op_status != wire.ExecStatus.CANCELLED:
                self._listener.on_result(self._node, result)
        elif result.uid:
            self._late[result.uid] = result
            while len(self._late) > _MAX_LATE_RESULTS:
                del self._late[next(iter(self._late))]

    def _on_leaving(self) -> None:
        self._is_leaving = True
        is_drained = self._listener.on_leaving(self._node)
        if self._client is not None:
            # A stock agent that was promised to be drained waits for it without a limit (Pacemaker daemons/execd/
            # remoted_tls.c).
            self._client.tell(wire.ShutdownAck() if is_drained else wire.ShutdownNack())

    def _on_end(self, text: str) -> None:
        """The connection has ended by itself; before the session began, `connect` says so."""
        if not self._is_up:
            return
        if self._is_leaving:
            text = "the agent left in order"
        self._drop(text)
        self._listener.on_lost(self._node, text)

    def _drop(self, text: str) -> None:
        self._client = None
        if self._channel is not None:
            self._channel.close()
        self._end_text = text
        self._is_up = self._is_leaving = False
        self._registered.clear()
        running = [*self._by_uid.values(), *self._by_call.values()]
        self._by_uid.clear()
        self._by_call.clear()
        for operation in running:
            if not operation.future.done():
                operation.future.set_exception(OutcomeUnknownError(LinkReason.LOST, text))
                operation.future.exception()  # nobody may wait for it: the reply is awaited before it

    def _forget(self, running: "_Running") -> None:
        if self._by_uid.get(running.uid) is running:
            del self._by_uid[running.uid]
        if self._by_call.get(running.call_id) is running:
            del self._by_call[running.call_id]


class _Running:
    """An operation whose result somebody awaits, or awaited."""

    def __init__(self, future: asyncio.Future[OperationResult], uid: str) -> None:
        self.future = future
        self.uid = uid
        self.call_id = 0


def _link_refusal(rc: int, text: str) -> LinkError:
    if rc == wire.RC_STALE_EPOCH:
        return LinkError(LinkReason.STALE, "the agent has been taken over by a newer controller")
    return LinkError(LinkReason.GARBAGE, f"{text} ({rc})")
