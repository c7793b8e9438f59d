"""Values in D-Bus's wire format, little-endian (D-Bus Specification, "Marshaling"). Must not do I/O.

A signature is text such as `a{sv}`. Arrays are lists, structs and dictionary entries tuples, a variant is read as the
value in it, and is written as a pair of its signature and value.
"""

from __future__ import annotations

import struct
from typing import Any

MAX_BYTES = 1 << 20
"""Of one message: what systemd says of a unit's property is far below, and the specification's limit far above."""

_MAX_DEPTH = 32
_FIXED = {
    "y": ("B", 1), "b": ("I", 4), "n": ("h", 2), "q": ("H", 2), "i": ("i", 4), "u": ("I", 4),
    "x": ("q", 8), "t": ("Q", 8), "d": ("d", 8), "h": ("I", 4),
}  # fmt: skip
_ALIGNMENT = {
    "s": 4,
    "o": 4,
    "g": 1,
    "v": 1,
    "a": 4,
    "(": 8,
    "{": 8,
    **{c: n for c, (_, n) in _FIXED.items()},
}


class DBusError(Exception):
    """What came is no D-Bus, or the bus, or the service, said no."""


def split(signature: str) -> list[str]:
    """Take a signature apart into single complete types.

    Raises:
        DBusError: it is none.
    """
    found = []
    at = 0
    while at < len(signature):
        end = _end_of(signature, at)
        found.append(signature[at:end])
        at = end
    return found


class Writer:
    """Writes values one after the other; offsets count from where it began, which must be aligned to 8."""

    def __init__(self) -> None:
        self.data = bytearray()

    def align(self, boundary: int) -> None:
        """Pad with zeros."""
        self.data += bytes(-len(self.data) % boundary)

    def write(self, kind: str, value: Any) -> None:  # noqa: ANN401 - as its type in the signature
        """Write one value of a single complete type."""
        self.align(_ALIGNMENT[kind[0]])
        if kind in _FIXED:
            self.data += struct.pack("<" + _FIXED[kind][0], value)
        elif kind in "sog":
            text = value.encode()
            self.data += struct.pack("<B" if kind == "g" else "<I", len(text)) + text + b"\0"
        elif kind == "v":
            self.write("g", value[0])
            self.write(value[0], value[1])
        elif kind[0] == "a":
            self._write_array(kind[1:], value)
        else:
            for inner, item in zip(split(kind[1:-1]), value):
                self.write(inner, item)

    def _write_array(self, kind: str, values: Any) -> None:  # noqa: ANN401 - as its type in the signature
        self.data += bytes(4)
        count_at = len(self.data) - 4
        self.align(_ALIGNMENT[kind[0]])
        begin = len(self.data)
        for value in values:
            self.write(kind, value)
        struct.pack_into("<I", self.data, count_at, len(self.data) - begin)


class Reader:
    """Reads values one after the other; `order` is `<` or `>`, as the sender has it.

    Everything may raise DBusError: what is read may be anything.
    """

    def __init__(self, data: bytes, order: str = "<") -> None:
        self.at = 0
        self._data = data
        self._order = order

    def align(self, boundary: int) -> None:
        """Skip padding."""
        self._take(-self.at % boundary)

    def read(self, kind: str, depth: int = 0) -> Any:  # noqa: ANN401 - as its type in the signature
        """Read one value of a single complete type."""
        if depth > _MAX_DEPTH:
            raise DBusError("values nested too deeply")
        self.align(_ALIGNMENT[kind[0]])
        if kind in _FIXED:
            value = self._number(*_FIXED[kind])
            return bool(value) if kind == "b" else value
        if kind in "sog":
            text = self._take(self._number("B", 1) if kind == "g" else self._number("I", 4))
            self._take(1)
            return text.decode("utf-8", "replace")
        if kind == "v":
            types = split(self.read("g"))
            if len(types) != 1:
                raise DBusError("a variant holds one value")
            return self.read(types[0], depth + 1)
        if kind[0] == "a":
            return self._read_array(kind[1:], depth)
        return tuple(self.read(inner, depth + 1) for inner in split(kind[1:-1]))

    def _read_array(self, kind: str, depth: int) -> list[Any]:
        length = self._number("I", 4)
        self.align(_ALIGNMENT[kind[0]])
        end = self.at + length
        if end > len(self._data):
            raise DBusError("an array is longer than its message")
        found = []
        while self.at < end:
            found.append(self.read(kind, depth + 1))
        return found

    def _number(self, code: str, size: int) -> int:
        (value,) = struct.unpack(self._order + code, self._take(size))
        return value  # type: ignore[no-any-return]

    def _take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self._data):
            raise DBusError("a message is shorter than it says")
        taken, self.at = self._data[self.at : end], end
        return taken


def _end_of(signature: str, at: int) -> int:
    """Return where the single complete type that begins at `at` ends."""
    depth = at
    while signature[at : at + 1] == "a":
        at += 1
    opened = signature[at : at + 1]
    if not opened or at - depth > _MAX_DEPTH:
        raise DBusError(f"{signature!r} is no signature")
    if opened in _FIXED or opened in "sogv":
        return at + 1
    if opened not in "({":
        raise DBusError(f"{signature!r} is no signature")
    closing = ")" if opened == "(" else "}"
    at += 1
    if signature[at : at + 1] == closing:
        raise DBusError(f"{signature!r} is no signature")
    while signature[at : at + 1] != closing:
        at = _end_of(signature, at)
    return at + 1
