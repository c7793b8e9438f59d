"""Waits for sockets, timers and signals in one thread, and calls back. Must not know what it waits for.

One thread, because the agent forks: a fork copies only the thread that calls it, and every lock as it is.
"""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

_FEW_TIMERS = 64
"""Not worth looking for cancelled ones among them."""


class Timer:
    """One call that is due at a time; `cancel` may be called again and again, and after it has run."""

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self._call: Callable[[], None] | None = call

    @property
    def is_over(self) -> bool:
        """Whether it has run or was cancelled."""
        return self._call is None

    def cancel(self) -> None:
        """Make sure that it does not run any more."""
        self._call = None

    def run(self) -> None:
        """Run it unless it was cancelled."""
        call, self._call = self._call, None
        if call is not None:
            call()


class EventLoop:
    """Sockets, timers and signals of one process, until `stop` is called."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._prune_at = _FEW_TIMERS
        self._order = itertools.count()
        self._signals: dict[int, Callable[[], None]] = {}
        self._is_stopped = False
        self._wakeup, self._wakeup_writer = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._wakeup_writer, False)
        self.watch(self._wakeup, READ, self._dispatch_signals)

    def watch(self, descriptor: int, events: int, call: Callable[[int], None]) -> None:
        """Call back with the events (READ, WRITE) that have come for a descriptor; replaces an earlier watch."""
        if descriptor in self._selector.get_map():
            self._selector.modify(descriptor, events, call)
        else:
            self._selector.register(descriptor, events, call)

    def forget(self, descriptor: int) -> None:
        """Stop watching a descriptor. Call it before closing that descriptor."""
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Call back once after `delay_s` (0: as soon as what is at hand is done)."""
        timer = Timer(time.monotonic() + delay_s, call)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        if len(self._timers) > self._prune_at:
            self._prune()
        return timer

    def on_signal(self, number: int, call: Callable[[], None]) -> None:
        """Call back when a signal has come, outside of any other callback."""
        self._signals[number] = call
        signal.signal(number, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wakeup_writer, warn_on_full_buffer=False)

    def stop(self) -> None:
        """Leave `run` after the present callback."""
        self._is_stopped = True

    def run(self) -> None:
        """Wait and call back until `stop`."""
        while not self._is_stopped:
            for key, events in self._selector.select(self._wait_s()):
                # A callback may have forgotten a descriptor that is still in this list.
                if self._selector.get_map().get(key.fd) is key and not self._is_stopped:
                    key.data(events)
            self._run_timers()

    def _wait_s(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - time.monotonic())

    def _prune(self) -> None:
        """Forget cancelled timers: whoever connects and leaves, again and again, would fill memory with deadlines."""
        self._timers = [entry for entry in self._timers if not entry[2].is_over]
        heapq.heapify(self._timers)
        self._prune_at = max(_FEW_TIMERS, 2 * len(self._timers))

    def _run_timers(self) -> None:
        now = time.monotonic()
        # Only what is due now: a timer set by these callbacks waits for its turn after the sockets.
        due = []
        while self._timers and self._timers[0][0] <= now:
            due.append(heapq.heappop(self._timers)[2])
        for timer in due:
            if self._is_stopped:
                return
            timer.run()

    def _dispatch_signals(self, _events: int) -> None:
        try:
            numbers = os.read(self._wakeup, 4096)
        except BlockingIOError:
            return
        for number in sorted(set(numbers)):
            if number in self._signals:
                self._signals[number]()
