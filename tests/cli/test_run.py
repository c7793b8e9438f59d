"""One pass and the daemon, as processes of their own, with everything that they start."""

import itertools
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.settings import Settings
from tests.daemon.stage import Stage, dummy_yaml, gated_yaml, guest_yaml, host_yaml, is_started
from tests.report.schemas import problems

pytestmark = pytest.mark.slow


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.end()


def declare_gated(stage: Stage) -> Path:
    """Commit a host with FAKE on it, whose start lasts until there is a file, and return where."""
    gate = stage.folder / "gate"
    fake = gated_yaml("FAKE", stage.ledger, gate, prefer="host1: INFINITY")
    stage.commit(host=host_yaml("runs"), fake=fake)
    return gate


def declare(stage: Stage, extra: str = "", params: str = "") -> str:
    """Commit a host with FAKE on it."""
    prefer = "host1: INFINITY"
    fake = dummy_yaml("FAKE", stage.ledger, prefer=prefer, extra=extra, params=params)
    return stage.commit(host=host_yaml("runs"), fake=fake)


def test_one_pass_prints_the_status_on_stdout_and_progress_on_stderr(stage: Stage) -> None:
    declare(stage)
    done = stage.reconcile()
    assert done.stdout.splitlines()[0].startswith("Cluster runs | commit ")
    assert done.stdout.splitlines()[-1] == "  FAKE  ocf:reconciler:Dummy  Started host1"
    assert "started FAKE on host1" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    # Our own resource agents alone are in the output of the second: nothing was to do.
    assert "Nothing to do: the world is as declared" in stage.reconcile().stderr


def test_status_says_the_same_beside_a_daemon_and_without(stage: Stage) -> None:
    declare(stage)
    stage.start_daemon()
    stage.until(is_started("FAKE", "host1"))
    (stage.repository / "fake.yaml").write_text("edited: later\n")
    beside = stage.status()
    stage.stop_daemon()
    alone = stage.status()
    assert beside == alone
    assert (beside["source"]["dirty"], problems("status", beside)) == (True, [])


def test_reconcile_beside_a_daemon_syncs_and_shows_what_it_did(stage: Stage) -> None:
    declare(stage)
    stage.start_daemon()
    stage.until(is_started("FAKE", "host1"))
    begun = time.monotonic()
    idle = [stage.reconcile() for _ in range(3)]
    took_s = time.monotonic() - begun
    assert idle[-1].stdout.splitlines()[-1] == "  FAKE  ocf:reconciler:Dummy  Started host1"
    assert took_s < 2 * Settings().patience_s, (
        "a sync waits for no timer: of three, two would wait for all of it"
    )
    declare(stage, extra="  state: stopped\n")
    done = stage.reconcile()
    assert done.stdout.splitlines()[-1] == "  FAKE  ocf:reconciler:Dummy  Stopped"
    assert stage.lines() == ["start FAKE host1", "stop FAKE host1"]


def test_a_second_daemon_is_refused_and_names_the_first(stage: Stage) -> None:
    declare(stage)
    stage.start_daemon()
    assert stage.daemon is not None
    stage.until(is_started("FAKE", "host1"))
    for arguments in (["--watch"], ["stop-all"]):
        done = stage.reconcile(*arguments, check=1)
        want = (
            f"error: {stage.state} is in use by process {stage.daemon.pid}; only one may act on a cluster\n"
        )
        assert (done.stdout, done.stderr) == ("", want)


def test_a_state_of_another_source_is_refused_before_any_action(stage: Stage, tmp_path: Path) -> None:
    declare(stage, extra="  state: stopped\n")
    stage.reconcile()
    other = Stage(tmp_path / "other")
    other.state = stage.state
    declare(other)
    want = f"error: this state belongs to {stage.repository}, not to {other.repository}; "
    for text in (None, "apiVersion: wrong\n"):
        if text is not None:
            other.commit(wrong=text)
        done = other.reconcile(check=1)
        assert (done.stdout, done.stderr.splitlines()[-1][: len(want)]) == ("", want)
    assert other.lines() == []


