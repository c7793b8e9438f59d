"""From class, provider, type and parameters to a program and its environment. Must not start anything.

A controller may ask for any name, so this is the fence around what it can have executed: names of a fixed
form, below fixed folders, in files that only root (or the agent's own user) can have put there.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent import ocf
from agent.wire.keys import sha256
from agent.wire.names import ExecStatus, OcfExit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACTIONS = frozenset(
    {
        "start", "stop", "monitor", "status", "promote", "demote", "migrate_to", "migrate_from",
        "reload", "reload-agent", "notify", "validate-all", "meta-data",
    }
)  # fmt: skip
"""Every action that may be asked for (OCF Resource Agent API 1.1, and Pacemaker's)."""

STANDARDS = frozenset({"ocf", "systemd", "lsb", "service"})

GUEST_VARIABLE = "RECONCILER_GUEST"
"""The mark by which a host finds every process of a guest that is only a process; the one thing handed on."""

PREFIX_VARIABLE = "RECONCILER_PROGRAMS"
"""What the names of the sockets begin with through which the controller answers; unset where there are none."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,127}\Z")
_RESOURCE_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}\Z")
_PARAMETER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.#:-]{0,127}\Z")
BUNDLED_PROVIDER = "reconciler"
_PATH = "/sbin:/bin:/usr/sbin:/usr/bin"


class AgentError(Exception):
    """A resource agent that is not there or may not be run; `exec_rc` and `op_status` say it on the wire."""

    def __init__(self, exec_rc: OcfExit, op_status: ExecStatus, reason: str) -> None:
        super().__init__(reason)
        self.exec_rc = exec_rc
        self.op_status = op_status
        self.reason = reason


class ResourceAgent(NamedTuple):
    """The name of a resource agent; `provider` is empty for every class but ocf."""

    standard: str
    provider: str
    type_name: str

    def __str__(self) -> str:
        """Write it as users do: ocf:heartbeat:Dummy, systemd:nginx."""
        return ":".join(part for part in self if part)


class Folders(NamedTuple):
    """Where resource agents are looked for, which of them may run, and where they may keep what ends with the boot."""

    ocf_root: Path
    temporary: Path
    init_scripts: Path = Path("/etc/init.d")
    systemd_marker: Path = Path("/run/systemd/system")
    system_bus: Path = Path("/run/dbus/system_bus_socket")
    allowed: tuple[str, ...] = ()
    """Patterns of names as users write them, with * for any text; empty: all."""


class Program:
    """What runs for a resource agent: an executable file, or a function of ours.

    A function takes the action, reads its parameters from the environment, and returns an OCF exit code. It
    runs in the same forked process that would otherwise execute a file, so both are alike to the shim.
    `path` is None when no file says what the program does (a systemd unit may be many files).
    """

    def __init__(self, path: Path | None, function: Callable[[str], int] | None = None) -> None:
        self.path = path
        self._function = function

    def run(self, action: str, environment: Mapping[str, str]) -> None:
        """Replace this process by the program; returns only by an exception or at the process's end."""
        encoded = {os.fsencode(k): v.encode("utf-8", "surrogateescape") for k, v in environment.items()}
        if self._function is None:
            assert self.path is not None
            os.execve(self.path, [str(self.path), action], encoded)  # noqa: S606 - no shell is wanted
        os.environb.clear()
        os.environb.update(encoded)
        exit_code = self._function(action)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)

    def hash(self) -> str:
        """Digest the program's file, as `sha256:HEX`; empty when there is none or it can't be read."""
        if self.path is None:
            return ""
        try:
            content = ocf.read_source(self.path) if self._function else self.path.read_bytes()
        except OSError:
            return ""
        return f"sha256:{sha256(content).hex()}"


def check_names(resource_id: str, agent: ResourceAgent) -> str:
    """Say what is wrong with the names of a resource and its agent; empty when nothing is."""
    if not _RESOURCE_ID.match(resource_id):
        return f"resource id {resource_id!r} is not allowed"
    if agent.standard not in STANDARDS:
        return f"class {agent.standard!r} is not one of {', '.join(sorted(STANDARDS))}"
    if bool(agent.provider) != (agent.standard == "ocf"):
        return "a provider belongs to class ocf, and only to it"
    for name in (agent.provider or "none", agent.type_name):
        if not _NAME.match(name) or ".." in name:
            return f"{name!r} is not allowed in the name of a resource agent"
    return ""


def check_parameters(params: Mapping[str, str]) -> str:
    """Say what is wrong with parameters, never showing a value; empty when nothing is."""
    for name, value in params.items():
        if not _PARAMETER.match(name):
            return f"parameter name {name!r} is not allowed"
        if "\0" in value:
            return f"the value of parameter {name} holds a NUL"
    return ""


