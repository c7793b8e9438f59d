"""Deadlines and bounds of one connection, with a loop of its own and short deadlines."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from agent import session as session_module
from agent import tls
from agent.event_loop import EventLoop
from agent.session import PlainSocket, Session
from agent.wire import Connection, Poke, PokeNotice, Register, RegisterReply, Reply, Request, Role
from tests.agent.controller import PATIENCE_S
from tests.fuzz.traffic import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = Connection(Role.CLIENT).send_request(Register("x"))[1][0]
"""The beginning of a message."""


class End:
    """A session over a socket pair, answered by a server that knows two requests."""

    def __init__(self) -> None:
        self.loop = EventLoop()
        ours, self.peer = socket.socketpair()
        self.peer.settimeout(PATIENCE_S)
        self.wire = Connection(Role.CLIENT)
        self.session = Session(PlainSocket(ours), "test", self.loop)
        self.session.on_request = self.answer
        self.session.on_closed = lambda _session: self.loop.stop()
        self.loop.call_later(PATIENCE_S, self.loop.stop)

    def answer(self, session: Session, message_id: int, request: Request) -> None:
        if isinstance(request, Register):
            session.name = request.client_name
            session.note_registered()
            session.reply(message_id, RegisterReply(0))
        else:
            session.reply(message_id, Reply(0))

    def send(self, request: Request) -> None:
        self.peer.sendall(b"".join(self.wire.send_request(request)[1]))

    def run(self) -> None:
        self.session.begin()
        self.loop.run()

    def end(self) -> None:
        self.session.close("")
        self.peer.close()


@pytest.fixture
def end() -> Iterator[End]:
    one = End()
    yield one
    one.end()


def test_a_client_must_register_in_time(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "REGISTER_S", 0.05)
    end.run()
    assert end.session.is_closed
    assert end.peer.recv(1) == b""


def test_a_message_must_end_in_time(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MID_MESSAGE_S", 0.05)
    end.send(Register("tests"))
    end.peer.sendall(HEADER)
    end.run()
    assert end.session.is_registered
    assert end.session.is_closed


def test_silence_between_messages_is_no_offence(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MID_MESSAGE_S", 0.02)
    monkeypatch.setattr(session_module, "REGISTER_S", 0.02)
    end.send(Register("tests"))
    end.loop.call_later(0.2, end.loop.stop)
    end.run()
    assert not end.session.is_closed


def test_a_client_that_does_not_read_is_cut_off(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_UNSENT_BYTES", 100_000)
    end.send(Register("tests"))

    def flood() -> None:
        while not end.session.is_closed:
            end.session.notify(PokeNotice())

    end.loop.call_later(0.05, flood)
    end.run()
    assert end.session.is_closed


def test_what_does_not_go_at_once_goes_later_and_whole(end: End) -> None:
    end.send(Register("tests"))
    count = 5000

    def flood() -> None:
        for _ in range(count):
            end.session.notify(PokeNotice())
        end.loop.call_later(0, read)

    received = 0

    def read() -> None:
        nonlocal received
        end.peer.setblocking(False)
        try:
            while True:
                end.wire.receive_bytes(end.peer.recv(65536))
        except BlockingIOError:
            pass
        while end.wire.next_event() is not None:
            received += 1
        if received > count:
            end.loop.stop()
        else:
            end.loop.call_later(0.001, read)

    end.loop.call_later(0.05, flood)
    end.run()
    assert received == count + 1


def test_a_flood_gets_one_turn_each_time_round_the_loop(end: End) -> None:
    end.send(Register("flood"))
    request = b"".join(opened(Role.CLIENT).send_request(Poke())[1])
    unsent, turns = [request * 1000], [0]

    def count(session: Session, message_id: int, request: Request) -> None:
        if isinstance(request, Register):
            end.answer(session, message_id, request)
            end.peer.setblocking(False)
        else:
            session.drop(message_id)
            turns[-1] += 1

    def refill() -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                unsent[0] = unsent[0][end.peer.send(unsent[0]) :] or request * 1000
        turns.append(0)
        if len(turns) < 30:
            end.loop.call_later(0, refill)
        else:
            end.loop.stop()

    end.session.on_request = count
    end.loop.call_later(0, refill)
    end.run()
    most = session_module._RECORDS_A_TURN * tls.MAX_RECORD // len(request) + 1
    assert most / 2 < max(turns) <= most
