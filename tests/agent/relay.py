"""Somebody on the network between two ends, who takes note of what passes and can say it again."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING

from tests.agent.controller import PATIENCE_S

if TYPE_CHECKING:
    from types import TracebackType


class Relay:
    """Passes one connection on to a server, and keeps what its client sent.

    Args:
        server: The server's address.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self.recorded = b""
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_S)
        self.address = ("127.0.0.1", self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(PATIENCE_S)
        self._listener.close()

    def _run(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.create_connection(self._server, timeout=PATIENCE_S) as server:
            while readable := select.select([client, server], [], [], PATIENCE_S)[0]:
                for end in readable:
                    # An end that closes with something unread resets the connection: an end like any other.
                    try:
                        chunk = end.recv(65536)
                        (server if end is client else client).sendall(chunk)
                    except ConnectionError:
                        return
                    if not chunk:
                        return
                    if end is client:
                        self.recorded += chunk


def replay(server: tuple[str, int], recorded: bytes) -> bytes:
    """Send a server what was recorded, and return what it says until it hangs up."""
    answer = b""
    with socket.create_connection(server, timeout=PATIENCE_S) as plain, contextlib.suppress(ConnectionError):
        plain.sendall(recorded)
        while chunk := plain.recv(65536):
            answer += chunk
    return answer
