"""Asks whether a guest's agent answers, and whether it proves the key."""

import select
import socket
import time

from agent import tls

PATIENCE_S = 300.0
"""For a machine under software emulation on a busy machine; nothing waits that long otherwise."""


def wait_for_agent(address: str, port: int, key: bytes, limit_s: float = PATIENCE_S) -> float:
    """Return after how many seconds an agent there completed a TLS handshake with this key.

    Raises:
        tls.TLSError: something answers, and does not prove the key.
        TimeoutError: nothing did in time.
    """
    started = time.monotonic()
    while time.monotonic() - started < limit_s:
        try:
            with socket.create_connection((address, port), timeout=1) as plain:
                _shake_hands(plain, key, started + limit_s)
                return time.monotonic() - started
        except (OSError, tls.ClosedError, tls.HangUpError):
            time.sleep(0.1)  # not listening yet; QEMU's forwarded ports accept before anything listens
    raise TimeoutError(f"no agent at {address}:{port} within {limit_s:g} s")


def wait_for_port(address: str, port: int, request: bytes, limit_s: float = PATIENCE_S) -> bytes:
    """Send something again and again until there is an answer, and return its beginning."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, port), timeout=3) as plain:
                plain.sendall(request)
                if answer := plain.recv(100):
                    return answer
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"no answer from {address}:{port} within {limit_s:g} s")


def _shake_hands(plain: socket.socket, key: bytes, deadline: float) -> None:
    plain.setblocking(False)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session = tls.TLSSocket(plain, tls.client_credentials(key))
    try:
        while time.monotonic() < deadline:
            try:
                session.handshake()
            except tls.WantReadError:
                select.select([plain], [], [], 0.5)
            except tls.WantWriteError:
                select.select([], [plain], [], 0.5)
            else:
                return
        raise TimeoutError("the handshake did not end")
    finally:
        session.close()
