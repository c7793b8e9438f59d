import asyncio
import re
import sys

import pytest

from reconciler.cli import progress
from reconciler.cli.progress import Progress
from reconciler.model.event import Event, Severity


class EnoughError(Exception):
    """Ends a watch that has been looked at for long enough."""


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


def made(monkeypatch: pytest.MonkeyPatch, *, is_daemon: bool = False) -> tuple[Progress, Hands]:
    hands = Hands()
    monkeypatch.setattr(progress, "RealClock", lambda: hands)
    return Progress(is_daemon=is_daemon), hands


def watched(shown: Progress, waiting_for: list[str]) -> None:
    """Look some times, however long the machine takes for that: the last look ends it."""
    looks = iter(range(3))

    def look() -> list[str]:
        if next(looks, None) is None:
            raise EnoughError
        return waiting_for

    with pytest.raises(EnoughError):
        asyncio.run(shown.watch(look))


def test_a_pass_counts_its_seconds_and_tells_followers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, hands = made(monkeypatch)
    told: list[Event] = []
    shown.follow(told.append)
    hands.at = 12.34
    event = Event(code="x", text="lost guest1", severity=Severity.WARNING)
    shown.show(event)
    captured = capsys.readouterr()
    assert (captured.out, captured.err, told) == ("", "  12.3s lost guest1\n", [event])


def test_a_daemon_tells_the_time_of_day(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made(monkeypatch, is_daemon=True)[0].line("hello")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} hello\n", capsys.readouterr().err)


def test_what_is_waited_for_is_named_longest_first_with_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, hands = made(monkeypatch)
    assert shown.waiting_line([]) == ""
    assert shown.waiting_line(["b"]) == "b (0 s)"
    hands.at = 5
    assert shown.waiting_line(["a", "b"]) == "b (5 s), a (0 s)"
    hands.at = 7
    assert shown.waiting_line(["a", "c", "d", "e"]) == "a (2 s), c (0 s), d (0 s) and 1 more"


def test_off_a_terminal_a_long_silence_is_broken_by_what_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_S", 0.01)
    shown, hands = made(monkeypatch)
    watched(shown, ["starting FAKE on guest1"])
    assert capsys.readouterr().err == ""
    hands.at = 10
    watched(shown, ["starting FAKE on guest1"])
    watched(shown, [])
    assert capsys.readouterr().err == "  10.0s waiting for: starting FAKE on guest1 (10 s)\n"


def test_a_daemon_has_no_heartbeat(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, hands = made(monkeypatch, is_daemon=True)
    hands.at = 100
    asyncio.run(shown.watch(lambda: ["anything"]))
    assert capsys.readouterr().err == ""


def test_on_a_terminal_what_is_waited_for_is_one_live_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown, _ = made(monkeypatch)
    looks = iter(range(3))

    def waiting_for() -> list[str]:
        if next(looks, None) is None:
            raise EnoughError
        shown.line("started [db]", Severity.WARNING)
        return ["starting [web] on guest1"]

    # However long the machine takes to get there: the last look ends it.
    with pytest.raises(EnoughError):
        asyncio.run(shown.watch(waiting_for))
    captured = capsys.readouterr()
    assert (captured.out, "starting [web] on guest1 (0 s)" in captured.err) == ("", True)
    # Above the live line, which is erased before and drawn again after.
    assert "\r\x1b[2K\x1b[33m   0.0s started [db]\x1b[0m\n" in captured.err
