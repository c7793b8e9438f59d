"""A message bus of Debian's dbus-daemon, and a systemd on it that is ours."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from agent.dbus.bus import Bus
from agent.dbus.message import ERROR, METHOD_CALL, METHOD_RETURN, SIGNAL, Message, Parser, encode

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = "org.freedesktop.systemd1"
_BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")

_CONFIGURATION = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
<listen>unix:path={socket}</listen>
<auth>EXTERNAL</auth>
<policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
</policy>
</busconfig>
"""


class Daemon:
    """A dbus-daemon of its own, at `socket` once it is up."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "bus"
        configuration = folder / "bus.conf"
        configuration.write_text(_CONFIGURATION.format(socket=self.socket), encoding="ascii")
        program = shutil.which("dbus-daemon")
        if program is None:
            pytest.skip("there is no dbus-daemon (Debian's package of that name)")
        words = [program, f"--config-file={configuration}", "--nofork", "--print-address=1"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        self._process.stdout.readline()  # its address: it listens

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class TogetherBus(threading.Thread):
    """A bus for one client, which sends each reply and a signal in one piece, as a busy one does."""

    def __init__(self, socket_path: Path) -> None:
        super().__init__(daemon=True)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(socket_path))
        self._listening.listen()
        self.start()

    def run(self) -> None:
        """Serve until the client leaves."""
        client, _ = self._listening.accept()
        with self._listening, client, client.makefile("rb") as lines:
            lines.readline()
            client.sendall(b"OK 0\r\n")
            lines.readline()
            parser = Parser()
            while data := lines.read1():
                for call in parser.feed(data):
                    reply = Message(METHOD_RETURN, call.serial, reply_to=call.serial)
                    signal = Message(
                        SIGNAL, call.serial, "/", "a.b", "Ended", signature="s", body=(call.member,)
                    )
                    client.sendall(encode(reply) + encode(signal))


class FakeSystemd(threading.Thread):
    """A manager of units: their properties, and how the jobs on them end."""

    def __init__(self, path: Path, units: dict[str, dict[str, Any]], results: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.units = units
        self.calls: list[str] = []
        self._results = results
        self._bus = Bus(path)
        self._bus.call(*_BUS, "AddMatch", "s", "type='signal',member='NameAcquired'")
        name = Message(
            METHOD_CALL, 99, _BUS[1], _BUS[2], "RequestName", "", 0, _BUS[0], "", "su", (SERVICE, 0)
        )
        self._bus._socket.sendall(encode(name))
        while self._bus._next().reply_to != 99:
            pass
        self._serial = 100
        self.start()

    def run(self) -> None:
        """Answer until the bus is gone."""
        with contextlib.closing(self._bus), contextlib.suppress(OSError):
            while True:
                message = self._bus._next()
                if message.kind == METHOD_CALL:
                    self._answer(message)

    def _answer(self, call: Message) -> None:
        member, body = call.member, call.body
        if member == "LoadUnit":
            self._reply(call, "o", f"/unit/{body[0].replace('.', '_')}")
        elif member == "Get":
            unit = call.path.rpartition("/")[2].replace("_", ".")
            value = self.units.get(unit, {"LoadState": "not-found", "ActiveState": "inactive"}).get(body[1])
            if value is None:
                self._send(
                    call, ERROR, "s", "no such property", error="org.freedesktop.DBus.Error.UnknownProperty"
                )
            else:
                self._reply(call, "v", ("i" if isinstance(value, int) else "s", value))
        elif member in ("StartUnit", "StopUnit", "ReloadUnit"):
            self.calls.append(f"{member} {body[0]} {body[1]}")
            self._job(call)
        else:
            self.calls.append(" ".join([member, *body]))
            self._reply(call, "")

    def _job(self, call: Message) -> None:
        unit = call.body[0]
        result = self._results.get(f"{call.member} {unit}", "done")
        if result == "refused":
            self._send(
                call, ERROR, "s", f"Unit {unit} is masked.", error="org.freedesktop.systemd1.UnitMasked"
            )
            return
        if result == "done":
            after = {"StartUnit": "active", "StopUnit": "inactive"}.get(call.member)
            self.units[unit].update({"ActiveState": after} if after else {})
        # Another job ends first, and this one before its reply is sent: both happen.
        for job in ("/job/1", "/job/2"):
            values = (1, job, unit, result if job == "/job/2" else "failed")
            path, interface = "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"
            signal = Message(
                SIGNAL, self._next(), path, interface, "JobRemoved", signature="uoss", body=values
            )
            self._bus._socket.sendall(encode(signal))
        self._reply(call, "o", "/job/2")

    def _reply(self, call: Message, signature: str, *values: Any) -> None:
        self._send(call, METHOD_RETURN, signature, *values)

    def _send(self, call: Message, kind: int, signature: str, *values: Any, error: str = "") -> None:
        reply = Message(
            kind, self._next(), error=error, reply_to=call.serial, destination=call.sender,
            signature=signature, body=values,
        )  # fmt: skip
        self._bus._socket.sendall(encode(reply))

    def _next(self) -> int:
        self._serial += 1
        return self._serial
