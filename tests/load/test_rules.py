import pytest

from reconciler.model.constraint import Discovery, Location
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.observed import Observed
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from reconciler.plan.rules import resolved
from tests.load.test_constraints import intent_of
from tests.load.texts import guest, host, problems_of, remote_node, resource

WORLD = (
    host("h1", "{agent: local}", "{rack: R1, cpus: '8', version: '1.9', score: '50'}")
    + host("h2", "{agent: {address: h2}}", "{rack: r2, cpus: '16', version: '1.10'}")
    + guest("vm", node="g").replace("port:", "labels: {rack: r1, score: -INFINITY}, port:")
)
"""Two hosts and a guest node; what is added begins on line 18."""


def ruled(rule: str) -> str:
    """The world, and a resource with one rule on line 25, column 6."""
    return WORLD + resource("a", "placement: {rules: [", f"  {rule}]}}")


def locations_of(text: str) -> tuple[Location, ...]:
    """What the rules of a declaration come to in a world of which nothing is known."""
    return resolved(intent_of(text), Observed(), 0.0).locations


def nodes_of(when: str) -> list[str]:
    return [str(loc.node) for loc in locations_of(ruled(f"{{when: {when}, score: 5}}"))]


@pytest.mark.parametrize(
    ("when", "want"),
    [
        ("{label: rack, is: r1}", ["h1", "g"]),
        ("{label: rack, isNot: r1}", ["h2"]),
        ("{label: cpus, isNot: 8}", ["h2", "g"]),
        ("{label: cpus, above: 8}", ["h2"]),
        ("{label: cpus, atLeast: 8}", ["h1", "h2"]),
        ("{label: cpus, below: 16}", ["h1"]),
        ("{label: cpus, atMost: 16}", ["h1", "h2"]),
        ("{label: cpus, atLeast: 9, compareAs: text}", []),
        ("{label: version, above: '1.9', compareAs: version}", ["h2"]),
        ("{label: cpus, exists: true}", ["h1", "h2"]),
        ("{label: cpus, exists: false}", ["g"]),
        ("{nodes: [H2, g]}", ["h2", "g"]),
        ("{kind: host}", ["h1", "h2"]),
        ("{kind: guest}", ["g"]),
        ("{all: [{kind: host}, {label: rack, is: r2}]}", ["h2"]),
        ("{any: [{kind: guest}, {label: rack, is: r2}]}", ["h2", "g"]),
        ("{all: [{any: [{kind: guest}, {nodes: [h1]}]}, {label: rack, is: r1}]}", ["h1", "g"]),
    ],
)
def test_a_rule_holds_for_nodes_by_what_they_are(when: str, want: list[str]) -> None:
    assert nodes_of(when) == want


def test_a_remote_node_is_a_kind_of_its_own() -> None:
    text = ruled("{when: {kind: remote}, score: 5}, {when: {kind: host}, score: 7}") + remote_node("r")
    found = {(str(loc.node), loc.score) for loc in locations_of(text)}
    assert found == {("r", 5), ("h1", 7), ("h2", 7)}


@pytest.mark.parametrize(
    ("rule", "want"),
    [
        ("{when: {nodes: [h1]}, score: -INFINITY}", {"score": -INFINITY}),
        ("{when: {nodes: [h1]}, scoreFrom: score}", {"score": 50}),
        ("{when: {nodes: [h1]}, discovery: never}", {"score": 0, "discovery": Discovery.NEVER}),
        (
            "{when: {nodes: [h1]}, score: 5, discovery: exclusive}",
            {"score": 5, "discovery": Discovery.EXCLUSIVE},
        ),
        ("{when: {nodes: [h1]}, score: 5, role: Promoted}", {"score": 5, "role": Role.PROMOTED}),
    ],
)
def test_a_rule_gives_a_score_and_says_whether_to_look(rule: str, want: dict[str, object]) -> None:
    location = Location(
        id="location-a-rule-0-h1",
        resource=ResourceId("a"),
        node=NodeName("h1"),
        where=Where(file="a.yaml", line=25, column=5),
        **want,  # type: ignore[arg-type]  # real fields, see above
    )
    assert locations_of(ruled(rule)) == (location,)


def test_scores_come_from_the_labels_of_each_node() -> None:
    got = locations_of(ruled("{when: {label: rack, exists: true}, scoreFrom: score}"))
    assert [(loc.node, loc.score) for loc in got] == [("h1", 50), ("h2", 0), ("g", -INFINITY)]


def test_rules_of_guests_see_hosts_only() -> None:
    text = WORLD + guest("vm2", "placement: {rules: [{when: {label: rack, is: r1}, score: 5}]}", node="g2")
    assert [loc.node for loc in locations_of(text)] == ["h1"]


@pytest.mark.parametrize(
    ("rule", "want"),
    [
        (
            "{when: {label: rack}, score: 5}",
            [
                "25:6: error[bad-rule]: a label is compared exactly once, by one of is, isNot, above, atLeast, "
                "below, atMost, exists; such as is: r1"
            ],
        ),
        (
            "{when: {label: rack, is: a, isNot: b}, score: 5}",
            [
                "25:6: error[bad-rule]: a label is compared exactly once, by one of is, isNot, above, atLeast, "
                "below, atMost, exists; such as is: r1"
            ],
        ),
        (
            "{when: {}, score: 5}",
            [
                "25:6: error[bad-rule]: a condition is exactly one of label, attribute, nodes, kind, date, "
                "all and any; join several with all: or any:"
            ],
        ),
        (
            "{when: {any: [{kind: host, nodes: [h1]}]}, score: 5}",
            [
                "25:19: error[bad-rule]: a condition is exactly one of label, attribute, nodes, kind, date, "
                "all and any; join several with all: or any:"
            ],
        ),
        (
            "{when: {kind: host, is: a}, score: 5}",
            [
                "25:6: error[bad-rule]: only a label or an attribute is compared; write label: beside it, or remove it"
            ],
        ),
        (
            "{when: {label: cpus, above: many}, score: 5}",
            ['25:26: error[bad-rule]: "many" is no number; write a number, or compareAs: text or version'],
        ),
        (
            "{when: {nodes: [h3]}, score: 5}",
            ['25:21: error[unknown-node]: there is no node "h3"; known are g, h1, h2'],
        ),
        (
            "{when: {kind: host}, score: 5, scoreFrom: score}",
            ["25:36: error[does-not-fit]: score and scoreFrom exclude each other; remove one of them"],
        ),
        (
            "{when: {kind: host}}",
            ["25:5: error[missing-field]: this rule changes nothing; add score:, scoreFrom: or discovery:"],
        ),
        (
            "{when: {nodes: [h1]}, scoreFrom: rack}",
            [
                '25:38: error[bad-score]: the label of h1: "R1" is not a score; '
                "write a whole number, INFINITY or -INFINITY"
            ],
        ),
        (
            "{when: {label: rack, is: r9}, score: 5}",
            ["25:5: warning[selects-nothing]: this rule holds for no node; see its labels"],
        ),
    ],
)
def test_rules_that_cannot_be_judged_are_refused(rule: str, want: list[str]) -> None:
    assert problems_of(ruled(rule)) == want
