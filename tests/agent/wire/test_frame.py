"""The 40-byte header, in both byte orders, in portions of any size, and from hostile peers."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire.errors import CompressionError, HeaderError, LocalProtocolError, TooBigError
from agent.wire.frame import HEADER_SIZE, RECORD_SIZE, STOCK_MAX_MESSAGE, FrameReader, encode_frame

MAGIC = 0xBADADBBD


def test_the_header_has_the_documented_bytes() -> None:
    header, payload = encode_frame(b"<a/>", 3)
    assert header.hex(" ", 4) == (
        "bddbdaba 01000000 03000000 00000000 00000000 00000000 2d000000 28000000 00000000 05000000"
    )
    assert payload == b"<a/>\0"


def test_a_large_payload_leaves_in_chunks_that_fit_a_record_each() -> None:
    header, *payload = encode_frame(b"x" * 40_000, 1)
    assert [len(chunk) for chunk in payload] == [RECORD_SIZE, RECORD_SIZE, 40_001 - 2 * RECORD_SIZE]
    assert len(header) == HEADER_SIZE


@given(st.lists(st.binary(max_size=300)), st.integers(1, 80), st.sampled_from("<>"))
def test_messages_survive_any_cutting_in_both_byte_orders(
    texts: list[bytes], portion: int, order: str
) -> None:
    stream = b"".join(frame(text, order=order) for text in texts)
    reader, got = FrameReader(), []
    for at in range(0, len(stream), portion):
        reader.feed(stream[at : at + portion])
        while (text := reader.next_frame()) is not None:
            got.append(text)
    assert got == texts
    assert not reader.is_mid_message


def test_encoded_messages_are_read_back() -> None:
    reader = FrameReader()
    for text in (b"<a/>", b"<b/>"):
        for chunk in encode_frame(text, 1):
            reader.feed(chunk)
    assert [reader.next_frame(), reader.next_frame(), reader.next_frame()] == [b"<a/>", b"<b/>", None]


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (b"H", HeaderError),
        (b"\x16\x03\x01", HeaderError),
        (b"SSH-2.0-OpenSSH_9.2\r\n", HeaderError),
        (struct.pack("<IIQQIIII", MAGIC, 2, 1, 0, 44, 40, 0, 4), HeaderError),
        (struct.pack("<IIQQIIII", MAGIC, 1, 1, 0, 44, 44, 0, 4), HeaderError),
        (struct.pack("<IIQQIIII", MAGIC, 1, 1, 0, 99, 40, 0, 4), HeaderError),
        (struct.pack("<IIQQIIII", MAGIC, 1, 1, 0, 40, 40, 0, 0), HeaderError),
        (struct.pack("<IIQQIIII", MAGIC, 1, 1, 0, 50, 40, 10, 4), CompressionError),
        (struct.pack(">IIQQIIII", MAGIC, 1, 1, 0, 50, 40, 10, 4), CompressionError),
        (struct.pack("<IIQQIIII", MAGIC, 1, 1, 0, 2**32 - 1, 40, 0, 2**32 - 41), TooBigError),
        (struct.pack("<IIQQIIII", MAGIC, 1, 1, 0, 1041, 40, 0, 1001), TooBigError),
        (struct.pack("<IIQQIIII", MAGIC, 1, 1, 0, 44, 40, 0, 4) + b"abcd", HeaderError),
    ],
    ids=[
        "http", "tls", "ssh", "version", "offset", "total", "empty", "bzip2", "bzip2-big-endian", "4GB",
        "limit", "no-nul",
    ],
)  # fmt: skip
def test_a_header_that_lies_is_refused(stream: bytes, error: type[Exception]) -> None:
    reader = FrameReader(max_message=1040)
    reader.feed(stream)
    with pytest.raises(error):
        reader.next_frame()


def test_a_message_of_exactly_the_limit_is_accepted() -> None:
    reader = FrameReader(max_message=1040)
    reader.feed(frame(b"x" * 999))
    assert reader.next_frame() == b"x" * 999


def test_memory_follows_the_bytes_that_came_not_the_header() -> None:
    reader = FrameReader(max_message=STOCK_MAX_MESSAGE)
    header = struct.pack("<IIQQIIII", MAGIC, 1, 1, 0, STOCK_MAX_MESSAGE, 40, 0, STOCK_MAX_MESSAGE - 40)
    tracemalloc.start()
    try:
        reader.feed(header + b"<a")
        assert reader.next_frame() is None
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024
    finally:
        tracemalloc.stop()
    assert reader.is_mid_message


def test_a_message_larger_than_any_pacemaker_takes_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError):
        encode_frame(b"x" * STOCK_MAX_MESSAGE, 1)


def frame(text: bytes, order: str = "<") -> bytes:
    size = len(text) + 1
    return struct.pack(f"{order}IIQQIIII", MAGIC, 1, 1, 0, size + 40, 40, 0, size) + text + b"\0"
