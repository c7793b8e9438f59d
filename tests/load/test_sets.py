import pytest

from reconciler.model.constraint import Colocation, OrderKind
from reconciler.model.names import ResourceId, Where
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from tests.load.test_collectives import group
from tests.load.test_constraints import intent_of
from tests.load.texts import HOST, problems_of, resource

ABCD = HOST + "".join(resource(name) for name in "abcd")
"""A host and four resources; what is added begins on line 29, its spec on line 33."""


def constraint(spec: str, name: str = "stack") -> str:
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Constraint
metadata: {{name: {name}}}
spec: {spec}
"""


def orders(sets: str, more: str = "") -> list[tuple[str, str, str]]:
    found = intent_of(ABCD + constraint(f"{{order: {{sets: {sets}{more}}}}}")).orderings
    return [(o.first, o.then, o.alternatives) for o in found]


@pytest.mark.parametrize(
    ("sets", "want"),
    [
        ("[{resources: [a, b, c]}]", [("a", "b", ""), ("b", "c", "")]),
        ("[{resources: [a, b]}, {resources: [c, d]}]", [("a", "b", ""), ("c", "d", ""), ("b", "c", "")]),
        (
            "[{resources: [a, b], sequential: false}, {resources: [c, d], sequential: false}]",
            [("a", "c", ""), ("a", "d", ""), ("b", "c", ""), ("b", "d", "")],
        ),
        (
            "[{resources: [a, b], sequential: false, requireAll: false}, {resources: [c]}]",
            [("a", "c", "stack"), ("b", "c", "stack")],
        ),
    ],
)
def test_sets_start_one_after_the_other(sets: str, want: list[tuple[str, str, str]]) -> None:
    assert orders(sets) == want


def test_an_order_of_sets_has_a_kind_and_actions() -> None:
    sets = "[{resources: [a], action: promote}, {resources: [b]}]"
    (got,) = intent_of(
        ABCD + constraint(f"{{order: {{sets: {sets}, kind: optional, symmetrical: false}}}}")
    ).orderings
    assert (got.id, got.first_action, got.then_action, got.kind, got.is_symmetrical) == (
        "stack-a-then-b", "promote", "start", OrderKind.OPTIONAL, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("colocation", "want"),
    [
        ("sets: [{resources: [a, b, c]}]", [("b", "a"), ("c", "b")]),
        ("sets: [{resources: [a, b]}, {resources: [c, d]}]", [("b", "a"), ("d", "c"), ("c", "b")]),
        (
            "sets: [{resources: [a]}, {resources: [b, c], sequential: false}]",
            [("b", "a"), ("c", "a")],
        ),
        ("sets: [{resources: [a, b, c]}], score: -5", [("b", "a"), ("c", "a"), ("c", "b")]),
    ],
)
def test_what_comes_first_is_placed_first(colocation: str, want: list[tuple[str, str]]) -> None:
    found = intent_of(ABCD + constraint(f"{{colocation: {{{colocation}}}}}")).colocations
    assert [(c.dependent, c.primary) for c in found] == want


def test_a_colocation_of_sets_has_a_score_roles_and_a_label() -> None:
    sets = "[{resources: [a], role: Promoted}, {resources: [b]}]"
    text = f"{{colocation: {{sets: {sets}, score: 7, same: rack, influence: false}}}}"
    assert intent_of(ABCD + constraint(text)).colocations == (
        Colocation(
            id="stack-b-a",
            dependent=ResourceId("b"),
            primary=ResourceId("a"),
            score=7,
            where=Where(file="a.yaml", line=33, column=75),
            primary_role=Role.PROMOTED,
            node_attribute="rack",
            has_influence=False,
        ),
    )


def test_without_a_score_they_must_be_together() -> None:
    (got,) = intent_of(ABCD + constraint("{colocation: {sets: [{resources: [a, b]}]}}")).colocations
    assert got.score == INFINITY


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (constraint("{}"), ["33:1: error[missing-field]: this constraint asks for nothing; add order: or colocation:"]),
        (
            constraint("{order: {sets: [{resources: [a, b]}]}, colocation: {sets: [{resources: [a, b]}]}}"),
            ["33:1: error[does-not-fit]: order and colocation are two constraints; write a document for each"],
        ),
        (
            constraint("{order: {sets: [{resources: [a, x]}]}}"),
            ['33:39: error[unknown-resource]: there is no resource "x"; known are a, b, c, d'],
        ),
        (
            constraint("{order: {sets: [{resources: [a]}, {resources: [b, A]}]}}"),
            ["33:57: error[duplicate]: a is named twice; first at a.yaml:33:36"],
        ),
        (
            constraint("{order: {sets: [{resources: [a]}]}}"),
            [
                "33:22: error[no-effect]: there is one resource here, and nothing that it is constrained with; "
                "name others, or remove this document"
            ],
        ),
        (
            constraint("{order: {sets: [{resources: [a, b]}], kind: serialize, symmetrical: true}}"),
            [
                "33:62: error[does-not-fit]: serialize orders have no direction, and so no opposite one; "
                "remove symmetrical"
            ],
        ),
        (
            constraint("{colocation: {sets: [{resources: [a, b]}], score: 0}}"),
            ["33:50: error[bad-score]: a score of 0 asks for nothing; write another, or remove it"],
        ),
        (
            constraint("{order: {sets: [{resources: [a, b, c]}]}}")
            + constraint("{order: {sets: [{resources: [c, a]}]}}", "back"),
            [
                "38:39: error[order-cycle]: a → b → c → a is a cycle: none of them could ever start; "
                "remove one of these orderings"
            ],
        ),
        (
            constraint("{order: {sets: [{resources: [a, b]}]}}") + constraint("{order: {sets: [{resources: [c, d]}]}}"),
            [
                '37:18: error[duplicate-name]: the name "stack" is given twice; '
                "there is a constraint of this name at a.yaml:32:18"
            ],
        ),
        (
            group("web", "[a, b]") + constraint("{order: {sets: [{resources: [web, a]}]}}"),
            ["39:41: error[own-group]: a and web belong together already; name the group, or its members"],
        ),
        (
            constraint("{colocation: {sets: [{resources: [a, b]}]}}")
            + constraint("{colocation: {sets: [{resources: [b, a]}], score: -INFINITY}}", "apart"),
            [
                "38:44: error[contradiction]: a and b must be together and must be apart; "
                "remove this, or what a.yaml:33:44 asks for"
            ],
        ),
    ],
)  # fmt: skip
def test_sets_that_ask_for_nothing_or_too_much_are_refused(text: str, want: list[str]) -> None:
    assert problems_of(ABCD + text) == want
