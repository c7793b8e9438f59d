import json
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.operation import OperationResult
from reconciler.ports import LogEntry
from reconciler.world.journal import SqliteJournal
from tests.cli.conftest import Run
from tests.report.schemas import problems


@pytest.fixture
def logged(tmp_path: Path) -> None:
    """Results of FAKE, and of OLD, which is not declared any more."""
    (tmp_path / "state").mkdir()
    with closing(SqliteJournal(tmp_path / "state" / "journal.sqlite")) as journal:
        for name, rc in (("FAKE", 0), ("FAKE", 1), ("OLD", 0)):
            result = OperationResult(
                resource=ResourceId(name), operation="start", rc=rc, output="said\n", took_ms=12 * (1 - rc)
            )
            journal.append_log(LogEntry(node=NodeName("host1"), result=result, finished_at=0.0))


@pytest.mark.usefixtures("logged")
def test_results_are_shown_newest_first(cli: Run) -> None:
    done = cli("logs", "FAKE")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "1970-01-01 00:00:00Z  start on host1: rc 1",
        "    said",
        "1970-01-01 00:00:00Z  start on host1: ok (12 ms)",
        "    said",
    ]
    assert len(cli("logs", "FAKE", "-n", "1").out.splitlines()) == 2


@pytest.mark.usefixtures("logged")
def test_results_as_json_are_by_their_schema(cli: Run) -> None:
    document = json.loads(cli("logs", "FAKE", "-o", "json").out)
    assert ([e["rc"] for e in document], problems("logs", document)) == ([1, 0], [])


@pytest.mark.usefixtures("logged")
def test_names_are_compared_without_case_and_may_be_of_removed_resources(cli: Run) -> None:
    assert cli("logs", "fake").out == cli("logs", "FAKE").out
    assert cli("logs", "old").code == 0


@pytest.mark.usefixtures("logged")
def test_a_name_that_neither_is_declared_nor_has_results_is_a_usage_error(cli: Run) -> None:
    done = cli("logs", "FAEK")
    assert (done.code, done.out) == (64, "")
    assert done.err == "error: there is no resource 'FAEK'; did you mean FAKE?\n"


def test_a_declared_resource_may_have_no_results_yet(cli: Run, tmp_path: Path) -> None:
    assert cli("logs", "FAKE").out == "No results yet.\n"
    assert cli("logs", "FAKE", "-o", "json").out == "[]\n"
    assert not (tmp_path / "state").exists()
