"""The sockets that clients come through: TCP with TLS-PSK, and a Unix socket for the controller beside us.

Must not know what is said on a connection. What has not proved its key yet is counted here, and bounded.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from agent import tls
from agent.event_loop import READ
from agent.log import log
from agent.session import PlainSocket, Session, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.event_loop import EventLoop

MAX_HALF_OPEN = 64
"""Connections that have not proved their key; one more pushes out the oldest."""

MAX_SESSIONS = 64
"""Connections that have; one more is refused."""

_ACCEPTS_A_TURN = 16
_BACKLOG = 512
"""Connections that wait to be accepted; Pacemaker's remoted_tls.c has 10. Whom a full queue turns away tries again only
after a second, and there may come as many at once as hold a key of a large cluster, or mean harm."""

_PAUSE_S = 1.0
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class ListenError(Exception):
    """An address cannot be listened on, or the key cannot be used; the text says why and what to do."""


class Listeners:
    """The listening sockets and the connections that have not proved their key yet.

    Args:
        loop: Readiness.
        admit: Called with each new connection, to set its callbacks, before it begins.
        has_room: Whether one more client may be served.
    """

    def __init__(
        self, loop: EventLoop, admit: Callable[[Session], None], has_room: Callable[[], bool]
    ) -> None:
        self._loop = loop
        self._admit = admit
        self._has_room = has_room
        self._sockets: list[socket.socket] = []
        self._half_open: list[Session] = []
        self._unix_path: Path | None = None

    def listen_tcp(self, address: str, credentials: tls.Credentials) -> str:
        """Listen on HOST:PORT (`[V6]:PORT`; no host: on all); returns the address that it became.

        Raises:
            ListenError: that is no address, or it can't be listened on.
        """
        host, port = split_address(address)
        try:
            # As bytes: for text, Python loads its tables of international names, a megabyte.
            name = host.encode("ascii" if host.isascii() else "idna") or None
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            # The IPv6 wildcard serves both families (Pacemaker daemons/execd/remoted_tls.c).
            found.sort(key=lambda entry: entry[0] != socket.AF_INET6)
        except (OSError, UnicodeError) as error:
            raise ListenError(f"{host!r} is not an address of this machine: {error}") from error
        problem: OSError | None = None
        for family, _, _, _, bind_to in found:
            try:
                listener = _bind(family, bind_to)
            except OSError as error:
                problem = error
                continue
            self._serve(listener, lambda plain: tls.TLSSocket(plain, credentials))
            bound = listener.getsockname()
            return f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"
        assert problem is not None, "getaddrinfo returns an address or fails"
        raise ListenError(f"cannot listen on {address}: {problem.strerror}") from problem

    def listen_unix(self, path: Path) -> None:
        """Listen on a Unix socket (0600) for root and our own user.

        Raises:
            ListenError: it can't be made there.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
                path.unlink()  # of an agent that was killed; a living one holds the lock of the state folder
            before = os.umask(0o177)
            try:
                listener.bind(str(path))
            finally:
                os.umask(before)
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise ListenError(f"cannot listen on {path}: {error.strerror or error}") from error
        self._unix_path = path
        self._serve(listener, _check_peer)

    def close(self) -> None:
        """Listen no more; connections that exist go on, if they have proved their key."""
        for listener in self._sockets:
            self._loop.forget(listener.fileno())
            listener.close()
        self._sockets.clear()
        for session in tuple(self._half_open):
            session.close("")
        if self._unix_path is not None:
            self._unix_path.unlink(missing_ok=True)
            self._unix_path = None

    def note_settled(self, session: Session) -> None:
        """Note that a connection has proved its key, or is gone."""
        if session in self._half_open:
            self._half_open.remove(session)

    def _serve(self, listener: socket.socket, wrap: Callable[[socket.socket], Transport]) -> None:
        listener.setblocking(False)
        self._sockets.append(listener)
        self._loop.watch(listener.fileno(), READ, lambda _events: self._accept(listener, wrap))

    def _accept(self, listener: socket.socket, wrap: Callable[[socket.socket], Transport]) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            try:
                plain, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._pause(listener, wrap)
                return
            peer = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "unix"
            self._begin(plain, peer, wrap)

    def _begin(self, plain: socket.socket, peer: str, wrap: Callable[[socket.socket], Transport]) -> None:
        if not self._has_room():
            plain.close()
            log("connection refused", peer=peer, reason="too many clients")
            return
        try:
            if plain.family != socket.AF_UNIX:
                _notice_dead_peers(plain)
            session = Session(wrap(plain), peer, self._loop)
        except (tls.TLSError, OSError) as error:
            plain.close()
            log("connection refused", peer=peer, reason=error)
            return
        if len(self._half_open) >= MAX_HALF_OPEN:
            # The honest are through in milliseconds: whoever has waited longest is the least likely one.
            self._half_open[0].close("pushed out by newer connections")
        self._half_open.append(session)
        self._admit(session)
        session.begin()

    def _pause(self, listener: socket.socket, wrap: Callable[[socket.socket], Transport]) -> None:
        """Stop accepting for a moment: what can't be accepted stays readable, and would keep us busy."""
        log("no room for another connection")
        descriptor = listener.fileno()
        self._loop.forget(descriptor)

        def resume() -> None:
            if listener in self._sockets:
                self._loop.watch(descriptor, READ, lambda _events: self._accept(listener, wrap))

        self._loop.call_later(_PAUSE_S, resume)


def split_address(address: str) -> tuple[str, int]:
    """Split HOST:PORT or [V6]:PORT; `*` and nothing stand for all addresses.

    Raises:
        ListenError: it is neither.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise ListenError(f"{address!r} is not HOST:PORT (for instance 0.0.0.0:3121 or [::]:3121)")
    return host.strip("[]").replace("*", ""), int(port)


def _bind(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _notice_dead_peers(plain: socket.socket) -> None:
    """Have the kernel end a connection whose peer is gone without a word, in half a minute (tcp(7))."""
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)


def _check_peer(plain: socket.socket) -> PlainSocket:
    """Take a connection on the Unix socket only from root or our own user (unix(7), SO_PEERCRED)."""
    credentials = plain.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    if uid not in (0, os.geteuid()):
        raise PermissionError(errno.EPERM, f"user {uid} may not control this agent")
    return PlainSocket(plain)
