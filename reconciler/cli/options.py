"""The options that all commands share."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stands before the command."""

    folder: Path = Path()
    state: Path | None = None
    revision: str | None = None
    worktree: bool = False
    verbose: int = 0
