import pytest

from tests.load.test_collectives import group
from tests.load.texts import HOST, host, problems_of, resource

TWO = HOST + host("host2", "{agent: {address: host2}}")
"""Two hosts; what is added begins on line 10."""


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param(
            resource("a", "placement: {on: [host1], with: [b]}") + resource("b", "placement: {on: [host2]}"),
            [
                "16:35: error[never-together]: no node may run both a and b; "
                "let their placement.on, or rules, have a node in common"
            ],
            id="a must with no node in common",
        ),
        pytest.param(
            resource("a", "placement: {on: [host1], with: [{resource: b, score: 5}]}")
            + resource("b", "placement: {on: [host2]}"),
            [],
            id="a wish with no node in common",
        ),
        pytest.param(
            resource("a", "placement: {on: [host1], with: [{resource: b, same: rack}]}")
            + resource("b", "placement: {on: [host2]}"),
            [],
            id="on nodes that share a label",
        ),
        pytest.param(
            resource("a", "placement: {on: [host1]}")
            + resource("b", "placement: {on: [host2]}")
            + group("web", "[a, b]"),
            [
                "27:18: error[never-together]: no node may run all members of web; "
                "let their placement.on, or rules, have a node in common"
            ],
            id="members with no node in common",
        ),
        pytest.param(
            resource("a", "placement: {on: [host1]}")
            + resource("b", "placement: {on: [host2]}")
            + group("web", "[a, b]", "colocated: false"),
            [],
            id="members that need none",
        ),
        pytest.param(
            resource("a", "placement: {with: [b]}") + resource("b", "placement: {apartFrom: [a]}"),
            [
                "23:27: error[contradiction]: a and b must be together and must be apart; "
                "remove this, or what a.yaml:16:22 asks for"
            ],
            id="together and apart",
        ),
        pytest.param(
            resource("a", "placement: {with: [b]}")
            + resource("b", "placement: {apartFrom: [{resource: a, score: 9}]}"),
            [],
            id="together, and rather apart",
        ),
    ],
)  # fmt: skip
def test_what_must_be_together_can_be(text: str, want: list[str]) -> None:
    assert problems_of(TWO + text) == want
