import bz2
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ipc.message import (
    MAX_MESSAGE,
    IpcError,
    Message,
    read_connect,
    read_message,
    write_message,
    write_refusal,
    write_welcome,
)

CONNECT = bytes.fromhex("ffffffff0000000018000000000000000000020000000000")
"""As libqb 2.0 sends it for messages of 128 KiB: id -1, its own size, and the room; each in eight bytes."""

REQUEST = bytes.fromhex("01000000000000003000000000000000000000000000000008000000000000000002000001000000")
"""The header of a message of eight bytes that wants a response, number 1."""


def test_a_program_wants_to_connect() -> None:
    assert read_connect(CONNECT) == 131072


@pytest.mark.parametrize("data", [b"", CONNECT[:-1], CONNECT + b"\0", bytes(24), CONNECT[:8] + bytes(16)])
def test_what_is_no_request_to_connect_is_refused(data: bytes) -> None:
    with pytest.raises(IpcError):
        read_connect(data)


def test_the_welcome_names_sockets_as_the_way_and_where_they_are() -> None:
    got = write_welcome("/run/a/control", "reconciler-1")
    assert len(got) == 12328  # sizeof(struct qb_ipc_connection_response)
    head = struct.unpack_from("=i4xi4xi4xiIq", got)
    assert head == (-1, 12328, 0, 0, MAX_MESSAGE, 1)
    paths = [got[at : at + 4096].rstrip(b"\0") for at in range(40, 12328, 4096)]
    assert paths == [b"/run/a/control", b"reconciler-1", b""]


def test_a_refusal_carries_the_error() -> None:
    assert struct.unpack_from("=i4xi4xi4x", write_refusal(121)) == (-1, 12328, -121)


def test_a_message_is_a_header_and_text_with_a_zero() -> None:
    assert read_message(REQUEST + b"<hello/>"[:7] + b"\0") == Message(1, 0x200, b"<hello/")
    assert write_message(1, b"<hello/", 0x200) == REQUEST + b"<hello/\0"


BROKEN = {
    "nothing": b"",
    "a header alone": REQUEST,
    "another size": REQUEST + b"<hello>/\0",
    "no zero at the end": REQUEST + b"<hello/>",
    "compressed": REQUEST[:28] + b"\1" + REQUEST[29:] + b"<hello/\0",
    "marked as compressed": REQUEST[:32] + b"\1\2" + REQUEST[34:] + b"<hello/\0",
    "another version": REQUEST[:36] + b"\2" + REQUEST[37:] + b"<hello/\0",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_message_is_refused(name: str) -> None:
    with pytest.raises(IpcError):
        read_message(BROKEN[name])


@given(data=st.binary(max_size=200))
def test_garbage_is_refused_or_read_and_never_breaks_it(data: bytes) -> None:
    for read in (read_connect, read_message):
        try:
            read(data)
        except IpcError:
            continue


@given(text=st.binary(max_size=200).filter(lambda text: len(text) > 0), number=st.integers(0, 2**31 - 1))
def test_what_is_written_can_be_read(text: bytes, number: int) -> None:
    assert read_message(write_message(number, text, 0x10000)) == Message(number, 0x10000, text)


def test_a_large_message_is_compressed_and_a_larger_one_is_not_sent() -> None:
    text = b"<a/>" * MAX_MESSAGE
    got = write_message(2, text)
    plain, packed, flags = struct.unpack_from("=III", got, 24)
    assert (plain, packed, flags & 1) == (len(text) + 1, len(got) - 40, 1)
    assert bz2.decompress(got[40:]) == text + b"\0"
    noise = random.Random(1).randbytes(2 * MAX_MESSAGE)
    with pytest.raises(IpcError):
        write_message(2, noise)
