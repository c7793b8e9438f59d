"""The control socket: one JSON request a connection, answered by lines of JSON; the last one is the answer.

Only this user, and root, can connect: the socket is 0600 in a private folder.
"""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from reconciler.model.errors import ReconcilerError, StateError

log = logging.getLogger(__name__)

MAX_REQUEST = 64 * 1024
CONNECT_TIMEOUT_S = 5.0

Message = dict[str, Any]
Answer = Callable[[Message], AsyncIterator[Message]]
"""Takes a request, gives any number of {"event": ...} and one {"result": ...}."""


@contextlib.asynccontextmanager
async def serve_control(path: Path, answer: Answer) -> AsyncIterator[None]:
    """Serve requests while the block runs; the caller holds the state's lock, so a socket that is there is old."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _serve_one(reader, writer, answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            log.debug("control connection ended early")
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(serve, path, limit=MAX_REQUEST)
    path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


async def _serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    try:
        line = await reader.readline()
        request = json.loads(line)
    except ValueError:
        await _send(writer, {"error": "this is no request"})
        return
    try:
        async for message in answer(request):
            await _send(writer, message)
    except ReconcilerError as error:
        await _send(writer, {"error": str(error)})


async def _send(writer: asyncio.StreamWriter, message: Message) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()


def ask(path: Path, request: Message) -> Iterator[Message] | None:
    """Ask the writer of a state; None when there is none.

    Yields:
        Events, then the result.

    Raises:
        StateError: the writer refused, or ended before it answered.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(CONNECT_TIMEOUT_S)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    connection.settimeout(None)
    return _messages(connection, request)


def _messages(connection: socket.socket, request: Message) -> Iterator[Message]:
    with connection, connection.makefile("rwb") as stream:
        stream.write(json.dumps(request).encode() + b"\n")
        stream.flush()
        for line in stream:
            message: Message = json.loads(line)
            if "error" in message:
                raise StateError(message["error"])
            yield message
            if "result" in message:
                return
    raise StateError("the daemon ended before it answered")
