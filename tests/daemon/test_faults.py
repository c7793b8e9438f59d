"""What must not happen twice does not, whoever is killed and whenever."""

import json
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from reconciler.world.state_folder import state_folder
from tests.daemon.stage import (
    TIMEOUT_S,
    Stage,
    Status,
    both,
    dummy_yaml,
    gated_yaml,
    guest_yaml,
    host_yaml,
    is_node,
    is_started,
)

pytestmark = pytest.mark.slow


def declare(stage: Stage, fake: str) -> str:
    return stage.commit(host=host_yaml(stage.cluster), guest=guest_yaml(stage.port), fake=fake)


def guest_pid(stage: Stage) -> int:
    """The first process of the guest: its end is the guest's."""
    (record,) = list((stage.state / "guests").glob("*/guest.json"))
    return int(json.loads(record.read_text())["main"]["pid"])


def local_agent_pid(stage: Stage) -> int:
    for pid in stage.processes():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"--unix" in words:
            return pid
    raise AssertionError("no local agent")


def wait_for_start(stage: Stage, agent_state: Path) -> None:
    """Wait until an agent carries out FAKE's start, which who is killed earlier has not begun."""
    end = time.monotonic() + TIMEOUT_S
    while not any(map(is_start_under_way, (agent_state / "operations").glob("*"))):
        assert time.monotonic() < end, f"FAKE was never started:\n{stage.daemon_log.read_text()}"
        time.sleep(0.05)
    stage.until(is_starting)


def is_start_under_way(operation: Path) -> bool:
    """Whether an operation's file (agent/operation_file.py) is a start's, and names its process; without its lock."""
    try:
        request, process, *_ = operation.read_text().splitlines()
    except (FileNotFoundError, ValueError):
        return False  # it ended just now, or is being written
    return bool(process) and json.loads(request)["action"] == "start"


def is_starting(status: Status) -> bool:
    """FAKE's start is under way."""
    return any(i["pending"] for r in status["resources"] if r["name"] == "FAKE" for i in r["instances"])


def test_a_killed_guest_is_back_with_what_ran_in_it(stage: Stage) -> None:
    declare(stage, dummy_yaml("FAKE", stage.ledger))
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))
    os.kill(guest_pid(stage), signal.SIGKILL)
    assert stage.wait_for_lines(2) == ["start FAKE guest1", "start FAKE guest1"]
    stage.until(both(is_started("FAKE", "guest1"), is_started("vm-guest1", "host1")))
    assert stage.lines() == ["start FAKE guest1", "start FAKE guest1"]


def test_a_failed_monitor_is_answered_with_a_restart(stage: Stage) -> None:
    state = stage.folder / "FAKE.state"
    declare(stage, dummy_yaml("FAKE", stage.ledger, params=f"    state: {state}", prefer="host1: INFINITY"))
    stage.start_daemon()
    stage.until(is_started("FAKE", "host1"))
    state.unlink()
    stage.wait_for_lines(2)
    status = stage.until(is_started("FAKE", "host1"))
    assert stage.lines() == ["start FAKE host1", "start FAKE host1"]
    assert [r["failures"] for r in status["resources"] if r["name"] == "FAKE"] == [1]
    stage.reconcile("cleanup", "FAKE")
    stage.until(lambda s: all(r["failures"] == 0 for r in s["resources"]))


def test_killing_the_daemon_in_a_slow_start_starts_nothing_twice(stage: Stage) -> None:
    gate = stage.folder / "gate"
    declare(stage, gated_yaml("FAKE", stage.ledger, gate))
    stage.start_daemon()
    wait_for_start(stage, stage.state / "guests/vm-guest1/state")
    stage.kill_daemon()
    stage.start_daemon()
    stage.wait_for_log("start of FAKE on guest1 was interrupted")
    gate.touch()
    stage.until(is_started("FAKE", "guest1"))
    assert stage.lines() == ["start FAKE guest1"]


def test_killing_the_local_agent_in_a_slow_start_starts_nothing_twice(stage: Stage) -> None:
    gate = stage.folder / "gate"
    declare(stage, gated_yaml("FAKE", stage.ledger, gate, prefer="host1: INFINITY"))
    stage.start_daemon()
    wait_for_start(stage, state_folder(None, stage.state).runtime / "agent")
    old = local_agent_pid(stage)
    os.kill(old, signal.SIGKILL)
    wait_for_new_agent(stage, old)
    gate.touch()
    stage.wait_for_lines(1)
    stage.until(both(is_started("FAKE", "host1"), is_node("host1", "online")))
    assert stage.lines() == ["start FAKE host1"]


