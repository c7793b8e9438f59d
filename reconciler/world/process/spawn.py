"""Starts the agent of a process guest so that it outlives the controller; it must not remember anything.

The agent gets a session of its own, no open files but its log, and, where the kernel permits, PID and mount namespaces
of its own: then the death of one process is the death of all that it ever started.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.model.errors import HypervisorError

_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MAX_LOG_BYTES = 1024 * 1024
_TRIAL_TIMEOUT_S = 10
_FORK_TIMEOUT_S = 10

# util-linux unshare(1). --kill-child makes its own death the namespace's; --mount-proc gives the agent a /proc that
# shows nothing but what it started.
_NAMESPACES = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
_NAMESPACES_OF_A_USER = (*_NAMESPACES, "--user", "--map-root-user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """What is started, and how."""

    command: Sequence[str]
    folder: Path
    """Working folder."""
    log: Path
    environment: Mapping[str, str]
    """Added to a fixed search path and locale; nothing of the controller's own environment is passed on."""


def find_namespaces(is_root: bool) -> Sequence[str]:
    """Return the command that a guest is prefixed with to get its own namespaces; empty where that is not permitted.

    It is tried with a program that does nothing: containers and hardened kernels refuse in too many ways to predict.
    """
    prefix = _NAMESPACES if is_root else _NAMESPACES_OF_A_USER
    try:
        trial = subprocess.run(
            [*prefix, "true"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TRIAL_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return prefix if trial.returncode == 0 else ()


def spawn_detached(spawn: Spawn) -> None:
    """Start a program that is no child of ours; when this returns, it is there with its environment.

    Raises:
        HypervisorError: it was not started.
    """
    _rotate(spawn.log)
    environment = {"PATH": _SEARCH_PATH, "LANG": "C.UTF-8", **spawn.environment}
    try:
        with spawn.log.open("ab") as log:
            # setsid(1) --fork returns once the second fork is made: nothing is left for us to reap, and the program
            # belongs to init whether we live or not.
            forked = subprocess.run(
                ["setsid", "--fork", *spawn.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=spawn.folder,
                env=environment,
                umask=0o022,
                timeout=_FORK_TIMEOUT_S,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HypervisorError(f"cannot start a process guest: {error}") from error
    if forked.returncode != 0:
        raise HypervisorError(f"cannot start a process guest: {read_log_end(spawn.log)}")


def read_log_end(log: Path) -> str:
    """Return the last line that was logged, at most 300 characters of it, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read(4096).decode("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    return next(
        (line.strip()[:300] for line in reversed(lines) if line.strip()), f"it logged nothing in {log}"
    )


def _rotate(log: Path) -> None:
    try:
        if log.stat().st_size > _MAX_LOG_BYTES:
            log.replace(log.with_name(log.name + ".1"))
    except FileNotFoundError:
        return
