"""An operation in a control group of its own: what ends with it, what lives on, and that no group is left.

The agent runs in a group made for it, in a cgroup2 mount of its own mount name space.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import agent as package
from agent import processes
from agent.wire import ExecStatus
from tests.agent.controller import is_running, pid_in, wait_until
from tests.agent.test_operations import TIMEOUT_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.agent.controller import Agent

pytestmark = pytest.mark.slow

ROOT = str(Path(package.__file__).parent.parent)
HIDDEN = """
    setsid sh -c '( trap "" TERM; echo $(sh -c "echo \\$PPID") > "$OCF_RESKEY_pid"
                    while :; do sleep 0.1; done ) &' >/dev/null 2>&1 &
    while [ ! -s "$OCF_RESKEY_pid" ]; do sleep 0.01; done
"""
"""Leaves a process that has forked twice, is in a session of its own and ignores SIGTERM."""


class Hierarchy:
    """A mount of the cgroup hierarchy in one mount name space, with a group for what is started by `wrapper`."""

    def __init__(self, folder: Path) -> None:
        self._mount = folder / "cgroup"
        self._mount.mkdir()
        self._name = f"reconciler-test-{os.getpid()}"
        self.own = self._mount / self._name
        self.wrapper = folder / "in-a-group"
        entered = " && ".join((
            f"mount -t cgroup2 none {shlex.quote(str(self._mount))}",
            f"mkdir -p {shlex.quote(str(self.own))}",
            f"echo $$ > {shlex.quote(str(self.own / 'cgroup.procs'))}",
            f'exec {shlex.quote(sys.executable)} "$@"',
        ))  # fmt: skip
        unshared = f'exec unshare --mount --propagation private sh -c {shlex.quote(entered)} sh "$@"'
        self.wrapper.write_text(f"#!/bin/sh\n{unshared}\n", encoding="utf-8")
        self.wrapper.chmod(0o755)

    def python(self, code: str) -> str:
        """Run a program of Python in the group; returns what it says."""
        words = [str(self.wrapper), "-c", f"import sys; sys.path.insert(0, {ROOT!r})\n{code}"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    def groups(self, one: Agent) -> list[str]:
        """List the groups of operations that are there."""
        assert one.process is not None
        return sorted(p.name for p in self._seen_by(one.process.pid).iterdir() if p.is_dir())

    def members(self, one: Agent) -> list[int]:
        """List what is in the agent's own group."""
        assert one.process is not None
        return [int(line) for line in (self._seen_by(one.process.pid) / "cgroup.procs").read_text().split()]

    def remove(self) -> None:
        """Remove the group."""
        self.wrapper.write_text(
            "#!/bin/sh\nexec unshare --mount --propagation private sh -c "
            f"'mount -t cgroup2 none {self._mount} && rmdir {self.own}'\n",
            encoding="utf-8",
        )
        wait_until(
            lambda: subprocess.run([str(self.wrapper)], check=False, capture_output=True).returncode == 0,
            "the group is empty, without groups below",
        )

    def _seen_by(self, pid: int) -> Path:
        return Path(f"/proc/{pid}/root{self.own}")


@pytest.fixture
def hierarchy(tmp_path: Path) -> Iterator[Hierarchy]:
    """A group for an agent."""
    one = Hierarchy(tmp_path)
    one.python("")
    yield one
    one.remove()


@pytest.fixture
def grouped(hierarchy: Hierarchy, agents: Callable[..., Agent], tmp_path: Path) -> Iterator[Agent]:
    """An agent in a group of its own, with the resource agents of `scripts`."""
    one = agents(python=str(hierarchy.wrapper))
    one.start("--ocf-root", str(tmp_path / "ocf"))
    yield one
    one.end()


