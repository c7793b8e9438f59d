"""`reconcile simulate` prints the plan for a CIB, and a clear error for what is none."""

import json
from pathlib import Path

from click.testing import CliRunner

from reconciler.cli.main import reconcile
from tests.pacemaker.cibs import cib, dummy, op, ran


def test_json_holds_places_lines_and_actions(tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_bytes(cib(dummy("r"), status=ran("r", op("start", 1, rc=1))))
    done = CliRunner().invoke(reconcile, ["simulate", "--cib", str(file), "-o", "json"])
    document = json.loads(done.stdout)
    assert document["transition"] == ["* Recover    r   ( n1 )"]
    assert document["placement"] == {"r": [{"node": "n1", "role": "Started"}]}
    assert [(a["operation"], a["node"]) for a in document["actions"]] == [
        ("stop", "n1"), ("monitor", "n2"), ("start", "n1"),
    ]  # fmt: skip


def test_without_executing_things_stay_where_they_are(tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_bytes(cib(dummy("r")))
    done = CliRunner().invoke(reconcile, ["simulate", "--cib", str(file), "-o", "json", "--no-execute"])
    assert json.loads(done.stdout)["placement"] == {"r": []}


def test_what_is_not_taken_into_account_goes_to_stderr_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_bytes(cib(f'<bundle id="g">{dummy("m")}</bundle>'))
    done = CliRunner().invoke(reconcile, ["simulate", "--cib", str(file)])
    assert done.stderr == (
        f"not taken into account: {file}:5:1: "
        "bundle g has nothing that could run it, or be connected in it, and is left out\n"
    )


def test_orders_in_a_circle_are_left_out_and_said_so(tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    orders = '<rsc_order id="o" first="a" then="b"/><rsc_order id="p" first="b" then="a"/>'
    file.write_bytes(cib(dummy("a") + dummy("b"), orders))
    done = CliRunner().invoke(reconcile, ["simulate", "--cib", str(file)])
    assert (done.exit_code, "waits for itself" in done.stderr) == (0, True)


def test_what_is_no_cib_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_text("<cib>")
    done = CliRunner().invoke(reconcile, ["simulate", "--cib", str(file)])
    assert "is no XML" in str(done.exception)
