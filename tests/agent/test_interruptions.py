"""Operations when something is killed in their middle: the agent, the shim, or the operation on request."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from agent import processes
from agent.wire import Cancel, Exec, ExecStatus, OperationResult, Phase, ResourceUnregister
from tests.agent.controller import is_running, ledger_of, pid_in, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.controller import Agent, Client

pytestmark = pytest.mark.slow


def test_a_uid_is_told_again_by_the_next_agent_even_after_the_stop(running: Agent, tmp_path: Path) -> None:
    params = {"state": str(tmp_path / "state"), "ledger": str(tmp_path / "ledger")}
    client = running.connect()
    client.add("d1")
    client.run("d1", "start", params, uid="u1")
    client.run("d1", "stop", params, uid="u2")
    running.kill()
    running.start()
    client = running.connect()
    client.add("d1")
    assert client.run("d1", "start", params, uid="u1").exec_rc == 0
    assert client.run("d1", "stop", params, uid="u2").exec_rc == 0
    assert ledger_of(tmp_path / "ledger") == ["start", "stop"]


def begin_slow_start(running: Agent, tmp_path: Path) -> tuple[Client, dict[str, str], Path]:
    """Begin a start that ends when a file appears, and wait until it is under way."""
    go, begun = tmp_path / "go", tmp_path / "begun"
    params = {"go": str(go), "begun": str(begun), "ledger": str(tmp_path / "ledger")}
    client = running.connect()
    client.add("s1", "ocf:test:Slow")
    client.begin("s1", "start", params, uid="u1")
    wait_until(begun.exists, "the start is under way")
    return client, params, go


@pytest.fixture
def slow(scripted: Agent, scripts: Callable[[str, str], None]) -> Agent:
    scripts(
        "Slow",
        """
        sleep 1h & echo $! > "$OCF_RESKEY_begun"
        while [ ! -e "$OCF_RESKEY_go" ]; do sleep 0.01; done
        kill $!
        echo "0 $$ $1 s1 guest1" >> "$OCF_RESKEY_ledger"
        """,
    )
    return scripted


def test_a_start_outlives_the_agent_and_the_next_one_joins_it(slow: Agent, tmp_path: Path) -> None:
    _, params, go = begin_slow_start(slow, tmp_path)
    slow.kill()
    slow.start("--ocf-root", str(tmp_path / "ocf"))
    client = slow.connect()
    client.add("s1", "ocf:test:Slow")
    (record,) = client.records()
    assert record.in_flight is not None
    assert (record.phase, record.in_flight.uid) == (Phase.STARTING, "u1")
    call_id = client.begin("s1", "start", params, uid="u1")
    go.touch()
    assert client.result(call_id).exec_rc == 0
    assert ledger_of(tmp_path / "ledger") == ["start"]
    (record,) = client.records()
    assert (record.phase, record.exec_rc, record.in_flight) == (Phase.STARTED, 0, None)


def test_a_start_that_ended_while_no_agent_was_there_is_found(slow: Agent, tmp_path: Path) -> None:
    client, params, go = begin_slow_start(slow, tmp_path)
    (record,) = client.records()
    assert record.in_flight is not None
    shim = processes.identify(record.in_flight.pid)
    slow.kill()
    go.touch()
    wait_until(lambda: not processes.is_alive(shim), "the operation ends")
    slow.start("--ocf-root", str(tmp_path / "ocf"))
    client = slow.connect()
    client.add("s1", "ocf:test:Slow")
    assert client.run("s1", "start", params, uid="u1").exec_rc == 0
    assert ledger_of(tmp_path / "ledger") == ["start"]
    assert [record.phase for record in client.records()] == [Phase.STARTED]


def test_a_stop_waits_for_a_start_that_an_earlier_agent_began(slow: Agent, tmp_path: Path) -> None:
    _, params, go = begin_slow_start(slow, tmp_path)
    slow.kill()
    slow.start("--ocf-root", str(tmp_path / "ocf"))
    client = slow.connect()
    stop = client.begin("s1", "stop", params, uid="u2")
    go.touch()
    assert client.result(stop).exec_rc == 0
    assert ledger_of(tmp_path / "ledger") == ["start", "stop"]
    assert client.records() == ()


def test_an_operation_whose_shim_was_killed_is_a_failure_and_goes_with_it(
    slow: Agent, tmp_path: Path
) -> None:
    client, params, go = begin_slow_start(slow, tmp_path)
    (record,) = client.records()
    assert record.in_flight is not None
    below = processes.descendants(record.in_flight.pid)
    assert pid_in(tmp_path / "begun") in below
    os.kill(record.in_flight.pid, signal.SIGKILL)
    result = client.notice(OperationResult)
    assert (result.exec_rc, result.op_status) == (1, ExecStatus.ERROR)
    wait_until(lambda: not any(map(is_running, below)), "the resource agent ends, its children too")
    go.touch()
    assert client.run("s1", "start", params, uid="u1").op_status == ExecStatus.ERROR
    assert ledger_of(tmp_path / "ledger") == []
    assert [record.phase for record in client.records()] == [Phase.FAILED]


def test_an_operation_in_flight_can_be_cancelled_also_one_of_an_earlier_agent(
    slow: Agent, tmp_path: Path
) -> None:
    client, params, _ = begin_slow_start(slow, tmp_path)
    assert client.rc(Cancel("s1", "start", 0)) == 0
    assert client.notice(OperationResult).op_status == ExecStatus.CANCELLED
    (tmp_path / "begun").unlink()
    client.begin("s1", "start", params, uid="u2")
    wait_until((tmp_path / "begun").exists, "the start is under way")
    slow.kill()
    slow.start("--ocf-root", str(tmp_path / "ocf"))
    client = slow.connect()
    assert client.rc(Cancel("s1", "start", 0)) == 0
    assert client.notice(OperationResult).op_status == ExecStatus.CANCELLED


def test_a_resource_is_forgotten_only_when_its_operation_has_ended(slow: Agent, tmp_path: Path) -> None:
    client, _, go = begin_slow_start(slow, tmp_path)
    assert client.rc(ResourceUnregister("s1")) == -115
    assert client.rc_of_info("s1") == -19
    client.add("s1", "ocf:test:Slow")
    monitor = client.begin("s1", "monitor", {"go": "/", "begun": "/dev/null", "ledger": str(tmp_path / "m")})
    go.touch()
    assert client.notice(OperationResult).action == "start"
    assert client.result(monitor).exec_rc == 0
    assert client.rc(ResourceUnregister("s1")) == 0
    assert client.rc(ResourceUnregister("never-registered")) == 0


def test_too_many_queued_operations_are_refused(slow: Agent, tmp_path: Path) -> None:
    client, params, _ = begin_slow_start(slow, tmp_path)
    answers = [client.rc(Exec("s1", "notify", 1000, params=params)) for _ in range(70)]
    assert [rc > 0 for rc in answers] == [True] * 64 + [False] * 6
    assert answers[-1] == -11
