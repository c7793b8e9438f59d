"""D-Bus messages to bytes and back (D-Bus Specification, "Message Format"). Must not do I/O."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from agent.dbus.values import MAX_BYTES, DBusError, Reader, Writer, split

METHOD_CALL = 1
METHOD_RETURN = 2
ERROR = 3
SIGNAL = 4

_VERSION = 1
_FIXED_HEADER = 16
_HEADER = "yyyyuua(yv)"
_FIELDS = {
    "path": (1, "o"), "interface": (2, "s"), "member": (3, "s"), "error": (4, "s"), "reply_to": (5, "u"),
    "destination": (6, "s"), "sender": (7, "s"), "signature": (8, "g"),
}  # fmt: skip
_NAMES = {code: name for name, (code, _) in _FIELDS.items()}


class Message(NamedTuple):
    """One message; header fields that are not there are empty, and `reply_to` is 0."""

    kind: int
    serial: int
    path: str = ""
    interface: str = ""
    member: str = ""
    error: str = ""
    reply_to: int = 0
    destination: str = ""
    sender: str = ""
    signature: str = ""
    body: tuple[Any, ...] = ()


def encode(message: Message) -> bytes:
    """Return a message as bytes."""
    body = Writer()
    for kind, value in zip(split(message.signature), message.body):
        body.write(kind, value)
    fields = [
        (code, (kind, getattr(message, name)))
        for name, (code, kind) in _FIELDS.items()
        if getattr(message, name)
    ]
    header = Writer()
    values = (ord("l"), message.kind, 0, _VERSION, len(body.data), message.serial, fields)
    for kind, value in zip(split(_HEADER), values):
        header.write(kind, value)
    header.align(8)
    return bytes(header.data + body.data)


class Parser:
    """Takes bytes as they come, and gives messages out when they are whole."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes; return the messages that they complete.

        Raises:
            DBusError: they are none, or too long.
        """
        self._data += data
        found = []
        while len(self._data) >= _FIXED_HEADER:
            length = _length(bytes(self._data[:_FIXED_HEADER]))
            if len(self._data) < length:
                break
            found.append(_decode(bytes(self._data[:length])))
            del self._data[:length]
        return found


def _order(data: bytes) -> str:
    if data[:1] not in (b"l", b"B") or data[3] != _VERSION:
        raise DBusError("this is no D-Bus message")
    return "<" if data[:1] == b"l" else ">"


def _length(header: bytes) -> int:
    """Return the length of a whole message by its first bytes."""
    body, _serial, fields = struct.unpack(_order(header) + "III", header[4:])
    length = _FIXED_HEADER + int(fields)
    length += -length % 8 + int(body)
    if length > MAX_BYTES:
        raise DBusError(f"a message of {length} bytes is too long")
    return length


def _decode(data: bytes) -> Message:
    reader = Reader(data, _order(data))
    _, kind, _, _, _, serial, fields = (reader.read(one) for one in split(_HEADER))
    reader.align(8)
    known = {_NAMES[code]: value for code, value in fields if code in _NAMES}
    for name, value in known.items():
        if not isinstance(value, int if name == "reply_to" else str):
            raise DBusError(f"the header field {name} is of another type")
    body = tuple(reader.read(one) for one in split(known.get("signature", "")))
    return Message(kind, serial, body=body, **known)
