"""The Links port in memory: connections with latency that break, hang, and lose what was under way.

A connection that ends while an operation runs makes that operation's outcome unknown: the agent may have got the
request or not, and if it has, the operation goes on.
"""

import asyncio
import contextlib
from collections.abc import Callable

from reconciler.model.attribute import AttributeChange
from reconciler.model.errors import LinkError, OutcomeUnknownError
from reconciler.model.names import ResourceId
from reconciler.model.node import AgentFlavor, LinkReason
from reconciler.model.operation import OperationRequest, OperationResult
from reconciler.ports import LinkListener, LinkTarget, Session
from reconciler.settings import pace_of
from reconciler.sim.agent import Connection, SimAgent
from reconciler.sim.chance import Chance
from reconciler.sim.effects import silence
from reconciler.sim.life import KilledError, Life
from reconciler.sim.machines import Machines
from reconciler.sim.truth import variant_of
from reconciler.sim.witness import Witness

UNREACHABLE_S = 3.0
SILENT_S = 5.0
RESULT_GRACE_S = 30.0
"""As in world/links/links.py and world/links/dial.py."""

_INCURABLE = frozenset({LinkReason.WRONG_KEY, LinkReason.STALE})


class SimLinks:
    """Makes the links of one controller."""

    def __init__(self, machines: Machines, witness: Witness, chance: Chance, life: Life) -> None:
        self.machines = machines
        self.witness = witness
        self.chance = chance
        self.meta_data_chance = chance.fork("meta-data")
        """Of its own: it comes before probes, and would shift all that these draw."""
        self.life = life
        self.made: list[SimLink] = []

    def link(self, target: LinkTarget, listener: LinkListener) -> "SimLink":
        """Return a link that is not connected yet."""
        with self.life:
            made = SimLink(self, target, listener)
            self.made.append(made)
            return made

    def sever(self) -> None:
        """End all connections as the death of the controller's process does."""
        for link in self.made:
            link.end("the controller died", is_told=False)


