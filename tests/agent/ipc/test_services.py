"""Programs beside a real agent, played by the test: the client's side of libqb's IPC over real sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from agent.ipc.message import Message, read_message, write_message
from agent.ipc.program import abstract
from agent.ipc.services import MAX_PROGRAMS
from agent.wire import (
    Element,
    ProxyDestroy,
    ProxyEvent,
    ProxyNew,
    ProxyRequest,
    ProxyResponse,
    Register,
    RegisterReply,
    Reply,
)
from tests.agent.controller import PATIENCE_S, Agent, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.agent.controller import Client

pytestmark = pytest.mark.slow

EREMOTEIO = 121
CONNECT = struct.pack("=i4xi4xI4x", -1, 24, 131072)
ANSWER = 12328
HELLO = b'<op t="attrd" task="update" attr_name="rack" attr_value="r1"/>'


class Knocking:
    """A program at the door; all are closed with the test."""

    made: ClassVar[list[Knocking]] = []

    def __init__(self, prefix: str, service: str = "attrd") -> None:
        self.made.append(self)
        self.plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.plain.settimeout(PATIENCE_S)
        self.plain.connect(abstract(prefix + service))

    def answer(self, request: bytes = CONNECT) -> tuple[int, str, str]:
        """The error, the control file and the name of the sockets that the agent answers with."""
        self.plain.sendall(request)
        got = self.plain.recv(ANSWER, socket.MSG_WAITALL)
        error = struct.unpack_from("=i", got, 16)[0]
        control, name = (got[at : at + 4096].rstrip(b"\0").decode() for at in (40, 4136))
        return error, control, name

    def close(self) -> None:
        self.plain.close()


class Connected(Knocking):
    """A program that the agent has let in."""

    def __init__(self, prefix: str, service: str = "attrd") -> None:
        super().__init__(prefix, service)
        error, control, name = self.answer()
        assert error == 0
        self.control = Path(control)
        self.requests = _connected(f"{name}-response", f"{name}-request")
        self.events = _connected(f"{name}-event", f"{name}-event-tx")

    def send(self, number: int, text: bytes, flags: int = 0x200) -> None:
        self.requests.send(write_message(number, text, flags))

    def close(self) -> None:
        for one in (self.plain, self.requests, self.events):
            one.close()


def _connected(own: str, other: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.settimeout(PATIENCE_S)
    made.bind(abstract(own))
    made.connect(abstract(other))
    return made


@pytest.fixture
def prefix() -> str:
    return f"reconciler-test-{os.urandom(8).hex()}-"


@pytest.fixture(autouse=True)
def _programs_end() -> Iterator[None]:
    yield
    for one in Knocking.made:
        one.close()
    Knocking.made.clear()


@pytest.fixture
def serving(agents: Callable[..., Agent], prefix: str) -> Agent:
    one = agents()
    one.start("--serve-programs", prefix)
    return one


def provider(agent: Agent) -> Client:
    client = agent.connect("")
    assert client.ask(Register("shop", is_ipc_provider=True), RegisterReply).rc == 0
    return client


def test_a_message_goes_to_the_controller_and_its_answers_come_back(serving: Agent, prefix: str) -> None:
    controller = provider(serving)
    program = Connected(prefix)
    new = controller.notice(ProxyNew)
    assert new == ProxyNew(new.session, "attrd")
    assert program.control.read_bytes() == bytes(24)

    program.send(7, HELLO)
    request = controller.notice(ProxyRequest)
    assert (request.session, request.message_id, request.flags) == (new.session, 7, 0x300)
    assert (request.client, request.body.tag) == (f"proxy-{os.getpid()}-{new.session[:8]}", "op")
    assert request.body.attributes == {
        "t": "attrd",
        "task": "update",
        "attr_name": "rack",
        "attr_value": "r1",
    }

    assert controller.rc(ProxyEvent(new.session, Element("news", {"a": "1"}))) == 0
    assert controller.rc(ProxyResponse(new.session, 7, Element("ack", {"status": "0"}))) == 0
    assert read_message(program.requests.recv(65536)) == Message(7, 0, b'<ack status="0"/>')
    assert read_message(program.events.recv(65536)) == Message(0, 0x10000, b'<news a="1"/>')

    program.close()
    assert controller.notice(ProxyDestroy) == ProxyDestroy(new.session)
    wait_until(lambda: not program.control.parent.exists(), "its files go")


def test_a_refused_program_sees_its_connection_end_wherever_it_looks(serving: Agent, prefix: str) -> None:
    controller = provider(serving)
    program = Connected(prefix)
    session = controller.notice(ProxyNew).session
    assert controller.rc(ProxyDestroy(session)) == 0
    assert program.plain.recv(1) == b""
    assert program.events.recv(16) == b"\0"
    program.close()
    # What the controller says to somebody who is not there any more is answered in the same words.
    assert controller.rc(ProxyResponse(session, 1, Element("ack"))) == 0
    assert controller.notice(ProxyDestroy) == ProxyDestroy(session)


def test_without_a_controller_programs_are_told_that_this_is_a_remote_node(
    serving: Agent, prefix: str
) -> None:
    assert Knocking(prefix).answer() == (-EREMOTEIO, "", "")
    controller = provider(serving)
    assert Knocking(prefix, "pacemakerd").answer() == (-EREMOTEIO, "", "")
    program = Connected(prefix)
    assert isinstance(controller.notice(ProxyNew), ProxyNew)
    serving.close_clients()
    assert program.plain.recv(1) == b""


@pytest.mark.parametrize("request_", [bytes(24), b"\xff" * 24, CONNECT + CONNECT])
def test_who_does_not_speak_libqbs_words_is_cut_off(serving: Agent, prefix: str, request_: bytes) -> None:
    provider(serving)
    knocking = Knocking(prefix)
    knocking.plain.sendall(request_)
    with contextlib.suppress(ConnectionResetError):
        while knocking.plain.recv(65536):
            pass
    Connected(prefix).close()


@pytest.mark.parametrize(
    "message", [b"", b"x" * 100, write_message(1, b"no xml"), write_message(1, b"<!DOCTYPE a><a/>")]
)
def test_garbage_ends_the_connection_of_its_program_only(serving: Agent, prefix: str, message: bytes) -> None:
    controller = provider(serving)
    good, bad = Connected(prefix), Connected(prefix)
    bad.requests.send(message)
    assert bad.plain.recv(1) == b""
    good.send(1, HELLO)
    assert controller.notice(ProxyRequest).message_id == 1


def test_somebody_elses_datagram_is_not_the_programs(serving: Agent, prefix: str) -> None:
    """Whoever knows the name of its socket can send there until the agent has answered once."""
    controller = provider(serving)
    program = Connected(prefix)
    session = controller.notice(ProxyNew).session
    pid = os.fork()
    if pid == 0:  # the same user, another process
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.sendto(write_message(66, HELLO), abstract(f"reconciler-{session}-request"))
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    program.send(1, HELLO)
    assert controller.notice(ProxyRequest).message_id == 1
    program.close()


def test_programs_are_limited_in_number_and_the_agent_stays_well(serving: Agent, prefix: str) -> None:
    controller = provider(serving)
    programs = [Connected(prefix) for _ in range(MAX_PROGRAMS)]
    assert Knocking(prefix).answer()[0] < 0
    programs.pop().close()
    wait_until(lambda: _lets_in(prefix), "there is room again")
    assert controller.ask(ProxyDestroy("nobody"), Reply).rc == 0


def _lets_in(prefix: str) -> bool:
    return Knocking(prefix).answer()[0] == 0


def test_a_name_that_somebody_has_is_left_to_them(agents: Callable[..., Agent], prefix: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as theirs:
        theirs.bind(abstract(prefix + "attrd"))
        one = agents()
        one.start("--serve-programs", prefix)
        provider(one)
        Connected(prefix, "crmd").close()
        assert "cannot serve local programs service=attrd" in (one.folder / "log").read_text()
