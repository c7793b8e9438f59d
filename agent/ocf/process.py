"""ocf:reconciler:Process: any command, run as a daemon in a session of its own.

What runs is known by its pid and start time and by a token in its environment, so that neither a pid that the
kernel used again nor somebody else's process is ever believed to be the resource, or killed for it.
"""

from __future__ import annotations

import os
import shlex
import signal
import time
from pathlib import Path
from typing import NamedTuple

from agent import processes
from agent.ocf import daemon
from agent.ocf.environment import (
    OcfError,
    duration_parameter,
    fail,
    instance,
    parameter,
    temporary_folder,
    write_ledger,
)
from agent.ocf.process_meta_data import META_DATA
from agent.wire.names import OcfExit

_POLL_S = 0.05
_SETTLE_S = 0.25
_DEFAULT_STOP_TIMEOUT = "15s"


class _Running(NamedTuple):
    """What the pid file holds: the daemon's first process, and the token that all its processes carry."""

    process: processes.ProcessId
    token: str


def run(action: str) -> int:
    """Carry out `action` with the parameters of the environment; returns an OCF exit code."""
    if action == "meta-data":
        print(META_DATA, end="")  # noqa: T201 - OCF: on stdout
        return int(OcfExit.OK)
    try:
        if action == "start":
            return int(_start())
        if action == "stop":
            return int(_stop())
        if action in ("monitor", "status"):
            return int(_monitor())
        if action == "validate-all":
            return int(_validate())
    except OcfError as error:
        return fail(error)
    except OSError as error:
        return fail(OcfError(OcfExit.ERROR, f"{error.filename}: {error.strerror}"))
    return int(OcfExit.UNIMPLEMENTED)


def _start() -> OcfExit:
    running = _read_pid_file()
    if running is not None and processes.is_alive(running.process):
        return _wait_until_up(running.process, None)
    if running is not None:
        _kill(running)
    _validate()
    token = f"{instance()}:{time.time_ns():x}"
    environment = {**_environment(), daemon.TOKEN_VARIABLE: token}
    write_ledger("start")
    spec = daemon.Daemon(
        arguments=_words("command"),
        directory=parameter("directory", "/"),
        user=parameter("user"),
        environment=environment,
        log_file=parameter("logfile", os.devnull),
    )
    pid_file = _pid_file()
    child = daemon.spawn(spec, lambda process: _write_pid_file(pid_file, _Running(process, token)))
    return _wait_until_up(child, child.pid)


def _stop() -> OcfExit:
    running = _read_pid_file()
    if running is None:
        return OcfExit.OK
    was_running = bool(_members(running))
    _kill(running)
    _pid_file().unlink()
    if was_running:
        write_ledger("stop")
    return OcfExit.OK


def _monitor() -> OcfExit:
    running = _read_pid_file()
    if running is None:
        return OcfExit.NOT_RUNNING
    if not processes.is_alive(running.process):
        left = _members(running)
        if left:
            # Not "not running": what its children hold (a port, a file system) is not free for another start.
            pids = ", ".join(str(process.pid) for process in left)
            raise OcfError(OcfExit.ERROR, f"the command has ended, but its children still run: {pids}")
        return OcfExit.NOT_RUNNING
    code = _check_by_command()
    if code != 0:
        raise OcfError(OcfExit.ERROR, f"monitor_command exited with {code}")
    return OcfExit.OK


def _validate() -> OcfExit:
    words = _words("command")
    if not words:
        raise OcfError(OcfExit.NOT_CONFIGURED, "the parameter command is required")
    daemon.find_executable(words[0], parameter("directory", "/"), _environment())
    daemon.find_user(parameter("user"))
    duration_parameter("stop_timeout", _DEFAULT_STOP_TIMEOUT)
    _stop_signal()
    _words("monitor_command")
    if not Path(parameter("directory", "/")).is_dir():
        raise OcfError(OcfExit.NOT_INSTALLED, f"there is no directory {parameter('directory')}")
    return OcfExit.OK


