"""The names of keys, and the bytes that hand a new one over."""

import hashlib

import pytest

from agent.wire.errors import MessageError
from agent.wire.keys import (
    MAX_DELIVERY_BYTES,
    MAX_KEY_BYTES,
    Delivery,
    decode_delivery,
    encode_delivery,
    identity_for,
    name_of_key,
    sha256,
)

KEY = bytes(range(64))


def test_the_digest_is_sha_256() -> None:
    assert sha256(b"abc") == hashlib.sha256(b"abc").digest()


def test_a_key_is_named_by_a_digest_made_for_that_alone() -> None:
    want = hashlib.sha256(b"reconciler/key-name/1|" + hashlib.sha256(KEY).digest()).hexdigest()[:16]
    assert name_of_key(KEY) == want
    assert identity_for("lrmd", KEY) == f"lrmd/{want}"


@pytest.mark.parametrize("is_alone", [False, True])
@pytest.mark.parametrize("length", [16, 64, MAX_KEY_BYTES])
def test_a_delivery_holds_its_key(length: int, is_alone: bool) -> None:
    content = encode_delivery(b"k" * length, is_alone=is_alone)
    found = decode_delivery(content + b"more")
    assert found == Delivery(21, 21 + length, is_alone, len(content))
    assert content[21 : 21 + length] == b"k" * length
    assert len(content) <= MAX_DELIVERY_BYTES


def test_a_delivery_counts_only_when_all_of_it_is_there() -> None:
    content = encode_delivery(KEY, is_alone=True)
    assert [decode_delivery(content[:end]) for end in range(len(content))] == [None] * len(content)


@pytest.mark.parametrize("place", range(len(encode_delivery(KEY, is_alone=False))))
def test_a_damaged_delivery_is_never_taken_for_a_key(place: int) -> None:
    content = bytearray(encode_delivery(KEY, is_alone=False))
    content[place] ^= 1
    try:
        found = decode_delivery(content)
    except MessageError:
        return
    # A length that has grown makes it wait for more, which then does not fit the digest.
    assert found is None


def test_a_file_of_zeros_is_no_key() -> None:
    with pytest.raises(MessageError):
        decode_delivery(bytes(117))
