"""Asks a daemon behind a local socket, as Pacemaker's programs do, where those are not installed. Blocks, with a limit.

The client's side of libqb's IPC over sockets (lib/ipc_socket.c); see `message.py` for its bytes.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from typing import TYPE_CHECKING

from agent.ipc.message import (
    ANSWER_SIZE,
    FLAG_RESPONSE_EXPECTED,
    IpcError,
    read_answer,
    read_message,
    write_connect,
    write_message,
)
from agent.ipc.program import abstract
from agent.resource_agents import PREFIX_VARIABLE
from agent.wire.element import Limits, parse, write
from agent.wire.errors import WireError

if TYPE_CHECKING:
    from agent.wire.element import Element

PATIENCE_S = 10.0
_MAX_DATAGRAM = 256 * 1024


def ask(service: str, request: Element) -> Element:
    """Send one request to a daemon on this node, and return its response.

    Raises:
        IpcError: nobody serves it, it refused, or it said nothing in time.
    """
    name = os.environ.get(PREFIX_VARIABLE, "") + service
    try:
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            stream.settimeout(PATIENCE_S)
            stream.connect(abstract(name))
            stream.sendall(write_connect())
            base = read_answer(stream.recv(ANSWER_SIZE, socket.MSG_WAITALL))
            messages = stack.enter_context(_open(f"{base}-response", f"{base}-request"))
            stack.enter_context(_open(f"{base}-event", f"{base}-event-tx"))
            messages.send(write_message(1, write(request), FLAG_RESPONSE_EXPECTED))
            ready, _, _ = select.select([messages, stream], [], [], PATIENCE_S)
            if messages not in ready:
                raise IpcError(f"{name}: {'refused' if ready else 'no answer in time'}")
            return parse(read_message(messages.recv(_MAX_DATAGRAM)).text, Limits())
    except (OSError, WireError) as error:
        raise IpcError(f"{name}: {error}") from error


def _open(own: str, other: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        made.bind(abstract(own))
        made.connect(abstract(other))
    except OSError:
        made.close()
        raise
    return made
