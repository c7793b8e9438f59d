"""Start records: there before the start, true whatever was killed, gone with the stop or the boot."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from agent import processes
from agent.wire import ExecStatus, InFlight, Phase, RecurringOperation, StartRecord
from tests.agent.controller import ledger_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.controller import Agent

pytestmark = pytest.mark.slow


def test_a_record_says_all_about_a_start(running: Agent, tmp_path: Path) -> None:
    client = running.connect("")
    client.register("shop-controller", cluster="shop", epoch=1)
    client.add("d1")
    params = {"state": str(tmp_path / "state"), "CRM_meta_timeout": "20000"}
    started = client.run("d1", "start", params, uid="u1")
    client.result(client.begin("d1", "monitor", params, interval_ms=3_600_000))
    (record,) = client.records()
    assert record == StartRecord(
        resource_id="d1",
        standard="ocf",
        provider="reconciler",
        type_name="Dummy",
        cluster="shop",
        uid="u1",
        commit="",
        agent_hash=record.agent_hash,
        phase=Phase.STARTED,
        since_s=record.since_s,
        exec_rc=0,
        op_status=0,
        operation="start",
        params=params,
        recurring=(RecurringOperation("d1", "monitor", 3_600_000, 60_000),),
    )
    assert 0 <= started.ran_at_s - record.since_s < 600
    assert record.agent_hash.startswith("sha256:")
    assert len(record.agent_hash) == len("sha256:") + 64


def test_the_record_is_on_disk_before_the_start(
    agents: Callable[..., Agent], scripts: Callable[[str, str], None], tmp_path: Path
) -> None:
    scripts("Copy", 'cp "$OCF_RESKEY_record" "$OCF_RESKEY_copy"\n')
    one = agents()
    one.start("--ocf-root", str(tmp_path / "ocf"))
    client = one.connect()
    client.add("c1", "ocf:test:Copy")
    params = {"record": str(one.state / "records" / "c1.json"), "copy": str(tmp_path / "copy")}
    assert client.run("c1", "start", params).exec_rc == 0
    assert '"starting"' in (tmp_path / "copy").read_text(encoding="utf-8")


def test_what_is_in_flight_is_in_the_record(running: Agent, tmp_path: Path) -> None:
    client = running.connect()
    client.add("d1")
    params = {"state": str(tmp_path / "state"), "delay": "1h"}
    call_id = client.begin("d1", "start", params, uid="u1", timeout_ms=7_200_000)
    wait_until(lambda: bool(client.records() and client.records()[0].in_flight), "the start is in flight")
    (record,) = client.records()
    assert record.in_flight is not None
    assert record.in_flight == InFlight("start", call_id, "u1", record.in_flight.pid, 7_200_000)
    assert processes.read_process(record.in_flight.pid) is not None
    assert (record.phase, record.exec_rc, record.op_status) == (Phase.STARTING, None, None)


def test_a_failed_start_leaves_its_record_until_a_stop_succeeds(running: Agent, tmp_path: Path) -> None:
    client = running.connect()
    client.add("d1")
    (tmp_path / "fail").write_text("start 1 no luck\nstop 1 still none\n", encoding="utf-8")
    params = {"state": str(tmp_path / "state"), "fail": str(tmp_path / "fail")}
    client.run("d1", "start", params)
    (record,) = client.records()
    assert (record.phase, record.exec_rc, record.exit_reason) == (Phase.FAILED, 1, "no luck")
    client.run("d1", "stop", params)
    (record,) = client.records()
    assert (record.phase, record.exec_rc, record.exit_reason) == (Phase.FAILED, 1, "still none")
    (tmp_path / "fail").unlink()
    assert client.run("d1", "stop", params).exec_rc == 0
    assert client.records() == ()


def test_a_start_that_cannot_run_leaves_no_record(running: Agent) -> None:
    client = running.connect()
    client.add("x1", "ocf:nobody:Nothing")
    assert client.run("x1", "start").exec_rc == 5
    assert client.records() == ()


def test_the_next_agent_has_the_records(running: Agent, tmp_path: Path) -> None:
    client = running.connect()
    client.add("d1")
    client.run("d1", "start", {"state": str(tmp_path / "state")}, uid="u1")
    records = client.records()
    running.kill()
    running.start()
    assert running.connect().records() == records


def test_records_of_another_boot_are_thrown_away(running: Agent, tmp_path: Path) -> None:
    client = running.connect()
    client.add("d1")
    client.run("d1", "start", {"state": str(tmp_path / "state")})
    running.kill()
    (running.state / "boot").write_text("another\n", encoding="ascii")
    running.start()
    client = running.connect("")
    assert client.register().has_records
    assert client.records() == ()
    assert client.rc_of_info("d1") == -19


def test_a_lost_or_damaged_record_is_admitted(running: Agent) -> None:
    assert running.connect("").register().has_records
    running.kill()
    (running.state / "records" / "d1.json").write_text("{", encoding="ascii")
    running.start()
    assert not running.connect("").register().has_records
    running.kill()
    (running.state / "records" / "d1.json").unlink()
    (running.state / "records").rmdir()
    running.start()
    assert not running.connect("").register().has_records


def test_state_is_for_the_agents_user_only(running: Agent, tmp_path: Path) -> None:
    client = running.connect()
    client.add("d1")
    client.run("d1", "start", {"state": str(tmp_path / "state"), "password": "secret"}, uid="u1")
    for path in (running.state, *running.state.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or "Dummy" in path.name, path
    assert "secret" not in (running.folder / "log").read_text(encoding="utf-8")


def test_an_agent_killed_before_a_start_began_says_that_it_failed(running: Agent, tmp_path: Path) -> None:
    """As if it had been killed between writing the record and forking: there is no operation's file."""
    client = running.connect()
    client.add("d1")
    params = {"state": str(tmp_path / "state"), "ledger": str(tmp_path / "ledger")}
    client.run("d1", "start", params, uid="u1")
    running.kill()
    path = running.state / "records" / "d1.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"started"', '"starting"'), encoding="utf-8")
    running.start()
    (record,) = running.connect().records()
    assert (record.phase, record.op_status) == (Phase.FAILED, ExecStatus.CANCELLED)
    assert ledger_of(tmp_path / "ledger") == ["start"]


