"""Progress on stderr: one line an event, and what is being waited for.

On a terminal the latter is a live line with the elapsed time; elsewhere a line every so often, for a job's log.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence

import click

from reconciler.model.event import Event, Severity
from reconciler.world.clock import RealClock

HEARTBEAT_S = 10.0
LIVE_S = 0.2
MAX_SHOWN = 3
"""Things that are named at once."""

_COLOURS = {Severity.INFO: None, Severity.WARNING: "yellow", Severity.ERROR: "red"}

WaitingFor = Callable[[], Sequence[str]]
"""Says what is being waited for."""


class Progress:
    """Shows events as they happen; main.py has click leave colours out where NO_COLOR is set."""

    def __init__(self, *, is_daemon: bool) -> None:
        self._is_daemon = is_daemon
        self._clock = RealClock()
        self._begun = self._clock.monotonic()
        self._said_at = self._begun
        self._since: dict[str, float] = {}
        self._followers: list[Callable[[Event], None]] = []
        self._print_above: Callable[[str, str | None], None] | None = None
        """Prints a line above the live one, while there is one."""

    def follow(self, follower: Callable[[Event], None]) -> None:
        """Pass every event on to somebody else too."""
        self._followers.append(follower)

    def show(self, event: Event) -> None:
        """Show one event."""
        self.line(event.text, event.severity)
        for follower in self._followers:
            follower(event)

    def line(self, text: str, severity: Severity = Severity.INFO) -> None:
        """Show one line, with the time: of day for a daemon, since the beginning for a pass."""
        if self._is_daemon:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        else:
            stamp = f"{self._clock.monotonic() - self._begun:6.1f}s"
        self._said_at = self._clock.monotonic()
        if self._print_above is not None:
            self._print_above(f"{stamp} {text}", _COLOURS[severity])
        else:
            click.secho(f"{stamp} {text}", err=True, fg=_COLOURS[severity])

    async def watch(self, waiting_for: WaitingFor) -> None:
        """Show what is being waited for, until cancelled; a daemon's log has the events, and that is enough."""
        if self._is_daemon:
            return
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            await self._live(waiting_for)
        else:
            await self._heartbeat(waiting_for)

    def waiting_line(self, waiting_for: Sequence[str]) -> str:
        """Return what is waited for, the longest wait first, each with its seconds."""
        now = self._clock.monotonic()
        self._since = {text: self._since.get(text, now) for text in waiting_for}
        shown = [
            f"{text} ({now - since:.0f} s)"
            for text, since in sorted(self._since.items(), key=lambda item: item[1])
        ]
        more = len(shown) - MAX_SHOWN
        return ", ".join(shown[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")

    async def _live(self, waiting_for: WaitingFor) -> None:
        from rich.console import Console  # noqa: PLC0415  only a terminal needs it
        from rich.markup import escape  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        console = Console(stderr=True)

        def print_above(text: str, colour: str | None) -> None:
            console.print(Text(text, style=colour or ""), soft_wrap=True)

        self._print_above = print_above
        try:
            with console.status("looking") as status:
                while True:
                    await asyncio.sleep(LIVE_S)
                    status.update(escape(self.waiting_line(waiting_for()) or "looking"))
        finally:
            self._print_above = None

    async def _heartbeat(self, waiting_for: WaitingFor) -> None:
        while True:
            line = self.waiting_line(waiting_for())
            if line and self._clock.monotonic() - self._said_at >= HEARTBEAT_S:
                self.line(f"waiting for: {line}")
            await asyncio.sleep(min(1.0, HEARTBEAT_S))