def test_a_group_is_killed_at_one_stroke_and_removed(hierarchy: Hierarchy) -> None:
    said = hierarchy.python("""
import os, signal, time
from pathlib import Path
from agent.cgroups import Groups, find_own, make
own = find_own()
group = make(Groups(own).path_of("1"))
child = group.fork()
if child == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        if os.fork() == 0: os.setsid()
        time.sleep(0.2)
while len(group.members()) < 8: time.sleep(0.01)
print(own, Path("/proc/self/cgroup").read_text().count("reconciler-op-"), group.remove())
group.kill()
os.waitpid(child, 0)
while not group.is_empty(): time.sleep(0.01)
print(group.remove(), [p for p in own.iterdir() if p.is_dir()])
""")
    assert said.splitlines() == [f"{hierarchy.own} 0 False", "True []"]


def test_a_group_that_systemd_has_not_given_away_is_left_alone(hierarchy: Hierarchy, tmp_path: Path) -> None:
    said = hierarchy.python(f"""
import os
from pathlib import Path
from agent import cgroups
cgroups._MANAGER = Path({str(tmp_path)!r})
print(cgroups.find_own())
os.setxattr({str(hierarchy.own)!r}, "trusted.delegate", b"1")
print(cgroups.find_own())
""")
    assert said.splitlines() == ["None", str(hierarchy.own)]


def test_a_timeout_ends_what_forked_twice_hides_and_ignores_it(
    hierarchy: Hierarchy, grouped: Agent, scripts: Callable[[str, str], None], tmp_path: Path
) -> None:
    scripts("Stuck", f"{HIDDEN}\nsleep 1h\n")
    client = grouped.connect()
    client.add("t1", "ocf:test:Stuck")
    call_id = client.begin("t1", "start", {"pid": str(tmp_path / "pid")}, timeout_ms=TIMEOUT_MS)
    hidden = pid_in(tmp_path / "pid")
    assert len(hierarchy.groups(grouped)) == 1
    result = client.result(call_id)
    assert (result.op_status, result.exit_reason) == (
        ExecStatus.TIMEOUT,
        f"Resource agent did not complete within {TIMEOUT_MS // 1000}s",
    )
    assert not is_running(hidden)
    assert hierarchy.groups(grouped) == []


def test_a_daemon_that_a_start_leaves_goes_on_in_the_group_of_the_agent(
    hierarchy: Hierarchy, grouped: Agent, scripts: Callable[[str, str], None], tmp_path: Path
) -> None:
    scripts("Daemon", f'[ "$1" = start ] || exit 0\n{HIDDEN}')
    client = grouped.connect()
    client.add("d1", "ocf:test:Daemon")
    assert client.run("d1", "start", {"pid": str(tmp_path / "pid")}).exec_rc == 0
    pid = pid_in(tmp_path / "pid")
    try:
        assert client.run("d1", "monitor", {"pid": str(tmp_path / "pid")}).exec_rc == 0
        assert is_running(pid)
        assert pid in hierarchy.members(grouped)
        assert hierarchy.groups(grouped) == []
    finally:
        os.kill(pid, signal.SIGKILL)


def test_what_hides_ends_with_an_operation_whose_shim_was_killed_also_while_no_agent_was_there(
    hierarchy: Hierarchy, grouped: Agent, scripts: Callable[[str, str], None], tmp_path: Path
) -> None:
    scripts("Stuck", f"{HIDDEN}\nsleep 1h\n")
    for is_agent_there in (True, False):
        client = grouped.connect()
        client.add("t1", "ocf:test:Stuck")
        pid_file = tmp_path / f"pid-{is_agent_there}"
        call_id = client.begin("t1", "start", {"pid": str(pid_file)})
        hidden = pid_in(pid_file)
        (record,) = client.records()
        assert record.in_flight is not None
        shim = processes.identify(record.in_flight.pid)
        if is_agent_there:
            os.kill(shim.pid, signal.SIGKILL)
            assert client.result(call_id).op_status == ExecStatus.ERROR
        else:
            grouped.kill()
            os.kill(shim.pid, signal.SIGKILL)
            wait_until(lambda s=shim: not processes.is_alive(s), "the shim is gone")  # type: ignore[misc]
            assert is_running(hidden)
            grouped.start("--ocf-root", str(tmp_path / "ocf"))
        wait_until(lambda p=hidden: not is_running(p), "what was hidden ends")  # type: ignore[misc]
        wait_until(lambda: hierarchy.groups(grouped) == [], "the group is removed")
