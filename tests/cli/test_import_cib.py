from pathlib import Path

from tests.cli.conftest import Run
from tests.pacemaker.cibs import cib, dummy


def test_a_cib_becomes_yaml_that_can_be_declared(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "cib.xml").write_bytes(cib(f'<group id="web">{dummy("a")}{dummy("b")}</group>'))
    done = cli("import", "--cib", str(tmp_path / "cib.xml"))
    assert (done.code, done.err) == (0, "")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "cluster.yaml").write_text(done.out)
    assert done.out.startswith("apiVersion: reconciler/v1alpha1\nkind: Cluster\nmetadata: {name: default}\n")
    checked = cli("-C", str(folder), "validate")
    assert (checked.code, checked.out) == (0, "valid: 2 hosts, 0 guests, 2 resources\n")


def test_what_has_no_equivalent_is_listed_and_what_cannot_be_fails(cli: Run, tmp_path: Path) -> None:
    orders = '<rsc_order id="x" first="a" then="b"/><rsc_order id="y" first="b" then="a"/>'
    (tmp_path / "cib.xml").write_bytes(cib(dummy("a") + dummy("b") + dummy("N1"), orders))
    done = cli("import", "--cib", str(tmp_path / "cib.xml"))
    lines = done.err.splitlines()
    assert (done.code, len(lines)) == (1, 2)
    assert lines[0].endswith("cib.xml:5:1: N1 is left out: its name is taken, or not legal here")
    assert "error[order-cycle]: a → b → a is a cycle" in lines[1]
