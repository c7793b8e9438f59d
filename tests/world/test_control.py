"""Real Unix sockets; asker and writer in one process, the asker in a thread."""

import asyncio
import gc
import json
import logging
import os
import socket
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from reconciler.model.errors import StateError, UsageError
from reconciler.world import control
from reconciler.world.control import MAX_REQUEST, Message, ask, serve_control

T = TypeVar("T")

PATIENCE_S = 60
"""Only reached when a test fails."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


async def echo(request: Message) -> AsyncGenerator[Message]:
    """Answer a request with two events and itself, or with the error that it names."""
    match request.get("fail"):
        case "state":
            raise StateError("not now")
        case "usage":
            raise UsageError("there is no such thing")
        case "broken":
            raise KeyError("missing")
        case _:
            pass
    yield {"event": "one"}
    yield {"event": "zwei ü"}
    yield {"result": request}


def served(path: Path, act: Callable[[], T], answer: control.Answer = echo) -> T:
    async def run() -> T:
        async with serve_control(path, answer):
            return await asyncio.to_thread(act)

    return asyncio.run(run())


def answers(path: Path, request: Message) -> list[Message]:
    found = ask(path, request)
    assert found is not None
    return list(found)


def raw(path: Path, content: bytes) -> list[Message]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            return [json.loads(line) for line in stream]


def test_events_come_before_the_result(path: Path) -> None:
    request = {"command": "x", "name": "ü"}
    want: list[Message] = [{"event": "one"}, {"event": "zwei ü"}, {"result": request}]
    assert served(path, lambda: answers(path, request)) == want


def test_a_large_answer_arrives_whole(path: Path) -> None:
    async def answer(request: Message) -> AsyncGenerator[Message]:
        yield {"result": "x" * int(request["size"])}

    got = served(path, lambda: answers(path, {"size": 3_000_000}), answer)
    assert len(got[0]["result"]) == 3_000_000


def test_without_a_writer_there_is_no_answer(path: Path) -> None:
    assert ask(path, {}) is None
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        assert ask(path, {}) is None


def test_only_this_user_can_connect_and_the_socket_goes_with_the_writer(path: Path) -> None:
    assert served(path, lambda: oct(path.stat().st_mode & 0o777)) == "0o600"
    assert not path.exists()


def test_the_socket_of_a_killed_writer_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(path))
    assert served(path, lambda: answers(path, {})[-1]) == {"result": {}}


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("state", StateError, "not now"),
        ("usage", UsageError, "there is no such thing"),
        ("broken", StateError, "internal error: KeyError: 'missing'"),
    ],
)
def test_refusals_arrive_as_what_they_are(path: Path, kind: str, error: type[Exception], text: str) -> None:
    def act() -> None:
        with pytest.raises(error) as caught:
            answers(path, {"fail": kind})
        assert str(caught.value) == text

    logging.disable()
    served(path, act)
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{\n", b"[]\n", b"3\n", b"\xff\xfe\n", b'"x"', b"x" * (MAX_REQUEST + 10) + b"\n"],
    ids=["nothing", "empty", "half", "list", "number", "bytes", "string", "too long"],
)
def test_what_is_no_request_is_refused_and_the_next_is_answered(path: Path, content: bytes) -> None:
    def act() -> tuple[list[Message], Message]:
        return raw(path, content), answers(path, {})[-1]

    assert served(path, act) == ([{"error": "this is no request"}], {"result": {}})


def test_a_writer_that_ends_before_it_answers_is_an_error(path: Path) -> None:
    async def answer(request: Message) -> AsyncGenerator[Message]:
        yield {"event": str(request)}

    def act() -> None:
        with pytest.raises(StateError, match=r"^the daemon ended before it answered$"):
            answers(path, {})

    served(path, act, answer)


def test_a_writer_that_hangs_is_named(path: Path) -> None:
    async def answer(request: Message) -> AsyncGenerator[Message]:
        await asyncio.Event().wait()
        yield request

    def act() -> None:
        found = ask(path, {}, timeout_s=0.05)
        assert found is not None
        with pytest.raises(StateError, match=rf"^the daemon \(process {os.getpid()}\) does not answer$"):
            list(found)

    served(path, act, answer)


def test_a_listener_of_another_user_is_not_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def answer(request: Message) -> AsyncGenerator[Message]:
        asked.append(request)
        yield {"result": None}

    def act() -> None:
        monkeypatch.setattr(control, "_peer", lambda _: (77, 4321))
        with pytest.raises(StateError, match=r"^process 77 of user 4321 listens in the place of the daemon"):
            answers(path, {"secret": 1})

    served(path, act, answer)
    assert asked == []


def test_an_answer_that_is_nearly_there_is_given_before_the_writer_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "GRACE_S", PATIENCE_S)
    has_ended = asyncio.Event()

    async def answer(request: Message) -> AsyncGenerator[Message]:
        yield {"event": "begun"}
        await has_ended.wait()
        yield {"result": request}

    async def run() -> list[Message]:
        async with asyncio.TaskGroup() as group, serve_control(path, answer):
            found = ask(path, {})
            assert found is not None
            first = await asyncio.to_thread(next, found)
            rest = group.create_task(asyncio.to_thread(list, found))
            asyncio.get_running_loop().call_later(0.05, has_ended.set)
        return [first, *rest.result()]

    assert asyncio.run(run()) == [{"event": "begun"}, {"result": {}}]


def test_an_answer_ends_when_its_asker_is_gone(path: Path) -> None:
    ended = asyncio.Event()

    async def answer(request: Message) -> AsyncGenerator[Message]:
        try:
            while True:
                yield {"event": "x" * 10_000, "request": request}
        finally:
            ended.set()

    def act() -> None:
        found = ask(path, {"id": 1})
        assert found is not None
        next(found)
        found.close()  # type: ignore[attr-defined]  # it is a generator

    async def run() -> None:
        async with serve_control(path, answer):
            await asyncio.to_thread(act)
            async with asyncio.timeout(PATIENCE_S):
                await ended.wait()

    asyncio.run(run())


def test_who_connects_as_the_writer_ends_leaves_nothing_open(path: Path) -> None:
    async def run(turns: int) -> None:
        async with serve_control(path, echo):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(path))
            connection.close()
            # As many turns as bring it to just before, at, and just after its first step.
            for _ in range(turns):
                await asyncio.sleep(0)

    for turns in range(8):
        asyncio.run(run(turns))
        # A transport that was left open says so when it is collected, and fails the test.
        gc.collect()
