"""The start records: what was started here, with which parameters, for whom. One file a resource.

A record is written before the start that it describes, and goes with the stop that succeeded. It holds the
parameters, which may be secrets: files are 0600, and nothing of them is ever logged.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.state_folder import read_json, write_json
from agent.wire import Exec, OcfExit, Phase, StartRecord
from agent.wire.names import ExecStatus
from agent.wire.values import replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.resource_agents import Program, ResourceAgent
    from agent.shim import Outcome
    from agent.state_folder import StateFolder

RELOAD_ACTIONS = frozenset({"reload", "reload-agent"})
"""What gives a running resource other parameters: OCF 1.1's action, and the one before it."""

START_ACTIONS = frozenset({"start", "migrate_from"})
"""What makes a resource run on this node."""


class Kept(NamedTuple):
    """A record, the recurring monitors armed for it as they were asked for, and what a reload is giving it."""

    record: StartRecord
    monitors: tuple[Exec, ...]
    reloading: dict[str, str] | None = None


class StartRecords:
    """The records of this boot, in memory and on disk.

    `is_complete` says that every start since this boot began is among them; when False, a resource without a
    record may have been started all the same.
    """

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder.records
        self._kept: dict[str, Kept] = {}
        self.is_complete = folder.is_complete
        for path in sorted(self._folder.glob("*.json")):
            kept = _read(path)
            if kept is None:
                # Something was started that we can no longer describe: say so rather than forget it.
                self.is_complete = False
            else:
                self._kept[kept.record.resource_id] = kept

    def all(self) -> list[Kept]:
        """List the records by resource id."""
        return [self._kept[name] for name in sorted(self._kept)]

    def begin(self, request: Exec, agent: ResourceAgent, cluster: str, program: Program) -> None:
        """Note that an operation is about to run.

        Raises:
            OSError: the record of a start or reload could not be written: it must not run.
        """
        kept = self._kept.get(request.resource_id)
        if request.action in START_ACTIONS:
            record = StartRecord(
                resource_id=request.resource_id,
                standard=agent.standard,
                provider=agent.provider,
                type_name=agent.type_name,
                cluster=cluster,
                uid=request.uid,
                commit=request.commit,
                agent_hash=program.hash(),
                phase=Phase.STARTING,
                since_s=int(time.time()),
                params=dict(request.params),
            )
            self._write(Kept(record, kept.monitors if kept else ()))
        elif request.action in RELOAD_ACTIONS and kept is not None:
            self._write(kept._replace(reloading=dict(request.params)))
        elif request.action == "stop" and kept is not None:
            # A stop must never fail for want of room on a disk; at worst the record still says "started".
            with contextlib.suppress(OSError):
                self._write(kept._replace(record=replace(kept.record, phase=Phase.STOPPING)))

    def finish(self, resource_id: str, action: str, outcome: Outcome) -> None:
        """Note how a start, reload or stop ended; a stop that succeeded removes the record."""
        kept = self._kept.get(resource_id)
        if kept is None or not (action in START_ACTIONS | RELOAD_ACTIONS or action == "stop"):
            return
        has_succeeded = outcome.op_status == ExecStatus.DONE and outcome.exec_rc == OcfExit.OK
        if action in RELOAD_ACTIONS:
            # One that failed may have taken up some of it: what the resource was started with is what is known.
            params = kept.reloading if has_succeeded and kept.reloading is not None else kept.record.params
            self._write(kept._replace(record=replace(kept.record, params=params), reloading=None))
            return
        if action == "stop" and has_succeeded:
            del self._kept[resource_id]
            self._path(resource_id).unlink()
            return
        record = replace(
            kept.record,
            phase=Phase.STARTED if has_succeeded else Phase.FAILED,
            exec_rc=outcome.exec_rc,
            op_status=outcome.op_status,
            exit_reason=outcome.exit_reason,
            operation=action,
        )
        self._write(kept._replace(record=record))

    def arm(self, resource_id: str, monitors: Sequence[Exec]) -> None:
        """Note which recurring operations are armed for a resource, if it has a record."""
        kept = self._kept.get(resource_id)
        if kept is not None and kept.monitors != tuple(monitors):
            self._write(kept._replace(monitors=tuple(monitors)))

    def _write(self, kept: Kept) -> None:
        write_json(self._path(kept.record.resource_id), _to_json(kept))
        self._kept[kept.record.resource_id] = kept

    def _path(self, resource_id: str) -> Path:
        return self._folder / f"{resource_id}.json"


def _read(path: Path) -> Kept | None:
    """Read a record's file; None when it can't be understood."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return _from_json(read_json(path))
    return None


def _to_json(kept: Kept) -> dict[str, Any]:
    record = dict(vars(kept.record))
    record["phase"] = kept.record.phase.value
    # What is armed and what runs is known better by what arms and runs it.
    del record["recurring"], record["in_flight"]
    monitors = [vars(monitor) for monitor in kept.monitors]
    return {"record": record, "monitors": monitors, "reloading": kept.reloading}


def _from_json(value: Any) -> Kept:  # noqa: ANN401 - what is in the file is checked by what is made of it
    fields = dict(value["record"])
    fields["phase"] = Phase(fields["phase"])
    monitors = tuple(Exec(**monitor) for monitor in value["monitors"])
    return Kept(StartRecord(**fields), monitors, value.get("reloading"))
