"""The process that stands between the agent and one operation, and outlives the agent if need be.

It runs the resource agent, keeps what it says, ends the whole tree at the deadline, and writes the result
into the operation's file. It is forked from the agent, so it must not touch the agent's connections or
state, and it never returns.

The operation's file is a journal of lines: the request (written by the agent), the shim's process, the
result. The shim holds a lock on the file as long as it lives, so whoever can take the lock knows that the
operation is over; a line counts when its newline is there.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from agent import processes
from agent.wire.names import MAX_RESULT_TEXT, ExecStatus, OcfExit

if TYPE_CHECKING:
    from agent.cgroups import Group
    from agent.resource_agents import Program

EXIT_REASON_PREFIX = "ocf-exit-reason:"  # Pacemaker include/crm/services.h, PCMK_OCF_REASON_PREFIX

_EXIT_REASON_LENGTH = 512
_TERM_GRACE_S = 2.0
_KILL_PATIENCE_S = 10.0
_READ_SIZE = 64 * 1024
_DRAIN = ("/bin/cat", "/usr/bin/cat")


class Outcome(NamedTuple):
    """How one operation ended: `exec_rc` is an OcfExit, `op_status` an ExecStatus, both as numbers."""

    exec_rc: int
    op_status: int
    exit_reason: str = ""
    output: str = ""
    ran_at_s: int = 0
    exec_time_ms: int = 0


class Job(NamedTuple):
    """What the agent hands to a shim; `journal` is the descriptor of the operation's locked file.

    `group` is what the operation runs in, and the shim does not; None where there is none.
    """

    program: Program
    environment: dict[str, str]
    action: str
    timeout_s: float
    journal: int
    group: Group | None


def supervise(job: Job) -> NoReturn:
    """Carry out one operation in this freshly forked process, and exit.

    SIGTERM ends the operation early: its tree is killed and its status is CANCELLED.
    """
    status = 1
    try:
        processes.reset_signals()
        os.setsid()
        processes.close_descriptors(frozenset({job.journal}))
        processes.set_name("reconciler-op")
        processes.become_subreaper()
        me = processes.identify(os.getpid())
        _append(job.journal, {"pid": me.pid, "start_ticks": me.start_ticks})
        outcome, pipes = _Operation(job).run()
        _append(job.journal, outcome._asdict())
        _keep_pipes_open(pipes)
        status = 0
    except BaseException:  # noqa: BLE001 - a forked child must never run on into its parent's code
        import traceback  # noqa: PLC0415 - never needed, one hopes

        traceback.print_exc()
    finally:
        os._exit(status)


def clean_text(raw: bytes, limit: int = MAX_RESULT_TEXT) -> str:
    """Decode what a program wrote: its last `limit` characters, without what XML cannot carry."""
    text = raw.decode("utf-8", "replace")[-limit:]
    return "".join(
        c if c >= " " or c in "\n\t" else "?" for c in text if c not in "\x7f\ufffe\uffff" and c != "\r"
    )


class _Pipe:
    """One output stream of the resource agent: bounded, the newest bytes kept."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.kept = bytearray()
        self.is_open = True

    def drain(self) -> None:
        """Take what is there now; stop after a while, so that a flood does not hide the deadline."""
        for _ in range(16):
            try:
                chunk = os.read(self.reader, _READ_SIZE)
            except BlockingIOError:
                return
            if not chunk:
                self.is_open = False
                return
            self.kept += chunk
            del self.kept[:-MAX_RESULT_TEXT]


