"""Fencing levels are for a node, for a pattern of names or for a label; others are noted."""

from reconciler.model.names import NodeName, Where
from reconciler.model.node import FencingLevel
from tests.pacemaker.cibs import cib, read


def test_levels_name_their_nodes_and_devices() -> None:
    levels = (
        '<fencing-level id="a" target="n1" index="1" devices="x, y"/>'
        '<fencing-level id="b" target-pattern="n." index="2" devices="z"/>'
        '<fencing-level id="c" target-attribute="rack" target-value="r1" index="1" devices="z"/>'
        '<fencing-level id="d" target="n1" index="0" devices="x"/><fencing-level id="e" index="1" devices="x"/>'
    )
    text = cib().replace(
        b"</configuration>", f"\n<fencing-topology>{levels}</fencing-topology></configuration>".encode()
    )
    given = read(text)
    here = Where(file="cib.xml", line=6)
    assert given.intent.fencing_levels == (
        FencingLevel(id="a", where=here, index=1, devices=("x", "y"), node=NodeName("n1")),
        FencingLevel(id="b", where=here, index=2, devices=("z",), pattern="n."),
        FencingLevel(id="c", where=here, index=1, devices=("z",), label=("rack", "r1")),
    )
    assert [n.text for n in given.unsupported] == [
        "fencing level d is not valid",
        "fencing level e is not valid",
    ]
