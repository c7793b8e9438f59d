"""Systemd units as resources: over the message bus where there is one, and by systemctl otherwise.

What a unit's state means for its resource follows Pacemaker lib/services/systemd.c, but a failed unit is an
error here with systemd's own reason, because it is neither running nor cleanly stopped.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
from typing import TYPE_CHECKING, Union

from agent.dbus.values import DBusError
from agent.standards import commands
from agent.standards.systemctl import Systemctl
from agent.standards.systemd_bus import SystemdBus
from agent.wire.names import OcfExit

if TYPE_CHECKING:
    from pathlib import Path

Manager = Union[SystemdBus, Systemctl]

_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*\Z")
_SUFFIXES = (".service", ".socket", ".mount", ".timer", ".path", ".target", ".slice", ".automount", ".swap")
_ABSENT = {"not-found": "not installed", "masked": "masked"}
_CHANGING = ("activating", "deactivating")
_RESULTS_WITH_STATUS = ("exit-code", "signal", "core-dump")
_POLL_S = 0.25


def run(action: str, name: str, bus: Path) -> int:
    """Carry out `action` on a unit (a service unless its name says otherwise); returns an OCF exit code.

    A bus that cannot be used, or is lost in the middle, is done without: every step can be asked for again.
    """
    if not _UNIT.match(name) or ".." in name:
        return commands.fail(OcfExit.NOT_CONFIGURED, f"{name} is not the name of a unit")
    unit = name if name.endswith(_SUFFIXES) else f"{name}.service"
    if action == "meta-data":
        print(f'<?xml version="1.0"?>\n<resource-agent name="{unit}"/>')  # noqa: T201 - OCF: on stdout
        return int(OcfExit.OK)
    if action not in _ACTIONS:
        return int(OcfExit.UNIMPLEMENTED)
    if bus.is_socket():
        try:
            with contextlib.closing(SystemdBus(bus)) as manager:
                return _ACTIONS[action](manager, unit)
        except (OSError, DBusError) as error:
            sys.stderr.write(f"asking systemd by systemctl, because over its bus: {error}\n")
    return _ACTIONS[action](Systemctl(), unit)


def _start(manager: Manager, unit: str) -> int:
    absence = _ABSENT.get(_show(manager, unit).get("LoadState", ""))
    if absence is not None:
        return commands.fail(OcfExit.NOT_INSTALLED, f"{unit} is {absence}")
    problem = manager.act("start", unit)
    if problem:
        return commands.fail(OcfExit.ERROR, f"{problem}{_why(_show(manager, unit))}")
    exit_code = _monitor(manager, unit)
    if exit_code == OcfExit.NOT_RUNNING:
        return commands.fail(OcfExit.ERROR, f"{unit} is not active after its start")
    return exit_code


def _stop(manager: Manager, unit: str) -> int:
    if _show(manager, unit).get("LoadState") == "not-found":
        return int(OcfExit.OK)
    problem = manager.act("stop", unit)
    active = _settled(manager, unit).get("ActiveState")
    if active == "failed":
        # It no longer runs, which is all that a stop asks for; left as it is, every later probe would find
        # an error.
        manager.act("reset-failed", unit)
        return int(OcfExit.OK)
    if active == "inactive":
        return int(OcfExit.OK)
    return commands.fail(OcfExit.ERROR, f"{unit} is {active} after its stop" + (problem and f": {problem}"))


def _reload(manager: Manager, unit: str) -> int:
    problem = manager.act("reload", unit)
    return commands.fail(OcfExit.ERROR, problem) if problem else int(OcfExit.OK)


def _monitor(manager: Manager, unit: str) -> int:
    state = _settled(manager, unit)
    active = state.get("ActiveState", "")
    if active in ("active", "reloading", "refreshing"):
        return int(OcfExit.OK)
    if active == "inactive":
        return int(OcfExit.NOT_RUNNING)
    return commands.fail(OcfExit.ERROR, f"{unit} is {active or 'in an unknown state'}{_why(state)}")


_ACTIONS = {"start": _start, "stop": _stop, "reload": _reload, "monitor": _monitor, "status": _monitor}


def _settled(manager: Manager, unit: str) -> dict[str, str]:
    """Read the unit's state once it is not changing; the operation's deadline bounds the wait."""
    while True:
        state = _show(manager, unit)
        if state.get("ActiveState") not in _CHANGING:
            return state
        time.sleep(_POLL_S)


def _show(manager: Manager, unit: str) -> dict[str, str]:
    return manager.show(
        unit, ("LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "StatusText")
    )


def _why(state: dict[str, str]) -> str:
    """Tell what systemd knows of a failure: the result, the program's exit status or signal, and its own last words."""
    result = state.get("Result", "success")
    status = state.get("ExecMainStatus", "0")
    if result in _RESULTS_WITH_STATUS and status != "0":
        result = f"{result} {status}"
    details = [word for word in (state.get("SubState", ""), result) if word not in ("", "success")]
    why = f" ({', '.join(details)})" if details else ""
    words = state.get("StatusText", "")
    return f"{why}: {words}" if words else why
