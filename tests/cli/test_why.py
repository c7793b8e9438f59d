"""`reconcile why` prints terms with their place in the YAML; unknown names come with a suggestion."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import DECLARED, Run
from tests.pacemaker.cibs import cib, dummy
from tests.report.schemas import problems


@pytest.fixture(autouse=True)
def preferring(declared: Path) -> None:
    (declared / "cluster.yaml").write_text(DECLARED + "  placement: {prefer: {host1: 100}}\n")


def test_the_terms_of_a_score_come_with_file_and_line(cli: Run) -> None:
    done = cli("why", "FAKE")
    assert (done.code, done.err, done.out.splitlines()) == (0, "", [
        "FAKE: -> host1: host1 is the best node",
        " * host1  100  chosen",
        "      +100  location constraint: 100 on host1  (cluster.yaml:15)",
    ])  # fmt: skip
    assert cli("why", "FAKE", "host1").out == done.out


def test_json_is_by_the_contract(cli: Run) -> None:
    document = json.loads(cli("why", "FAKE", "-o", "json").out)
    assert problems("why", document) == []
    assert document == {
        "format_version": "1.0", "resource": "FAKE", "kind": "primitive", "file": "cluster.yaml", "line": 12,
        "parts": [{
            "resource": "FAKE", "from": None, "to": "host1", "rule": "best", "text": "host1 is the best node",
            "nodes": [{
                "node": "host1", "chosen": True, "score": 100, "assigned_before": 0, "verdict": "chosen",
                "terms": [{
                    "kind": "location", "text": "location constraint: 100 on host1", "value": 100, "score": 100,
                    "file": "cluster.yaml", "line": 15,
                }],
            }],
        }],
    }  # fmt: skip


def test_unknown_names_come_with_a_suggestion(cli: Run) -> None:
    wrong_resource, wrong_node = cli("why", "FAK"), cli("why", "FAKE", "hots1")
    assert (wrong_resource.code, wrong_resource.err) == (
        64, "error: there is no resource FAK; did you mean FAKE?\n",
    )  # fmt: skip
    assert (wrong_node.code, wrong_node.err) == (64, "error: there is no node hots1; did you mean host1?\n")


def test_a_cib_is_explained_too(cli: Run, tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_bytes(cib(dummy("r"), '<rsc_location id="l" rsc="r" node="n2" score="10"/>'))
    done = cli("why", "--cib", str(file), "r")
    assert (done.code, done.out.splitlines()[:2]) == (
        0,
        ["r: -> n2: n2 is the best node", " * n2  10  chosen"],
    )
