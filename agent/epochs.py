"""The highest epoch that a controller of each cluster has shown: older controllers are not obeyed any more."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from agent.state_folder import read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from agent.state_folder import StateFolder

_MAX_CLUSTERS = 64


class Epochs:
    """Epochs by cluster, on disk; unlike all else in the state folder they outlive the boot."""

    def __init__(self, folder: StateFolder) -> None:
        self._path: Path = folder.epochs
        self._highest: dict[str, int] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._highest = {str(name): int(epoch) for name, epoch in read_json(self._path).items()}

    def highest(self, cluster: str) -> int | None:
        """Return the highest epoch seen of a cluster; None if there was none."""
        return self._highest.get(cluster)

    def is_stale(self, cluster: str, epoch: int | None) -> bool:
        """Say whether a controller with that epoch has been replaced. One that shows none can't be told."""
        highest = self._highest.get(cluster)
        return epoch is not None and highest is not None and epoch < highest

    def note(self, cluster: str, epoch: int) -> None:
        """Remember an epoch if it is the highest, before its controller is answered.

        Raises:
            OSError: it could not be written: the controller must not be served.
        """
        highest = self._highest.get(cluster)
        if highest is not None and epoch <= highest:
            return
        if highest is None and len(self._highest) >= _MAX_CLUSTERS:
            raise OSError(f"more than {_MAX_CLUSTERS} clusters")
        updated = {**self._highest, cluster: epoch}
        write_json(self._path, updated)
        self._highest = updated
