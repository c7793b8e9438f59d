"""The control socket: one JSON request a connection, answered by lines of JSON; the last one is the answer.

Only this user, and root, can connect: the socket is 0600 in a private folder.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from reconciler.model.errors import ReconcilerError, StateError, UsageError

log = logging.getLogger(__name__)

MAX_REQUEST = 64 * 1024
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0
"""For questions; what is waited for on purpose, such as a sync, has no limit."""
GRACE_S = 0.5
"""For answers under way when the writer ends."""
TURNS_TO_HAND_OVER = 4
"""Turns of the loop in which a waiting connection is polled, accepted, given a transport, and made known."""

Message = dict[str, Any]
Answer = Callable[[Message], AsyncGenerator[Message]]
"""Takes a request, gives any number of {"event": ...} and one {"result": ...}; closed when the asker is gone."""


@contextlib.asynccontextmanager
async def serve_control(path: Path, answer: Answer) -> AsyncIterator[None]:
    """Serve requests while the block runs; the caller holds the state's lock, so a socket that is there is old."""
    serving: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Known from its first moment: a task that is cancelled before its first step closes nothing itself.
        task = asyncio.create_task(_serve_one(reader, writer, answer))
        serving.add(task)
        task.add_done_callback(serving.discard)
        task.add_done_callback(lambda _: writer.close())

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(serve, path, limit=MAX_REQUEST)
    path.chmod(0o600)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        # A connection that asyncio has accepted and not yet handed over is lost, open, when its server closes.
        for _ in range(TURNS_TO_HAND_OVER):
            await asyncio.sleep(0)
        server.close()
        await _let_end(serving)


async def _let_end(serving: set[asyncio.Task[None]]) -> None:
    """Give answers that are nearly there a moment, and end the others."""
    if serving:
        await asyncio.wait(serving, timeout=GRACE_S)
    for task in list(serving):
        task.cancel()
    if serving:
        await asyncio.wait(serving, timeout=GRACE_S)


async def _serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    with contextlib.suppress(ConnectionError):
        try:
            request = json.loads(await reader.readline())
        except ValueError:
            request = None
        if isinstance(request, dict):
            await _answer(request, writer, answer)
        else:
            await _send(writer, {"error": "this is no request"})


async def _answer(request: Message, writer: asyncio.StreamWriter, answer: Answer) -> None:
    try:
        async with contextlib.aclosing(answer(request)) as messages:
            async for message in messages:
                await _send(writer, message)
    except ReconcilerError as error:
        await _send(writer, {"error": str(error), "is_usage": isinstance(error, UsageError)})
    except ConnectionError:
        raise
    except Exception as error:
        # One request that breaks must not end the controller; who asked hears of it, and the log keeps the rest.
        log.exception("request broke")
        await _send(writer, {"error": f"internal error: {type(error).__name__}: {error}"})


async def _send(writer: asyncio.StreamWriter, message: Message) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()


def ask(
    path: Path, request: Message, *, timeout_s: float | None = ANSWER_TIMEOUT_S
) -> Iterator[Message] | None:
    """Ask the writer of a state; None when there is none.

    Args:
        path: its socket.
        request: what to ask.
        timeout_s: how long each message of the answer may take; None: as long as it takes.

    Yields:
        Events, then the result.

    Raises:
        StateError: the writer refused, is not ours, or ended before it answered.
        UsageError: a name in the request is wrong.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(CONNECT_TIMEOUT_S)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    connection.settimeout(timeout_s)
    return _messages(connection, request)


def _messages(connection: socket.socket, request: Message) -> Iterator[Message]:
    with connection, connection.makefile("rwb") as stream:
        _check_peer(connection)
        try:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            for line in stream:
                message: Message = json.loads(line)
                if "error" in message:
                    error = UsageError if message.get("is_usage") else StateError
                    raise error(message["error"])
                yield message
                if "result" in message:
                    return
        except TimeoutError as error:
            raise StateError(f"the daemon (process {_peer(connection)[0]}) does not answer") from error
        except (ConnectionError, ValueError) as error:
            raise StateError("the daemon ended before it answered") from error
    raise StateError("the daemon ended before it answered")


def _check_peer(connection: socket.socket) -> None:
    """Refuse a listener of another user, who could only be there to mislead.

    Raises:
        StateError: it is one.
    """
    pid, uid = _peer(connection)
    if uid not in {0, os.geteuid()}:
        raise StateError(f"process {pid} of user {uid} listens in the place of the daemon; it is not asked")


def _peer(connection: socket.socket) -> tuple[int, int]:
    """Return the process and the user on the other end (unix(7), SO_PEERCRED)."""
    size = struct.calcsize("3i")
    pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return pid, uid
