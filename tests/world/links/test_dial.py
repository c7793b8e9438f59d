"""What a link says of each thing that may answer in an agent's place."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent import tls
from reconciler.model.errors import LinkError
from reconciler.model.node import LinkReason
from reconciler.world.daemon_threads import DaemonThreads
from reconciler.world.links import dial as links_dial
from reconciler.world.links.dial import Door, dial

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from reconciler.world.links.channel import Channel

Serve = Any
"""A coroutine function that serves one connected socket."""

KEY = bytes(range(256)) * 16
PATIENCE_S = 60


def test_the_right_key_opens_a_channel(tmp_path: Path) -> None:
    async def scenario() -> bytes:
        async with gnutls_server(tls.server_credentials(lambda _: KEY), b"hello") as port:
            channel = await knock(door(tmp_path, port))
            return await read(channel)

    assert asyncio.run(scenario()) == b"hello"


def test_a_host_name_is_resolved(tmp_path: Path) -> None:
    async def scenario() -> bytes:
        async with gnutls_server(tls.server_credentials(lambda _: KEY), b"hello") as port:
            channel = await knock(replace(door(tmp_path, port), address="localhost"))
            return await read(channel)

    assert asyncio.run(scenario()) == b"hello"


def test_another_key_is_a_wrong_key(tmp_path: Path) -> None:
    async def scenario() -> LinkReason:
        async with gnutls_server(tls.server_credentials(lambda _: b"x" * 32)) as port:
            return await reason(door(tmp_path, port))

    assert asyncio.run(scenario()) is LinkReason.WRONG_KEY


@pytest.mark.slow
def test_a_stock_agent_that_hangs_up_on_a_wrong_key_is_a_wrong_key(tmp_path: Path) -> None:
    assert asyncio.run(against_server(tmp_path, hang_up_after_hello)) is LinkReason.WRONG_KEY


def test_a_port_forwarder_with_nothing_behind_it_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It hangs up at once, however long this machine takes for that.
    monkeypatch.setattr(links_dial, "_PROBE_S", PATIENCE_S)

    async def hang_up(_plain: socket.socket) -> None:
        return

    assert asyncio.run(against_server(tmp_path, hang_up)) is LinkReason.SILENT


def test_a_server_that_says_nothing_is_silent(tmp_path: Path) -> None:
    assert asyncio.run(against_server(tmp_path, listen_only, handshake_s=0.05)) is LinkReason.SILENT


def test_a_server_of_another_protocol_is_garbage(tmp_path: Path) -> None:
    async def http(plain: socket.socket) -> None:
        await asyncio.get_running_loop().sock_recv(plain, 65536)
        await asyncio.get_running_loop().sock_sendall(plain, b"HTTP/1.1 400 Bad Request\r\n\r\n")

    assert asyncio.run(against_server(tmp_path, http)) is LinkReason.GARBAGE


def test_a_server_with_a_certificate_is_a_rogue_however_it_looks(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))

    async def believe_me(plain: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        while chunk := await loop.sock_recv(plain, 65536):
            incoming.write(chunk)
            with contextlib.suppress(ssl.SSLWantReadError):
                server.do_handshake()
            await loop.sock_sendall(plain, outgoing.read())

    assert asyncio.run(against_server(tmp_path, believe_me)) is LinkReason.ROGUE


def test_an_agent_with_tls_1_2_only_is_too_old_unless_it_is_allowed(tmp_path: Path) -> None:
    async def scenario() -> list[Any]:
        old = tls.server_credentials(lambda _: KEY, only_1_2())
        async with gnutls_server(old, b"hello") as port:
            first = await reason(door(tmp_path, port))
            channel = await knock(replace(door(tmp_path, port), tls12=True))
            return [first, await read(channel)]

    assert asyncio.run(scenario()) == [LinkReason.TOO_OLD, b"hello"]


@pytest.mark.slow
def test_an_old_agent_that_hangs_up_without_a_word_is_too_old(tmp_path: Path) -> None:
    """GnuTLS before 3.6.3 under Pacemaker: a hello without suites of TLS 1.2 is not answered at all."""
    old = tls.server_credentials(lambda _: KEY, only_1_2())

    async def serve(plain: socket.socket) -> None:
        hello = b""
        while not hello:
            await asyncio.sleep(0.001)
            with contextlib.suppress(BlockingIOError):
                hello = plain.recv(65536, socket.MSG_PEEK)
                if not hello:
                    return
        if b"\xcc\xac" in hello:  # TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256
            channel = tls.TLSSocket(plain.dup(), old)
            try:
                await handshake(channel)
            finally:
                channel.close()

    assert asyncio.run(against_server(tmp_path, serve)) is LinkReason.TOO_OLD


def test_a_closed_port_is_refused(tmp_path: Path) -> None:
    with socket.socket() as held:  # nobody else gets the port, and nothing listens there
        held.bind(("127.0.0.1", 0))
        assert asyncio.run(reason(door(tmp_path, held.getsockname()[1]))) is LinkReason.REFUSED


def test_a_name_that_cannot_be_resolved_is_unreachable(tmp_path: Path) -> None:
    closed = replace(door(tmp_path, 1), address="no..such..name")
    assert asyncio.run(reason(closed)) is LinkReason.UNREACHABLE


@pytest.mark.parametrize("key", [None, b"short"])
def test_without_a_usable_key_nothing_is_connected(tmp_path: Path, key: bytes | None) -> None:
    assert asyncio.run(reason(replace(door(tmp_path, 1), key=key))) is LinkReason.WRONG_KEY


def test_the_local_agent_is_reached_without_a_key(tmp_path: Path) -> None:
    async def hello(plain: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(plain, b"hello")

    async def scenario() -> bytes:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "agent.sock"))
            listener.listen()
            async with accepting(listener, hello):
                return await read(await knock(local(tmp_path)))

    assert asyncio.run(scenario()) == b"hello"


def test_a_local_agent_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert asyncio.run(reason(local(tmp_path))) is LinkReason.REFUSED


def test_the_deadline_bounds_everything(tmp_path: Path) -> None:
    assert asyncio.run(against_server(tmp_path, listen_only, deadline_s=0.05)) is LinkReason.SILENT


def test_no_key_is_shown_when_a_door_is_printed(tmp_path: Path) -> None:
    assert "hunter2" not in repr(replace(door(tmp_path, 1), key=b"hunter2" * 5))


def door(tmp_path: Path, port: int) -> Door:
    return Door(
        address="127.0.0.1",
        port=port,
        socket_path=tmp_path / "agent.sock",
        key=KEY,
        tls12=False,
        connect_s=PATIENCE_S,
        handshake_s=PATIENCE_S,
    )


def local(tmp_path: Path) -> Door:
    return replace(door(tmp_path, 1), address=None, key=None)


async def knock(at: Door, deadline_s: float = PATIENCE_S) -> Channel:
    resolver = DaemonThreads(1, "resolve")
    try:
        return await dial(at, resolver, asyncio.get_running_loop().time() + deadline_s)
    finally:
        resolver.close()


async def reason(at: Door, deadline_s: float = PATIENCE_S) -> LinkReason:
    try:
        channel = await knock(at, deadline_s)
    except LinkError as error:
        return error.reason
    channel.close()
    raise AssertionError("it was believed")


async def read(channel: Channel) -> bytes:
    """The first thing that comes; the channel is closed then."""
    try:
        while True:
            try:
                return channel.receive()
            except tls.WantReadError:
                await asyncio.sleep(0)
    finally:
        channel.close()


async def against_server(
    tmp_path: Path, serve: Serve, *, handshake_s: float = PATIENCE_S, deadline_s: float = PATIENCE_S
) -> LinkReason:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with accepting(listener, serve):
            port = listener.getsockname()[1]
            return await reason(replace(door(tmp_path, port), handshake_s=handshake_s), deadline_s)


async def hang_up_after_hello(plain: socket.socket) -> None:
    await asyncio.get_running_loop().sock_recv(plain, 65536)


async def listen_only(plain: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(plain, 65536):
        pass


@contextlib.asynccontextmanager
async def accepting(listener: socket.socket, serve: Serve) -> AsyncIterator[None]:
    """Serve each connection in a task of its own; all end with the block."""
    loop = asyncio.get_running_loop()
    listener.setblocking(False)

    async def run(plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError, tls.TLSError):
            await serve(plain)

    async def accept() -> None:
        async with asyncio.TaskGroup() as connections:
            while True:
                plain, _ = await loop.sock_accept(listener)
                connections.create_task(run(plain))

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(accept())
        try:
            yield
        finally:
            task.cancel()


@contextlib.asynccontextmanager
async def gnutls_server(credentials: tls.Credentials, greeting: bytes = b"") -> AsyncIterator[int]:
    """Serve handshakes, and say something after them."""

    async def serve(plain: socket.socket) -> None:
        channel = tls.TLSSocket(plain, credentials)
        try:
            await handshake(channel)
            if greeting:
                channel.send(greeting)
        finally:
            channel.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with accepting(listener, serve):
            yield listener.getsockname()[1]


async def handshake(channel: tls.TLSSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            channel.handshake()
        except tls.WantReadError:
            readable = asyncio.Event()
            loop.add_reader(channel.fileno(), readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(channel.fileno())
        else:
            return


def only_1_2() -> Any:
    """A profile that the product does not have."""
    profile: Any = object.__new__(tls.Profile)
    profile._value_ = tls.Profile.TLS12.value.replace(":+VERS-TLS1.3", "")
    return profile


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rogue")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    signed = builder.public_key(key.public_key()).sign(key, hashes.SHA256())
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "rogue.pem"
    secret = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
    path.write_bytes(secret + signed.public_bytes(pem))
    return path
