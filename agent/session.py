"""One connection to a client: handshake, bytes in and out, deadlines. Must not know what requests mean.

Nothing here waits. A client that does not read is cut off when what waits for it has grown too large; one
that is slow in the handshake, in naming itself or within a message is cut off by a deadline.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from typing import TYPE_CHECKING, Union

from agent import tls
from agent.event_loop import READ, WRITE
from agent.log import log
from agent.wire import Connection, LocalProtocolError, RemoteProtocolError, RequestReceived, Role, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.event_loop import EventLoop, Timer
    from agent.wire import AnyReply, Notice, Request

HANDSHAKE_S = 5.0
REGISTER_S = 10.0
MID_MESSAGE_S = 10.0
MAX_UNSENT_BYTES = 8 * 1024 * 1024

_RECORDS_A_TURN = 32
"""Records read before other connections get their turn."""


class PlainSocket:
    """A Unix socket with the interface of `tls.TLSSocket`: the kernel vouches for the peer, nothing is proved."""

    def __init__(self, plain: socket.socket) -> None:
        plain.setblocking(False)
        self._plain = plain

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._plain.fileno()

    def handshake(self) -> tls.Parameters:
        """Do nothing: there is no handshake, and no identity."""
        return tls.Parameters("", "")

    def send(self, chunk: bytes) -> int:
        """Send what goes at once; returns how many bytes that is.

        Raises:
            tls.WantWriteError: none.
        """
        try:
            return self._plain.send(chunk)
        except BlockingIOError:
            raise tls.WantWriteError from None

    def receive(self) -> bytes:
        """Return what has come, b"" at the end.

        Raises:
            tls.WantReadError: nothing has.
        """
        try:
            return self._plain.recv(tls.MAX_RECORD)
        except BlockingIOError:
            raise tls.WantReadError from None

    def close(self) -> None:
        """Close the socket."""
        self._plain.close()


Transport = Union[PlainSocket, tls.TLSSocket]


class Session:
    """One client, from accept to close.

    Args:
        transport: Its socket.
        peer: Where it comes from, for the log.
        loop: Readiness and deadlines.
    """

    def __init__(self, transport: Transport, peer: str, loop: EventLoop) -> None:
        self.id = os.urandom(16).hex()
        self.peer = peer
        self.name = ""
        """What it registered as; without a name it gets no notices."""
        self.cluster = ""
        self.epoch: int | None = None
        self.identity = ""
        """What it proved its key as; "" on a Unix socket."""
        self.key_name = ""
        self.key_generation = 0
        """Which key that was, and which ones there were when it came; see agent.keys."""
        self.is_provider = False
        self.is_registered = False
        self.is_authenticated = False
        self.is_closed = False
        self.on_authenticated: Callable[[Session], None] = lambda _session: None
        self.on_request: Callable[[Session, int, Request], None] = lambda _session, _id, _request: None
        self.on_closed: Callable[[Session], None] = lambda _session: None
        self._transport = transport
        self._descriptor = transport.fileno()
        self._loop = loop
        self._wire = Connection(Role.SERVER)
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._closes_when_sent = False
        self._deadline: Timer | None = None

    def begin(self) -> None:
        """Start to serve it."""
        self._limit(HANDSHAKE_S, "no handshake in time")
        self._loop.watch(self._descriptor, READ, self._on_ready)
        self._on_ready(READ)

    def note_registered(self) -> None:
        """Note that it has named itself: from now on it may be silent as long as it likes."""
        self.is_registered = True
        self._limit(None)

    def reply(self, message_id: int, reply: AnyReply) -> None:
        """Answer a request; nothing happens on a closed connection."""
        if self.is_closed:
            return
        try:
            chunks = self._wire.send_reply(message_id, reply)
        except LocalProtocolError as error:
            self.close(f"a reply cannot be sent: {error}")
            return
        self._send(chunks)

    def drop(self, message_id: int) -> None:
        """Leave a request without an answer."""
        self._wire.drop_request(message_id)

    def notify(self, notice: Notice) -> None:
        """Tell it something, if it has named itself."""
        if self.is_closed or not self.name or self._wire.state is not State.OPEN:
            return
        try:
            chunks = self._wire.send_notice(notice)
        except LocalProtocolError as error:
            self.close(f"a notice cannot be sent: {error}")
            return
        self._send(chunks)

    def close_when_sent(self) -> None:
        """Close once all that was said has left, or after a while if it does not leave."""
        self._closes_when_sent = True
        self._limit(HANDSHAKE_S, "did not read our last words")
        if not self._unsent:
            self.close("")

    def close(self, reason: str) -> None:
        """Close now. `reason` goes to the log; empty means that all is in order."""
        if self.is_closed:
            return
        self.is_closed = True
        self._limit(None)
        self._loop.forget(self._descriptor)
        self._wire.close()
        self._transport.close()
        self._unsent.clear()
        if reason:
            log("connection closed", peer=self.peer, client=self.name, reason=reason)
        self.on_closed(self)

    def _on_ready(self, _events: int) -> None:
        try:
            if not self.is_authenticated:
                self.identity = self._transport.handshake().identity
                self.is_authenticated = True
                self._limit(REGISTER_S, "did not register in time")
                self.on_authenticated(self)
            self._flush()
            self._receive()
        except tls.WantReadError:
            self._watch(READ)
        except tls.WantWriteError:
            self._watch(READ | WRITE if self.is_authenticated else WRITE)
        except (tls.TLSError, OSError, RemoteProtocolError) as error:
            self.close(f"{type(error).__name__}: {error}")

    def _receive(self) -> None:
        """Take in what has come; always ends by an exception or when it is others' turn."""
        for _ in range(_RECORDS_A_TURN):
            if self.is_closed or self._closes_when_sent:
                return
            chunk = self._transport.receive()
            if not chunk:
                self._wire.receive_end()
                self.close("" if self.is_registered else "left before it registered")
                return
            self._wire.receive_bytes(chunk)
            self._take_requests()
        # What GnuTLS holds already does not make the socket readable: come back by ourselves.
        self._loop.call_later(0, lambda: self._on_ready(READ) if not self.is_closed else None)

    def _take_requests(self) -> None:
        was_whole = False
        while not self.is_closed and not self._closes_when_sent:
            event = self._wire.next_event()
            if event is None:
                break
            was_whole = True
            assert isinstance(event, RequestReceived), "a server gets nothing else"
            self.on_request(self, event.message_id, event.request)
        if self.is_closed or self._closes_when_sent or not self.is_registered:
            return
        if not self._wire.is_mid_message:
            self._limit(None)
        elif was_whole or self._deadline is None:
            self._limit(MID_MESSAGE_S, "stopped within a message")

    def _send(self, chunks: list[bytes]) -> None:
        self._unsent.extend(chunks)
        self._unsent_bytes += sum(map(len, chunks))
        if self._unsent_bytes > MAX_UNSENT_BYTES:
            self.close("does not read what we send")
            return
        try:
            self._flush()
        except (tls.WantReadError, tls.WantWriteError):
            self._watch(READ | WRITE)
        except (tls.TLSError, OSError) as error:
            # Later, because whoever sends may be going through the list of all connections.
            reason = f"{type(error).__name__}: {error}"
            self._loop.call_later(0, lambda: self.close(reason))

    def _flush(self) -> None:
        """Send as much as goes; raises WantWriteError when more is left."""
        while self._unsent and not self.is_closed:
            chunk = self._unsent[0]
            sent = self._transport.send(chunk)
            self._unsent_bytes -= sent
            if sent == len(chunk):
                self._unsent.popleft()
            else:
                self._unsent[0] = chunk[sent:]
        if self._closes_when_sent:
            self.close("")
        elif not self.is_closed:
            self._watch(READ)

    def _watch(self, events: int) -> None:
        if not self.is_closed:
            self._loop.watch(self._descriptor, events, self._on_ready)

    def _limit(self, limit_s: float | None, reason: str = "") -> None:
        """Close the connection after `limit_s`; replaces the deadline before. None: no deadline."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = (
            None if limit_s is None else self._loop.call_later(limit_s, lambda: self.close(reason))
        )
