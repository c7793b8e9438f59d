"""Starts operations as processes of their own and learns how they end, also of those that an earlier agent began.

Must not know resources or connections: it takes a job and later calls back with its outcome, once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import cgroups, operation_file, processes, shim
from agent.shim import Outcome
from agent.wire.names import ExecStatus, OcfExit

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.cgroups import Groups
    from agent.event_loop import EventLoop
    from agent.operation_file import OperationState
    from agent.resource_agents import Program
    from agent.state_folder import StateFolder

_ADOPTED_POLL_S = 0.05
_GROUP_POLL_S = 0.05
_GROUP_POLLS = 200
_GROUP = "cgroup"
"""Where the operation's file names its group: what is there is killed, should the shim not see to it any more."""

_LOST = Outcome(OcfExit.ERROR, ExecStatus.ERROR, "the process that watched over the operation was killed")


class Flight:
    """One operation in flight. `process` is the shim; its descendants are what the operation started."""

    def __init__(self, path: Path, process: processes.ProcessId, on_end: Callable[[Outcome], None]) -> None:
        self.path = path
        self.process = process
        self.on_end = on_end
        self.is_cancelled = False

    def cancel(self) -> None:
        """Have its whole tree killed; its outcome then has status CANCELLED, unless it ends by itself first."""
        self.is_cancelled = True
        if processes.is_alive(self.process):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)

    def close(self) -> None:
        """Remove the operation's file, once all that follows from its outcome has been written down."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


class Executor:
    """The operations in flight of one agent, each in a group of its own where `groups` has any."""

    def __init__(self, loop: EventLoop, folder: StateFolder, groups: Groups) -> None:
        self._loop = loop
        self._groups = groups
        self._folder = folder.operations
        self._flights: dict[int, Flight] = {}
        self._counter = 0

    @property
    def running(self) -> int:
        """How many operations that this instance started are in flight."""
        return len(self._flights)

    def start(
        self,
        program: Program,
        environment: dict[str, str],
        request: dict[str, Any],
        on_end: Callable[[Outcome], None],
    ) -> Flight:
        """Fork a shim for an operation.

        Args:
            program: What runs.
            environment: All of its environment.
            request: What `operation_file` keeps for a later instance of the agent; `action` and `timeout_ms`
                are used here.
            on_end: Called once, from the event loop, when the operation has ended.

        Raises:
            OSError: nothing was started: no memory, no process, no room for the file.
        """
        self._counter += 1
        path = self._folder / f"{time.time_ns():x}-{self._counter}"
        group_path = self._groups.path_of(path.name)
        journal = operation_file.create(path, {**request, _GROUP: group_path})
        group = cgroups.make(group_path)
        try:
            pid = os.fork()
            if pid == 0:
                timeout_s = request["timeout_ms"] / 1000
                shim.supervise(shim.Job(program, environment, request["action"], timeout_s, journal, group))
        except OSError:
            if group is not None:
                group.remove()
            path.unlink()
            raise
        finally:
            os.close(journal)
        flight = Flight(path, processes.identify(pid), on_end)
        self._flights[pid] = flight
        return flight

    def find_left(self) -> list[tuple[Path, OperationState]]:
        """List the operations of an earlier instance, oldest first; files that say nothing are removed."""
        found = []
        for path in sorted(self._folder.iterdir()):
            try:
                state = operation_file.read(path)
            except (OSError, ValueError, TypeError, KeyError, IndexError):
                continue
            if state.request:
                found.append((path, state))
                if state.is_over:
                    self._end_group(state)
            else:
                path.unlink()
        return found

    def watch(self, flight: Flight) -> None:
        """Watch over an operation that an earlier instance of the agent started, until its shim ends."""
        self._loop.call_later(_ADOPTED_POLL_S, lambda: self._watch_once(flight))

    def collect_children(self) -> None:
        """Reap what has ended: shims, and orphans if we are the init or the subreaper of anybody's."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            flight = self._flights.pop(ended.si_pid, None)
            state = operation_file.read(flight.path) if flight is not None else None
            if state is not None and state.outcome is None:
                # Before the shim is reaped: until then its id, which is also its session's, is nobody else's.
                processes.kill_session(ended.si_pid)
                self._end_group(state)
            os.waitpid(ended.si_pid, 0)
            if flight is not None and state is not None:
                flight.on_end(outcome_of(state._replace(is_over=True), is_cancelled=flight.is_cancelled))

    def _watch_once(self, flight: Flight) -> None:
        # Not our child, so nobody tells us: ask. This happens only after a crash of the agent.
        state = operation_file.read(flight.path)
        if state.is_over:
            self._end_group(state)
            flight.on_end(outcome_of(state, is_cancelled=flight.is_cancelled))
        else:
            self.watch(flight)

    def _end_group(self, state: OperationState) -> None:
        """End what is left in an operation's group when its shim is gone without an outcome; else nothing is."""
        path = str(state.request.get(_GROUP, ""))
        if path and state.outcome is None:
            cgroups.Group(Path(path)).kill()
            self._remove_group(path, _GROUP_POLLS)

    def _remove_group(self, path: str, polls: int) -> None:
        # The killed take a moment to end, and what is in uninterruptible sleep may take for ever.
        if not cgroups.Group(Path(path)).remove() and polls > 0:
            self._loop.call_later(_GROUP_POLL_S, lambda: self._remove_group(path, polls - 1))


def outcome_of(state: OperationState, *, is_cancelled: bool = False) -> Outcome:
    """Judge an operation whose shim is gone, with or without an outcome."""
    if state.outcome is not None:
        return state.outcome
    return _LOST._replace(op_status=ExecStatus.CANCELLED) if is_cancelled else _LOST
