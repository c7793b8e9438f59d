"""The bytes of libqb's IPC and of Pacemaker's messages in it, sans I/O. Must not know a socket.

Sources: libqb lib/ipc_int.h (connection request and response), include/qb/qbipc_common.h (headers); Pacemaker
lib/common/crmcommon_private.h, pcmk__ipc_header_s. All numbers are in this machine's byte order, for both ends are
on it. The server chooses how messages travel: datagrams need no memory that is shared and locked, so we choose them.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

CONNECT_SIZE = 24
"""Bytes of the first message of a client."""

MAX_MESSAGE = 128 * 1024
"""Bytes of one message, headers included; the programs' own default (lib/common/ipc_common.c, MAX_MSG_SIZE)."""

CONTROL_SIZE = 24
"""Bytes of the file in which both ends may count messages and ask for a pause (lib/ipc_socket.c, SHM_CONTROL_SIZE)."""

FLAG_PROXIED = 0x100
FLAG_RESPONSE_EXPECTED = 0x200
FLAG_EVENT = 0x10000
"""Of messages, include/crm/common/ipc.h, enum crm_ipc_flags."""

_AUTHENTICATE = -1  # QB_IPC_MSG_AUTHENTICATE
_OVER_SOCKETS = 0  # enum qb_ipc_type, QB_IPC_SOCKET
_VERSION = 1  # PCMK__IPC_VERSION
_COMPRESSED = 1  # crm_ipc_compressed
_PATH_SIZE = 4096  # PATH_MAX
_CONNECT = struct.Struct("=i4xi4xI4x")
_ANSWER = struct.Struct(f"=i4xi4xi4xiIq{_PATH_SIZE}s{_PATH_SIZE}s{_PATH_SIZE}s")
_HEADER = struct.Struct("=i4xi4xi4xIIIB3x")

ANSWER_SIZE = _ANSWER.size
"""Bytes of the answer to it."""


class IpcError(Exception):
    """A program sent what is not libqb's IPC, or what we do not take."""


class Message(NamedTuple):
    """One message of a program."""

    id: int
    flags: int
    text: bytes
    """XML."""


def read_connect(data: bytes) -> int:
    """Return how large messages the program can take that wants to connect, in bytes.

    Raises:
        IpcError: it wants something else.
    """
    if len(data) != CONNECT_SIZE:
        raise IpcError(f"{len(data)} bytes instead of a connection request")
    kind, size, max_message = _CONNECT.unpack(data)
    if kind != _AUTHENTICATE or size != CONNECT_SIZE:
        raise IpcError(f"not a connection request: {kind}, {size} bytes")
    return int(max_message)


def write_refusal(error: int) -> bytes:
    """Return the answer to who may not connect; `error` is an errno."""
    return _ANSWER.pack(_AUTHENTICATE, _ANSWER.size, -error, 0, 0, 0, b"", b"", b"")


def write_welcome(control_file: str, name: str) -> bytes:
    """Return the answer to who may connect.

    Args:
        control_file: The path of a file of CONTROL_SIZE zeros that the program may write.
        name: What the names of the connection's sockets begin with.
    """
    paths = (control_file.encode(), name.encode(), b"")
    return _ANSWER.pack(_AUTHENTICATE, _ANSWER.size, 0, _OVER_SOCKETS, MAX_MESSAGE, 1, *paths)


def write_connect() -> bytes:
    """Return the first message of a program."""
    return _CONNECT.pack(_AUTHENTICATE, CONNECT_SIZE, MAX_MESSAGE)


def read_answer(data: bytes) -> str:
    """Return what the names of a connection's sockets begin with.

    Raises:
        IpcError: the program may not connect, or not over sockets.
    """
    if len(data) != ANSWER_SIZE:
        raise IpcError(f"an answer of {len(data)} bytes")
    _, _, error, transport, _, _, _, name, _ = _ANSWER.unpack(data)
    if error:
        raise IpcError(os.strerror(-error))
    if transport != _OVER_SOCKETS:
        raise IpcError("it shares memory, which this program cannot")
    return str(name.rstrip(b"\0").decode())


def read_message(data: bytes) -> Message:
    """Return what a datagram of a program says.

    Raises:
        IpcError: it is no message, or a compressed one.
    """
    if len(data) <= _HEADER.size:
        raise IpcError(f"a message of {len(data)} bytes")
    message_id, size, _, plain, compressed, flags, version = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise IpcError(f"a message of version {version}")
    if compressed or flags & _COMPRESSED:
        raise IpcError("a compressed message")
    if size != len(data) or plain != size - _HEADER.size or data[-1] != 0:
        raise IpcError(f"sizes contradict: {len(data)} bytes came, {size} and {plain} are named")
    return Message(message_id, flags, data[_HEADER.size : -1])


def write_message(message_id: int, text: bytes, flags: int = 0) -> bytes:
    """Return the datagram that carries XML to a program, compressed if nothing else would do.

    Raises:
        IpcError: it is too large even so.
    """
    plain = len(text) + 1
    if _HEADER.size + plain <= MAX_MESSAGE:
        size = _HEADER.size + plain
        return _HEADER.pack(message_id, size, 0, plain, 0, flags, _VERSION) + text + b"\0"
    import bz2  # noqa: PLC0415 - a status of hundreds of resources, if ever

    packed = bz2.compress(text + b"\0")
    size = _HEADER.size + len(packed)
    if size > MAX_MESSAGE:
        raise IpcError(f"a message of {plain} bytes is too large for the program")
    header = _HEADER.pack(message_id, size, 0, plain, len(packed), flags | _COMPRESSED, _VERSION)
    return header + packed
