"""An asyncio event loop in virtual time: it jumps to the next timer, and never waits.

It has no descriptors to wait for, so that with nothing scheduled nothing can ever happen again: that is a deadlock,
and reported as one. So is time that stands still while callbacks go on and on.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

MAX_STILL_TURNS = 50_000
"""Turns of the loop without any time passing, after which something is spinning."""


class DeadlockError(RuntimeError):
    """Tasks wait, and nothing is scheduled that could ever wake them."""


class LivelockError(RuntimeError):
    """Callbacks follow each other without end while time stands still."""


class _NoWait(selectors.SelectSelector):
    """Answers at once that nothing came, and lets virtual time pass instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._still_turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Jump to the next timer."""
        if timeout is None:
            raise DeadlockError(f"nothing is scheduled any more at {self.now:.3f} s")
        self._still_turns = 0 if timeout > 0 else self._still_turns + 1
        if self._still_turns > MAX_STILL_TURNS:
            self._still_turns = 0  # so that the tasks can be cancelled and the loop closed
            raise LivelockError(f"time stands still at {self.now:.3f} s")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """The event loop; its time begins at 0."""

    def __init__(self) -> None:
        self._clock = _NoWait()
        super().__init__(self._clock)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._clock.now

    def lag(self, delay_s: float) -> None:
        """Let time pass in which nothing runs, as when the machine is busy or was suspended."""
        self._clock.now += delay_s


def run(main: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end in virtual time.

    Raises:
        DeadlockError: it waits for what will never come.
        LivelockError: it spins.
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
