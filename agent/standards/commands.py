"""Run one program to its end, from a process of its own. Must not be used in the agent itself: it blocks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_OUTPUT = 64 * 1024


class Completed(NamedTuple):
    """How a program ended: `exit_code` is 126 when it can't be run, 128 + N when signal N ended it."""

    exit_code: int
    output: str


def run(arguments: Sequence[str], *, keep_output: bool = False) -> Completed:
    """Run `arguments` and wait; the limit in time is the operation's, kept by the shim above us.

    Args:
        arguments: The program, by path or by name, then its arguments.
        keep_output: Return at most MAX_OUTPUT bytes of its stdout; otherwise that goes to ours.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if keep_output:
                os.dup2(writer, 1)
            os.execvp(arguments[0], list(arguments))  # noqa: S606 - no shell is wanted
        except OSError as error:
            sys.stderr.write(f"{arguments[0]}: {error.strerror}\n")
            sys.stderr.flush()
        os._exit(126)
    os.close(writer)
    kept = bytearray()
    while keep_output:
        chunk = os.read(reader, 4096)
        if not chunk:
            break
        kept += chunk[: MAX_OUTPUT - len(kept)]
    os.close(reader)
    _, status = os.waitpid(child, 0)
    exit_code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    return Completed(exit_code, kept.decode("utf-8", "replace"))


def fail(exit_code: int, reason: str) -> int:
    """Say why on stderr, as the operation's exit reason, and return `exit_code`."""
    sys.stderr.write(f"ocf-exit-reason:{reason}\n")
    return int(exit_code)
