"""Streams: order, a peer that does not read, and ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from agent import tls
from reconciler.world.links import channel
from reconciler.world.links.channel import PlainChannel, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

PATIENCE_S = 60


def test_bytes_arrive_whole_and_in_order_even_when_the_peer_reads_late() -> None:
    chunks = [bytes([number]) * 16_384 for number in range(100)]

    async def scenario(left: Owner, right: socket.socket) -> bytes:
        left.stream.send(chunks)
        received = b""
        while len(received) < 100 * 16_384:
            received += await asyncio.get_running_loop().sock_recv(right, 65_536)
        return received

    assert play(scenario) == b"".join(chunks)


def test_what_the_peer_sends_is_handed_on() -> None:
    async def scenario(left: Owner, right: socket.socket) -> bytes:
        await asyncio.get_running_loop().sock_sendall(right, b"x" * 2_000_000)  # far more than one turn
        while sum(map(len, left.got)) < 2_000_000:
            await left.changed.wait()
            left.changed.clear()
        return b"".join(left.got)

    assert play(scenario) == b"x" * 2_000_000


def test_a_flood_gets_one_turn_each_time_round_the_loop() -> None:
    async def scenario(left: Owner, right: socket.socket) -> set[int]:
        turns = []
        for _ in range(30):
            with contextlib.suppress(BlockingIOError):
                while True:
                    right.send(bytes(16_384))
            before = len(left.got)
            await asyncio.sleep(0)
            turns.append(len(left.got) - before)
        return set(turns)

    assert play(scenario) == {channel._RECORDS_A_TURN}


def test_the_end_is_told_once_and_sending_after_it_does_nothing() -> None:
    async def scenario(left: Owner, right: socket.socket) -> list[str]:
        right.close()
        await left.changed.wait()
        left.stream.send([b"more"])
        left.stream.close()
        await asyncio.sleep(0)
        return left.ends

    assert play(scenario) == ["the agent closed the connection"]


def test_a_peer_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MAX_UNSENT_BYTES", 1000)

    async def scenario(left: Owner, _right: socket.socket) -> list[str]:
        left.stream.send([b"x" * 16_384] * 1000)
        await left.changed.wait()
        return left.ends

    assert play(scenario) == ["the agent does not read what it is sent"]


def test_closing_tells_nobody() -> None:
    async def scenario(left: Owner, _right: socket.socket) -> list[str]:
        left.stream.close()
        left.stream.close()
        await asyncio.sleep(0)
        return left.ends

    assert play(scenario) == []


def test_a_plain_socket_fails_as_tls_does() -> None:
    left, right = socket.socketpair()
    left.setblocking(False)
    channel = PlainChannel(left)
    with pytest.raises(tls.WantReadError):
        channel.receive()
    right.close()
    assert channel.receive() == b""
    with pytest.raises(tls.ClosedError):
        channel.send(b"x")
    channel.close()


@dataclass
class Owner:
    got: list[bytes] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    stream: Stream = field(init=False)

    def on_bytes(self, chunk: bytes) -> None:
        self.got.append(chunk)
        self.changed.set()

    def on_end(self, text: str) -> None:
        self.ends.append(text)
        self.changed.set()


def play(scenario: Callable[[Owner, socket.socket], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        left, right = socket.socketpair()
        left.setblocking(False)
        right.setblocking(False)
        owner = Owner()
        owner.stream = Stream(PlainChannel(left), owner.on_bytes, owner.on_end)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await scenario(owner, right)
        finally:
            owner.stream.close()
            right.close()

    return asyncio.run(run())
