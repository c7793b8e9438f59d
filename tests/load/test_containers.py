import pytest

from reconciler.model.names import ResourceId
from reconciler.model.resource import Operation
from tests.load.test_constraints import intent_of
from tests.load.texts import host, problems_of, resource

WORLD = host("h1", "{agent: local}")  # lines 1 to 5
GROUP = """\
---
apiVersion: reconciler/v1alpha1
kind: Group
metadata: {name: g}
spec: {members: [pod]}
"""


def test_a_resource_is_in_a_resource_or_in_one_that_is_a_node() -> None:
    text = (
        WORLD
        + resource("pod")
        + resource("vm", "remoteNode: {name: n}")
        + resource("a", "container: POD")
        + resource("b", "container: vm")
    )
    resources = intent_of(text).resources
    assert [(r.id, r.container) for r in resources.values()] == [
        ("pod", None), ("vm", None), ("a", "pod"), ("b", "vm"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "want"),
    [
        (
            resource("a", "container: pot"),
            ['18:3: error[unknown-resource]: there is no resource "pot"; did you mean pod?'],
        ),
        (resource("a", "container: a"), ["18:3: error[names-itself]: a is inside itself; remove it"]),
        (
            resource("a", "container: b") + resource("b", "container: a"),
            [
                "18:3: error[names-itself]: a is inside itself; remove it",
                "25:3: error[names-itself]: b is inside itself; remove it",
            ],
        ),
        (
            resource("a", "container: g") + GROUP,
            ["18:3: error[not-a-container]: g is no single resource; name a guest or a resource"],
        ),
    ],
)
def test_what_is_no_container_is_refused(more: str, want: list[str]) -> None:
    assert problems_of(WORLD + resource("pod") + more) == want


def test_checks_have_parameters_of_their_own() -> None:
    text = WORLD + resource(
        "a", "op: {monitor: {params: {OCF_CHECK_LEVEL: 10}}, probe: {timeout: 5s, params: {x: true}}}"
    )
    operations = intent_of(text).resources[ResourceId("a")].operations
    assert [o for o in operations if o.name == "monitor"] == [
        Operation(name="monitor", timeout_ms=5000, params={"x": "true"}),
        Operation(name="monitor", interval_ms=10_000, params={"OCF_CHECK_LEVEL": "10"}),
    ]
