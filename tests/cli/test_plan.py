import json
from pathlib import Path

import pytest

from tests.cli.conftest import DECLARED, Run, git
from tests.report.schemas import problems

STOPPED = "  state: stopped\n"


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_a_plan_as_json_is_by_the_contract(cli: Run, repository: Path) -> None:
    done = cli("plan", "-o", "json")
    document = json.loads(done.out)
    assert (done.code, done.err, problems("plan", document)) == (0, "", [])
    assert document["source"] == {
        "commit": git(repository, "rev-parse", "HEAD"),
        "dirty": False,
        "folder": str(repository),
    }
    assert document["changes"] == [
        {
            "address": "resource/FAKE",
            "action": "start",
            "from": None,
            "to": "host1",
            "reasons": [
                {
                    "code": "declared",
                    "text": "declared, and runs nowhere; best node is host1",
                    "file": "cluster.yaml",
                    "line": 12,
                }
            ],
            "depends_on": [],
            "disruptive": False,
            "destructive": False,
        }
    ]
    assert (document["summary"], document["complete"]) == ({"add": 1, "change": 0, "destroy": 0}, True)
    assert (document["blocked"], document["gates"]) == ([], [])


@pytest.mark.usefixtures("repository")
def test_a_plan_writes_nothing_anywhere(cli: Run, tmp_path: Path) -> None:
    before = files(tmp_path)
    stamps = {path: path.stat().st_mtime_ns for path in before}
    for output in ("text", "json", "markdown"):
        assert cli("plan", "-o", output).code == 0
    assert files(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in before} == stamps


def test_the_last_line_for_people_counts(cli: Run) -> None:
    assert cli("plan").out.splitlines()[-1] == "Plan: 1 to add, 0 to change, 0 to destroy."


def test_a_plan_as_markdown_begins_with_its_counts(cli: Run) -> None:
    assert cli("plan", "-o", "markdown").out.startswith("**Plan: 1 to add, 0 to change, 0 to destroy.**\n")


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_detailed_exit_code_is_2_exactly_when_there_are_changes(
    cli: Run, declared: Path, output: str
) -> None:
    assert cli("plan", "-o", output, "--detailed-exitcode").code == 2
    (declared / "cluster.yaml").write_text(DECLARED + STOPPED)
    done = cli("plan", "-o", output, "--detailed-exitcode")
    assert done.code == 0
    if output == "json":
        assert json.loads(done.out)["changes"] == []


def test_fail_on_is_3_and_goes_before_2(cli: Run, repository: Path) -> None:
    git(repository, "commit", "-q", "--allow-empty", "-m", "same")
    (repository / "cluster.yaml").write_text(DECLARED + STOPPED)
    git(repository, "commit", "-q", "-a", "-m", "stop it")
    against = ["plan", "--against", "HEAD~1", "--detailed-exitcode"]
    assert cli(*against).code == 2
    refused = cli(*against, "--fail-on", "stop", "--fail-on", "move")
    assert (refused.code, refused.err) == (3, "refused by --fail-on: resource/FAKE\n")
    assert refused.out == cli(*against).out
    assert cli(*against, "--fail-on", "disruptive").code == 3
    assert cli(*against, "--fail-on", "destroy", "--fail-on", "destructive").code == 2


def test_a_gate_is_3(cli: Run, repository: Path) -> None:
    guest = """\
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {name: vm%d}
spec: {type: process, remoteNode: {name: g%d, address: 127.0.0.1, port: 1%d}}
"""
    (repository / "guests.yaml").write_text("".join(guest % (n, n, n) for n in (1, 2)))
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "guests")
    (repository / "guests.yaml").unlink()
    git(repository, "commit", "-q", "-a", "-m", "none")
    done = cli("plan", "--against", "HEAD~1", "-o", "json")
    document = json.loads(done.out)
    assert done.code == 3
    assert done.err == "refused by a gate: guest/vm1, guest/vm2\n"
    assert [g["address"] for g in document["gates"]] == ["guest/vm1", "guest/vm2"]
    # What a gate holds is not unknown, and is not said twice.
    assert (document["complete"], document["blocked"], problems("plan", document)) == (True, [], [])


def test_uncommitted_changes_are_left_out_and_said(cli: Run, repository: Path) -> None:
    (repository / "cluster.yaml").write_text(DECLARED + STOPPED)
    note = "uncommitted changes are left out; commit them, or use --worktree"
    text = cli("plan")
    assert f"note: {note}" in text.out.splitlines()
    assert text.out.splitlines()[-1] == "Plan: 1 to add, 0 to change, 0 to destroy."
    assert json.loads(cli("plan", "-o", "json").out)["source"]["dirty"] is True
    assert f"> {note}" in cli("plan", "-o", "markdown").out
    worktree = cli("--worktree", "plan")
    assert "note:" not in worktree.out
    assert worktree.out.splitlines()[-1] == "Plan: 0 to add, 0 to change, 0 to destroy."


def test_errors_in_the_declaration_are_shown_and_nothing_is_planned(cli: Run, declared: Path) -> None:
    (declared / "cluster.yaml").write_text(DECLARED + "  statee: stopped\n")
    done = cli("plan", "-o", "json")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        'cluster.yaml:15:3: error[unknown-field]: there is no field "statee" in spec; did you mean state?',
        "error: 1 error",
    ]


def test_errors_of_the_other_revision_are_named_with_it(cli: Run, repository: Path) -> None:
    (repository / "cluster.yaml").write_text(DECLARED + "  statee: stopped\n")
    git(repository, "commit", "-q", "-a", "-m", "wrong")
    (repository / "cluster.yaml").write_text(DECLARED)
    git(repository, "commit", "-q", "-a", "-m", "right")
    done = cli("plan", "--against", "HEAD~1")
    assert (done.code, done.err.splitlines()[-1]) == (1, "error: HEAD~1: 1 error")


def test_a_plan_against_what_is_no_revision_is_an_error(cli: Run, declared: Path) -> None:
    done = cli("plan", "--against", "main")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: {declared} is not in a git repository, so there is no revision main\n"