def find_program(agent: ResourceAgent, folders: Folders) -> Program:
    """Find what runs for a resource agent whose names were checked.

    Raises:
        AgentError: it is not installed or not allowed, or its file could have been put there by just anybody.
    """
    if folders.allowed and not any(_fits(str(agent), pattern) for pattern in folders.allowed):
        raise _not_allowed(agent, f"this node allows {', '.join(folders.allowed)} only")
    standard = agent.standard
    if standard == "service":
        standard = "systemd" if folders.systemd_marker.is_dir() else "lsb"
    if standard == "systemd":
        if not any(os.access(f"{folder}/systemctl", os.X_OK) for folder in _PATH.split(":")):
            raise _not_installed(agent)
        return Program(None, lambda action: _run_unit(action, agent.type_name, folders.system_bus))
    if standard == "lsb":
        from agent.standards import lsb  # noqa: PLC0415 - most agents never need it

        script = _check_file(agent, folders.init_scripts, folders.init_scripts / agent.type_name)
        return Program(script, lambda action: lsb.run(action, script))
    if agent.provider == BUNDLED_PROVIDER:
        function = ocf.find(agent.type_name)
        if function is None:
            raise _not_installed(agent)
        return Program(ocf.source_path(agent.type_name), function)
    folder = folders.ocf_root / "resource.d"
    return Program(_check_file(agent, folder, folder / agent.provider / agent.type_name))


def build_environment(
    agent: ResourceAgent, resource_id: str, params: Mapping[str, str], folders: Folders, node: str
) -> dict[str, str]:
    """Build a resource agent's whole environment: of the agent's own, the guest's mark and its sockets are passed on.

    OCF Resource Agent API 1.1, section "Parameters passing"; Pacemaker lib/services/services_linux.c,
    add_OCF_env_vars. A parameter `CRM_meta_x` is a cluster option like any other here.
    """
    environment = {
        "PATH": _PATH,
        "LC_ALL": "C",
        "HOME": "/root" if os.geteuid() == 0 else "/",
        "OCF_ROOT": str(folders.ocf_root),
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": resource_id,
        "OCF_RESOURCE_TYPE": agent.type_name,
        "OCF_EXIT_REASON_PREFIX": "ocf-exit-reason:",
        "HA_debug": "0",
        "HA_LOGD": "no",
        "RECONCILER_NODE": node or params.get("CRM_meta_on_node", ""),
    }
    for name in (GUEST_VARIABLE, PREFIX_VARIABLE):
        if name in os.environ:
            environment[name] = os.environ[name]
    if agent.provider:
        environment["OCF_RESOURCE_PROVIDER"] = agent.provider
    if agent.provider == BUNDLED_PROVIDER:
        # Others have a default of their own, which the distribution sets and their services' users can enter.
        environment["HA_RSCTMP"] = str(folders.temporary)
    for name, value in params.items():
        # The one parameter that resource agents read without the prefix.
        environment["OCF_CHECK_LEVEL" if name == "OCF_CHECK_LEVEL" else f"OCF_RESKEY_{name}"] = value
    return environment


def _fits(name: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name) is not None


def _run_unit(action: str, unit: str, system_bus: Path) -> int:
    from agent.standards import systemd  # noqa: PLC0415 - loaded in the process of the operation only

    return systemd.run(action, unit, system_bus)


def _check_file(agent: ResourceAgent, folder: Path, path: Path) -> Path:
    try:
        real_folder, real_path = folder.resolve(strict=True), path.resolve(strict=True)
        mode = real_path.stat().st_mode
    except (OSError, RuntimeError):
        raise _not_installed(agent) from None
    if real_folder not in real_path.parents or not stat.S_ISREG(mode):
        raise _not_allowed(agent, f"{path} is not a file below {folder}")
    if not os.access(real_path, os.X_OK):
        raise _not_allowed(agent, f"{path} is not executable")
    for entry in (real_path, *list(real_path.parents)[: len(real_path.relative_to(real_folder).parts)]):
        facts = entry.stat()
        if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & stat.S_IWOTH:
            raise _not_allowed(agent, f"others than root may write {entry}")
    return path


def _not_installed(agent: ResourceAgent) -> AgentError:
    reason = f"resource agent {agent} is not installed on this node"
    return AgentError(OcfExit.NOT_INSTALLED, ExecStatus.NOT_INSTALLED, reason)


def _not_allowed(agent: ResourceAgent, why: str) -> AgentError:
    return AgentError(OcfExit.INSUFFICIENT_PRIVILEGE, ExecStatus.ERROR, f"resource agent {agent}: {why}")
