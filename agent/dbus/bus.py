"""A client of a message bus, for one process that does one thing: it blocks, and its deadline is the operation's."""

from __future__ import annotations

import os
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from agent.dbus.message import ERROR, METHOD_CALL, METHOD_RETURN, SIGNAL, Message, Parser, encode
from agent.dbus.values import DBusError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_MAX_LINE = 4096
_MAX_SIGNALS = 1000


class RemoteError(DBusError):
    """A service answered with an error; `name` is its D-Bus name."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text or name)
        self.name = name


class Bus:
    """One connection, authenticated as the user that we are (D-Bus Specification, "EXTERNAL").

    Raises:
        OSError: nobody listens there, or the connection was lost; likewise everything else here.
        DBusError: the bus will not have us; likewise everything else here, when what comes is no D-Bus.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._parser = Parser()
        self._serial = 0
        self._unread: deque[Message] = deque()
        self._signals: deque[Message] = deque(maxlen=_MAX_SIGNALS)
        try:
            self._socket.connect(str(path))
            self._authenticate()
            self.call(*_BUS, "Hello")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def call(
        self, destination: str, path: str, interface: str, member: str, signature: str = "", *values: str
    ) -> tuple[Any, ...]:
        """Call a method and return the values of its reply.

        Raises:
            RemoteError: it answered with an error.
        """
        self._serial += 1
        serial = self._serial
        call = Message(
            METHOD_CALL, serial, path, interface, member, "", 0, destination, "", signature, values
        )
        self._socket.sendall(encode(call))
        while True:
            message = self._next()
            if message.kind == SIGNAL:
                self._signals.append(message)
            elif message.reply_to == serial and message.kind == METHOD_RETURN:
                return message.body
            elif message.reply_to == serial and message.kind == ERROR:
                text = message.body[0] if message.body and isinstance(message.body[0], str) else ""
                raise RemoteError(message.error, text)

    def listen(self, sender: str, interface: str, member: str) -> None:
        """Ask for signals; they are kept until `wait` takes them."""
        rule = f"type='signal',sender='{sender}',interface='{interface}',member='{member}'"
        self.call(*_BUS, "AddMatch", "s", rule)

    def wait(self, is_it: Callable[[Message], bool]) -> Message:
        """Return the first signal that is the one, of those that came and those to come."""
        while True:
            while self._signals:
                signal = self._signals.popleft()
                if is_it(signal):
                    return signal
            message = self._next()
            if message.kind == SIGNAL:
                self._signals.append(message)

    def _authenticate(self) -> None:
        uid = str(os.geteuid()).encode().hex().encode()
        self._socket.sendall(b"\0AUTH EXTERNAL " + uid + b"\r\n")
        line = b""
        # Byte by byte: nothing of what follows the line may be taken with it.
        while not line.endswith(b"\r\n"):
            byte = self._socket.recv(1)
            line += byte
            if not byte or len(line) > _MAX_LINE:
                raise DBusError("the bus did not answer our authentication")
        if not line.startswith(b"OK "):
            raise DBusError(f"the bus refused our authentication: {line.decode('ascii', 'replace').strip()}")
        self._socket.sendall(b"BEGIN\r\n")

    def _next(self) -> Message:
        """Return the next message: what came together with a reply is still to be looked at."""
        while not self._unread:
            data = self._socket.recv(64 * 1024)
            if not data:
                raise ConnectionResetError("the bus closed the connection")
            self._unread.extend(self._parser.feed(data))
        return self._unread.popleft()
