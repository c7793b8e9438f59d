"""All that the binding of GnuTLS does, at both ends in one process: to be run under valgrind, by `tests.valgrind`."""

from __future__ import annotations

import ctypes
import gc
import socket
import sys

from agent import gnutls, tls
from agent.tls import Profile, TLSSocket
from tests.agent.tls_ends import (
    KEY,
    OTHER_KEY,
    closing,
    connected,
    fill,
    handshakes,
    handshakes_through,
    listening_to,
    outcome,
    pair,
    repeat,
)

ROUNDS = 10


def main() -> None:
    """Go through everything a few times: what was freed too early is used again by then."""
    for _ in range(ROUNDS):
        keys()
        records()
        failures()
        gc.collect()
    names()


def keys() -> None:
    """Keys of many lengths, each from the server's callback into GnuTLS's memory; both profiles."""
    for size in (16, 4096, 20_000):
        key = (KEY * 5)[:size]
        for profile in Profile:
            spoken = profile.value
            with pair(client_key=key, server_key=key, client_profile=spoken, server_profile=spoken) as ends:
                assert handshakes(*ends)[1] == tls.Parameters("TLS1.3", "lrmd")


def records() -> None:
    """Records of every size, some of them sent again, and both ways to end."""
    with connected() as (client, server):
        for size in (1, 40, tls.MAX_RECORD):
            client.send(bytes(size))
            assert repeat(server.receive, server) == bytes(size)
        sent = fill(client, bytes(tls.MAX_RECORD))
        assert client.pending == 0
        while sent > 0:
            sent -= len(repeat(server.receive, server))
        client.close()
        client.close()
    with connected() as (client, server):
        server._plain.close()


def failures() -> None:
    """Peers that are none; each leaves a session that has not been completed."""
    for ends in (pair(client_key=OTHER_KEY), pair(server_key=None), pair(identity="x" * 200)):
        with ends as both:
            assert all(isinstance(result, tls.TLSError) for result in handshakes(*both))
    for said in (b"", b"HTTP/1.1 200 OK\r\n\r\n", b"\x16\x03\x03\xff\xff" + bytes(500)):
        with listening_to(said) as client:
            assert isinstance(outcome(client), tls.TLSError)
    damaged = handshakes_through(
        lambda speaker, said: said if speaker == "client" else said[:-1] + b"\0", Profile.TLS13
    )
    assert len(damaged) == 2
    near, far = socket.socketpair()
    with near, closing(TLSSocket(far, tls.server_credentials(lambda _: KEY))):
        pass


def names() -> None:
    """What GnuTLS says in words, numbers that it does not know among them."""
    library = gnutls.load()
    assert library.text("strerror_name", gnutls.E_AGAIN) == "GNUTLS_E_AGAIN"
    assert library.text("strerror_name", -9999) == ""


def overrun() -> None:
    """Read beyond the end of what was allocated: what valgrind must see."""
    datum = gnutls.Datum()
    gnutls.load().fill(datum, KEY)
    ctypes.string_at(datum.data or 0, datum.size + 8)


if __name__ == "__main__":
    overrun() if sys.argv[1:] == ["overrun"] else main()
