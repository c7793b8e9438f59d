"""Open a channel to an agent and say, when that fails, what is there instead; it must not speak the agent's language.

Each attempt ends in a channel or in a LinkError whose reason tells a wrong key from a rogue, from silence, from
another protocol, and so on. Nothing is retried here but to find out which of these it is.
"""

import asyncio
import ipaddress
import os
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent import tls
from reconciler.model.errors import LinkError
from reconciler.model.node import LinkReason
from reconciler.world.daemon_threads import DaemonThreads
from reconciler.world.links.channel import Channel, PlainChannel

_PEER_CREDENTIALS = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
_MAX_ADDRESSES = 8
"""Addresses of one name that are tried; more would eat the time of the rest."""

_PROBE_S = 0.5
"""How long a server may take to hang up on a client that says nothing, to count as hanging up at once."""

_REASONS: Sequence[tuple[type[tls.TLSError], LinkReason]] = (
    (tls.WrongKeyError, LinkReason.WRONG_KEY),
    (tls.RogueError, LinkReason.ROGUE),
    (tls.GarbageError, LinkReason.GARBAGE),
    (tls.TooOldError, LinkReason.TOO_OLD),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where and how to knock."""

    address: str | None
    """A host name or an IP address; None: the Unix socket."""
    port: int
    socket_path: Path
    key: bytes | None = field(repr=False)
    tls12: bool
    connect_s: float
    handshake_s: float
    unacknowledged_ms: int = 0
    """After which what was sent and not acknowledged ends the connection; 0: the system's default."""
    identity: str = tls.STOCK_IDENTITY


async def dial(door: Door, resolver: DaemonThreads, deadline: float) -> Channel:
    """Open one channel, both ends' key proved.

    Args:
        door: Where.
        resolver: Threads for name resolution, the only thing here that blocks.
        deadline: By the loop's clock; no step takes longer.

    Raises:
        LinkError: with the reason.
    """
    if door.address is None:
        return await _dial_local(door, deadline)
    if door.key is None:
        raise LinkError(LinkReason.WRONG_KEY, f"there is no key for the agent at {door.address}")
    credentials = _credentials(door.key, door)
    addresses = await _resolve(door, resolver, deadline)
    plain, peer = await _connect_first(door, addresses, deadline)
    channel = tls.TLSSocket(plain, credentials)
    try:
        await _handshake(channel, min(deadline, _now() + door.handshake_s))
    except tls.HangUpError as error:
        channel.close()
        raise await _explain_hang_up(door, peer, deadline, error) from error
    except BaseException as error:
        channel.close()
        if isinstance(error, tls.TLSError):
            raise _link_error(error, peer) from error
        if isinstance(error, TimeoutError):
            raise LinkError(LinkReason.SILENT, f"{_text(peer)} accepts and says nothing") from error
        raise
    return channel


async def _dial_local(door: Door, deadline: float) -> Channel:
    plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    plain.setblocking(False)
    path = str(door.socket_path)
    try:
        async with asyncio.timeout_at(min(deadline, _now() + door.connect_s)):
            await asyncio.get_running_loop().sock_connect(plain, path)
        credentials = plain.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    except BaseException as error:
        plain.close()
        if isinstance(error, TimeoutError):
            raise LinkError(LinkReason.SILENT, f"nothing accepts on {path}") from error
        if isinstance(error, OSError):
            raise LinkError(LinkReason.REFUSED, f"no agent on {path}: {error.strerror}") from error
        raise
    owner = _PEER_CREDENTIALS.unpack(credentials)[1]
    if owner not in (0, os.geteuid()):
        plain.close()
        raise LinkError(LinkReason.ROGUE, f"{path} is served by user {owner}, neither root nor this one")
    return PlainChannel(plain)


def _credentials(key: bytes, door: Door) -> tls.Credentials:
    profile = tls.Profile.TLS12 if door.tls12 else tls.Profile.TLS13
    try:
        return tls.client_credentials(key, door.identity, profile)
    except tls.TLSError as error:
        raise LinkError(LinkReason.WRONG_KEY, str(error)) from error


async def _resolve(door: Door, resolver: DaemonThreads, deadline: float) -> Sequence[str]:
    """Return IP addresses; an address that is one already needs no thread."""
    address = door.address or ""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        pass
    else:
        return (address,)
    future = resolver.submit(lambda: socket.getaddrinfo(address, door.port, type=socket.SOCK_STREAM))
    try:
        async with asyncio.timeout_at(min(deadline, _now() + door.connect_s)):
            found = await asyncio.wrap_future(future)
    except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
        text = str(error) or "the resolver does not answer"
        raise LinkError(LinkReason.UNREACHABLE, f"cannot resolve {address}: {text}") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))[:_MAX_ADDRESSES]


