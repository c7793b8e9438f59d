"""The file of one operation in flight: what was asked, which process sees to it, how it ended.

The file is the only link between an agent and the shim that an earlier instance of it forked. Lines of JSON
are appended: the request, the process, the outcome. A lock on the file lasts as long as the shim, whatever
kills it.
"""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.processes import ProcessId
from agent.shim import Outcome

if TYPE_CHECKING:
    from pathlib import Path


class OperationState(NamedTuple):
    """What an operation's file says. `is_over` means that no shim holds it any more.

    `request` is empty when the agent was killed while writing it; `outcome` is None while it runs, or for
    good if the shim itself was killed.
    """

    request: dict[str, Any]
    process: ProcessId | None
    outcome: Outcome | None
    is_over: bool


def create(path: Path, request: dict[str, Any]) -> int:
    """Make an operation's file and lock it; the lock passes on to what is forked with the returned descriptor.

    Raises:
        OSError: it can't be written: the operation must not run.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.write(descriptor, json.dumps(request).encode() + b"\n")
    return descriptor


def read(path: Path) -> OperationState:
    """Read an operation's file, whatever state it was left in."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            is_over = True
        except BlockingIOError:
            is_over = False
        # Read after trying the lock: what a shim writes, it writes before it ends.
        lines = file.read().split(b"\n")[:-1]
    values = [json.loads(line) for line in lines]
    request = values[0] if values else {}
    process = ProcessId(values[1]["pid"], values[1]["start_ticks"]) if len(values) > 1 else None
    outcome = Outcome(**values[2]) if len(values) > 2 else None
    return OperationState(request, process, outcome, is_over)
