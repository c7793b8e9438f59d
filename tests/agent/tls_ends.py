"""Two ends of TLS in one process, and what is not TLS."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import tls
from agent.tls import Profile, TLSSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = bytes(range(256)) * 16

OTHER_KEY = b"another key, as long as it takes"

ROOT = Path(__file__).parents[2]

DEADLINE_S = 60


def interpreter(name: str) -> str | None:
    """A Python of that name that really starts: on PATH, or one of pyenv's (whose shims may not)."""
    roots = [os.environ.get("PYENV_ROOT", ""), str(Path.home() / ".pyenv")]
    pyenv = shutil.which("pyenv")
    if pyenv:
        found = subprocess.run([pyenv, "root"], capture_output=True, text=True, timeout=60, check=False)
        roots.append(found.stdout.strip())
    candidates = [shutil.which(name)]
    candidates += [str(path) for root in roots if root for path in Path(root).glob(f"versions/*/bin/{name}")]
    for candidate in candidates:
        if (
            candidate
            and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return candidate
    if name == f"python3.{sys.version_info.minor}":
        return sys.executable
    return None


@contextlib.contextmanager
def pair(
    *,
    client_key: bytes = KEY,
    server_key: bytes | None = KEY,
    identity: str = "lrmd",
    lookup: Callable[[str], bytes | None] | None = None,
    client_profile: str = Profile.TLS13.value,
    server_profile: str = Profile.TLS13.value,
) -> Iterator[tuple[TLSSocket, TLSSocket]]:
    def only_lrmd(name: str) -> bytes | None:
        return server_key if name == "lrmd" else None

    left, right = socket.socketpair()
    client = TLSSocket(left, tls.client_credentials(client_key, identity, profile(client_profile)))
    server = TLSSocket(right, tls.server_credentials(lookup or only_lrmd, profile(server_profile)))
    with closing(client), closing(server):
        yield client, server


@contextlib.contextmanager
def connected() -> Iterator[tuple[TLSSocket, TLSSocket]]:
    with pair() as ends:
        handshakes(*ends)
        yield ends


@contextlib.contextmanager
def closing(end: TLSSocket) -> Iterator[TLSSocket]:
    try:
        yield end
    finally:
        end.close()


@contextlib.contextmanager
def listening_to(answer: bytes) -> Iterator[TLSSocket]:
    """A client whose server reads the hello, says that much and hangs up."""
    plain, ours = socket.socketpair()
    with plain, closing(TLSSocket(ours, tls.client_credentials(KEY))) as client:
        with pytest.raises(tls.WantReadError):
            client.handshake()
        plain.recv(65536)
        plain.sendall(answer)
        plain.shutdown(socket.SHUT_WR)
        yield client


def profile(priorities: str) -> Profile:
    """Priorities that no profile of the product has, as if they were one."""
    if priorities in [known.value for known in Profile]:
        return Profile(priorities)
    unknown: Any = object.__new__(Profile)
    unknown._value_ = priorities
    return unknown  # type: ignore[no-any-return] # it quacks like a Profile


def only_1_2() -> str:
    return Profile.TLS12.value.replace(":+VERS-TLS1.3", "")


def repeat(step: Callable[[], Any], end: TLSSocket) -> Any:
    """Call `step` until it no longer waits for the socket."""
    while True:
        try:
            return step()
        except tls.WantReadError:
            assert select.select([end], [], [], DEADLINE_S)[0], "the peer sent nothing"


def fill(end: TLSSocket, chunk: bytes) -> int:
    """Send `chunk` until the socket is full; return the bytes that went."""
    sent = 0
    while True:
        try:
            sent += end.send(chunk)
        except tls.WantWriteError:
            return sent


def outcome(end: TLSSocket) -> tls.Parameters | tls.TLSError:
    try:
        return repeat(end.handshake, end)  # type: ignore[no-any-return] # handshake's result
    except tls.TLSError as error:
        return error


def handshakes(
    client: TLSSocket, server: TLSSocket, each_turn: Callable[[], None] = lambda: None
) -> list[Any]:
    """Let both ends take turns until each has a result or an error."""
    results: dict[TLSSocket, Any] = {}
    while len(results) < 2:
        for end in (client, server):
            if end in results:
                continue
            try:
                results[end] = end.handshake()
            except tls.WantReadError:
                pass
            except tls.TLSError as error:
                results[end] = error
        each_turn()
    return [results[client], results[server]]


def handshakes_through(middle: Callable[[str, bytes], bytes], chosen: Profile) -> list[Any]:
    """Do what `handshakes` does, through somebody who gets who speaks and what, and says what arrives."""
    (left, near), (right, far) = socket.socketpair(), socket.socketpair()
    client = TLSSocket(left, tls.client_credentials(KEY, profile=chosen))
    server = TLSSocket(right, tls.server_credentials(lambda _: KEY, chosen))

    def pass_on() -> None:
        for speaker, here, there in (("client", near, far), ("server", far, near)):
            with contextlib.suppress(BlockingIOError):
                there.sendall(middle(speaker, here.recv(65536, socket.MSG_DONTWAIT)))

    with near, far, closing(client), closing(server):
        return handshakes(client, server, pass_on)


def against_openssl(context: ssl.SSLContext, client_profile: Profile) -> Any:
    """Our client's outcome against a server of Python's ssl module, in one thread."""
    plain, ours = socket.socketpair()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    with plain, closing(TLSSocket(ours, tls.client_credentials(KEY, profile=client_profile))) as client:
        while True:
            try:
                return client.handshake()
            except tls.WantReadError:
                incoming.write(plain.recv(65536))
            except tls.TLSError as error:
                return error
            with contextlib.suppress(ssl.SSLError):
                server.do_handshake()
            plain.sendall(outgoing.read())
