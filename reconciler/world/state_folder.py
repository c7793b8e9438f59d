"""The state folder: where it lies, who may write it, and what it is bound to."""

import fcntl
import hashlib
import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.model.errors import StateError
from reconciler.world.journal import SqliteJournal

SYSTEM_BASE = Path("/var/lib/reconciler")
SYSTEM_RUNTIME = Path("/run/reconciler")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFolder:
    """The paths of one cluster's state on this machine."""

    path: Path
    runtime: Path
    """Sockets and the local agent's records: short, and gone with the boot."""

    @property
    def journal(self) -> Path:
        """Return the journal's file."""
        return self.path / "journal.sqlite"

    @property
    def control_socket(self) -> Path:
        """Return the socket on which the writer takes orders."""
        return self.runtime / "control.sock"

    @property
    def agent_socket(self) -> Path:
        """Return the socket of this machine's own agent."""
        return self.runtime / "agent.sock"

    def create(self) -> None:
        """Make the folders, private to this user.

        Raises:
            StateError: they cannot be made.
        """
        try:
            for folder in (self.path, self.runtime):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StateError(f"cannot make the state folder {error.filename}: {error.strerror}") from error
        _check_private(self.runtime)

    def lock(self) -> "StateLock":
        """Become the one writer.

        Raises:
            StateError: another process is.
        """
        return StateLock(self.path / "lock")


class StateLock:
    """An exclusive lock that ends with the process, however that ends (flock(2))."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("a+")
        except OSError as error:
            raise StateError(f"cannot write to the state folder: {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            owner = self._file.read().strip() or "another process"
            self._file.close()
            raise StateError(
                f"{path.parent} is in use by process {owner}; only one may act on a cluster"
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let another process become the writer."""
        self._file.close()


def state_base() -> Path:
    """Return the folder that holds one folder a cluster: a system's for root, else the user's (XDG)."""
    if os.geteuid() == 0:
        return SYSTEM_BASE
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "reconciler"


def state_folder(cluster: str | None, chosen: Path | None) -> StateFolder:
    """Return where a cluster's state lies.

    Args:
        cluster: its name; only needed where no folder was chosen.
        chosen: what `--state` names.
    """
    path = (chosen or state_base() / (cluster or "default")).resolve()
    # Unix socket paths have at most 107 characters (unix(7)), so a hash stands for the path.
    name = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    return StateFolder(path=path, runtime=_runtime_base() / name)


def find_bound(folder: Path) -> StateFolder | None:
    """Return the state that is bound to a folder, for when its declaration cannot tell its cluster's name."""
    base = state_base()
    if not base.is_dir():
        return None
    for path in sorted(base.iterdir()):
        found = state_folder(None, path)
        if not found.journal.exists():
            continue
        try:
            journal = SqliteJournal(found.journal, is_read_only=True)
            binding = journal.binding()
            journal.close()
        except StateError:
            continue  # another cluster's damage is its own affair
        if binding.get("folder") == str(folder.resolve()):
            return found
    return None


def check_binding(journal: SqliteJournal, source: Mapping[str, str], *, has_local_agent: bool) -> None:
    """Bind a state to its source and machine, or refuse one that is bound to others.

    A source whose folder is gone may be followed by another: nobody can be reading it.

    Raises:
        StateError: the state belongs to another source, or `agent: local` would mean another machine.
    """
    bound = journal.binding()
    machine = machine_id()
    if bound and has_local_agent and bound.get("machine") not in {None, machine}:
        raise StateError(
            f"this state was made on another machine ({bound.get('host')}), and `agent: local` means this one now; "
            "move the controller back, or start with an empty state"
        )
    is_same = (
        not bound or bound.get("identity") == source["identity"] or bound.get("folder") == source["folder"]
    )
    if not is_same and Path(bound.get("folder", "/nonexistent")).is_dir():
        raise StateError(
            f"this state belongs to {bound.get('folder')}, not to {source['folder']}; "
            "name the cluster differently, or choose another folder with --state"
        )
    journal.bind({**source, "machine": machine, "host": socket.gethostname()})


def machine_id() -> str:
    """Return this machine's identity (machine-id(5)), or its host name where there is none."""
    try:
        return Path("/etc/machine-id").read_text().strip() or socket.gethostname()
    except OSError:
        return socket.gethostname()


def _check_private(folder: Path) -> None:
    """Refuse a folder that somebody else made or may write to: /tmp is open to all.

    Raises:
        StateError: it is one.
    """
    status, above = folder.lstat(), folder.parent.stat()
    is_private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if not is_private or status.st_uid != os.geteuid() or above.st_uid not in {0, os.geteuid()}:
        raise StateError(
            f"{folder} must be a folder of user {os.geteuid()} that nobody else can open; remove it"
        )


def _runtime_base() -> Path:
    if os.geteuid() == 0:
        return SYSTEM_RUNTIME
    chosen = os.environ.get("XDG_RUNTIME_DIR")
    return Path(chosen) / "reconciler" if chosen else Path(f"/tmp/reconciler-{os.geteuid()}")  # noqa: S108  as XDG asks
