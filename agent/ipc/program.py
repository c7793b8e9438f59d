"""The connection of one local program: its socket of the handshake, and the two that messages travel on.

Must not know what messages mean. The socket of the handshake carries nothing later; its end is the connection's.
libqb names the others NAME-request and NAME-event-tx here, NAME-response and NAME-event at the program's end
(lib/ipc_socket.c), all in the abstract name space, where the programs look for them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from agent.event_loop import READ, WRITE
from agent.ipc.message import CONNECT_SIZE, CONTROL_SIZE, IpcError, read_connect, read_message, write_welcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.event_loop import EventLoop, Timer
    from agent.ipc.message import Message

CONNECT_S = 5.0
"""How long a program may take to say what it wants, and to open its end."""

MAX_UNSENT = 64
"""Messages that may wait for a program that does not read; one more, and it is cut off."""

_MAX_DATAGRAM = 256 * 1024
_CREDENTIALS = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
_ANCILLARY = socket.CMSG_SPACE(_CREDENTIALS.size)
_NAME_SIZE = 107  # of sun_path, after the zero: libqb binds and connects whole addresses


def abstract(name: str) -> bytes:
    """Return the address that libqb makes of a name; the zeros at its end are part of it."""
    return b"\0" + name.encode().ljust(_NAME_SIZE, b"\0")


class _Outbound:
    """Messages to one of the program's sockets, sent when it has room."""

    def __init__(self, plain: socket.socket, peer: str) -> None:
        self.plain = plain
        self._peer = peer
        self._is_connected = False
        self.unsent: deque[bytes] = deque()

    def flush(self) -> None:
        """Send what goes at once.

        Raises:
            OSError: the program's end is gone.
        """
        if self.unsent and not self._is_connected:
            self.plain.connect(abstract(self._peer))  # from now on nobody else can send to this socket
            self._is_connected = True
        while self.unsent:
            try:
                self.plain.send(self.unsent[0])
            except BlockingIOError:
                return
            self.unsent.popleft()