def test_killing_the_local_agent_restarts_no_resource(stage: Stage) -> None:
    declare(stage, dummy_yaml("FAKE", stage.ledger, prefer="host1: INFINITY"))
    stage.start_daemon()
    stage.until(is_started("FAKE", "host1"))
    old = local_agent_pid(stage)
    os.kill(old, signal.SIGKILL)
    wait_for_new_agent(stage, old)
    stage.until(both(is_started("FAKE", "host1"), is_node("host1", "online")))
    assert stage.lines() == ["start FAKE host1"]


def wait_for_new_agent(stage: Stage, old: int) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not _has_new_agent(stage, old):
        assert time.monotonic() < end, f"no other local agent:\n{stage.daemon_log.read_text()}"
        time.sleep(0.05)


def _has_new_agent(stage: Stage, old: int) -> bool:
    try:
        return local_agent_pid(stage) != old
    except (AssertionError, OSError):
        return False


def test_parameters_changed_while_the_daemon_was_down_stop_the_old_copy_with_its_old_ones(
    stage: Stage,
) -> None:
    old, new = stage.folder / "old.state", stage.folder / "new.state"
    declare(stage, dummy_yaml("FAKE", stage.ledger, params=f"    state: {old}", prefer="host1: INFINITY"))
    stage.start_daemon()
    stage.until(is_started("FAKE", "host1"))
    stage.kill_daemon()
    declare(stage, dummy_yaml("FAKE", stage.ledger, params=f"    state: {new}", prefer="host1: INFINITY"))
    stage.start_daemon()
    stage.wait_for_lines(3)
    stage.until(is_started("FAKE", "host1"))
    assert stage.lines() == ["start FAKE host1", "stop FAKE host1", "start FAKE host1"]
    assert (old.exists(), new.exists()) == (False, True)


def test_a_lost_journal_stops_and_starts_nothing(stage: Stage) -> None:
    declare(stage, dummy_yaml("FAKE", stage.ledger))
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))
    stage.kill_daemon()
    for file in stage.state.glob("journal.sqlite*"):
        file.unlink()
    stage.start_daemon()
    stage.until(both(is_started("FAKE", "guest1"), is_node("guest1", "online")))
    assert stage.lines() == ["start FAKE guest1"]


def test_what_runs_without_a_record_waits_for_the_operator(stage: Stage) -> None:
    state = stage.folder / "FAKE.state"
    fake = dummy_yaml("FAKE", stage.ledger, params=f"    state: {state}")
    declare(stage, fake.replace("prefer: {guest1: INFINITY}", "on: [host1]"))
    state.touch()
    done = stage.reconcile(check=1)
    assert "its parameters are unknown" in done.stdout
    assert stage.lines() == []
    stage.reconcile("adopt", "FAKE")
    assert is_started("FAKE", "host1")(stage.status())
    assert stage.lines() == []


def test_the_journal_has_no_key_material(stage: Stage) -> None:
    declare(stage, dummy_yaml("FAKE", stage.ledger))
    stage.reconcile()
    key = (stage.state / "keys" / "root.key").read_bytes()
    shown = bytes.fromhex(stage.reconcile("key", "show", "guest1").stdout.strip())
    with sqlite3.connect(stage.state / "journal.sqlite") as journal:
        text = "\n".join(journal.iterdump())
    for secret in (key, shown):
        assert secret.hex() not in text
        assert str(secret) not in text


def test_a_failed_stop_is_still_one_after_a_reconnect_and_cleanup_tries_it_again(stage: Stage) -> None:
    fail = stage.folder / "fail"
    fake = dummy_yaml("FAKE", stage.ledger, params=f"    fail: {fail}", prefer="host1: INFINITY")
    declare(stage, fake)
    stage.reconcile()
    fail.write_text("stop 1 the disk is on fire\n")
    declare(stage, fake + "  state: stopped\n")
    for _ in range(2):
        done = stage.reconcile(check=1)
        assert "its stop failed on host1: rc 1: the disk is on fire" in done.stdout
    fail.unlink()
    stage.reconcile("cleanup", "FAKE")
    assert is_started("FAKE")(stage.status())
    assert stage.lines() == ["start FAKE host1", "stop FAKE host1"]
