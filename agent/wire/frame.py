"""Cut the byte stream into messages and back: the 40-byte header. Must not look into a message.

The header is Pacemaker lib/common/remote.c, struct remote_header_v0, packed, in the sender's byte order:
u32 magic, u32 version, u64 id, u64 flags, u32 total size, u32 payload offset, u32 compressed size (0 means
plain), u32 payload size. The payload is XML text with one trailing NUL, which the sizes count.
"""

from __future__ import annotations

import struct

from agent.wire.errors import CompressionError, HeaderError, LocalProtocolError, TooBigError

HEADER_SIZE = 40
"""Bytes of a header, and the only payload offset in use."""

RECORD_SIZE = 16384
"""The most plain bytes that fit one TLS record (RFC 8446, 5.1)."""

DEFAULT_MAX_MESSAGE = 1024 * 1024
"""Bytes of one message, header included, that we accept from a peer unless told otherwise."""

STOCK_MAX_MESSAGE = 20 * 1024 * 1024
"""Bytes that Pacemaker itself accepts at most (lib/common/remote.c, releases after 3.0.2)."""

_MAGIC = 0xBADADBBD
_VERSION = 1
_LITTLE = struct.Struct("<IIQQIIII")
_BIG = struct.Struct(">IIQQIIII")
_LITTLE_MAGIC = _MAGIC.to_bytes(4, "little")
_BIG_MAGIC = _MAGIC.to_bytes(4, "big")


def encode_frame(text: bytes, frame_id: int) -> list[bytes]:
    """Return the chunks that carry one message: the header, then the payload in parts of at most 16 KiB.

    Send each chunk as a TLS record of its own. Pacemaker asks GnuTLS for as many bytes as its buffer has room
    and then polls the socket, so what shares a record with the header waits for the next message
    (lib/common/remote.c, pcmk__read_available_remote_data).

    Args:
        text: The message, without the trailing NUL.
        frame_id: A counter from 1; peers only log it.

    Raises:
        LocalProtocolError: The message is larger than any Pacemaker would take.
    """
    payload = text + b"\0"
    total = HEADER_SIZE + len(payload)
    if total > STOCK_MAX_MESSAGE:
        raise LocalProtocolError(f"message of {total} bytes; the protocol's limit is {STOCK_MAX_MESSAGE}")
    header = _LITTLE.pack(_MAGIC, _VERSION, frame_id, 0, total, HEADER_SIZE, 0, len(payload))
    return [header, *(payload[at : at + RECORD_SIZE] for at in range(0, len(payload), RECORD_SIZE))]


class FrameReader:
    """Collect bytes in any portions and hand out whole messages.

    Memory follows the bytes that came, never the sizes that a header claims.

    Args:
        max_message: Bytes of one message, header included, above which the peer is refused.
    """

    def __init__(self, max_message: int = DEFAULT_MAX_MESSAGE) -> None:
        self._max_message = max_message
        self._buffer = bytearray()
        self._wanted = 0  # total size of the message at the buffer's start; 0 = header not yet read

    @property
    def is_mid_message(self) -> bool:
        """Whether the peer still owes the rest of a message."""
        return bool(self._buffer)

    def feed(self, chunk: bytes) -> None:
        """Take bytes as they came."""
        self._buffer += chunk

    def next_frame(self) -> bytes | None:
        """Return the next whole message without its NUL, or None when more bytes are needed.

        Raises:
            HeaderError: What stands where a header must be is none, or contradicts itself.
            TooBigError: The message is larger than the limit.
            CompressionError: The message is compressed.
        """
        if not self._wanted:
            self._check_magic()
            if len(self._buffer) < HEADER_SIZE:
                return None
            self._wanted = self._read_header()
        if len(self._buffer) < self._wanted:
            return None
        if self._buffer[self._wanted - 1] != 0:
            raise HeaderError("the message does not end with NUL where its header says")
        text = bytes(memoryview(self._buffer)[HEADER_SIZE : self._wanted - 1])
        del self._buffer[: self._wanted]
        self._wanted = 0
        return text

    def _check_magic(self) -> None:
        """Refuse at the first wrong byte, and show no more: a peer of another protocol may never send forty."""
        for end in range(1, min(4, len(self._buffer)) + 1):
            start = bytes(self._buffer[:end])
            if not (_LITTLE_MAGIC.startswith(start) or _BIG_MAGIC.startswith(start)):
                raise HeaderError(f"not a remote protocol message: it begins with {start.hex()}")

    def _read_header(self) -> int:
        order = _LITTLE if self._buffer.startswith(_LITTLE_MAGIC) else _BIG
        _, version, _, _, total, offset, compressed, payload = order.unpack_from(self._buffer)
        if version != _VERSION:
            raise HeaderError(f"remote header version {version}; only {_VERSION} is known")
        if compressed:
            raise CompressionError("compressed messages are not accepted")
        if offset != HEADER_SIZE or payload < 1 or total != offset + payload:
            raise HeaderError(f"sizes contradict: total {total}, offset {offset}, payload {payload}")
        if total > self._max_message:
            raise TooBigError(f"message of {total} bytes; at most {self._max_message} are accepted")
        return int(total)