class SimLink:
    """The link to one node's agent."""

    def __init__(self, links: SimLinks, target: LinkTarget, listener: LinkListener) -> None:
        self.node = target.node
        self._links = links
        self._target = target
        self._listener = listener
        self._is_stock = target.agent.flavor is AgentFlavor.STOCK
        self._pace = pace_of(target.agent.detect_ms)
        self._agent: SimAgent | None = None
        self._connection: Connection | None = None
        self._running: list[asyncio.Future[OperationResult]] = []
        self._outbox: list[Callable[[], None]] = []
        """What is under way to the agent, in order."""
        self._last_s = 0.0

    @property
    def is_connected(self) -> bool:
        """Tell whether operations can be sent."""
        return self._connection is not None

    @property
    def silence_s(self) -> float:
        """How long nothing may be heard before the connection is given up."""
        return self._pace.silence_s

    async def connect(self, timeout_ms: int) -> Session:
        """Connect and register; tries again until the time is up.

        Raises:
            LinkError: with the reason of the last attempt.
        """
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
        """Run one operation and return its result.

        Raises:
            OutcomeUnknownError: the link was lost before the result came.
            LinkError: nothing was sent.
        """
        links = self._links
        with links.life:
            agent, _ = self._require()
            links.witness.see_operation(self.node, request, is_joined=agent.knows(request))
            if request.operation == "meta-data" and links.machines.faults.meta_data_at_once:
                return silence(request)
        chance = links.meta_data_chance if request.operation == "meta-data" else links.chance
        await self._pass_time(chance)
        future: asyncio.Future[OperationResult] = asyncio.get_running_loop().create_future()
        with links.life:
            agent, connection = self._require()
            self._running.append(future)
            self._send(
                lambda: agent.ask(connection, request, lambda result: self._answer(future, result, chance)),
                chance,
            )
        limit_s = request.timeout_ms / 1000 + RESULT_GRACE_S
        try:
            async with asyncio.timeout(limit_s):
                result = await future
        except TimeoutError as error:
            raise OutcomeUnknownError(LinkReason.SILENT, f"no result within {limit_s:g} s") from error
        finally:
            if future in self._running:
                self._running.remove(future)
        with self._links.life:
            self._learn(request, result, agent)
            return result

    async def cancel(self, resource: ResourceId, operation: str, interval_ms: int) -> None:
        """Stop a recurring operation; none there is success.

        Raises:
            LinkError: the link is not there.
        """
        assert operation == "monitor"
        with self._links.life:
            agent, _ = self._require()
            self._links.witness.see_cancel(self.node, resource)
            self._send(lambda: agent.cancel(resource, interval_ms), self._links.chance)
        await self._pass_time(self._links.chance)
        await self._pass_time(self._links.chance)
        self._require()

    async def close(self) -> None:
        """End the connection in order; what runs on the node goes on."""
        if self._agent is not None and self._agent.is_leaving and not self._links.life.is_dead:
            self._links.witness.see_release(self.node, self._agent)
        self.end("the connection was closed by us", is_told=False)

    def end(self, text: str, *, is_told: bool = True) -> None:
        """End the connection; what was being run has an unknown outcome."""
        agent, connection = self._agent, self._connection
        self._agent = self._connection = None
        if agent is None or connection is None:
            return
        self._leave(agent, connection)
        running, self._running = self._running, []
        for future in running:
            if not future.done():
                future.set_exception(OutcomeUnknownError(LinkReason.LOST, text))
                future.exception()
        if is_told and not self._links.life.is_dead:
            self._listener.on_lost(self.node, text)

    def say(self, change: AttributeChange) -> None:
        """Let a program on the node set an attribute of it."""
        self._receive(lambda: self._listener.on_attribute(self.node, change), self._links.chance)

    def _require(self) -> tuple[SimAgent, Connection]:
        if self._agent is None or self._connection is None:
            raise LinkError(LinkReason.LOST, "not connected")
        return self._agent, self._connection

    async def _attempt(self, deadline: float) -> Session:
        machines, life = self._links.machines, self._links.life
        left_s = deadline - asyncio.get_running_loop().time()
        with life:
            agent = machines.agents().get(self.node)
        if agent is None or self.node in machines.network.cut_off:
            await asyncio.sleep(max(min(UNREACHABLE_S, left_s), 0.01))
            raise LinkError(LinkReason.UNREACHABLE, f"no answer from {self.node}")
        await self._pass_time(self._links.chance)
        if not agent.is_listening or agent.is_leaving:
            raise LinkError(LinkReason.REFUSED, f"nothing listens on {self.node}")
        if self.node in machines.network.hung:
            await asyncio.sleep(max(min(SILENT_S, left_s), 0.01))
            raise LinkError(LinkReason.SILENT, f"{self.node}'s agent says nothing")
        if self.node in machines.network.wrong_key:
            raise LinkError(LinkReason.WRONG_KEY, f"{self.node} refused the key")
        with life:
            self._links.witness.see_connection(self.node, agent)
            self._register(agent)
        await self._pass_time(self._links.chance)
        session = agent.describe()
        await self._pass_time(self._links.chance)
        with life:
            self._require()
            self._links.witness.learn_session(self.node, agent, session)
            return session

    def _register(self, agent: SimAgent) -> None:
        connection = Connection(
            cluster="" if agent.is_stock else self._target.cluster.name,
            epoch=self._target.epoch,
            tell=self._tell,
            lose=lambda text: self._lose(connection, text),
            ask_to_leave=lambda: self._ask_to_leave(agent),
        )
        newer = agent.accept(connection)
        if newer is not None:
            raise LinkError(LinkReason.STALE, f"a newer controller has taken over ({newer})")
        self._agent, self._connection = agent, connection

    def _lose(self, connection: Connection, text: str) -> None:
        if connection is self._connection:
            self.end(text)

    def _leave(self, agent: SimAgent, connection: Connection) -> None:
        """Let the agent's end of the connection end, after what got through of what was under way."""
        network, outbox = self._links.machines.network, self._outbox
        self._outbox = []
        if (
            self.node in network.hung
        ):  # all of it lies in the agent's socket, and is read when the agent goes on
            again_s = SILENT_S / 10
            self._outbox = outbox
            asyncio.get_running_loop().call_later(again_s, lambda: self._leave(agent, connection))
            return
        if self.node not in network.cut_off:
            while outbox and self._links.chance.happens(0.5):
                outbox.pop(0)()
        agent.part(connection)

    def _send(self, deliver: Callable[[], None], chance: Chance) -> None:
        """Let something reach the agent, in order; while its node is cut off or hangs it waits."""
        network, connection = self._links.machines.network, self._connection
        loop = asyncio.get_running_loop()
        self._last_s = max(self._last_s, loop.time() + self._latency_s(chance))
        self._outbox.append(deliver)

        def arrive() -> None:
            if connection is not self._connection or not self._outbox:
                return
            if self.node in network.cut_off or self.node in network.hung:
                loop.call_later(0.5, arrive)
                return
            self._outbox.pop(0)()

        loop.call_at(self._last_s, arrive)

    def _receive(self, take: Callable[[], None], chance: Chance) -> None:
        """Let something reach the controller, in order, if the connection is still there."""
        network, connection = self._links.machines.network, self._connection
        if connection is None:
            return
        loop = asyncio.get_running_loop()
        self._last_s = max(self._last_s, loop.time() + self._latency_s(chance))

        def arrive() -> None:
            if connection is not self._connection or self._links.life.is_dead:
                return
            if self.node in network.cut_off or self.node in network.hung:
                loop.call_later(0.5, arrive)  # retransmitted, or told when the agent goes on
                return
            with contextlib.suppress(KilledError):  # whoever died of it does nothing more
                take()

        loop.call_at(self._last_s, arrive)

    def _answer(
        self, future: asyncio.Future[OperationResult], result: OperationResult, chance: Chance
    ) -> None:
        def take() -> None:
            if not future.done():
                future.set_result(result)

        self._receive(take, chance)

    def _tell(self, result: OperationResult) -> None:
        chance = self._links.chance
        count = 2 if chance.happens(self._links.machines.faults.report_repeated) else 1
        for _ in range(count):
            self._receive(lambda: self._listener.on_result(self.node, result), chance)

    def _ask_to_leave(self, agent: SimAgent) -> None:
        """Let the agent tell that it was asked to stop, and hear what we say to that."""
        chance = self._links.chance

        def take() -> None:
            is_drained = self._listener.on_leaving(self.node)
            self._send(lambda: agent.hear_answer(is_drained=is_drained), chance)

        self._receive(take, chance)

    def _learn(self, request: OperationRequest, result: OperationResult, agent: SimAgent) -> None:
        """Note what a result tells the controller of the end of something."""
        is_end = request.operation == "stop" and result.is_ok
        if is_end or (request.operation == "monitor" and result.is_not_running):
            variant = variant_of(request.agent, request.params)
            self._links.witness.learn_end(request.resource, self.node, agent.life, variant)

    async def _pass_time(self, chance: Chance) -> None:
        await asyncio.sleep(self._latency_s(chance))

    def _latency_s(self, chance: Chance) -> float:
        return chance.between(*self._links.machines.faults.latency_s)
