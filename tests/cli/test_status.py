import json
from pathlib import Path

from tests.cli.conftest import DECLARED, Run, git
from tests.report.schemas import problems


def test_status_is_0_whenever_it_could_observe_and_by_the_contract(cli: Run, repository: Path) -> None:
    done = cli("status", "-o", "json")
    document = json.loads(done.out)
    assert (done.code, done.err, problems("status", document)) == (0, "", [])
    assert document == {
        "cluster": "clitest",
        "source": {
            "commit": git(repository, "rev-parse", "HEAD"),
            "dirty": False,
            "folder": str(repository),
            "revision": "HEAD",
            "refused": None,
        },
        "nodes": [
            {
                "name": "host1",
                "kind": "host",
                "state": "online",
                "reason": None,
                "text": "",
                "standby": False,
                "maintenance": False,
                "attributes": {},
                "key": None,
                "address": None,
                "resource": None,
            }
        ],
        "resources": [
            {
                "name": "FAKE",
                "agent": "ocf:reconciler:Dummy",
                "role": "Stopped",
                "nodes": [],
                "instances": [],
                "declared": True,
                "managed": True,
                "failures": 0,
                "problem": None,
            }
        ],
        "tickets": [],
        "problems": [],
    }


def test_status_without_a_state_makes_none(cli: Run, declared: Path, tmp_path: Path) -> None:
    assert cli("status").code == 0
    assert [path.name for path in tmp_path.iterdir()] == [declared.name]


def test_status_says_that_uncommitted_changes_are_left_out(cli: Run, repository: Path) -> None:
    (repository / "cluster.yaml").write_text(DECLARED + "  state: stopped\n")
    assert json.loads(cli("status", "-o", "json").out)["source"]["dirty"] is True
    assert "note: uncommitted changes are left out; commit them, or use --worktree" in cli("status").out


def test_without_anything_good_on_record_the_problems_are_shown(cli: Run, declared: Path) -> None:
    (declared / "cluster.yaml").write_text(DECLARED + "  statee: stopped\n")
    done = cli("status")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        'cluster.yaml:15:3: error[unknown-field]: there is no field "statee" in spec; did you mean state?',
        "error: 1 error",
    ]


def test_a_damaged_journal_is_named(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "journal.sqlite").write_text("no journal " * 100)
    done = cli("status")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: {tmp_path}/state/journal.sqlite is damaged (file is not a database)")
