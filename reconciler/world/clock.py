"""The real clock, fresh names, and a thread for long computations."""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class RealClock:
    """Time as this machine tells it."""

    def now(self) -> float:
        """Return the wall clock, in epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that count on through suspend (CLOCK_BOOTTIME; `time.monotonic` stands still then)."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def new_id(self) -> str:
        """Return a random UUID."""
        return str(uuid.uuid4())


class Threads:
    """Runs long computations in a thread, so that the loop goes on answering heartbeats between slices."""

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a pure function and return what it returns."""
        return await asyncio.to_thread(function, *arguments)
