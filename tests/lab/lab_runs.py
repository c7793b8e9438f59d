"""Folders of test runs, each locked by its run: what a killed run left is told from what a living one uses.

By a lock and not by a process id, which means nothing to a run in another PID namespace that shares this machine's
folders and network namespaces.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BASE = Path("/tmp")
_PREFIX = "rlab-"
_LOCK = "lock"


@contextmanager
def make_run_folder() -> Iterator[Path]:
    """Have a folder, whose name names the run's other things too; whoever has it removes it at the end."""
    name = f"{_PREFIX}{uuid.uuid4().hex[:8]}"
    # Locked before it gets the name by which others find it.
    hidden = _BASE / f".{name}"
    hidden.mkdir(mode=0o755)
    lock = _lock(hidden)
    assert lock is not None, f"{hidden} is somebody else's"
    try:
        yield hidden.rename(_BASE / name)
    finally:
        os.close(lock)


@contextmanager
def abandoned_runs() -> Iterator[list[Path]]:
    """Have the folders of all runs that ended without removing theirs, safe from others who would do that too."""
    locks = {folder: _lock(folder) for folder in sorted(_BASE.glob(f"{_PREFIX}*"))}
    try:
        yield [folder for folder, lock in locks.items() if lock is not None]
    finally:
        for lock in locks.values():
            if lock is not None:
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Take the lock of a run's folder; None while the run lives."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None  # it ended just now
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
