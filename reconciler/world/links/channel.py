"""Bytes between a socket and its owner inside the event loop, without threads; it must not know what they say."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from agent import tls

MAX_UNSENT_BYTES = 8 * 1024 * 1024
"""What may wait for a peer that does not read; more, and it counts as gone."""

_RECORDS_A_TURN = 4
"""Records read before the loop's other work gets its turn: full of small messages, they take some milliseconds."""


class Channel(Protocol):
    """A connected non-blocking socket, with TLS or without; `agent.tls.TLSSocket` is one."""

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        ...

    def send(self, chunk: bytes) -> int:
        """Send what goes at once and return how many bytes that is, or raise WantWriteError, ClosedError."""
        ...

    def receive(self) -> bytes:
        """Return what has come, b"" at the end, or raise WantReadError, ClosedError, GarbageError."""
        ...

    def close(self) -> None:
        """Close the socket."""
        ...


class PlainChannel:
    """A socket on this machine, with the errors of agent.tls."""

    def __init__(self, plain: socket.socket) -> None:
        self._plain = plain

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._plain.fileno()

    def send(self, chunk: bytes) -> int:
        """Send what goes at once and return how many bytes that is."""
        try:
            return self._plain.send(chunk)
        except BlockingIOError as error:
            raise tls.WantWriteError from error
        except OSError as error:
            raise tls.ClosedError(str(error)) from error

    def receive(self) -> bytes:
        """Return what has come, b"" at the end."""
        try:
            return self._plain.recv(tls.MAX_RECORD)
        except BlockingIOError as error:
            raise tls.WantReadError from error
        except OSError as error:
            raise tls.ClosedError(str(error)) from error

    def close(self) -> None:
        """Close the socket."""
        self._plain.close()


class Stream:
    """Reads a channel as long as it is open, and writes what is handed over, in order, a record a chunk.

    Args:
        channel: It belongs to the stream from here on.
        on_bytes: Gets what has come, never empty.
        on_end: Called once, with the reason, when the peer ends the channel or it breaks; never for `close`.
    """

    def __init__(
        self, channel: Channel, on_bytes: Callable[[bytes], None], on_end: Callable[[str], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._on_bytes = on_bytes
        self._on_end = on_end
        # A list, though it is a queue: an empty deque takes half a kilobyte, and almost all are empty.
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._is_open = True
        self._reader_wants_write = False
        self._descriptor = channel.fileno()
        self._is_turn_due = False
        self._loop.add_reader(self._descriptor, self._read)
        # TLS may hold what came with the end of the handshake: that does not make the socket readable.
        self._read_soon()

    def send(self, chunks: Sequence[bytes]) -> None:
        """Send chunks after those before; on a stream that has ended nothing happens."""
        if not self._is_open:
            return
        self._unsent.extend(chunks)
        self._unsent_bytes += sum(map(len, chunks))
        self._write()

    def close(self) -> None:
        """End the stream from our side."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        self._channel.close()
        self._unsent.clear()

    def _read_soon(self) -> None:
        self._is_turn_due = True
        self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_turn_due = False
        self._read()

    def _read(self) -> None:
        if self._is_turn_due:  # else a flood would get one turn more each time round
            return
        for _ in range(_RECORDS_A_TURN):
            if not self._is_open:
                return
            try:
                chunk = self._channel.receive()
            except tls.WantReadError:
                return
            except tls.WantWriteError:  # TLS 1.3 answers a key update
                self._reader_wants_write = True
                self._loop.add_writer(self._descriptor, self._writable)
                return
            except tls.TLSError as error:
                self._end(str(error))
                return
            if not chunk:
                self._end("the agent closed the connection")
                return
            self._on_bytes(chunk)
        self._read_soon()

    def _writable(self) -> None:
        self._loop.remove_writer(self._descriptor)
        if self._reader_wants_write:
            self._reader_wants_write = False
            self._read()
        self._write()

    def _write(self) -> None:
        gone = 0
        try:
            while gone < len(self._unsent) and self._is_open:
                chunk = self._unsent[gone]
                sent = self._channel.send(chunk)
                self._unsent_bytes -= sent
                if sent == len(chunk):
                    gone += 1
                else:
                    self._unsent[gone] = chunk[sent:]
        except tls.WantWriteError:
            self._wait_for_room()
        except tls.TLSError as error:
            self._end(str(error))
        finally:
            del self._unsent[:gone]

    def _wait_for_room(self) -> None:
        if self._unsent_bytes > MAX_UNSENT_BYTES:
            self._end("the agent does not read what it is sent")
            return
        self._loop.add_writer(self._descriptor, self._writable)

    def _end(self, reason: str) -> None:
        """Close, and tell the owner in a turn of its own: it may be in the middle of `send`."""
        self.close()
        self._loop.call_soon(self._on_end, reason)
