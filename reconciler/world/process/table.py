"""Finds and signals the processes of process guests in /proc; it must not start any.

A process is named by its id and its start time together, because the kernel gives ids again.
"""

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MARKER_NAME = "RECONCILER_GUEST"
"""The environment variable that every process of a guest carries: GUEST-UUID:ACTION-UID."""

_PROC = Path("/proc")
_MAX_ENVIRON_BYTES = 256 * 1024
# linux include/net/tcp_states.h, as /proc/net/tcp prints it
_TCP_LISTEN = "0A"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ProcessIdentity:
    """One process of this boot."""

    pid: int
    start_ticks: int
    """Clock ticks since the boot: field 22 of /proc/PID/stat (proc(5))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedProcess:
    """A living process of some guest."""

    identity: ProcessIdentity
    guest_uuid: str
    uid: str
    is_namespace_init: bool
    """It is process 1 of a PID namespace below ours: when it is dead, so is all that ran in there."""


def read_boot_id() -> str:
    """Return the name of this boot of the machine; start times of another boot mean nothing."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def is_alive(identity: ProcessIdentity) -> bool:
    """Tell whether this very process still exists; a zombie does not count, for it runs nothing and holds nothing."""
    fields = _stat_fields(identity.pid)
    return fields is not None and fields[0] not in "ZX" and int(fields[19]) == identity.start_ticks


def find_marked(guest_uuid: str | None = None) -> Sequence[MarkedProcess]:
    """Return the living processes that carry a guest's marker, oldest first.

    Args:
        guest_uuid: of one guest; None: of all.
    """
    wanted = f"{MARKER_NAME}={guest_uuid or ''}".encode()
    found = []
    for pid in all_pids():
        marker = _read_marker(pid, wanted)
        fields = _stat_fields(pid) if marker else None
        if marker and fields is not None and fields[0] not in "ZX":
            identity = ProcessIdentity(pid=pid, start_ticks=int(fields[19]))
            uuid, _, uid = marker.partition(":")
            found.append(
                MarkedProcess(
                    identity=identity, guest_uuid=uuid, uid=uid, is_namespace_init=_is_namespace_init(pid)
                )
            )
    return sorted(found, key=lambda process: (process.identity.start_ticks, process.identity.pid))


def find_descendants(root: ProcessIdentity) -> Sequence[ProcessIdentity]:
    """Return the living processes below one, which need not carry any marker; none when it is dead."""
    if not is_alive(root):
        return ()
    children: dict[int, list[ProcessIdentity]] = {}
    for pid in all_pids():
        fields = _stat_fields(pid)
        if fields is not None and fields[0] not in "ZX":
            identity = ProcessIdentity(pid=pid, start_ticks=int(fields[19]))
            children.setdefault(int(fields[1]), []).append(identity)
    found: list[ProcessIdentity] = []
    waiting = [root.pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += [identity.pid for identity in below]
    return found


def send_signal(identities: Iterable[ProcessIdentity], number: signal.Signals) -> None:
    """Signal processes; those that are gone, or whose id means another process now, are left alone."""
    for identity in identities:
        try:
            descriptor = os.pidfd_open(identity.pid)
        except ProcessLookupError:
            continue
        try:
            # The descriptor holds on to one process, so what is checked now is what is signalled then.
            if is_alive(identity):
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            continue
        finally:
            os.close(descriptor)


def parent_of(pid: int) -> int:
    """Return the id of a process's parent; 0 for the first one, and for one that is gone."""
    fields = _stat_fields(pid)
    return int(fields[1]) if fields is not None else 0


def is_port_listening(port: int) -> bool:
    """Tell whether something listens on a TCP port of this machine, on whatever address."""
    return any(True for _ in listening_sockets(port))


def listening_sockets(port: int) -> Iterator[tuple[str, int]]:
    """Yield the address, as the kernel prints it, and the inode of each socket that listens on a TCP port."""
    suffix = f":{port:04X}"
    for name in ("tcp", "tcp6"):
        try:
            lines = (_PROC / "net" / name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue  # a kernel without IPv6 has no tcp6
        for line in lines:
            columns = line.split(maxsplit=10)
            if columns[1].endswith(suffix) and columns[3] == _TCP_LISTEN:
                yield columns[1].removesuffix(suffix), int(columns[9])


def all_pids() -> Sequence[int]:
    """Return the ids of all processes that /proc shows, in order."""
    return sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _stat_fields(pid: int) -> list[str] | None:
    """Return /proc/PID/stat from field 3 (the state) on; None when there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The command's name stands in parentheses and may itself hold blanks and parentheses: the last one ends it.
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) >= 20 else None


def _read_marker(pid: int, wanted: bytes) -> str | None:
    try:
        with (_PROC / str(pid) / "environ").open("rb") as file:
            content = file.read(_MAX_ENVIRON_BYTES)
    except OSError:
        return None  # gone, or somebody else's: a guest's processes are those of our own user
    for variable in content.split(b"\0"):
        if variable.startswith(wanted):
            return variable.partition(b"=")[2].decode("ascii", "replace")
    return None


def _is_namespace_init(pid: int) -> bool:
    try:
        text = (_PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    for line in text.splitlines():
        if line.startswith("NSpid:"):
            ids = line.split()[1:]
            return len(ids) > 1 and ids[-1] == "1"
    return False
