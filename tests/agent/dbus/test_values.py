"""Values in D-Bus's wire format, byte by byte."""

from __future__ import annotations

from typing import Any

import pytest

from agent.dbus.values import DBusError, Reader, Writer, split


@pytest.mark.parametrize(
    ("kind", "value", "data"),
    [
        ("y", 7, b"\x07"),
        ("u", 258, b"\x02\x01\0\0"),
        ("i", -2, b"\xfe\xff\xff\xff"),
        ("x", -1, b"\xff" * 8),
        ("s", "ab", b"\x02\0\0\0ab\0"),
        ("o", "/a", b"\x02\0\0\0/a\0"),
        ("g", "as", b"\x02as\0"),
        ("as", ["a", "b"], b"\x0e\0\0\0\x01\0\0\0a\0\0\0\x01\0\0\0b\0"),
        ("at", [], b"\0\0\0\0\0\0\0\0"),
        ("(ys)", (1, "a"), b"\x01\0\0\0\x01\0\0\0a\0"),
        ("a{su}", [("a", 1)], b"\x0c\0\0\0\0\0\0\0\x01\0\0\0a\0\0\0\x01\0\0\0"),
    ],
)
def test_values_are_written_and_read_as_the_specification_lays_them_out(
    kind: str, value: Any, data: bytes
) -> None:
    writer = Writer()
    writer.write(kind, value)
    assert bytes(writer.data) == data
    assert Reader(data).read(kind) == value


def test_a_variant_is_written_with_its_type_and_read_as_its_value() -> None:
    writer = Writer()
    writer.write("v", ("as", ["x"]))
    assert bytes(writer.data) == b"\x02as\0\x06\0\0\0\x01\0\0\0x\0"
    assert Reader(bytes(writer.data)).read("v") == ["x"]


def test_the_other_byte_order_is_read_too() -> None:
    assert Reader(b"\0\0\0\x02ab\0", ">").read("s") == "ab"


def test_signatures_are_taken_apart() -> None:
    assert split("sa{sv}(i(yy))aaud") == ["s", "a{sv}", "(i(yy))", "aau", "d"]


@pytest.mark.parametrize("signature", ["a", "(", "()", "(s", "z", "a{", "}", "a" * 40 + "s", "(" * 500])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    with pytest.raises(DBusError):
        split(signature)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("u", b"\x01"),
        ("s", b"\xff\xff\xff\xffa\0"),
        ("as", b"\xff\xff\xff\x7f"),
        ("v", b"\x02ss\0"),
        ("v", b"\x01"),
        ("v", b"\x01v\0" * 100),
    ],
)
def test_what_is_cut_short_or_too_deep_is_refused(kind: str, data: bytes) -> None:
    with pytest.raises(DBusError):
        Reader(data).read(kind)
