"""What Linux says about processes: who is alive, who descends from whom, which boot this is.

A process is named by its id and its start time together, because the kernel uses ids again. Nothing here
starts a process.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agent.cgroups import Group

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36

_POLL_S = 0.01


class ProcessId(NamedTuple):
    """One process of this boot.

    `start_ticks` is field 22 of /proc/PID/stat (proc(5)): clock ticks since the boot; 0 when not known.
    """

    pid: int
    start_ticks: int


class ProcessState(NamedTuple):
    """The fields of /proc/PID/stat (proc(5)) that this program uses."""

    parent: int
    group: int
    session: int
    state: str
    start_ticks: int


def read_process(pid: int) -> ProcessState | None:
    """Read one process's state; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - read for every process there is
            text = file.read(4096).decode("ascii", "replace")
    except (OSError, ValueError):
        return None
    # The command's name is in parentheses and may itself hold blanks and parentheses: the last one ends it.
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20:
        return None
    return ProcessState(int(fields[1]), int(fields[2]), int(fields[3]), fields[0], int(fields[19]))


def identify(pid: int) -> ProcessId:
    """Name a process that is known to exist now (a child not yet reaped, or ourselves)."""
    state = read_process(pid)
    return ProcessId(pid, state.start_ticks if state else 0)


def is_alive(process: ProcessId) -> bool:
    """Say whether this very process still runs; a zombie, or another with the same id, does not count."""
    state = read_process(process.pid)
    return state is not None and state.start_ticks == process.start_ticks and state.state not in "ZX"


def list_processes() -> dict[int, ProcessState]:
    """Read every process of this pid namespace."""
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - see read_process
        if name.isdigit():
            state = read_process(int(name))
            if state is not None:
                found[int(name)] = state
    return found


def descendants(root: int) -> list[int]:
    """List the living processes below `root`, parents before children."""
    children: dict[int, list[int]] = {}
    for pid, state in list_processes().items():
        if state.state not in "ZX":
            children.setdefault(state.parent, []).append(pid)
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def kill_descendants(grace_s: float, patience_s: float, group: Group | None = None) -> bool:
    """End every process below this one: SIGTERM, after `grace_s` SIGKILL, then `patience_s` for that to work.

    The caller must be a child subreaper: orphans then become its children, so that having no child left
    proves that the whole tree is gone, whatever sessions or groups its members had moved to.

    Args:
        grace_s: How long SIGTERM may take.
        patience_s: How long SIGKILL may take.
        group: What the tree was begun in: all in it ends too, at one stroke, which no fork escapes.

    Returns:
        False when something is still there, for instance in uninterruptible sleep.
    """
    if not _signal_until_gone(signal.SIGTERM, grace_s, group, repeat=False):
        return _signal_until_gone(signal.SIGKILL, patience_s, group, repeat=True)
    return True


def kill_session(leader: int) -> None:
    """Kill what is left of the session of a process that has ended and was not reaped yet."""
    for pid, state in list_processes().items():
        if state.session == leader and pid != leader:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def boot_id() -> str:
    """Name this boot of this machine or container.

    A container shares the kernel's boot id with its host, so the start time of its init is part of the name:
    what was true before a container's restart must not be believed after it.
    """
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        kernel = "unknown"
    return f"{kernel}-{identify(1).start_ticks}"


def become_subreaper() -> None:
    """Let orphaned descendants become our children (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Be killed when the parent ends, however it ends (prctl(2), PR_SET_PDEATHSIG)."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def set_name(name: str) -> None:
    """Show `name` (at most 15 bytes) in ps and top (prctl(2), PR_SET_NAME)."""
    _prctl(_PR_SET_NAME, ctypes.cast(ctypes.c_char_p(name.encode()[:15]), ctypes.c_void_p).value or 0)


def give_back_memory() -> None:
    """Return to the system what only the start needed (malloc_trim(3)), and keep forks from copying the rest."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # a C library without it has nothing to give
        _libc().malloc_trim(0)
    # Objects that the collector leaves alone stay in pages that a fork shares with us.
    gc.freeze()


def close_descriptors(keep: frozenset[int]) -> None:
    """Close every open descriptor above 2 that is not in `keep`.

    The list is read from /proc, because the descriptor limit may be a thousand million.
    """
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - see read_process
        descriptor = int(name)
        if descriptor > 2 and descriptor not in keep:
            try:
                os.close(descriptor)
            except OSError:
                continue  # the descriptor of the listing itself


def reset_signals() -> None:
    """Give every signal its default action: exec keeps what is ignored, and Python ignores SIGPIPE."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                continue  # the C library keeps some real-time signals for itself
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _signal_until_gone(number: int, limit_s: float, group: Group | None, *, repeat: bool) -> bool:
    """Signal all descendants (again and again if `repeat`) until none is left or `limit_s` has passed."""
    deadline = time.monotonic() + limit_s
    signalled = False
    while True:
        if repeat or not signalled:
            _signal_all(number, group)
            signalled = True
        has_children = _reap_all()
        if not has_children and (group is None or group.is_empty()):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)


def _signal_all(number: int, group: Group | None) -> None:
    if group is not None and number == signal.SIGKILL:
        group.kill()
    # Members may have left the group, and others may have been brought into it.
    members = group.members() if group is not None else []
    for pid in sorted({*descendants(os.getpid()), *members}):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _reap_all() -> bool:
    """Collect every child that has ended; say whether one is left."""
    try:
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return True
    except ChildProcessError:
        return False


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    """Return the C library; the agent has it before it forks, for a child would need half a millisecond."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    return libc


def _prctl(option: int, value: int) -> None:
    if _libc().prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"prctl {option}")