class Program:
    """One program, from accept to close.

    Args:
        plain: Its connection.
        folder: Where the file that libqb wants to share may lie.
        loop: Readiness and deadlines.
    """

    def __init__(self, plain: socket.socket, folder: Path, loop: EventLoop) -> None:
        plain.setblocking(False)
        self.id = os.urandom(16).hex()
        self.pid, self.uid, _ = _CREDENTIALS.unpack(
            plain.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        self.is_closed = False
        self.on_connect: Callable[[Program], None] = lambda _program: None
        self.on_message: Callable[[Program, Message], None] = lambda _program, _message: None
        self.on_closed: Callable[[Program, str], None] = lambda _program, _reason: None
        self._plain = plain
        self._loop = loop
        self._folder = folder / self.id
        self._asked = b""
        self._outbound: tuple[_Outbound, ...] = ()
        self._is_paused = False
        self._deadline: Timer | None = loop.call_later(
            CONNECT_S, lambda: self.close("did not connect in time")
        )

    def begin(self) -> None:
        """Start to serve it."""
        self._loop.watch(self._plain.fileno(), READ, self._on_stream)

    def refuse(self, answer: bytes, reason: str) -> None:
        """Give the answer to its request to connect, which is no, and close."""
        self._say(answer)
        self.close(reason)

    def welcome(self) -> None:
        """Open our ends and let it connect.

        Raises:
            OSError: they cannot be opened.
        """
        name = f"reconciler-{self.id}"
        self._folder.mkdir(mode=0o700, parents=True)
        control = self._folder / "control"
        descriptor = os.open(control, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(bytes(CONTROL_SIZE))
        responses = _Outbound(_bind(f"{name}-request"), f"{name}-response")
        events = _Outbound(_bind(f"{name}-event-tx"), f"{name}-event")
        self._outbound = (responses, events)
        self._loop.watch(responses.plain.fileno(), READ, self._on_messages)
        self._limit()
        self._say(write_welcome(str(control), name))

    def respond(self, message: bytes) -> None:
        """Send the response to a request; nothing happens on a closed connection."""
        self._send(0, message)

    def notify(self, message: bytes) -> None:
        """Send an event; nothing happens on a closed connection."""
        self._send(1, message)

    def pause(self) -> None:
        """Read nothing more: what it says waits at its own end."""
        self._is_paused = True
        self._watch()

    def go_on(self) -> None:
        """Read again."""
        self._is_paused = False
        self._watch()

    def close(self, reason: str) -> None:
        """Close now; `reason` is for `on_closed`."""
        if self.is_closed:
            return
        self.is_closed = True
        self._limit()
        self._loop.forget(self._plain.fileno())
        with contextlib.suppress(OSError):  # it was first
            self._plain.shutdown(socket.SHUT_RDWR)
        self._plain.close()
        for index, outbound in enumerate(self._outbound):
            self._loop.forget(outbound.plain.fileno())
            if index == 1:
                # A program that waits for events looks at this socket only, and then sees that the other has ended.
                outbound.unsent.append(b"\0")
                _try_flush(outbound)
            outbound.plain.close()
        _remove(self._folder)
        self.on_closed(self, reason)

    def _on_stream(self, _events: int) -> None:
        try:
            chunk = self._plain.recv(CONNECT_SIZE + 1)
        except BlockingIOError:
            return
        except OSError as error:
            self.close(str(error))
            return
        if not chunk:
            self.close("")
            return
        self._asked += chunk
        if len(self._asked) < CONNECT_SIZE:
            return
        if self._outbound:
            self.close("it speaks where it has nothing to say")
            return
        try:
            read_connect(self._asked)
        except IpcError as error:
            self.close(str(error))
            return
        self.on_connect(self)

    def _on_messages(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if not events & READ or self._is_paused or self.is_closed:
            return
        try:
            data, ancillary, flags, _ = self._outbound[0].plain.recvmsg(_MAX_DATAGRAM, _ANCILLARY)
            if flags & socket.MSG_TRUNC:
                self.close("a message that is too large")
            elif self._is_from_program(ancillary):
                self.on_message(self, read_message(data))
        except BlockingIOError:
            return
        except (OSError, IpcError) as error:
            self.close(str(error))

    def _is_from_program(self, ancillary: list[tuple[int, int, bytes]]) -> bool:
        """Tell whether a datagram is the program's: before we have answered, others could send some too."""
        return any(
            (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
            and _CREDENTIALS.unpack(content)[:2] == (self.pid, self.uid)
            for level, kind, content in ancillary
            if len(content) == _CREDENTIALS.size
        )

    def _send(self, index: int, message: bytes) -> None:
        if self.is_closed or not self._outbound:
            return
        unsent = self._outbound[index].unsent
        if len(unsent) >= MAX_UNSENT:
            self.close("does not read what it is sent")
            return
        unsent.append(message)
        self._flush()

    def _flush(self) -> None:
        try:
            for outbound in self._outbound:
                outbound.flush()
        except OSError as error:
            self.close(str(error))
            return
        self._watch()

    def _watch(self) -> None:
        if self.is_closed or not self._outbound:
            return
        responses, events = self._outbound
        wanted = (0 if self._is_paused else READ) | (WRITE if responses.unsent else 0)
        self._set_watch(responses.plain, wanted)
        self._set_watch(events.plain, WRITE if events.unsent else 0)

    def _set_watch(self, plain: socket.socket, events: int) -> None:
        if events:
            self._loop.watch(plain.fileno(), events, self._on_messages)
        else:
            self._loop.forget(plain.fileno())

    def _say(self, answer: bytes) -> None:
        """Send the one thing that goes over the first socket; its buffer is empty and larger."""
        try:
            self._plain.send(answer)
        except OSError as error:
            self.close(str(error))

    def _limit(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _bind(name: str) -> socket.socket:
    plain = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        plain.setblocking(False)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MAX_DATAGRAM)
        plain.bind(abstract(name))
    except OSError:
        plain.close()
        raise
    return plain


def _try_flush(outbound: _Outbound) -> None:
    try:
        outbound.flush()
    except OSError:
        return  # it has gone already


def _remove(folder: Path) -> None:
    """Remove what we made for a connection; the program may have done so already, as libqb's do."""
    (folder / "control").unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError:
        return