def _wait_until_up(process: processes.ProcessId, child: int | None) -> OcfExit:
    """Wait until the monitor command agrees, or for a moment without one; the start's deadline bounds it."""
    settled_at = time.monotonic() + _SETTLE_S
    while True:
        if child is not None:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                raise OcfError(OcfExit.ERROR, f"the command {_describe_end(status)} right after its start")
        if not processes.is_alive(process):
            raise OcfError(OcfExit.ERROR, "the command ended while it was being waited for")
        if parameter("monitor_command"):
            if _check_by_command() == 0:
                return OcfExit.OK
        elif child is None or time.monotonic() >= settled_at:
            return OcfExit.OK
        time.sleep(_POLL_S)


def _check_by_command() -> int:
    """Run the monitor command, if there is one, and return its exit code."""
    words = _words("monitor_command")
    if not words:
        return 0
    spec = daemon.Daemon(words, parameter("directory", "/"), parameter("user"), _environment(), "")
    return daemon.run(spec)


def _kill(running: _Running) -> None:
    """End every process of the daemon: its stop signal, then SIGKILL, again and again until none is left."""
    deadline = time.monotonic() + duration_parameter("stop_timeout", _DEFAULT_STOP_TIMEOUT)
    number = _stop_signal()
    signalled: set[processes.ProcessId] = set()
    while True:
        members = _members(running)
        if not members:
            return
        if time.monotonic() >= deadline:
            number = signal.SIGKILL
        for process in members:
            if process not in signalled or number == signal.SIGKILL:
                signalled.add(process)
                daemon.send_signal(process, number)
        time.sleep(_POLL_S)


def _members(running: _Running) -> list[processes.ProcessId]:
    """List the living processes of the daemon: its first, and all that carry its token."""
    leader = running.process
    found = []
    for pid, state in processes.list_processes().items():
        process = processes.ProcessId(pid, state.start_ticks)
        if state.state not in "ZX" and (process == leader or daemon.has_token(pid, running.token)):
            found.append(process)
    return sorted(found)


def _stop_signal() -> int:
    name = parameter("stop_signal", "TERM").upper()
    if name.isdigit() and int(name) in signal.valid_signals():
        return int(name)
    found = getattr(signal, name if name.startswith("SIG") else f"SIG{name}", None)
    if not isinstance(found, signal.Signals):
        raise OcfError(OcfExit.NOT_CONFIGURED, f"stop_signal {name} is no signal (write TERM or INT)")
    return int(found)


def _words(name: str) -> list[str]:
    """Split a parameter as a shell would, without running one."""
    try:
        return shlex.split(parameter(name))
    except ValueError as error:
        raise OcfError(OcfExit.NOT_CONFIGURED, f"{name}: {error}") from error


def _environment() -> dict[str, str]:
    """Build the daemon's environment: a PATH, and the KEY=VALUE lines of the parameter."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
    for name in ("RECONCILER_GUEST",):
        if name in os.environ:
            environment[name] = os.environ[name]
    for line in parameter("environment").splitlines():
        name, equals, value = line.strip().partition("=")
        if not name:
            continue
        if not equals:
            raise OcfError(OcfExit.NOT_CONFIGURED, f"environment: {name!r} is not KEY=VALUE")
        environment[name] = value
    return environment


def _describe_end(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was ended by signal {os.WTERMSIG(status)}"
    return f"exited with {os.WEXITSTATUS(status)}"


def _pid_file() -> Path:
    named = parameter("pidfile")
    return Path(named) if named else Path(temporary_folder(), f"Process-{instance()}.pid")


def _write_pid_file(path: Path, running: _Running) -> None:
    written = path.with_name(f"{path.name}.{os.getpid()}")
    written.write_text(
        f"{running.process.pid} {running.process.start_ticks} {running.token}\n", encoding="utf-8"
    )
    written.replace(path)


def _read_pid_file() -> _Running | None:
    """Read what was started; None when nothing was, or the file does not say which process it is."""
    try:
        words = _pid_file().read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return None
    if len(words) != 3 or not (words[0].isdigit() and words[1].isdigit()):
        # Somebody else's pid file: without a start time the pid may mean anything by now.
        raise OcfError(OcfExit.ERROR, f"{_pid_file()} was not written by this resource agent")
    return _Running(processes.ProcessId(int(words[0]), int(words[1])), words[2])
