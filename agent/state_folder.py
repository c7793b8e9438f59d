"""The folder where an agent keeps what must outlive it, but not the boot. Must not know what the files mean.

Nothing is synced to the disk: after a power cut it is another boot, and all but `epochs` is thrown away then.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from agent import processes

_BOOT = "boot"
_LOCK = "lock"
_LOCK_PATIENCE_S = 1.0


class StateError(Exception):
    """The state folder cannot be used; the text says why and what to do."""


class StateFolder:
    """The folders and files below `--state`: 0700, 0600, one agent at a time, of one boot.

    Raises:
        StateError: the folder can't be made, belongs to somebody else, or another agent uses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.boot = processes.boot_id()
        self.records = path / "records"
        self.operations = path / "operations"
        self.results = path / "results"
        self.temporary = path / "temporary"
        self.epochs = path / "epochs"
        self.delivered_key = path / "authkey.next"
        self.programs = path / "programs"
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            self._lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StateError(f"cannot use the state folder {path}: {error.strerror}") from error
        if not _lock(self._lock):
            raise StateError(f"another agent uses the state folder {path}")
        try:
            self.is_complete = self._enter_boot()
        except OSError as error:
            raise StateError(f"cannot use the state folder {path}: {error}") from error

    def _enter_boot(self) -> bool:
        """Throw away what another boot left; say whether the records are all there are since this boot began.

        They are when this boot began here, or when an agent of this boot was here before and nobody removed
        a folder since.
        """
        _remove_tree(self.programs)  # connections, which ended with the agent that had them
        boot_file = self.path / _BOOT
        folders = (self.records, self.operations, self.results, self.temporary)
        try:
            known = boot_file.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            known = ""
        if known == self.boot:
            is_complete = all(folder.is_dir() for folder in folders)
        else:
            is_complete = True
            for folder in folders:
                _remove_tree(folder)
            # What this boot brought along is as new at least, and what was delivered before may be revoked.
            self.delivered_key.unlink(missing_ok=True)
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        if known != self.boot:
            write_atomically(boot_file, f"{self.boot}\n")
        return is_complete


def _remove_tree(folder: Path) -> None:
    # shutil would load two compression libraries for this.
    if not folder.is_dir() or folder.is_symlink():
        return
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            _remove_tree(entry)
        else:
            entry.unlink()
    folder.rmdir()


def _lock(descriptor: int) -> bool:
    """Take the lock; wait a moment, because a process that our predecessor just forked may hold its copy."""
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_atomically(path: Path, text: str) -> None:
    """Write a file (0600) so that a reader, or a successor of this process, finds the old text or the new."""
    written = path.with_name(f".{path.name}.new")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        content = text.encode()
        while content:
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)
    written.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, atomically."""
    write_atomically(path, json.dumps(value, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:  # noqa: ANN401 - whoever knows the file checks what is in it
    """Read a JSON file.

    Raises:
        OSError: it can't be read.
        ValueError: it is not JSON.
    """
    return json.loads(path.read_text(encoding="utf-8"))
