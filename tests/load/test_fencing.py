import pytest

from reconciler.model.names import NodeName, Where
from reconciler.model.node import FencingLevel
from tests.load.test_constraints import intent_of
from tests.load.texts import host, problems_of, resource

DEVICES = (
    resource("ipmi", agent="stonith:fence_ipmilan")
    + resource("apc1", agent="stonith:fence_apc")
    + resource("apc2", agent="stonith:fence_apc")
    + resource("web")
)
"""Three devices and a resource; what is added begins on line 25."""


def at(column: int) -> Where:
    return Where(file="a.yaml", line=29, column=column)


def test_a_host_is_fenced_level_by_level() -> None:
    text = DEVICES + host("h1", "{agent: local, fencing: {levels: [[ipmi], [apc1, APC2]]}}")
    assert intent_of(text).fencing_levels == (
        FencingLevel(id="fencing-h1-1", where=at(41), index=1, devices=("ipmi",), node=NodeName("h1")),
        FencingLevel(id="fencing-h1-2", where=at(49), index=2, devices=("apc1", "apc2"), node=NodeName("h1")),
    )


def cluster(nodes: str) -> str:
    return f"""---
apiVersion: reconciler/v1alpha1
kind: Cluster
metadata: {{name: shop}}
spec: {{fencing: {{nodes: [{nodes}]}}}}
"""


def test_many_nodes_are_fenced_by_a_pattern_or_a_label() -> None:
    text = DEVICES + cluster(
        "{pattern: 'web-.*', levels: [[ipmi], [apc1, apc2]]}, {labels: {rack: r1}, levels: [[apc1]]}"
    )
    levels = intent_of(text).fencing_levels
    assert [(x.id, x.index, x.devices, x.node, x.pattern, x.label) for x in levels] == [
        ("fencing-nodes-0-1", 1, ("ipmi",), None, "web-.*", None),
        ("fencing-nodes-0-2", 2, ("apc1", "apc2"), None, "web-.*", None),
        ("fencing-nodes-1-1", 1, ("apc1",), None, None, ("rack", "r1")),
    ]


@pytest.mark.parametrize(
    ("nodes", "want"),
    [
        ("{levels: [[ipmi]]}", ["exactly one of pattern and labels says which nodes these levels are for"]),
        ("{pattern: 'web-(', levels: [[ipmi]]}", [
            '"web-(" is no regular expression: missing ), unterminated subpattern at position 4; such as web-[0-9]+'
        ]),
    ],
)  # fmt: skip
def test_levels_for_no_clear_nodes_are_refused(nodes: str, want: list[str]) -> None:
    found = [problem for problem in problems_of(DEVICES + cluster(nodes)) if "[not-yet]" not in problem]
    assert [problem.split("]: ", 1)[1] for problem in found] == want


def test_health_is_kept_as_pacemaker_keeps_it() -> None:
    text = host("h1", "{agent: local, health: {disk: yellow, load: -5}}", "{rack: r1}")
    labels = intent_of(text).hosts[NodeName("h1")].labels
    assert labels == {"rack": "r1", "#health-disk": "yellow", "#health-load": "-5"}


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ("{levels: []}", ["29:40: error[bad-value]: spec.fencing.levels: this is empty; "
                        "write something, or remove it"]),
        ("{levels: [[web]]}", ["29:42: error[not-a-device]: web is no fencing device; "
                               "name a resource whose agent is stonith:NAME"]),
        ("{levels: [[ipmj]]}", ['29:42: error[unknown-resource]: there is no resource "ipmj"; did you mean ipmi?']),
        ("{levels: [[ipmi, ipmi]]}", ["29:48: error[duplicate]: ipmi is listed twice; first at a.yaml:29:42"]),
    ],
)  # fmt: skip
def test_levels_that_name_no_device_are_refused(spec: str, want: list[str]) -> None:
    found = problems_of(DEVICES + host("h1", f"{{agent: local, fencing: {spec}}}"))
    assert [problem for problem in found if "[not-yet]" not in problem] == want