def test_a_reload_that_succeeds_gives_the_record_its_parameters_and_one_that_fails_does_not(
    running: Agent, tmp_path: Path
) -> None:
    client = running.connect()
    client.add("d1")
    before = {"state": str(tmp_path / "state"), "fail": str(tmp_path / "fail")}
    client.run("d1", "start", before)
    (tmp_path / "fail").write_text("reload-agent 1 no\n", encoding="utf-8")
    assert client.run("d1", "reload-agent", {**before, "delay": "1s"}).exec_rc == 1
    assert [(r.params, r.phase) for r in client.records()] == [(before, Phase.STARTED)]
    (tmp_path / "fail").unlink()
    assert client.run("d1", "reload-agent", {**before, "delay": "1s"}).exec_rc == 0
    assert [(r.params, r.phase) for r in client.records()] == [({**before, "delay": "1s"}, Phase.STARTED)]


def test_a_reload_that_outlives_its_agent_still_gives_the_record_its_parameters(
    agents: Callable[..., Agent], scripts: Callable[[str, str], None], tmp_path: Path
) -> None:
    scripts("Slow", '[ "$1" = start ] || while [ ! -e "$OCF_RESKEY_gate" ]; do sleep 0.05; done\n')
    one = agents()
    one.start("--ocf-root", str(tmp_path / "ocf"))
    client = one.connect()
    client.add("s1", "ocf:test:Slow")
    params = {"gate": str(tmp_path / "gate")}
    client.run("s1", "start", params)
    client.begin("s1", "reload-agent", {**params, "size": "2"})
    wait_until(lambda: client.records()[0].in_flight is not None, "the reload is in flight")
    one.kill()
    (tmp_path / "gate").touch()
    one.start("--ocf-root", str(tmp_path / "ocf"))
    client = one.connect()
    wait_until(lambda: client.records()[0].in_flight is None, "the reload has ended")
    assert client.records()[0].params == {**params, "size": "2"}
