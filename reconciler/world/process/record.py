"""The file beside each process guest that says what was started there; it must not look at processes."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reconciler.model.names import NodeName, ResourceId
from reconciler.world.atomic_file import write_atomically
from reconciler.world.process.table import ProcessIdentity

_NAME = "guest.json"
_FORMAT = 1
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRecord:
    """What one start of a guest was, written before it happens; nothing in it is secret."""

    resource: ResourceId
    cluster: str
    node: NodeName | None
    host: NodeName
    uuid: str
    """Of the guest within its cluster."""
    uid: str
    """Of the action that starts it."""
    digest: str
    commit: str
    address: str
    port: int
    boot_id: str
    """Of the machine; nothing of a guest is there after another boot."""
    is_namespaced: bool
    main: ProcessIdentity | None = None
    """The agent; None until it has been found."""

    @property
    def marker(self) -> str:
        """Return what each of its processes carries in its environment."""
        return f"{self.uuid}:{self.uid}"


def read_record(folder: Path) -> GuestRecord | None:
    """Return the record in a guest's folder; None when there is none, or none that can be understood.

    Raises:
        OSError: there is one, and it cannot be read.
    """
    try:
        with (folder / _NAME).open("rb") as file:
            fields: Any = json.loads(file.read(_MAX_BYTES))
        if fields.pop("format") != _FORMAT:
            return None
        main = fields.pop("main")
        return GuestRecord(**fields, main=None if main is None else ProcessIdentity(**main))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # its processes are still found by their marker


def read_records(folder: Path) -> Sequence[GuestRecord]:
    """Return the records of all guests below a folder, in the order of their folders' names.

    Raises:
        OSError: the folder or a record in it cannot be read.
    """
    if not folder.is_dir():
        return ()
    records = (read_record(guest) for guest in sorted(folder.iterdir()))
    return [record for record in records if record is not None]


def write_record(folder: Path, record: GuestRecord) -> None:
    """Write a guest's record, replacing the one of an earlier start."""
    content = json.dumps({"format": _FORMAT, **asdict(record)}, indent=1, sort_keys=True)
    write_atomically(folder / _NAME, content.encode() + b"\n", 0o600)


def remove_record(folder: Path) -> None:
    """Remove a guest's record; none there is fine."""
    (folder / _NAME).unlink(missing_ok=True)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keep every other start and stop of this guest out, in this process and in others.

    A start whose caller gave up still runs in its thread; nothing else may begin beside it.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
