"""The last results of each resource by action uid: what was asked for once is done once, and told again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from agent.shim import Outcome
from agent.state_folder import read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from agent.state_folder import StateFolder

_KEPT = 16
_KEPT_OUTPUT = 4096


class Results:
    """Outcomes by (resource, uid), the newest 16 of each resource, on disk.

    They are not kept in memory: they are asked for only when a controller repeats itself.
    """

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder.results

    def add(self, resource_id: str, uid: str, action: str, outcome: Outcome) -> None:
        """Keep an outcome; the same uid again replaces it."""
        if not uid:
            return
        kept = [entry for entry in self._read(resource_id) if entry[0] != uid]
        kept.append((uid, action, outcome._replace(output=outcome.output[-_KEPT_OUTPUT:])))
        entries = [{"uid": u, "action": a, "outcome": list(o)} for u, a, o in kept[-_KEPT:]]
        write_json(self._path(resource_id), entries)

    def find(self, resource_id: str, uid: str) -> tuple[str, Outcome] | None:
        """Find the action and the outcome of a uid; None when it has not ended here, or too long ago."""
        if uid:
            for known, action, outcome in self._read(resource_id):
                if known == uid:
                    return action, outcome
        return None

    def _read(self, resource_id: str) -> list[tuple[str, str, Outcome]]:
        # A file that can't be understood is no reason to refuse operations: the controller still has its
        # journal.
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            entries = read_json(self._path(resource_id))
            return [(str(e["uid"]), str(e["action"]), Outcome(*e["outcome"])) for e in entries]
        return []

    def _path(self, resource_id: str) -> Path:
        return self._folder / f"{resource_id}.json"
