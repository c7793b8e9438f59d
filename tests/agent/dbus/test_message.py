"""Whole messages, in whatever pieces they come."""

from __future__ import annotations

import random

import pytest

from agent.dbus.message import METHOD_CALL, SIGNAL, Message, Parser, encode
from agent.dbus.values import DBusError

HELLO = Message(
    METHOD_CALL,
    1,
    "/org/freedesktop/DBus",
    "org.freedesktop.DBus",
    "Hello",
    destination="org.freedesktop.DBus",
)
HELLO_BYTES = (
    b"l\x01\0\x01\0\0\0\0\x01\0\0\0\x6d\0\0\0"
    b"\x01\x01o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0"
    b"\x02\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
    b"\x03\x01s\0\x05\0\0\0Hello\0\0\0"
    b"\x06\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
)
REMOVED = Message(
    SIGNAL, 9, "/m", "a.b", "JobRemoved", signature="uoss", body=(7, "/job/7", "web.service", "done")
)


def test_a_call_is_the_bytes_of_the_specification() -> None:
    assert encode(HELLO) == HELLO_BYTES


def test_messages_come_out_whole_whatever_the_pieces() -> None:
    data = encode(HELLO) + encode(REMOVED) + encode(HELLO)
    assert Parser().feed(data) == [HELLO, REMOVED, HELLO]
    parser = Parser()
    assert [m for byte in data for m in parser.feed(bytes([byte]))] == [HELLO, REMOVED, HELLO]


def test_header_fields_of_later_versions_are_ignored() -> None:
    data = bytearray(encode(Message(SIGNAL, 9, "/m", "a.b", "c", sender=":1.1")))
    at = data.index(b"\x07\x01s\0")
    data[at] = 200
    assert Parser().feed(bytes(data)) == [Message(SIGNAL, 9, "/m", "a.b", "c")]


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 16,
        b"l\x01\0\x02" + bytes(12),
        b"l\x01\0\x01\xff\xff\xff\xff" + bytes(8),
        encode(HELLO).replace(b"\x03\x01s\0\x05\0\0\0Hello\0", b"\x03\x01u\0\x05\0\0\0Hello\0"),
    ],
    ids=["no order", "no version", "too long", "a field of another type"],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(DBusError):
        Parser().feed(data)


def test_damage_is_refused_or_read_and_nothing_else_happens() -> None:
    chance = random.Random(20261122)
    whole = encode(REMOVED)
    for _ in range(20_000):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            Parser().feed(bytes(data))
        except DBusError:
            continue
