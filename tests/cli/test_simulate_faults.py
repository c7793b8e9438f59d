"""`reconcile simulate` on the declaration: what fails, what moves, what cannot run; for people, tools and CI."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import DECLARED, Run
from tests.report.schemas import problems

EXAMPLES = Path(__file__).parents[2] / "examples"

TWO = (
    DECLARED
    + """\
---
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {name: host2}
spec: {agent: {address: host2.example.net}}
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {name: bound}
spec:
  agent: "ocf:reconciler:Dummy"
  placement: {on: [host1]}
"""
)


@pytest.fixture(autouse=True)
def two_hosts(declared: Path) -> None:
    (declared / "cluster.yaml").write_text(TWO)


def test_what_moves_and_what_cannot_run_is_said_and_is_1(cli: Run) -> None:
    done = cli("simulate", "--fail", "host1")
    text = "host1's agent is not connected (lost): it failed in this simulation"
    assert (done.code, done.err, done.out.splitlines()) == (1, "", [
        "host1 failed:",
        "  FAKE  moves  host1 -> host2",
        f"  bound  CANNOT RUN: {text}  (cluster.yaml:23)",
        "",
        "Simulated 1: 0 survived, 1 not.",
    ])  # fmt: skip


def test_what_may_stop_is_no_failure(cli: Run) -> None:
    done = cli("simulate", "--fail", "host1", "--may-stop", "bound", "-o", "json")
    document = json.loads(done.out)
    assert (done.code, problems("what-if", document)) == (0, [])
    assert document == {
        "format_version": "1.0",
        "scenarios": [{
            "failed": ["host1"], "failed_resources": [], "standby": [],
            "moved": [{
                "resource": "FAKE", "from": ["host1"], "to": ["host2"], "file": "cluster.yaml", "line": 12,
            }],
            "restarted": [], "fewer": [],
            "cannot_run": [{
                "resource": "bound", "from": ["host1"], "to": [], "file": "cluster.yaml", "line": 23,
                "text": "host1's agent is not connected (lost): it failed in this simulation", "allowed": True,
            }],
            "overloaded": [], "ok": True,
        }],
        "ok": True,
    }  # fmt: skip


def test_all_single_failures_come_after_the_declared_world(cli: Run) -> None:
    done = cli("simulate", "--all-single-failures", "--may-stop", "bound")
    assert done.code == 0
    assert [line for line in done.out.splitlines() if line.endswith(":")] == [
        "as declared:", "host1 failed:", "host2 failed:",
    ]  # fmt: skip
    assert done.out.splitlines()[-1] == "Simulated 3: 3 survived, 0 not."


def test_unknown_names_come_with_a_suggestion(cli: Run) -> None:
    done = cli("simulate", "--fail", "hots1")
    assert (done.code, done.err) == (64, "error: there is no host or guest hots1; did you mean host1?\n")
    assert cli("simulate", "--may-stop", "boundd").err.endswith("did you mean bound?\n")


def test_faults_do_not_go_with_a_cib(cli: Run, tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_text("<cib/>")
    assert cli("simulate", "--cib", str(file), "--fail", "host1").code == 64
    assert cli("simulate", "--no-execute").code == 64


def test_the_example_of_capacity_survives_as_its_comments_say(bare: Run, tmp_path: Path) -> None:
    folder = ["-C", str(EXAMPLES / "policy" / "capacity"), "--worktree", "--state", str(tmp_path)]
    done = bare(*folder, "simulate", "--fail", "host2", "--may-stop", "reports")
    text = "host2's agent is not connected (lost): it failed in this simulation"
    assert (done.code, done.out.splitlines()) == (1, [
        "host2 failed:",
        "  search  moves  host2 -> host1",
        f"  database  CANNOT RUN: {text}  (cluster.yaml:27)",
        f"  reports  does not run, as allowed: {text}  (cluster.yaml:42)",
        "",
        "Simulated 1: 0 survived, 1 not.",
    ])  # fmt: skip


@pytest.mark.parametrize("path", sorted((EXAMPLES / "policy").iterdir()), ids=lambda path: path.name)
def test_every_example_can_be_simulated(bare: Run, tmp_path: Path, path: Path) -> None:
    folder = ["-C", str(path), "--worktree", "--state", str(tmp_path)]
    done = bare(*folder, "simulate", "--all-single-failures", "-o", "json")
    assert (done.code in {0, 1}, problems("what-if", json.loads(done.out))) == (True, [])


def test_rules_with_dates_are_judged_as_of_a_time(bare: Run, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    asked.mkdir()
    (asked / "a.yaml").write_text("""\
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {name: host1}
spec: {agent: local}
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {name: web}
spec:
  agent: "ocf:heartbeat:Dummy"
  overrides: [{when: {date: {years: 2030-}}, state: stopped}]
""")
    folder = ("--state", str(tmp_path / "state"), "-C", str(asked), "simulate", "--fail-resource", "web")
    assert "web  restarts" in bare(*folder, "--at", "2029-12-31T23:59:59Z").out
    assert "web  restarts" not in bare(*folder, "--at", "2030-01-01T00:00:00Z").out
    wrong = bare(*folder, "--at", "tomorrow")
    assert (wrong.code, wrong.err) == (
        64,
        'error: --at: "tomorrow" is not a time; write it as 2026-12-24T18:00:00Z\n',
    )
