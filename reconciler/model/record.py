"""Values that plans make by the ten thousand: frozen for the type checker, and quick to make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool, **settings: bool) -> Callable[[type], type]:
        """Make a dataclass of a class, as `dataclass` does, whose fields are guarded by the type checker alone.

        A frozen dataclass sets each field by a call, so that one of a dozen fields takes six times as long to make. It
        compares and hashes like a frozen one.
        """
        return dataclass(unsafe_hash=frozen, **settings)


__all__ = ["record"]
