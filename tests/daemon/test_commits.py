"""The main job: a commit is followed, and the world follows it."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.daemon.stage import (
    TIMEOUT_S,
    Stage,
    both,
    dummy_yaml,
    gated_yaml,
    guest_yaml,
    host_yaml,
    is_node,
    is_started,
)

pytestmark = pytest.mark.slow


def declare(stage: Stage, **changes: str) -> str:
    """Commit a host, a guest and FAKE in it, with some of them replaced."""
    files = {
        "host": host_yaml(stage.cluster),
        "guest": guest_yaml(stage.port),
        "fake": dummy_yaml("FAKE", stage.ledger),
    }
    return stage.commit(**{**files, **changes})


def test_a_second_pass_has_nothing_to_do(stage: Stage) -> None:
    declare(stage)
    first = stage.reconcile()
    second = stage.reconcile()
    assert "starting FAKE on guest1" in first.stderr
    assert "Nothing to do" in second.stderr
    assert stage.lines() == ["start FAKE guest1"]
    assert is_started("FAKE", "guest1")(stage.status())


def test_a_plan_before_the_first_pass_says_what_the_pass_will_do(stage: Stage) -> None:
    commit = declare(stage)
    done = stage.reconcile("plan", "-o", "json", "--detailed-exitcode", check=2)
    plan = json.loads(done.stdout)
    assert [(c["action"], c["address"], c["to"]) for c in plan["changes"]] == [
        ("start", "resource/FAKE", "guest1"),
        ("create", "guest/vm-guest1", "host1"),
    ]
    assert plan["source"]["commit"] == commit
    assert plan["summary"] == {"add": 2, "change": 0, "destroy": 0}
    assert not stage.state.exists()
    stage.reconcile()
    stage.reconcile("plan", "--detailed-exitcode", check=0)


def test_plan_against_a_revision_shows_only_what_the_commit_changes(stage: Stage) -> None:
    declare(stage)
    declare(stage, fake=dummy_yaml("FAKE", stage.ledger, prefer="host1: INFINITY"))
    done = stage.reconcile("plan", "--against", "HEAD~1", "-o", "json")
    changes = json.loads(done.stdout)["changes"]
    assert [(c["action"], c["address"], c["from"], c["to"]) for c in changes] == [
        ("move", "resource/FAKE", "guest1", "host1")
    ]
    assert (changes[0]["reasons"][0]["file"], changes[0]["reasons"][0]["line"]) == ("fake.yaml", 11)


def test_commits_move_and_remove_resources_then_guests(stage: Stage) -> None:
    declare(stage, other=dummy_yaml("OTHER", stage.ledger, prefer="host1: INFINITY"))
    stage.start_daemon()
    stage.until(both(is_started("FAKE", "guest1"), is_started("OTHER", "host1")))
    declare(stage, fake=dummy_yaml("FAKE", stage.ledger, prefer="host1: INFINITY"))
    stage.until(is_started("FAKE", "host1"))
    declare(stage)
    stage.until(is_started("FAKE", "guest1"))
    (stage.repository / "fake.yaml").unlink()
    (stage.repository / "guest.yaml").unlink()
    stage.commit(other=dummy_yaml("OTHER", stage.ledger, prefer="host1: INFINITY"))
    stage.until(both(is_started("FAKE"), is_started("vm-guest1")))
    assert [line for line in stage.lines() if "OTHER" not in line] == [
        "start FAKE guest1",
        "stop FAKE guest1",
        "start FAKE host1",
        "stop FAKE host1",
        "start FAKE guest1",
        "stop FAKE guest1",
    ]
    assert [line for line in stage.lines() if "OTHER" in line] == ["start OTHER host1"]


def test_a_guest_removed_while_nobody_watched_still_stops_in_order(stage: Stage) -> None:
    declare(stage, other=dummy_yaml("OTHER", stage.ledger, prefer="host1: INFINITY"))
    stage.reconcile()
    (stage.repository / "fake.yaml").unlink()
    (stage.repository / "guest.yaml").unlink()
    stage.commit(other=dummy_yaml("OTHER", stage.ledger, prefer="host1: INFINITY"))
    done = stage.reconcile()
    assert [line for line in stage.lines() if "FAKE" in line] == ["start FAKE guest1", "stop FAKE guest1"]
    assert done.stderr.index("stopped FAKE on guest1") < done.stderr.index("stopping vm-guest1 on host1")


def test_a_bad_commit_changes_nothing_and_is_named(stage: Stage) -> None:
    good = declare(stage)
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))
    bad = declare(stage, fake=dummy_yaml("FAKE", stage.ledger, extra="  statee: stopped\n"))
    status = stage.until(lambda s: s["source"]["refused"] == bad)
    assert status["source"]["commit"] == good
    assert [p["text"] for p in status["problems"]] == [
        'fake.yaml:12:3: error[unknown-field]: there is no field "statee" in spec; did you mean state?'
    ]
    assert is_started("FAKE", "guest1")(status)
    declare(stage, fake=dummy_yaml("FAKE", stage.ledger, extra="  state: stopped\n"))
    stage.until(both(is_started("FAKE"), lambda s: s["source"]["refused"] is None))
    assert stage.lines() == ["start FAKE guest1", "stop FAKE guest1"]


def test_stopping_the_daemon_stops_nothing_else(stage: Stage) -> None:
    declare(stage)
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))
    assert stage.daemon is not None
    stage.daemon.send_signal(signal.SIGINT)
    assert stage.daemon.wait(TIMEOUT_S) == 0
    stage.daemon = None
    stage.start_daemon()
    stage.until(both(is_started("FAKE", "guest1"), is_node("guest1", "online")))
    assert stage.lines() == ["start FAKE guest1"]


def test_an_empty_declaration_deletes_nothing(stage: Stage, tmp_path: Path) -> None:
    declare(stage)
    stage.reconcile()
    for file in stage.repository.glob("*.yaml"):
        file.unlink()
    stage.git("commit", "-q", "-a", "-m", "empty")
    done = stage.reconcile(check=1)
    assert "error[nothing-declared]" in done.stderr
    assert stage.lines() == ["start FAKE guest1"]
    assert tmp_path.exists()


def test_an_interrupted_pass_says_so_and_the_next_one_goes_on(stage: Stage) -> None:
    gate = stage.folder / "gate"
    declare(stage, fake=gated_yaml("FAKE", stage.ledger, gate))
    command = [*stage.command()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as one_pass:
        assert one_pass.stderr is not None
        lines = iter(one_pass.stderr)
        while "starting FAKE" not in next(lines):
            pass
        one_pass.send_signal(signal.SIGINT)
        rest = "".join(lines)
    assert (one_pass.returncode, "stopped; what runs goes on" in rest) == (130, True)
    gate.touch()
    stage.reconcile()
    assert is_started("FAKE", "guest1")(stage.status())
    assert stage.lines() == ["start FAKE guest1"]
