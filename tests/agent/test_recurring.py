"""Recurring monitors: they tell their first result and then changes only, and end with a stop or a cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.wire import (
    Cancel,
    ExecStatus,
    GetRecurring,
    OperationResult,
    RecurringOperation,
    RecurringReply,
    ResourceRegister,
)
from tests.agent.controller import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.controller import Agent, Client

pytestmark = pytest.mark.slow

INTERVAL_MS = 50


class Counted:
    """A resource whose monitor counts its runs and exits with what a file says."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client = client
        self.runs = folder / "runs"
        self.answer = folder / "answer"
        self.answer.write_text("0", encoding="utf-8")
        client.add("r1", "ocf:test:Counted")

    def arm(self, interval_ms: int = INTERVAL_MS) -> int:
        params = {"runs": str(self.runs), "answer": str(self.answer)}
        return self.client.begin("r1", "monitor", params, interval_ms=interval_ms)

    def count(self) -> int:
        return len(self.runs.read_text(encoding="utf-8").splitlines()) if self.runs.exists() else 0

    def wait_for_runs(self, more: int = 3) -> None:
        wanted = self.count() + more
        wait_until(lambda: self.count() >= wanted, "the monitor runs again")

    def set(self, exit_code: int) -> None:
        self.answer.write_text(str(exit_code), encoding="utf-8")

    def told(self) -> list[tuple[int, int]]:
        """All results that have come so far: what was sent before a reply is here once the reply is."""
        self.client.ask(GetRecurring(), RecurringReply)
        return [(n.exec_rc, n.op_status) for n in self.client.notices if isinstance(n, OperationResult)]


@pytest.fixture
def counted(agents: Callable[..., Agent], scripts: Callable[[str, str], None], tmp_path: Path) -> Counted:
    scripts(
        "Counted", '[ "$1" = monitor ] || exit 0\necho >> $OCF_RESKEY_runs\nexit $(cat $OCF_RESKEY_answer)\n'
    )
    one = agents()
    one.start("--ocf-root", str(tmp_path / "ocf"))
    return Counted(one.connect(), tmp_path)


def test_the_first_result_is_told_and_then_changes_only(counted: Counted) -> None:
    call_id = counted.arm()
    assert counted.client.result(call_id).exec_rc == 0
    counted.wait_for_runs()
    assert counted.told() == []
    counted.set(7)
    assert counted.client.result(call_id).exec_rc == 7
    counted.wait_for_runs()
    assert counted.told() == []
    counted.set(0)
    back = counted.client.result(call_id)
    assert (back.exec_rc, back.changed_at_s > 0, back.interval_ms) == (0, True, INTERVAL_MS)


def test_an_armed_monitor_asked_for_again_runs_at_once_and_tells_its_result(counted: Counted) -> None:
    hour_ms = 3_600_000
    first = counted.arm(hour_ms)
    assert counted.client.result(first).exec_rc == 0
    second = counted.arm(hour_ms)
    assert second > first
    assert counted.client.result(second).exec_rc == 0
    assert counted.count() == 2
    armed = counted.client.ask(GetRecurring("r1"), RecurringReply).operations
    assert armed == (RecurringOperation("r1", "monitor", hour_ms, 60_000),)


def test_a_stop_cancels_the_monitors_first(counted: Counted) -> None:
    monitor = counted.arm()
    counted.client.result(monitor)
    stop = counted.client.begin("r1", "stop")
    assert counted.client.result(monitor).op_status == ExecStatus.CANCELLED
    assert counted.client.result(stop).exec_rc == 0
    assert counted.client.ask(GetRecurring(), RecurringReply).operations == ()
    before = counted.count()
    assert counted.client.run("r1", "notify").exec_rc == 0
    assert counted.count() == before


def test_a_cancelled_monitor_is_told_as_such_and_gone(counted: Counted) -> None:
    call_id = counted.arm()
    counted.client.result(call_id)
    assert counted.client.rc(Cancel("r1", "monitor", INTERVAL_MS)) == 0
    assert counted.client.result(call_id).op_status == ExecStatus.CANCELLED
    assert counted.client.rc(Cancel("r1", "monitor", INTERVAL_MS)) == -95
    assert counted.client.rc(Cancel("r2", "monitor", INTERVAL_MS)) == -19


def test_monitors_go_on_when_their_client_has_left(counted: Counted) -> None:
    counted.client.result(counted.arm())
    counted.client.close()
    counted.wait_for_runs()


def test_monitors_end_with_the_last_client_if_the_resource_was_registered_so(
    running: Agent, tmp_path: Path
) -> None:
    client = running.connect("one")
    # lrmd_opt_drop_recurring is 3 in Pacemaker 2.1 and 1 in 3.0.
    assert client.rc(ResourceRegister("d1", "ocf", "reconciler", "Dummy", call_options=3)) == 0
    params = {"state": str(tmp_path / "s")}
    client.result(client.begin("d1", "monitor", params, interval_ms=3_600_000))
    client.close()

    def is_gone() -> bool:
        other = running.connect("other")
        gone = other.ask(GetRecurring(), RecurringReply).operations == ()
        other.close()
        return gone

    wait_until(is_gone, "the monitor is cancelled")


def test_only_monitors_can_be_recurring(counted: Counted) -> None:
    with pytest.raises(AssertionError, match="-22"):
        counted.client.begin("r1", "start", interval_ms=1000)


def test_monitors_of_started_resources_are_armed_again_by_the_next_agent(
    agents: Callable[..., Agent], tmp_path: Path
) -> None:
    one = agents()
    one.start()
    client = one.connect()
    client.add("d1")
    params = {"state": str(tmp_path / "state")}
    assert client.run("d1", "start", params).exec_rc == 0
    client.result(client.begin("d1", "monitor", params, interval_ms=3_600_000))
    one.kill()
    one.start()
    armed = one.connect().ask(GetRecurring(), RecurringReply).operations
    assert armed == (RecurringOperation("d1", "monitor", 3_600_000, 60_000),)
