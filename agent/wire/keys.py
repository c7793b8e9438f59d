"""What both ends must agree on about keys: the name a key goes by, and how a new one is handed to an agent.

Must not keep a key, or put one into an error or a `repr`.
"""

from __future__ import annotations

from typing import NamedTuple

from agent.wire.errors import MessageError

MAX_KEY_BYTES = 64 * 1024
"""Of the longest key; Pacemaker's guide makes them of 4096 bytes."""

MIN_KEY_BYTES = 16
"""Of the shortest: 128 bits (RFC 9257, 6)."""

_MAGIC = b"reconciler-key/1"
_OVERLAP, _ALONE = b"+", b"!"
_HEAD = len(_MAGIC) + 1 + 4
_DIGEST = 32
MAX_DELIVERY_BYTES = _HEAD + MAX_KEY_BYTES + _DIGEST
_NAME_DIGITS = 16


class Delivery(NamedTuple):
    """Where the key lies in the bytes of a delivery, so that nobody needs a copy of it."""

    start: int
    end: int
    is_alone: bool
    """No other key opens the agent any more, and nobody stays who came with another one."""
    length: int
    """Bytes of the whole delivery."""


def sha256(content: bytes | bytearray | memoryview) -> bytes:
    """Return the SHA-256 digest. hashlib loads OpenSSL, 3 MB; the interpreters' own implementations need nothing."""
    try:
        from _sha2 import sha256 as digest  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - 3.12
    except ImportError:
        try:
            from _sha256 import sha256 as digest  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - before
        except ImportError:
            from hashlib import sha256 as digest  # noqa: PLC0415 - built without either
    return bytes(digest(content).digest())


def name_of_key(key: bytes | bytearray | memoryview) -> str:
    """Return the name by which a client says, in clear, which key it is about to prove.

    It tells no more of the key than every handshake does: those can be tried against guessed keys as well.
    """
    return sha256(b"reconciler/key-name/1|" + sha256(key)).hex()[:_NAME_DIGITS]


def identity_for(identity: str, key: bytes) -> str:
    """Return the PSK identity under which a client proves this key to an agent of ours."""
    return f"{identity}/{name_of_key(key)}"


def encode_delivery(key: bytes, *, is_alone: bool) -> bytes:
    """Return the bytes that hand a new key to a running agent, as a file or through a channel."""
    head = _MAGIC + (_ALONE if is_alone else _OVERLAP) + len(key).to_bytes(4, "big")
    return head + key + sha256(head + key)


def decode_delivery(content: bytes | bytearray | memoryview) -> Delivery | None:
    """Return what lies at the beginning of `content`; None: not all of it is there yet.

    Raises:
        MessageError: it is no delivery, or damaged.
    """
    with memoryview(content) as view:
        magic = bytes(view[: len(_MAGIC)])
        mode = bytes(view[len(_MAGIC) : len(_MAGIC) + 1])
        if not _MAGIC.startswith(magic) or mode not in (b"", _OVERLAP, _ALONE):
            raise MessageError("this is no delivery of a key")
        if len(view) < _HEAD:
            return None
        end = _HEAD + int.from_bytes(view[_HEAD - 4 : _HEAD], "big")
        if not MIN_KEY_BYTES <= end - _HEAD <= MAX_KEY_BYTES:
            raise MessageError("the delivered key is too short or too long")
        if len(view) < end + _DIGEST:
            return None
        if sha256(view[:end]) != view[end : end + _DIGEST]:
            raise MessageError("the delivery of a key is damaged")
    return Delivery(_HEAD, end, mode == _ALONE, end + _DIGEST)
