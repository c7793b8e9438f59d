"""Damages messages in the ways that break parsers, by a seed: the same seed damages alike."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from agent.wire.frame import HEADER_SIZE, encode_frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_HEADER = struct.Struct("<IIQQIIII")
_EDGES = (0, 1, 39, 40, 41, 255, 65_535, 2**20, 2**20 + 1, 2**31 - 1, 2**31, 2**32 - 1)
_NUMBERS = (
    b"-1",
    b"0",
    b"2147483648",
    b"-2147483649",
    b"18446744073709551616",
    b"1e9",
    b"",
    b"0x7f",
    b"NaN",
    b"9" * 400,
)
_PIECES = (
    b"<", b">", b"&", b"&#0;", b"&#x110000;", b"&lt;", b"'", b'"', b"/>", b"<!--", b"]]>", b"<?xml?>", b"\x00",
    b"\xff\xfe", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"\xed\xa0\x80", b"\xc0\x80", b" a='1' a='2'",
)  # fmt: skip
_LONG_PIECES = (b"<a>" * 200, b"x" * 70_000, b"&lt;" * 5000, b" b='c'" * 500, b"<e/>" * 3000)


def damaged(frames: Sequence[bytes], chance: Random) -> bytes:
    """Return one of some messages, damaged: in its header, its bytes, or its text with a header that fits."""
    frame = chance.choice(frames)
    kind = chance.randrange(8)
    if kind == 0:
        return _with_header(frame, chance)
    if kind == 1:
        return frame[: chance.randrange(len(frame))] + chance.choice(frames)
    if kind == 2:
        return _with_bytes(frame, chance)
    return b"".join(encode_frame(_with_text(frame[HEADER_SIZE:-1], frames, chance), 1))


def _with_header(frame: bytes, chance: Random) -> bytes:
    fields = list(_HEADER.unpack_from(frame))
    for _ in range(chance.randint(1, 2)):
        fields[chance.randrange(len(fields))] = chance.choice(_EDGES)
    return _HEADER.pack(*fields) + frame[HEADER_SIZE:]


def _with_bytes(frame: bytes, chance: Random) -> bytes:
    found = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _with_text(text: bytes, frames: Sequence[bytes], chance: Random) -> bytes:
    """Return an XML text with a few pieces cut out, doubled, taken from elsewhere, or replaced."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 1, 2, 8, 40)))
        kind = chance.randrange(6)
        if kind == 0:
            piece = b""
        elif kind == 1:
            piece = text[start:end] * 2
        elif kind == 2:
            other = chance.choice(frames)[HEADER_SIZE:-1]
            at = chance.randrange(len(other))
            piece = other[at : at + 60]
        elif kind == 3:
            text = _with_number(text, chance)
            continue
        else:
            piece = chance.choice(_PIECES if chance.random() < 0.98 else _LONG_PIECES)
        text = text[:start] + piece + text[end:]
    return text


def _with_number(text: bytes, chance: Random) -> bytes:
    """Return a text in which one attribute's value is a number that few expect."""
    parts = text.split(b'"')
    if len(parts) < 3:
        return text
    at = 2 * chance.randrange(len(parts) // 2) + 1
    parts[at] = chance.choice(_NUMBERS)
    return b'"'.join(parts)