def test_a_pass_that_leaves_something_failed_is_1(stage: Stage) -> None:
    declare(stage, params="    fail: start")
    prefer = "  placement: {on: [host1]}\n"
    broken = dummy_yaml("BROKEN", stage.ledger, prefer="host1: 1").replace(
        "ocf:reconciler:Dummy", "ocf:no:Such"
    )
    stage.commit(broken=broken.replace("  placement: {prefer: {host1: 1}}\n", prefer))
    done = stage.reconcile(check=1)
    assert "BROKEN" in done.stdout
    assert "Problems:" in done.stdout
    stage.reconcile("status", check=0)


def test_a_gate_is_3_and_holds_only_what_it_is_about(stage: Stage) -> None:
    guests = "\n---\n".join(
        guest_yaml(stage.port + n).replace("vm-guest1", f"vm{n}").replace("name: guest1", f"name: g{n}")
        for n in (0, 1)
    )
    stage.commit(
        host=host_yaml("runs"), guests=guests, fake=dummy_yaml("FAKE", stage.ledger, prefer="host1: 1")
    )
    stage.reconcile()
    (stage.repository / "guests.yaml").unlink()
    stage.commit(fake=dummy_yaml("FAKE", stage.ledger, prefer="host1: 1", extra="  state: stopped\n"))
    done = stage.reconcile(check=3)
    assert "guest/vm0: this would remove 2 guests and safety.maxDestroy is 1" in done.stdout
    assert stage.lines()[-1] == "stop FAKE host1"
    stage.reconcile("plan", check=3)
    stage.reconcile("allow-destroy", "vm0", check=0)
    names = [r["name"] for r in stage.status()["resources"]]
    assert "vm0" not in names


def test_orders_with_wrong_names_are_64_with_and_without_a_daemon(stage: Stage) -> None:
    declare(stage)
    alone = stage.reconcile("restart", "FAEK", check=64)
    assert alone.stderr.splitlines()[-1] == "error: there is no resource 'FAEK'; did you mean FAKE?"
    assert "Traceback" not in alone.stderr
    stage.start_daemon()
    stage.until(is_started("FAKE", "host1"))
    beside = stage.reconcile("restart", "FAEK", check=64)
    assert (beside.stdout, beside.stderr) == ("", "error: there is no resource 'FAEK'; did you mean FAKE?\n")
    assert stage.reconcile("confirm-fenced", "host1", check=64).stderr.startswith(
        "error: host1's agent is connected"
    )
    assert stage.reconcile("restart", "fake").stdout == "FAKE will be restarted\n"
    stage.until(lambda _: stage.lines() == ["start FAKE host1", "stop FAKE host1", "start FAKE host1"])


def test_a_plan_is_replayed_to_the_same_hash(stage: Stage) -> None:
    declare(stage)
    planned = json.loads(stage.reconcile("plan", "-o", "json").stdout)
    stage.reconcile()
    kept = [line.split()[1] for line in stage.reconcile("replay", "--list").stdout.splitlines()]
    replayed = [
        json.loads(stage.reconcile("replay", "-n", str(n + 1), "-o", "json").stdout)["plan_hash"]
        for n in range(len(kept))
    ]
    assert kept == replayed
    assert planned["plan_hash"] in kept


def test_a_killed_controllers_actions_are_named_at_the_next_start(stage: Stage) -> None:
    gate = declare_gated(stage)
    command = stage.command()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as one_pass:
        assert one_pass.stderr is not None
        lines = iter(one_pass.stderr)
        while "starting FAKE" not in next(lines):
            pass
        os.kill(one_pass.pid, signal.SIGKILL)
    gate.touch()
    done = stage.reconcile()
    assert "start of FAKE on host1 was interrupted; what became of it is found out" in done.stderr
    assert "interrupted" not in stage.reconcile().stderr
    assert stage.lines() == ["start FAKE host1"]


def test_off_a_terminal_a_long_wait_is_named_now_and_then(stage: Stage) -> None:
    gate = declare_gated(stage)
    with subprocess.Popen(
        stage.command(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as one_pass:
        assert one_pass.stderr is not None
        said = []
        for line in one_pass.stderr:
            said.append(line)
            if "waiting for: starting FAKE" in line:
                gate.touch()
    assert one_pass.returncode == 0
    waited = [int(s) for s in re.findall(r"waiting for: starting FAKE on host1 \((\d+) s\)", "".join(said))]
    # Once, but on a machine that is held up; and never soon after.
    assert waited
    assert all(later - earlier >= 10 for earlier, later in itertools.pairwise(waited))
    assert "\r" not in "".join(said)
