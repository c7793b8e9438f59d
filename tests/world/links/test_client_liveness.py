"""When an agent counts as lost, in virtual time: within its budget, and never for a delay of our own."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from agent import tls, wire
from reconciler.settings import pace_of
from reconciler.sim.eventloop import VirtualLoop, run
from reconciler.world.links.client import AgentClient, Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

BUDGETS_MS = [1000, 5000, 30_000]


@pytest.mark.parametrize("detect_ms", BUDGETS_MS)
def test_a_hung_agent_is_lost_within_the_budget_and_not_before_most_of_it(detect_ms: int) -> None:
    budget_s = detect_ms / 1000

    async def scenario(agent: Agent, ended: asyncio.Future[str]) -> float:
        await asyncio.sleep(7.3 * budget_s)
        assert not ended.done()
        agent.hang()
        hung_at = asyncio.get_running_loop().time()
        await ended
        return asyncio.get_running_loop().time() - hung_at

    assert 0.6 * budget_s <= play(scenario, detect_ms) <= budget_s


def test_an_agent_that_is_back_before_the_verdict_is_not_lost() -> None:
    async def scenario(agent: Agent, ended: asyncio.Future[str]) -> bool:
        for _ in range(10):
            agent.hang()
            await asyncio.sleep(2.9)
            agent.wake()
            await asyncio.sleep(2)
        return ended.done()

    assert not play(scenario, 5000)


def test_a_connection_that_is_closed_is_lost_at_once() -> None:
    async def scenario(agent: Agent, ended: asyncio.Future[str]) -> float:
        closed_at = asyncio.get_running_loop().time()
        agent.close()
        assert await ended == "the agent closed the connection"
        return asyncio.get_running_loop().time() - closed_at

    assert play(scenario, 5000) == 0


@pytest.mark.parametrize("delay_s", [1.5, 4, 60])
def test_a_delay_of_our_own_is_no_verdict_on_the_agent(delay_s: float) -> None:
    async def scenario(agent: Agent, ended: asyncio.Future[str]) -> float:
        agent.hang()
        await asyncio.sleep(2)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.lag(delay_s)  # the agent may have answered meanwhile: nobody looked
        agent.wake()
        await asyncio.sleep(10)
        assert not ended.done()
        agent.hang()
        hung_at = loop.time()
        await ended
        return loop.time() - hung_at

    assert play(scenario, 5000) <= 5


def test_a_pace_is_the_budget_in_fifths() -> None:
    pace = pace_of(5000)
    assert (pace.heartbeat_s, pace.silence_s, pace.unacknowledged_ms) == (1.0, 4.0, 5000)
    assert (pace.connect_s, pace.handshake_s, pace.retry_s) == (5.0, 5.0, 1.0)


class Agent:
    """The far end as a channel: it answers pokes at once unless it hangs."""

    def __init__(self) -> None:
        # Readiness is told by the test alone: in virtual time no descriptor becomes ready.
        self._socket, self._other = socket.socketpair()
        self.is_hung = False
        self.on_ready: Callable[[], None] = lambda: None
        self._wire = wire.Connection(wire.Role.SERVER)
        self._incoming: list[bytes] = []
        self._outgoing: list[bytes] = []
        self._is_hung = False
        self._is_closed = False

    def fileno(self) -> int:
        return self._socket.fileno()

    def hang(self) -> None:
        """Answer nothing from now on; what comes waits, as in a socket's buffer."""
        self._is_hung = True

    def wake(self) -> None:
        self._is_hung = False
        self._answer()

    def send(self, chunk: bytes) -> int:
        self._incoming.append(chunk)
        self._answer()
        return len(chunk)

    def _answer(self) -> None:
        while self._incoming and not self._is_hung:
            self._wire.receive_bytes(self._incoming.pop(0))
            while (event := self._wire.next_event()) is not None:
                assert isinstance(event, wire.RequestReceived)
                registers = isinstance(event.request, wire.Register)
                reply = wire.RegisterReply(0) if registers else wire.Reply(0)
                self._outgoing += self._wire.send_reply(event.message_id, reply)
            asyncio.get_running_loop().call_soon(self.on_ready)

    def receive(self) -> bytes:
        if self._outgoing:
            return self._outgoing.pop(0)
        if self._is_closed:
            return b""
        raise tls.WantReadError

    def close(self) -> None:
        self._is_closed = True
        asyncio.get_running_loop().call_soon(self.on_ready)

    def end(self) -> None:
        self._socket.close()
        self._other.close()


def play(scenario: Callable[[Agent, asyncio.Future[str]], Coroutine[Any, Any, Any]], detect_ms: int) -> Any:
    async def main() -> Any:
        agent, ended = Agent(), asyncio.get_running_loop().create_future()
        pace = pace_of(detect_ms)
        pulse = Pulse(interval_s=pace.heartbeat_s, silence_s=pace.silence_s, reply_s=100)
        client = AgentClient(agent, pulse, lambda _: None, ended.set_result)
        agent.on_ready = client._stream._read
        try:
            await client.ask(wire.Register("c"))
            client.start_heartbeat()
            return await scenario(agent, ended)
        finally:
            client.close()
            agent.end()

    return run(main())
