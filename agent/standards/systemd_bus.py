"""systemd asked over the system's message bus (systemd, org.freedesktop.systemd1(5)).

A job is begun, and its end is a signal, as in Pacemaker lib/services/systemd.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.dbus.bus import Bus, RemoteError

if TYPE_CHECKING:
    from pathlib import Path

_SERVICE = "org.freedesktop.systemd1"
_PATH = "/org/freedesktop/systemd1"
_MANAGER = "org.freedesktop.systemd1.Manager"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_JOBS = {"start": "StartUnit", "stop": "StopUnit", "reload": "ReloadUnit"}
_MODE = "replace"
_IN_UNIT = frozenset({"LoadState", "ActiveState", "SubState"})
"""Other properties are those of the unit's type, which has an interface of its own name."""


class SystemdBus:
    """What `systemd` needs of a manager, over a bus.

    Raises:
        OSError: there is no bus, or it was lost; likewise everything else here.
        DBusError: it is none, or systemd is not on it; likewise everything else here.
    """

    def __init__(self, path: Path) -> None:
        self._bus = Bus(path)
        self._is_listening = False

    def close(self) -> None:
        """End the connection; jobs go on."""
        self._bus.close()

    def show(self, unit: str, names: tuple[str, ...]) -> dict[str, str]:
        """Read properties of a unit; those that it does not have are missing."""
        path = self._manage("LoadUnit", "s", unit)[0]
        type_name = unit.rpartition(".")[2].capitalize()
        found = {}
        for name in names:
            interface = f"{_SERVICE}.{'Unit' if name in _IN_UNIT else type_name}"
            try:
                (value,) = self._bus.call(_SERVICE, path, _PROPERTIES, "Get", "ss", interface, name)
            except RemoteError:
                continue
            found[name] = str(value)
        return found

    def act(self, verb: str, unit: str) -> str:
        """Start, stop, reload or reset-failed a unit and wait; return what went wrong, or nothing."""
        try:
            if verb not in _JOBS:
                self._manage("ResetFailedUnit", "s", unit)
                return ""
            if not self._is_listening:
                self._bus.listen(_SERVICE, _MANAGER, "JobRemoved")
                self._manage("Subscribe")
                self._is_listening = True
            (job,) = self._manage(_JOBS[verb], "ss", unit, _MODE)
        except RemoteError as error:
            return f"systemd would not {verb} {unit}: {error}"
        ended = self._bus.wait(lambda signal: signal.member == "JobRemoved" and signal.body[1:2] == (job,))
        result = ended.body[3]
        return "" if result in ("done", "skipped") else f"systemd's {verb} of {unit} ended as {result}"

    def _manage(self, member: str, signature: str = "", *values: str) -> tuple[Any, ...]:
        return self._bus.call(_SERVICE, _PATH, _MANAGER, member, signature, *values)
