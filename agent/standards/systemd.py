"""Systemd units as resources, by systemctl(1). Must not block on a password prompt or a pager.

What a unit's state means for its resource follows Pacemaker lib/services/systemd.c, but a failed unit is an
error here with systemd's own reason, because it is neither running nor cleanly stopped.
"""

from __future__ import annotations

import re
import time

from agent.standards import commands
from agent.wire.names import OcfExit

SYSTEMCTL = "systemctl"
"""Found on the PATH that the environment of every operation has."""

_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*\Z")
_SUFFIXES = (".service", ".socket", ".mount", ".timer", ".path", ".target", ".slice", ".automount", ".swap")
_ABSENT = {"not-found": "not installed", "masked": "masked"}
_CHANGING = ("activating", "deactivating")
_RESULTS_WITH_STATUS = ("exit-code", "signal", "core-dump")
_POLL_S = 0.25


def run(action: str, name: str) -> int:
    """Carry out `action` on a unit (a service unless its name says otherwise); returns an OCF exit code."""
    if not _UNIT.match(name) or ".." in name:
        return commands.fail(OcfExit.NOT_CONFIGURED, f"{name} is not the name of a unit")
    unit = name if name.endswith(_SUFFIXES) else f"{name}.service"
    if action in ("monitor", "status"):
        return _monitor(unit)
    if action == "start":
        return _start(unit)
    if action == "stop":
        return _stop(unit)
    if action == "reload":
        return _reload(unit)
    if action == "meta-data":
        print(f'<?xml version="1.0"?>\n<resource-agent name="{unit}"/>')  # noqa: T201 - OCF: on stdout
        return int(OcfExit.OK)
    return int(OcfExit.UNIMPLEMENTED)


def _start(unit: str) -> int:
    absence = _ABSENT.get(_show(unit).get("LoadState", ""))
    if absence is not None:
        return commands.fail(OcfExit.NOT_INSTALLED, f"{unit} is {absence}")
    code = _systemctl("start", unit)
    if code != 0:
        return commands.fail(OcfExit.ERROR, f"systemctl start {unit} exited with {code}{_why(_show(unit))}")
    exit_code = _monitor(unit)
    if exit_code == OcfExit.NOT_RUNNING:
        return commands.fail(OcfExit.ERROR, f"{unit} is not active after its start")
    return exit_code


def _stop(unit: str) -> int:
    if _show(unit).get("LoadState") == "not-found":
        return int(OcfExit.OK)
    code = _systemctl("stop", unit)
    state = _settled(unit)
    if state.get("ActiveState") == "failed":
        # It no longer runs, which is all that a stop asks for; left as it is, every later probe would find
        # an error.
        _systemctl("reset-failed", unit)
        return int(OcfExit.OK)
    if state.get("ActiveState") == "inactive":
        return int(OcfExit.OK)
    return commands.fail(OcfExit.ERROR, f"{unit} is {state.get('ActiveState')} after systemctl stop ({code})")


def _reload(unit: str) -> int:
    code = _systemctl("reload", unit)
    return (
        int(OcfExit.OK) if code == 0 else commands.fail(OcfExit.ERROR, f"systemctl reload exited with {code}")
    )


def _monitor(unit: str) -> int:
    state = _settled(unit)
    active = state.get("ActiveState", "")
    if active in ("active", "reloading", "refreshing"):
        return int(OcfExit.OK)
    if active == "inactive":
        return int(OcfExit.NOT_RUNNING)
    return commands.fail(OcfExit.ERROR, f"{unit} is {active or 'in an unknown state'}{_why(state)}")


def _settled(unit: str) -> dict[str, str]:
    """Read the unit's state once it is not changing; the operation's deadline bounds the wait."""
    while True:
        state = _show(unit)
        if state.get("ActiveState") not in _CHANGING:
            return state
        time.sleep(_POLL_S)


def _show(unit: str) -> dict[str, str]:
    properties = "LoadState,ActiveState,SubState,Result,ExecMainStatus,StatusText"
    output = commands.run(
        (SYSTEMCTL, "--no-pager", "--no-ask-password", "show", "-p", properties, "--", unit), keep_output=True
    ).output
    pairs = (line.partition("=") for line in output.splitlines())
    return {name: value for name, _, value in pairs}


def _systemctl(verb: str, unit: str) -> int:
    return commands.run((SYSTEMCTL, "--no-pager", "--no-ask-password", verb, "--", unit)).exit_code


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
