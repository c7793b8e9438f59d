import json
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.load.record import dump_plan_input
from reconciler.model.history import History
from reconciler.report.plan import plan_document
from reconciler.world.journal import SqliteJournal
from tests.cli.conftest import Run
from tests.plan.worlds import dummy, empty_world, intent, plan

ASKED = intent("host1", dummy("FAKE"))
INPUT = dump_plan_input(ASKED, empty_world(ASKED), History(), 1.0)
PLAN = plan_document(plan(ASKED, empty_world(ASKED), now=1.0), None)


@pytest.fixture
def kept(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with closing(SqliteJournal(tmp_path / "state" / "journal.sqlite")) as journal:
        journal.save_plan_input("{}", "older")
        journal.save_plan_input(INPUT, PLAN["plan_hash"])


@pytest.mark.usefixtures("kept")
def test_the_newest_input_gives_the_same_plan_again(cli: Run) -> None:
    done = cli("replay", "-o", "json")
    assert (done.code, json.loads(done.out), done.err) == (0, PLAN, "")
    assert cli("replay").out.splitlines()[-1] == "Plan: 1 to add, 0 to change, 0 to destroy."


@pytest.mark.usefixtures("kept")
def test_inputs_are_listed_newest_first(cli: Run) -> None:
    assert cli("replay", "--list").out.splitlines() == [
        f"1  {PLAN['plan_hash']}  {len(INPUT)} bytes",
        "2  older  2 bytes",
    ]


@pytest.mark.usefixtures("kept")
def test_an_input_can_be_printed_and_replayed_elsewhere(cli: Run, tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(cli("replay", "-o", "input").out)
    assert saved.read_text() == INPUT + "\n"
    assert json.loads(cli("replay", str(saved), "-o", "json").out) == PLAN


@pytest.mark.usefixtures("kept")
def test_there_are_only_so_many(cli: Run) -> None:
    done = cli("replay", "-n", "3")
    want = "error: there are 2 saved inputs; every plan that does something adds one\n"
    assert (done.code, done.err) == (64, want)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"format": "x"}'])
def test_what_is_no_input_is_a_usage_error(cli: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "saved.json").write_bytes(content)
    done = cli("replay", str(tmp_path / "saved.json"))
    assert (done.code, done.out) == (64, "")
    assert "no saved" in done.err


def test_a_file_that_is_too_large_is_not_read(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.cli.replay.MAX_INPUT_BYTES", 10)
    (tmp_path / "saved.json").write_bytes(b"x" * 11)
    done = cli("replay", str(tmp_path / "saved.json"))
    assert (done.code, "it is larger than 10 bytes" in done.err) == (64, True)