async def _connect_first(
    door: Door, addresses: Sequence[str], deadline: float
) -> tuple[socket.socket, tuple[str, int]]:
    """Connect to the first address that accepts; of several failures, a refusal says most."""
    failures: list[LinkError] = []
    for address in addresses:
        peer = (address, door.port)
        try:
            plain = await _connect(peer, min(deadline, _now() + door.connect_s))
        except LinkError as error:
            failures.append(error)
        else:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, door.unacknowledged_ms)
            return plain, peer
    failures.sort(key=lambda failure: failure.reason is not LinkReason.REFUSED)
    raise failures[0] if failures else LinkError(LinkReason.UNREACHABLE, f"{door.address} has no address")


async def _connect(peer: tuple[str, int], deadline: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    plain.setblocking(False)
    try:
        async with asyncio.timeout_at(deadline):
            await asyncio.get_running_loop().sock_connect(plain, peer)
    except BaseException as error:
        plain.close()
        if isinstance(error, TimeoutError):
            raise LinkError(LinkReason.UNREACHABLE, f"no answer from {_text(peer)}") from error
        if isinstance(error, ConnectionRefusedError):
            raise LinkError(LinkReason.REFUSED, f"nothing listens on {_text(peer)}") from error
        if isinstance(error, OSError):
            raise LinkError(LinkReason.UNREACHABLE, f"{_text(peer)}: {error.strerror or error}") from error
        raise
    return plain


async def _handshake(channel: tls.TLSSocket, deadline: float) -> None:
    """Do the handshake; TimeoutError when the deadline comes first."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout_at(deadline):
        while True:
            try:
                channel.handshake()
            except tls.WantReadError:
                await _ready(channel.fileno(), loop.add_reader, loop.remove_reader)
            except tls.WantWriteError:
                await _ready(channel.fileno(), loop.add_writer, loop.remove_writer)
            else:
                return


async def _ready(descriptor: int, add: Callable[..., object], remove: Callable[[int], object]) -> None:
    future = asyncio.get_running_loop().create_future()
    add(descriptor, _wake, future)
    try:
        await future
    finally:
        remove(descriptor)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _explain_hang_up(
    door: Door, peer: tuple[str, int], deadline: float, error: tls.HangUpError
) -> LinkError:
    """Find out why a peer hung up without a word.

    Stock agents do it on a wrong key, and those with GnuTLS before 3.6.3 on TLS 1.3. A port forwarder does it
    when nothing is behind it, as while a guest boots; but it does so to a client that says nothing, too.
    """
    limit = min(deadline, _now() + _PROBE_S)
    try:
        if await _hangs_up_at_once(peer, limit):
            return LinkError(LinkReason.SILENT, f"{_text(peer)} accepts and hangs up at once")
        if not door.tls12 and await _answers_tls12(door, peer, min(deadline, _now() + door.handshake_s)):
            return LinkError(LinkReason.TOO_OLD, f"{_text(peer)} speaks TLS 1.2 only")
    except LinkError:
        return LinkError(LinkReason.SILENT, f"{_text(peer)} accepted, hung up and is gone")
    return _link_error(error, peer)


async def _hangs_up_at_once(peer: tuple[str, int], deadline: float) -> bool:
    plain = await _connect(peer, deadline)
    with plain:
        try:
            async with asyncio.timeout_at(deadline):
                return not await asyncio.get_running_loop().sock_recv(plain, 1)
        except TimeoutError:
            return False
        except OSError:
            return True


async def _answers_tls12(door: Door, peer: tuple[str, int], deadline: float) -> bool:
    """Offer TLS 1.2 as well, with a key that nobody has, so that no session begins.

    A peer that knows TLS 1.3 chooses it, finds the key wrong and hangs up again; only one that does not know it
    answers.
    """
    profile = tls.Profile.TLS12
    plain = await _connect(peer, deadline)
    channel = tls.TLSSocket(plain, tls.client_credentials(os.urandom(32), door.identity, profile))
    try:
        await _handshake(channel, deadline)
    except (tls.TLSError, TimeoutError):
        return channel.has_answered
    finally:
        channel.close()
    return False


def _link_error(error: tls.TLSError, peer: tuple[str, int]) -> LinkError:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return LinkError(reason, f"{_text(peer)}: {error}")
    return LinkError(LinkReason.SILENT, f"{_text(peer)}: {error}")


def _text(peer: tuple[str, int]) -> str:
    host, port = peer
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _now() -> float:
    return asyncio.get_running_loop().time()
