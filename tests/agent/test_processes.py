"""Processes are known by id and start time, and a tree is killed whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import agent
from agent import processes
from tests.agent.controller import wait_until

ROOT = str(Path(agent.__file__).parent.parent)


def test_a_process_is_its_id_and_its_start_time() -> None:
    me = processes.identify(os.getpid())
    assert processes.is_alive(me)
    assert not processes.is_alive(me._replace(start_ticks=me.start_ticks + 1))
    assert not processes.is_alive(processes.ProcessId(0, 0))


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    identity = processes.identify(child.pid)
    wait_until(lambda: not processes.is_alive(identity), "it has ended")
    state = processes.read_process(child.pid)
    assert state is not None
    assert state.state == "Z"
    child.wait()


def test_a_name_with_parentheses_does_not_confuse_the_reader(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(program), "60"])
    try:
        wait_until(
            lambda: "a) S 1" in Path(f"/proc/{child.pid}/comm").read_text(encoding="ascii"), "it has begun"
        )
        state = processes.read_process(child.pid)
        assert state is not None
        assert state.parent == os.getpid()
    finally:
        child.kill()
        child.wait()


@pytest.mark.slow
def test_a_tree_is_killed_whole_though_it_forks_ignores_and_hides(tmp_path: Path) -> None:
    code = f"""
import sys; sys.path.insert(0, {ROOT!r})
import subprocess
from agent import processes
processes.become_subreaper()
script = '''trap "" TERM
setsid sh -c 'trap "" TERM; while :; do sleep 0.05 & wait; done' &
(setsid sleep 1h &) ; (sleep 1h &) ; touch {tmp_path}/begun
while :; do sleep 0.05; done'''
subprocess.Popen(["sh", "-c", script])
import os, time
while not os.path.exists("{tmp_path}/begun"): time.sleep(0.01)
assert len(processes.descendants(os.getpid())) >= 4
assert processes.kill_descendants(0.2, 30.0)
assert processes.descendants(os.getpid()) == []
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_boot_has_one_name() -> None:
    assert processes.boot_id() == processes.boot_id()
    kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert processes.boot_id().startswith(kernel)
