"""LSB init scripts as resource agents (Linux Standard Base 5.0, Core, 22.2, "Init Script Actions")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.standards import commands
from agent.wire.names import OcfExit

if TYPE_CHECKING:
    from pathlib import Path

# What "status" returns, against OCF: dead is a state in LSB, with or without traces of an earlier run.
_STATUS = {
    0: OcfExit.OK,
    1: OcfExit.NOT_RUNNING,  # dead, and its pid file is still there
    2: OcfExit.NOT_RUNNING,  # dead, and its lock file is still there
    3: OcfExit.NOT_RUNNING,
    4: OcfExit.ERROR,  # the script itself does not know
}

# What every other action returns: 1 to 6 mean the same in both, 7 does not.
_NOT_RUNNING = 7


def run(action: str, script: Path) -> int:
    """Carry out `action` by an init script; returns an OCF exit code."""
    if action in ("monitor", "status"):
        code = commands.run((str(script), "status")).exit_code
        return int(_STATUS.get(code, OcfExit.ERROR))
    if action == "meta-data":
        print(f'<?xml version="1.0"?>\n<resource-agent name="{script.name}"/>')  # noqa: T201 - OCF: on stdout
        return int(OcfExit.OK)
    if action not in ("start", "stop", "reload"):
        return int(OcfExit.UNIMPLEMENTED)
    code = commands.run((str(script), action)).exit_code
    if action == "stop" and code == _NOT_RUNNING:
        return int(OcfExit.OK)
    if code == _NOT_RUNNING or code > _NOT_RUNNING:
        return commands.fail(OcfExit.ERROR, f"{script.name} {action} exited with {code}")
    return code
