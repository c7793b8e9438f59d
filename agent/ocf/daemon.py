"""Start a command as a daemon or run one to its end, as a user, with nothing of ours left in it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from agent import processes
from agent.ocf.environment import OcfError
from agent.wire.names import OcfExit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TOKEN_VARIABLE = "RECONCILER_PROCESS"  # noqa: S105 - a name, and no secret is in it
"""In the environment of a daemon and its children: tells them from processes that got their ids later."""


class Daemon(NamedTuple):
    """What to run and as whom: `user` empty means as now; `log_file` empty leaves the output as it is."""

    arguments: Sequence[str]
    directory: str
    user: str
    environment: Mapping[str, str]
    log_file: str


class User(NamedTuple):
    """Who a command runs as (passwd(5))."""

    name: str
    uid: int
    gid: int
    home: str


def spawn(daemon: Daemon, record: Callable[[processes.ProcessId], None]) -> processes.ProcessId:
    """Start a daemon in a session of its own, and return when its program has taken over.

    Args:
        daemon: What to run.
        record: Called in the new process before its program starts, so that no daemon ever runs unrecorded,
            whenever the caller may be killed.

    Raises:
        OcfError: the program could not be executed; nothing was started.
    """
    user = find_user(daemon.user)
    program = find_executable(daemon.arguments[0], daemon.directory, daemon.environment)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            record(processes.identify(os.getpid()))
            _execute(daemon, program, user, writer)
        except OSError as error:
            os.write(writer, f"{error.filename or program}: {error.strerror}".encode())
        os._exit(126)
    os.close(writer)
    # The writer closes by itself when the program takes over; anything that can be read is why it did not.
    complaint = os.read(reader, 4096).decode()
    os.close(reader)
    if complaint:
        os.waitpid(child, 0)
        raise OcfError(OcfExit.ERROR, complaint)
    return processes.identify(child)


def run(daemon: Daemon) -> int:
    """Run a command to its end; its exit code, or 128 + N when signal N ended it, or 126."""
    user = find_user(daemon.user)
    program = find_executable(daemon.arguments[0], daemon.directory, daemon.environment)
    child = os.fork()
    if child == 0:
        try:
            _execute(daemon, program, user, -1)
        except OSError as error:
            sys.stderr.write(f"{error.filename or program}: {error.strerror}\n")
            sys.stderr.flush()
        os._exit(126)
    _, status = os.waitpid(child, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def find_executable(name: str, directory: str, environment: Mapping[str, str]) -> str:
    """Find a program by path, or on the PATH of the environment that it will have.

    Raises:
        OcfError: it is not there or not executable.
    """
    if "/" in name:
        candidates = [str(Path(directory, name))]
    else:
        candidates = [f"{folder}/{name}" for folder in environment.get("PATH", "").split(":") if folder]
    for candidate in candidates:
        if os.access(candidate, os.X_OK) and Path(candidate).is_file():
            return candidate
    raise OcfError(OcfExit.NOT_INSTALLED, f"there is no program {name}")


def find_user(name: str) -> User | None:
    """Find a user by name; None for no name, or one that we are already.

    Raises:
        OcfError: there is no such user, or only root could become it.
    """
    if not name:
        return None
    import pwd  # noqa: PLC0415 - seldom needed

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise OcfError(OcfExit.NOT_INSTALLED, f"there is no user {name}") from None
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise OcfError(OcfExit.INSUFFICIENT_PRIVILEGE, f"only root can run a command as {name}")
    return User(name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def has_token(pid: int, token: str) -> bool:
    """Say whether a process carries `token` in the environment that it was started with."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{TOKEN_VARIABLE}={token}".encode() in environment.split(b"\0")


def send_signal(process: processes.ProcessId, number: int) -> None:
    """Signal this very process; nothing happens when it is gone, even if its id is in use again."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else -1
        try:
            if not processes.is_alive(process):
                return
            if descriptor >= 0 and hasattr(signal, "pidfd_send_signal"):
                signal.pidfd_send_signal(descriptor, number)
            else:
                os.kill(process.pid, number)
        finally:
            if descriptor >= 0:
                os.close(descriptor)


def _execute(daemon: Daemon, program: str, user: User | None, keep: int) -> NoReturn:
    environment = dict(daemon.environment)
    if daemon.log_file:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        log = os.open(daemon.log_file, flags, 0o640)
        os.dup2(log, 1)
        os.dup2(log, 2)
    if user is not None:
        environment.setdefault("HOME", user.home)
        environment.setdefault("USER", user.name)
        os.initgroups(user.name, user.gid)
        os.setgid(user.gid)
        os.setuid(user.uid)
    os.chdir(daemon.directory)
    processes.reset_signals()
    processes.close_descriptors(frozenset({keep}))
    os.execve(program, list(daemon.arguments), environment)  # noqa: S606 - no shell is wanted
