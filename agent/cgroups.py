"""A control group of its own for each operation, where the kernel and our own group allow it (cgroup v2).

The kernel kills the members of a group at one stroke, forks under way included, and knows them whatever parents,
sessions or process groups they have moved to. A group lasts as long as its operation: what a start leaves behind on
purpose goes back to the agent's own group, where it would be without. Nothing here starts or waits for an operation.

Linux Documentation/admin-guide/cgroup-v2.rst; clone3(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from functools import lru_cache
from pathlib import Path

PREFIX = "reconciler-op-"

_CLONE_INTO_CGROUP = 0x200000000  # linux/sched.h
_SYS_CLONE3 = 435  # the same on all architectures
_SIGCHLD = 17
_CLONE_ARGUMENTS = "11Q"  # struct clone_args: flags, 3 of threads, exit_signal, 5 of others, cgroup
_MANAGER = Path("/run/systemd/system")
_DELEGATED = ("trusted.delegate", "user.delegate")
_MOVES = 64


class Group:
    """The group of one operation, which is there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fork(self) -> int:
        """Fork a child into the group, as os.fork() does into our own; moving it later takes milliseconds.

        Raises:
            OSError: no child was made, here or, clone3 being forbidden, at all.
        """
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            words = (_CLONE_INTO_CGROUP, 0, 0, 0, _SIGCHLD, 0, 0, 0, 0, 0, folder)
            arguments = ctypes.create_string_buffer(struct.pack(_CLONE_ARGUMENTS, *words))
            return _clone(arguments)
        finally:
            os.close(folder)

    def members(self) -> list[int]:
        """List the processes in the group, without those in groups that it was given below."""
        try:
            return [int(line) for line in (self.path / "cgroup.procs").read_bytes().split()]
        except OSError:
            return []

    def is_empty(self) -> bool:
        """Tell whether nothing lives in the group or below."""
        try:
            return b"populated 0" in (self.path / "cgroup.events").read_bytes()
        except OSError:
            return True

    def kill(self) -> None:
        """Kill all that is in the group and below; they are gone a moment later."""
        with contextlib.suppress(OSError):
            (self.path / "cgroup.kill").write_bytes(b"1")

    def release(self) -> None:
        """Let what is in the group go on in the agent's own, and remove the group.

        A group in which somebody has made groups stays with them.
        """
        for _ in range(_MOVES):  # it may fork meanwhile
            left = self.members()
            if not left:
                break
            for pid in left:
                with contextlib.suppress(OSError):
                    (self.path.parent / "cgroup.procs").write_bytes(b"%d" % pid)
        self.remove()

    def remove(self) -> bool:
        """Remove the group with those below, if all are empty; return whether it is gone."""
        for folder, _, _ in os.walk(self.path, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # noqa: PTH106 - as os.walk says it
        return not self.path.exists()


class Groups:
    """Where groups are made: in `own`, the agent's own group; nowhere if that is None."""

    def __init__(self, own: Path | None) -> None:
        self._own = own

    def path_of(self, name: str) -> str:
        """Say where the group of an operation is to be made; empty if nowhere."""
        return "" if self._own is None else str(self._own / f"{PREFIX}{name}")


def make(path: str) -> Group | None:
    """Make the group of an operation; None where there can be none: the operation runs without."""
    if not path:
        return None
    try:
        Path(path).mkdir()
    except OSError:
        return None
    return Group(Path(path))


def find_own() -> Path | None:
    """Find our own group, if groups can be made in it and killed: what is not delegated to us is left alone."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    name = next((line[3:] for line in lines if line.startswith("0::")), "")
    own = _on_disk(name, mounts)
    if own is None or not _is_ours(own, name):
        return None
    trial = Group(own / f"{PREFIX}trial-{os.getpid()}")
    try:
        trial.path.mkdir()
        can_kill = (trial.path / "cgroup.kill").exists()  # Linux 5.14
        child = trial.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    except OSError:
        return None
    finally:
        trial.remove()
    return own if can_kill else None


def _on_disk(name: str, mounts: list[str]) -> Path | None:
    """Find the folder of a group by /proc/self/mountinfo (proc(5)); the last mount lies on top."""
    for line in reversed(mounts):
        fields, _, rest = line.partition(" - ")
        root, place = fields.split()[3:5]
        if rest.split()[:1] != ["cgroup2"] or not name.startswith("/"):
            continue
        if root in {"/", name} or name.startswith(f"{root}/"):
            below = name if root == "/" else name[len(root) :]
            path = Path(place + below)
            return path if path.is_dir() else None
    return None


def _is_ours(own: Path, name: str) -> bool:
    """Tell whether nobody else rules below our group: systemd marks what it gives away (CGROUP_DELEGATION.md)."""
    if name == "/" or not _MANAGER.is_dir():
        return True
    for attribute in _DELEGATED:
        with contextlib.suppress(OSError):
            if os.getxattr(own, attribute) == b"1":
                return True
    return False


@lru_cache(maxsize=1)
def _libc() -> ctypes.PyDLL:
    """Return the C library, whose calls hold the interpreter's lock as os.fork() does: a child has one thread only."""
    libc = ctypes.PyDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    libc.syscall.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_size_t]
    return libc


def _clone(arguments: ctypes.Array[ctypes.c_char]) -> int:
    """Call clone3 between what Python asks for around a fork (C API, PyOS_BeforeFork)."""
    libc = _libc()
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = int(libc.syscall(_SYS_CLONE3, ctypes.addressof(arguments), struct.calcsize(_CLONE_ARGUMENTS)))
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "clone3")
    return pid