class _Operation:
    """The run of one job: its child, its two streams, its deadline."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._cancelled = False
        self._wait_status: int | None = None
        self._stdout = _Pipe()
        self._stderr = _Pipe()

    def run(self) -> tuple[Outcome, tuple[_Pipe, _Pipe]]:
        """Run the resource agent to its end or to the deadline."""
        wakeup, wakeup_writer = os.pipe()
        os.set_blocking(wakeup, False)
        os.set_blocking(wakeup_writer, False)
        signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.signal(signal.SIGTERM, self._cancel)
        ran_at_s = int(time.time())
        started = time.monotonic()
        group = self._job.group
        child = group.fork() if group is not None else os.fork()
        if child == 0:
            _become_program(self._job, self._stdout.writer, self._stderr.writer)
        os.close(self._stdout.writer)
        os.close(self._stderr.writer)
        self._wait(child, wakeup, started + self._job.timeout_s)
        killed = self._wait_status is not None or processes.kill_descendants(
            _TERM_GRACE_S, _KILL_PATIENCE_S, group
        )
        if group is not None:
            group.release()
        for pipe in (self._stdout, self._stderr):
            pipe.drain()
        outcome = self._judge(killed=killed)
        exec_time_ms = int((time.monotonic() - started) * 1000)
        return outcome._replace(ran_at_s=ran_at_s, exec_time_ms=exec_time_ms), (self._stdout, self._stderr)

    def _cancel(self, _number: int, _frame: object) -> None:
        self._cancelled = True

    def _wait(self, child: int, wakeup: int, deadline: float) -> None:
        """Return when the child has ended, the deadline has passed or the operation is cancelled."""
        poll = select.poll()
        poll.register(wakeup, select.POLLIN)
        pipes = {self._stdout.reader: self._stdout, self._stderr.reader: self._stderr}
        for descriptor in pipes:
            poll.register(descriptor, select.POLLIN)
        while not self._cancelled:
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                return
            for descriptor, _ in poll.poll(min(remaining_s, 3600.0) * 1000 + 1):
                if descriptor == wakeup:
                    os.read(wakeup, 4096)
                    continue
                pipes[descriptor].drain()
                if not pipes[descriptor].is_open:
                    poll.unregister(descriptor)
            if self._reap(child):
                return

    def _reap(self, child: int) -> bool:
        """Collect what has ended below us; say whether the resource agent has."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return self._wait_status is not None
            if pid == child:
                self._wait_status = status
            if pid == 0:
                return self._wait_status is not None

    def _judge(self, *, killed: bool) -> Outcome:
        # Codes and texts as Pacemaker's: lib/services/services_linux.c, daemons/execd/execd_commands.c.
        rest = "" if killed else "; some of its processes could not be killed"
        if self._wait_status is None and self._cancelled:
            return Outcome(OcfExit.ERROR, ExecStatus.CANCELLED, "Operation was cancelled" + rest)
        errors = clean_text(bytes(self._stderr.kept))
        output = clean_text(bytes(self._stdout.kept))
        # For every other action Pacemaker prefers what the resource agent complains about.
        shown = output if self._job.action == "meta-data" else errors or output
        if self._wait_status is None:
            reason = f"Resource agent did not complete within {_format_seconds(self._job.timeout_s)}"
            return Outcome(OcfExit.ERROR, ExecStatus.TIMEOUT, reason + rest, shown)
        if os.WIFSIGNALED(self._wait_status):
            reason = f"Process interrupted by signal {os.WTERMSIG(self._wait_status)}"
            return Outcome(OcfExit.ERROR, ExecStatus.ERROR, reason, shown)
        exit_code = os.WEXITSTATUS(self._wait_status)
        return Outcome(exit_code, ExecStatus.DONE, _exit_reason(errors), shown)


def _become_program(job: Job, stdout: int, stderr: int) -> NoReturn:
    """Turn this fork into the resource agent: its own process group, no input, only its own descriptors."""
    try:
        processes.reset_signals()
        # When the shim is killed nobody watches the deadline any more, so the resource agent goes with it.
        processes.die_with_parent()
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (stdout, 1), (stderr, 2)):
            os.dup2(source, target)
        processes.close_descriptors(frozenset())
        os.umask(0o022)
        os.chdir("/")
        job.program.run(job.action, job.environment)
    except BaseException as error:  # noqa: BLE001 - a forked child must never run on into its parent's code
        sys.stderr.write(f"{EXIT_REASON_PREFIX}{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    os._exit(OcfExit.ERROR)


def _keep_pipes_open(pipes: tuple[_Pipe, _Pipe]) -> None:
    """Leave a reader to daemons that hold our pipes: without one, their next line of output kills them."""
    for pipe in pipes:
        pipe.drain()
        program = next((path for path in _DRAIN if os.access(path, os.X_OK)), None)
        if not pipe.is_open or program is None or os.fork() != 0:
            continue
        os.set_blocking(pipe.reader, True)
        os.dup2(pipe.reader, 0)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        processes.reset_signals()
        processes.close_descriptors(frozenset())
        os.execv(program, ["cat"])  # noqa: S606 - the very purpose


def _exit_reason(errors: str) -> str:
    """Find the last exit reason that the resource agent gave."""
    reason = ""
    for line in errors.split("\n"):
        _, found, rest = line.partition(EXIT_REASON_PREFIX)
        if found:
            reason = rest.strip()
    return reason[:_EXIT_REASON_LENGTH]


def _format_seconds(duration_s: float) -> str:
    return f"{duration_s:g}s"


def _append(journal: int, line: dict[str, object]) -> None:
    os.write(journal, json.dumps(line).encode() + b"\n")
