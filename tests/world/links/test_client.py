"""The client of one connection: replies, deadlines, and what a hostile or broken agent does."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from agent import wire
from reconciler.model.errors import LinkError, OutcomeUnknownError
from reconciler.model.node import LinkReason
from reconciler.world.links import client
from reconciler.world.links.channel import PlainChannel
from reconciler.world.links.client import AgentClient, Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import pytest

PATIENCE_S = 60
SLOW = Pulse(interval_s=PATIENCE_S, silence_s=PATIENCE_S, reply_s=PATIENCE_S)


def test_replies_are_paired_with_requests_whatever_their_order() -> None:
    async def scenario(peer: Peer, client: AgentClient) -> list[wire.AnyReply]:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(client.ask(wire.ResourceInfo(name))) for name in ("a", "b")]
            first, second = await peer.request(), await peer.request()
            peer.reply(second, wire.ResourceInfoReply(0, 2, "b"))
            peer.reply(first, wire.ResourceInfoReply(0, 1, "a"))
        return [task.result() for task in asked]

    want = [wire.ResourceInfoReply(0, 1, "a"), wire.ResourceInfoReply(0, 2, "b")]
    assert play(scenario) == want


def test_a_reply_is_noted_before_a_notice_that_follows_it_at_once() -> None:
    order: list[str] = []

    async def scenario(peer: Peer, client: AgentClient) -> list[str]:
        client._on_notice = lambda _: order.append("notice")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(client.ask(wire.ResourceInfo("a"), lambda _: order.append("reply")))
            request = await peer.request()
            reply = peer.wire.send_reply(request.message_id, wire.ResourceInfoReply(0))
            peer.socket.sendall(b"".join(reply + peer.wire.send_notice(wire.PokeNotice())))
        return order

    assert play(scenario) == ["reply", "notice"]


def test_a_reply_that_nobody_awaits_any_more_is_still_noted() -> None:
    async def scenario(peer: Peer, client: AgentClient) -> int:
        noted: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as tasks:
            exec_ = wire.Exec("a", "start", 1)
            task = tasks.create_task(client.ask(exec_, lambda reply: noted.set_result(reply.rc)))
            request = await peer.request()
            task.cancel()
            peer.reply(request, wire.Reply(5, 5))
        return await noted

    assert play(scenario) == 5


def test_a_reply_that_stays_out_ends_the_connection() -> None:
    async def scenario(_peer: Peer, client: AgentClient) -> Any:
        error = await failure(client.ask(wire.ResourceInfo("a")))
        return [type(error), error.reason, client.is_open, await failure(client.ask(wire.Poke()))]

    ends: list[str] = []
    pulse = Pulse(interval_s=PATIENCE_S, silence_s=PATIENCE_S, reply_s=0.02)
    kind, reason, is_open, after = play(scenario, pulse, ends)
    assert (kind, reason, is_open) == (OutcomeUnknownError, LinkReason.SILENT, False)
    assert ends == ["no reply to ResourceInfo within 0.02 s"]
    assert (type(after), after.reason, str(after)) == (LinkError, LinkReason.LOST, ends[0])


def test_an_agent_that_talks_but_never_answers_a_poke_is_given_up() -> None:
    async def scenario(peer: Peer, client: AgentClient) -> None:
        client.start_heartbeat()
        while client.is_open:
            peer.socket.sendall(b"".join(peer.wire.send_notice(wire.PokeNotice())))
            await asyncio.sleep(0.005)

    ends: list[str] = []
    play(scenario, Pulse(interval_s=0.01, silence_s=PATIENCE_S, reply_s=0.05), ends)
    assert ends == ["no reply to a poke within 0.05 s"]


def test_an_agent_that_stops_inside_a_message_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_MID_MESSAGE_S", 0.02)

    async def scenario(peer: Peer, client: AgentClient) -> None:
        client.start_heartbeat()
        peer.socket.sendall(peer.wire.send_notice(wire.PokeNotice())[0])
        await failure(client.ask(wire.ResourceInfo("a")))

    ends: list[str] = []
    play(scenario, Pulse(interval_s=0.005, silence_s=PATIENCE_S, reply_s=PATIENCE_S), ends)
    assert ends == ["the agent stopped inside a message"]


def test_a_message_beyond_the_limit_ends_the_connection() -> None:
    async def scenario(peer: Peer, client: AgentClient) -> None:
        result = wire.OperationResult("a", "start", 1, 0, 0, params={"x": "y" * 2**20})
        peer.socket.setblocking(True)
        peer.socket.sendall(peer.wire.send_notice(result)[0])
        await failure(client.ask(wire.Poke()))

    ends: list[str] = []
    play(scenario, SLOW, ends)
    (text,) = ends
    assert text.startswith("the agent broke the protocol: message of 10")


def test_closing_from_our_side_is_not_an_end() -> None:
    async def scenario(_peer: Peer, client: AgentClient) -> Any:
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(failure(client.ask(wire.ResourceInfo("a"))))
            await asyncio.sleep(0)
            client.close()
            client.close()
        client.tell(wire.Poke())
        return asking.result()

    ends: list[str] = []
    error = play(scenario, SLOW, ends)
    assert (type(error), str(error), ends) == (OutcomeUnknownError, "the connection was closed by us", [])


class Peer:
    """The other end, in the hands of the test."""

    def __init__(self, plain: socket.socket) -> None:
        plain.setblocking(False)
        self.socket = plain
        self.wire = wire.Connection(wire.Role.SERVER)

    async def request(self) -> wire.RequestReceived:
        while (event := self.wire.next_event()) is None:
            self.wire.receive_bytes(await asyncio.get_running_loop().sock_recv(self.socket, 65_536))
        assert isinstance(event, wire.RequestReceived)
        return event

    def reply(self, request: wire.RequestReceived, reply: wire.AnyReply) -> None:
        self.socket.sendall(b"".join(self.wire.send_reply(request.message_id, reply)))


def play(
    scenario: Callable[[Peer, AgentClient], Coroutine[Any, Any, Any]],
    pulse: Pulse = SLOW,
    ends: list[str] | None = None,
) -> Any:
    """Let the scenario use a registered client and its peer."""
    heard = [] if ends is None else ends

    async def run() -> Any:
        left, right = socket.socketpair()
        left.setblocking(False)
        client = AgentClient(PlainChannel(left), SLOW, lambda _: None, heard.append)
        peer = Peer(right)
        try:
            async with asyncio.timeout(PATIENCE_S):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(client.ask(wire.Register("c")))
                    peer.reply(await peer.request(), wire.RegisterReply(0))
                client._pulse = pulse  # only now: to register may take this machine its time
                return await scenario(peer, client)
        finally:
            client.close()
            right.close()

    return asyncio.run(run())


async def failure(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        await work
    except LinkError as error:
        return error
    raise AssertionError("no error")
