import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from reconciler.model.names import ResourceId
from reconciler.model.resource import Role
from reconciler.ports import ClusterView
from reconciler.world.channel.cib_view import cib_of
from tests.plan.worlds import clone, dummy, empty_world, group, guest, intent, running, seen
from tests.world.channel.questions import VIEW


def test_no_parameter_is_shown() -> None:
    assert b"hush" not in etree.tostring(cib_of(VIEW))


def test_groups_and_clones_hold_what_belongs_to_them() -> None:
    asked = intent(
        "host1",
        guest("vm1", "guest1"),
        dummy("a"),
        dummy("b"),
        dummy("c"),
        group("g", "a", "b"),
        clone("cc", "c"),
    )
    view = ClusterView(intent=asked, observed=empty_world(asked))
    resources = cib_of(view).find("configuration/resources")
    assert resources is not None
    assert [(e.tag, e.get("id"), [c.get("id") for c in e if c.tag == "primitive"]) for e in resources] == [
        ("group", "g", ["a", "b"]),
        ("clone", "cc", ["c"]),
        ("primitive", "vm1", []),
    ]


def test_what_is_unknown_is_not_told() -> None:
    unknown = replace(running(VIEW.intent, "FAKE", "guest1"), role=Role.UNKNOWN)
    view = replace(VIEW, observed=seen(VIEW.observed, unknown))
    told = [e.get("id") for e in cib_of(view).iter("lrm_resource")]
    assert told == ["vm1", "guest1"]
    assert ResourceId("FAKE") not in told


@pytest.mark.skipif(shutil.which("crm_mon") is None, reason="needs pacemaker-cli-utils")
def test_crm_mon_shows_what_runs_where(tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_bytes(etree.tostring(cib_of(VIEW)))
    shown = subprocess.run(
        ["crm_mon", "-1", "--xml-file", str(file), "--exclude=all", "--include=nodes,resources,attributes"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    want = """
Node List:
  * Online: [ host1 ]
  * GuestOnline: [ guest1 ]
Active Resources:
  * vm1 (ocf:reconciler:lxc): Started host1
  * FAKE (ocf:reconciler:Dummy): Started guest1
Node Attributes:
  * Node: guest1:
    * load : 3
    * site : east
  * Node: host1:
    * pingd : 100
"""
    assert " ".join(shown.split()) == " ".join(want.split())
