"""Time, fresh names and long computations of a simulation."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from reconciler.load.load import Loaded, load

T = TypeVar("T")

EPOCH = 1_700_000_000.0
"""The wall clock's reading when virtual time begins."""


class VirtualClock:
    """The Clock port in virtual time; one for the whole simulation, so that no name is given twice."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        """How far the wall clock was set forward, or back."""
        self._given = 0

    def now(self) -> float:
        """Return the wall clock."""
        return EPOCH + self.ahead_s + asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        """Return virtual seconds."""
        return asyncio.get_running_loop().time()

    def new_id(self) -> str:
        """Return the next name."""
        self._given += 1
        return f"uid-{self._given}"


class Inline:
    """The Compute port: computes on the spot; virtual time does not pass meanwhile.

    What a declaration says depends on its files alone, so that each is loaded once, however often it is read.
    """

    def __init__(self) -> None:
        self._loaded: dict[tuple[tuple[str, bytes], ...], Loaded] = {}

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a pure function and return what it returns."""
        if function.__name__ == load.__name__:  # by name, for mypy would take T for Loaded from here on
            (files,) = arguments
            assert isinstance(files, dict)
            key = tuple(sorted(files.items()))
            if key not in self._loaded:
                self._loaded[key] = load(files)
            return self._loaded[key]  # type: ignore[return-value]  # T is Loaded, for the function is load
        return function(*arguments)
