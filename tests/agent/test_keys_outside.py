"""From outside, a wrong key and an unknown identity look the same: byte by byte, as far as bytes are not random."""

import contextlib
import socket
from collections.abc import Callable, Sequence

import pytest

from agent import tls
from agent.wire.keys import identity_for, name_of_key
from tests.agent.controller import KEY, PATIENCE_S, Agent

WRONG = bytes(64)
STRANGERS = [
    ("lrmd", WRONG),
    (identity_for("lrmd", KEY), WRONG),
    (identity_for("lrmd", WRONG), WRONG),
    ("somebody", KEY),
    ("somebody", WRONG),
    (f"somebody/{name_of_key(KEY)}", KEY),
    ("lrmd/", KEY),
]


class Tap:
    """Stands between a client and the agent, and keeps what the agent sent."""

    def __init__(self, address: tuple[str, int], identity: str, key: bytes) -> None:
        self.heard: list[bytes] = []
        self._agent = socket.create_connection(address, timeout=PATIENCE_S)
        ours, theirs = socket.socketpair()
        self._client = ours
        self._channel = tls.TLSSocket(theirs, tls.client_credentials(key, identity))

    def run(self) -> None:
        """Let the client talk until the agent hangs up."""
        self._client.setblocking(False)
        while True:
            try:
                self._channel.handshake()
            except tls.WantReadError:
                pass
            except tls.TLSError:
                return self._finish()
            with contextlib.suppress(BlockingIOError):
                self._agent.sendall(self._client.recv(65536))
            chunk = self._agent.recv(65536)
            if not chunk:
                return self._finish()
            self.heard.append(chunk)
            self._client.sendall(chunk)

    def _finish(self) -> None:
        with self._agent:
            while chunk := self._agent.recv(65536):
                self.heard.append(chunk)
        self._channel.close()
        self._client.close()


def records(heard: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """TLS records as type and content (RFC 8446, 5.1)."""
    whole, found = b"".join(heard), []
    while whole:
        length = 5 + int.from_bytes(whole[3:5], "big")
        found.append((whole[0], whole[5:length]))
        whole = whole[length:]
    return found


@pytest.mark.parametrize(("identity", "key"), STRANGERS)
def test_every_stranger_gets_the_same_alert(agents: Callable[..., Agent], identity: str, key: bytes) -> None:
    one = agents()
    one.start_tls()
    tap = Tap(one.address, identity, key)
    tap.run()
    alert, fatal, illegal_parameter = 21, 2, 47  # RFC 8446, 6
    assert records(tap.heard) == [(alert, bytes([fatal, illegal_parameter]))]
