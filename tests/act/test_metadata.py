"""What resource agents say of themselves."""

from pathlib import Path

import pytest

from agent.ocf.dummy import META_DATA
from reconciler.act.metadata import parse_metadata
from reconciler.model.agent_metadata import ParameterMetadata

OF_1_1 = """<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Shop" version="2.0">
<version>1.1</version>
<parameters>
<parameter name="port" required="1" unique-group="address"><content type="integer"/></parameter>
<parameter name="mode" reloadable="1">
<content type="select" default="a"><option value="a"/><option value="b"/></content>
</parameter>
<parameter name="note"/>
</parameters>
<actions><action name="reload-agent" timeout="20s"/><action name="reload" timeout="20s"/></actions>
</resource-agent>
"""


def test_parameters_and_the_way_to_reload_them_are_understood() -> None:
    metadata = parse_metadata(OF_1_1)
    assert metadata is not None
    assert metadata.reload == "reload-agent"
    assert metadata.parameters == {
        "port": ParameterMetadata(content="integer", is_required=True),
        "mode": ParameterMetadata(content="select", options=("a", "b"), is_reloadable=True),
        "note": ParameterMetadata(),
    }


def test_before_1_1_what_is_not_unique_can_be_reloaded_by_reload() -> None:
    text = OF_1_1.replace("<version>1.1</version>", "<version>1.0</version>")
    metadata = parse_metadata(text.replace('unique-group="address"', 'unique="1"'))
    assert metadata is not None
    assert metadata.reload == "reload"
    assert [(n, p.is_reloadable) for n, p in metadata.parameters.items()] == [
        ("port", False),
        ("mode", True),
        ("note", True),
    ]


def test_the_same_text_has_the_same_digest() -> None:
    one, other, changed = (parse_metadata(t) for t in (OF_1_1, OF_1_1, OF_1_1 + "\n"))
    assert one is not None
    assert other is not None
    assert changed is not None
    assert (one.digest == other.digest, one.digest == changed.digest) == (True, False)


def test_the_bundled_one_is_understood() -> None:
    metadata = parse_metadata(META_DATA)
    assert metadata is not None
    reloadable = [name for name, p in metadata.parameters.items() if p.is_reloadable]
    assert (metadata.reload, reloadable) == ("reload-agent", ["delay", "fail"])


@pytest.mark.parametrize("text", ["", "<", "usage: x", "<html/>", '<?xml version="1.0"?>'])
def test_what_is_not_metadata_says_nothing(text: str) -> None:
    assert parse_metadata(text) is None


def test_nothing_is_read_for_the_sake_of_metadata_nor_grown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    entity = f'<!DOCTYPE r [<!ENTITY s SYSTEM "file://{tmp_path}/secret">]>'
    name = "<parameters><parameter name='p'><content type='string'/><longdesc>&s;</longdesc></parameter></parameters>"
    assert "secret" not in repr(parse_metadata(f"{entity}<resource-agent>{name}</resource-agent>"))
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 100}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE r [<!ENTITY e0 "x">{bomb}]>'
    grown = parse_metadata(f"{doctype}<resource-agent><version>&e9;</version></resource-agent>")
    assert len(repr(grown)) < 1000
