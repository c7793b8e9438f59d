"""A client on a real message bus."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agent.dbus.bus import Bus, RemoteError
from agent.standards.systemd_bus import SystemdBus
from tests.agent.dbus.service import Daemon, FakeSystemd, TogetherBus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DBUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
STATE = ("LoadState", "ActiveState", "ExecMainStatus")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    # A client waits as long as its operation may; here something has gone wrong by then.
    socket.setdefaulttimeout(60)
    made = Daemon(tmp_path)
    yield made
    made.close()
    socket.setdefaulttimeout(None)


def test_the_bus_answers_with_values_and_with_errors(daemon: Daemon) -> None:
    with closing(Bus(daemon.socket)) as bus:
        (names,) = bus.call(*DBUS, "ListNames")
        assert {"org.freedesktop.DBus", ":1.0"} <= set(names)
        with pytest.raises(RemoteError) as refused:
            bus.call("org.example.Nobody", "/", "a.b", "C")
        assert refused.value.name == "org.freedesktop.DBus.Error.ServiceUnknown"


def test_a_signal_is_waited_for_whether_it_came_before_or_comes_later(daemon: Daemon) -> None:
    with closing(Bus(daemon.socket)) as bus:
        bus.listen(DBUS[0], DBUS[2], "NameOwnerChanged")
        other = Bus(daemon.socket)
        bus.call(*DBUS, "ListNames")
        assert bus.wait(lambda signal: signal.body[0] == ":1.1").body == (":1.1", "", ":1.1")
        other.close()
        assert bus.wait(lambda signal: signal.body[0] == ":1.1").body == (":1.1", ":1.1", "")


def test_a_signal_that_comes_in_one_piece_with_a_reply_is_kept(tmp_path: Path) -> None:
    served = TogetherBus(tmp_path / "bus")
    with closing(Bus(tmp_path / "bus")) as bus:
        assert bus.call("a.b", "/", "a.b", "Begin") == ()
        assert bus.wait(lambda signal: signal.body == ("Begin",)).member == "Ended"
    served.join()


def test_a_bus_that_goes_away_is_an_error(daemon: Daemon) -> None:
    with closing(Bus(daemon.socket)) as bus:
        daemon.close()
        with pytest.raises(OSError, match=r"bus closed|Broken pipe|reset"):
            bus.call(*DBUS, "ListNames")


def test_units_are_shown_and_acted_on_and_jobs_waited_for(daemon: Daemon) -> None:
    web = {"LoadState": "loaded", "ActiveState": "inactive", "ExecMainStatus": 3}
    systemd = FakeSystemd(daemon.socket, {"web.service": web}, {"ReloadUnit web.service": "timeout"})
    with closing(SystemdBus(daemon.socket)) as manager:
        shown = {"LoadState": "loaded", "ActiveState": "inactive", "ExecMainStatus": "3"}
        assert manager.show("web.service", STATE) == shown
        assert manager.show("none.service", STATE) == {"LoadState": "not-found", "ActiveState": "inactive"}
        assert manager.act("start", "web.service") == ""
        assert manager.show("web.service", STATE)["ActiveState"] == "active"
        assert manager.act("stop", "web.service") == ""
        assert manager.act("reload", "web.service") == "systemd's reload of web.service ended as timeout"
        assert manager.act("reset-failed", "web.service") == ""
    assert systemd.calls == [
        "Subscribe",
        "StartUnit web.service replace",
        "StopUnit web.service replace",
        "ReloadUnit web.service replace",
        "ResetFailedUnit web.service",
    ]
    end(daemon, systemd)


def test_what_systemd_refuses_is_said_in_its_words(daemon: Daemon) -> None:
    systemd = FakeSystemd(daemon.socket, {"x.service": {}}, {"StartUnit x.service": "refused"})
    with closing(SystemdBus(daemon.socket)) as manager:
        said = manager.act("start", "x.service")
    assert said == "systemd would not start x.service: Unit x.service is masked."
    end(daemon, systemd)


def end(daemon: Daemon, systemd: FakeSystemd) -> None:
    daemon.close()
    systemd.join()
