"""One run of the controller: from its start until it is killed, which may happen at any call of a port.

Whoever is dead does nothing any more: each call of a port by a dead controller ends it where it stands, so that
nothing it does on its way out reaches the world.
"""

from collections.abc import Callable
from types import TracebackType


class KilledError(BaseException):
    """The controller is dead; no part of it may catch this."""


class Life:
    """A context manager around every call of a port.

    Args:
        on_death: called once, with nothing of the controller running any more that could matter.
    """

    def __init__(self, on_death: Callable[[], None]) -> None:
        self.is_dead = False
        self._on_death = on_death
        self._dies_before = False
        self._dies_after = False

    def die(self) -> None:
        """End it here and now."""
        if not self.is_dead:
            self.is_dead = True
            self._on_death()

    def die_in_call(self, *, before: bool) -> None:
        """End it at its next call of a port, before or after the call's effect."""
        self._dies_before, self._dies_after = before, not before

    def spare(self) -> None:
        """Let it live on, though its death in a call was decided."""
        self._dies_before = self._dies_after = False

    def __enter__(self) -> None:
        if self._dies_before:
            self.die()
        if self.is_dead:
            raise KilledError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dies_after:
            self.die()
        if self.is_dead and error is None:
            raise KilledError
