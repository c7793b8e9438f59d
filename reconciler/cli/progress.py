"""Progress on stderr, one line an event."""

import time
from collections.abc import Callable

import click

from reconciler.model.event import Event, Severity
from reconciler.world.clock import RealClock

_COLOURS = {Severity.INFO: None, Severity.WARNING: "yellow", Severity.ERROR: "red"}


class Progress:
    """Shows events as they happen; click leaves colours out where stderr is no terminal, or NO_COLOR is set."""

    def __init__(self, *, is_daemon: bool) -> None:
        self._is_daemon = is_daemon
        self._clock = RealClock()
        self._begun = self._clock.monotonic()
        self._followers: list[Callable[[str], None]] = []

    def follow(self, follower: Callable[[str], None]) -> None:
        """Pass every line on to somebody else too."""
        self._followers.append(follower)

    def show(self, event: Event) -> None:
        """Show one event."""
        self.line(event.text, _COLOURS[event.severity])
        for follower in self._followers:
            follower(event.text)

    def line(self, text: str, colour: str | None = None) -> None:
        """Show one line, with the time: of day for a daemon, since the beginning for a pass."""
        if self._is_daemon:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        else:
            stamp = f"{self._clock.monotonic() - self._begun:6.1f}s"
        click.secho(f"{stamp} {text}", err=True, fg=colour)
