"""The agent as the first process of a container: it reaps what nobody else does, and ends with all it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import processes
from agent.wire import Register, RegisterReply, ShutdownAck, ShutdownRequest
from tests.agent.controller import PATIENCE_S, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.agent.controller import Agent

pytestmark = pytest.mark.slow


def has_namespaces() -> bool:
    try:
        trial = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"], check=False)
    except FileNotFoundError:
        return False
    return trial.returncode == 0


def start_daemon(one: Agent, tmp_path: Path) -> None:
    client = one.connect()
    client.add("p1", "ocf:reconciler:Process")
    script = f"(setsid sh -c 'exec sleep 0.1' &) ; touch {tmp_path}/begun; exec sleep 1h"
    params = {"command": f'sh -c "{script}"', "monitor_command": f"test -e {tmp_path}/begun"}
    assert client.run("p1", "start", params).exec_rc == 0


def below(pid: int) -> list[str]:
    """States of all processes below one, zombies included."""
    table = processes.list_processes()
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        for child, state in table.items():
            if state.parent == parent:
                found.append(state.state)
                waiting.append(child)
    return found


def check_reaping_and_end(one: Agent, init: int, tmp_path: Path) -> None:
    start_daemon(one, tmp_path)
    # The daemon is left; its child that ended has been reaped.
    wait_until(lambda: len(below(init)) == 1 and "Z" not in below(init), "orphans are reaped")
    ids = [processes.identify(pid) for pid in processes.descendants(init)]
    os.kill(init, signal.SIGTERM)
    assert one.process is not None
    assert one.process.wait(PATIENCE_S) == 0
    assert [process for process in ids if processes.is_alive(process)] == []


def test_a_subreaper_agent_reaps_orphans_and_takes_all_along(
    agents: Callable[..., Agent], tmp_path: Path
) -> None:
    one = agents()
    one.start("--init")
    assert one.process is not None
    check_reaping_and_end(one, one.process.pid, tmp_path)


def test_an_agent_that_is_init_is_drained_on_sigpwr_and_ends_at_once_on_sigterm(
    agents: Callable[..., Agent], tmp_path: Path
) -> None:
    one = agents()
    one.start("--init")
    assert one.process is not None
    provider = one.connect("")
    assert provider.ask(Register("controld", is_ipc_provider=True), RegisterReply).rc == 0
    start_daemon(one, tmp_path)
    one.process.send_signal(signal.SIGPWR)
    assert provider.notice(ShutdownRequest) == ShutdownRequest()
    assert provider.rc(ShutdownAck()) == 0
    assert provider.run("p1", "stop", {}).exec_rc == 0
    assert one.process.poll() is None
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(PATIENCE_S) == 0


@pytest.mark.skipif(not has_namespaces(), reason="pid namespaces are not permitted here")
def test_an_agent_as_pid_1_reaps_orphans_and_takes_all_along(
    agents: Callable[..., Agent], tmp_path: Path
) -> None:
    one = agents(python=sys.executable)
    wrapper = tmp_path / "python-as-init"
    wrapper.write_text(
        f'#!/bin/sh\nexec unshare --pid --fork --kill-child --mount-proc {sys.executable} "$@"\n',
        encoding="ascii",
    )
    wrapper.chmod(0o755)
    one.python = str(wrapper)
    one.start("--init")
    assert one.process is not None
    (init,) = processes.descendants(one.process.pid)
    check_reaping_and_end(one, init, tmp_path)
