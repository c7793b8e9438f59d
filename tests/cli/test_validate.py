import json
from pathlib import Path

from tests.cli.conftest import Run, git

WRONG = """\
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {name: r%d}
spec: {agentt: "ocf:reconciler:Dummy"}
---
"""


def test_a_valid_declaration_is_counted(cli: Run) -> None:
    done = cli("validate")
    assert (done.code, done.out, done.err) == (0, "valid: 1 hosts, 0 guests, 1 resources\n", "")


def test_every_problem_is_shown_with_its_place_and_what_would_be_right(cli: Run, declared: Path) -> None:
    (declared / "wrong.yaml").write_text("".join(WRONG % n for n in range(30)))
    done = cli("validate")
    lines = done.out.splitlines()
    assert (done.code, done.err) == (1, "60 errors\n")
    assert len(lines) == 60
    assert (
        'wrong.yaml:4:8: error[unknown-field]: there is no field "agentt" in spec; did you mean agent?'
        in lines
    )


def test_problems_as_json(cli: Run, declared: Path) -> None:
    (declared / "wrong.yaml").write_text(WRONG % 1)
    done = cli("validate", "-o", "json")
    document = json.loads(done.out)
    assert (done.code, document["valid"]) == (1, False)
    assert {
        "file": "wrong.yaml",
        "line": 4,
        "column": 8,
        "severity": "error",
        "code": "unknown-field",
        "text": 'there is no field "agentt" in spec',
        "hint": "did you mean agent?",
    } in document["problems"]
    (declared / "wrong.yaml").unlink()
    assert json.loads(cli("validate", "-o", "json").out) == {"valid": True, "problems": []}


def test_the_commit_is_checked_unless_the_worktree_is_asked_for(cli: Run, repository: Path) -> None:
    (repository / "wrong.yaml").write_text(WRONG % 1)
    assert cli("validate").code == 0
    assert cli("--worktree", "validate").code == 1
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "wrong")
    assert cli("validate").code == 1
    assert cli("--revision", "HEAD~1", "validate").code == 0
    missing = cli("--revision", "nope", "validate")
    assert (missing.code, missing.out) == (1, "")
    assert "there is no commit 'nope'" in missing.err


def test_an_empty_folder_declares_nothing(cli: Run, declared: Path) -> None:
    (declared / "cluster.yaml").unlink()
    done = cli("validate")
    assert done.code == 1
    assert "error[nothing-declared]: nothing is declared here" in done.out
