from dataclasses import replace

import pytest

from reconciler.model.constraint import (
    Colocation,
    Discovery,
    Location,
    LossPolicy,
    Ordering,
    OrderKind,
    TicketConstraint,
)
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, TicketName, Where
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from tests.load.texts import guest, host, load_text, problems_of, resource

A, B = ResourceId("a"), ResourceId("b")
WORLD = (
    host("host1", "{agent: local}", "{rack: r1, ssd: 'yes'}")  # lines 1 to 5
    + host("host2", "{agent: {address: host2}}", "{rack: r1}")  # 6 to 10
    + guest("vm-g", "labels: {}", node="g")
    .replace("  labels: {}\n", "")
    .replace("port:", "labels: {rack: r1}, port:")
    + resource("b")  # 18 to 23
)
"""Two hosts and a guest node, all in rack r1, and the resource b; what is added begins on line 24."""


def intent_of(text: str) -> Intent:
    loaded = load_text(text)
    assert [str(problem) for problem in loaded.problems if problem.severity == "error"] == []
    assert loaded.intent is not None
    return loaded.intent


def at(line: int, column: int) -> Where:
    return Where(file="a.yaml", line=line, column=column)


def on(node: str, where: Where, resource: ResourceId = A) -> Location:
    return Location(
        id=f"location-{resource}-on-{node}",
        resource=resource,
        node=NodeName(node),
        score=0,
        where=where,
        discovery=Discovery.EXCLUSIVE,
    )


def prefers(node: str, score: int, where: Where) -> Location:
    return Location(id=f"location-a-prefer-{node}", resource=A, node=NodeName(node), score=score, where=where)


@pytest.mark.parametrize(
    ("placement", "want"),
    [
        ("{on: [host1, g]}", (on("host1", at(30, 20)), on("g", at(30, 27)))),
        ("{on: [HOST1]}", (on("host1", at(30, 20)),)),
        (
            "{on: {labels: {rack: r1}}}",
            (on("host1", at(30, 20)), on("host2", at(30, 20)), on("g", at(30, 20))),
        ),
        ("{on: {labels: {rack: r1, ssd: 'yes'}}}", (on("host1", at(30, 20)),)),
        ("{prefer: {g: INFINITY}}", (prefers("g", INFINITY, at(30, 24)),)),
        (
            "{prefer: {host1: 100, G: -INFINITY}}",
            (prefers("host1", 100, at(30, 24)), prefers("g", -INFINITY, at(30, 36))),
        ),
        ("{on: [g], prefer: {g: 5}}", (on("g", at(30, 20)), prefers("g", 5, at(30, 33)))),
        ("{}", ()),
    ],
)
def test_on_and_prefer_become_locations(placement: str, want: tuple[Location, ...]) -> None:
    assert intent_of(WORLD + resource("a", f"placement: {placement}")).locations == want


def test_labels_select_hosts_only_for_guests() -> None:
    text = WORLD + guest("a", "placement: {on: {labels: {ssd: 'yes'}}}", node="n")
    assert intent_of(text).locations == (on("host1", at(31, 20)),)


@pytest.mark.parametrize(
    ("placement", "want"),
    [
        (
            "with: [b]",
            Colocation(id="colocation-a-with-b", dependent=A, primary=B, score=INFINITY, where=at(30, 22)),
        ),
        (
            "with: [B]",
            Colocation(id="colocation-a-with-b", dependent=A, primary=B, score=INFINITY, where=at(30, 22)),
        ),
        (
            "with: [{resource: b, role: Promoted, score: 5}]",
            Colocation(
                id="colocation-a-with-b",
                dependent=A,
                primary=B,
                score=5,
                where=at(30, 22),
                primary_role=Role.PROMOTED,
            ),
        ),
        (
            "apartFrom: [b]",
            Colocation(
                id="colocation-a-apart-from-b", dependent=A, primary=B, score=-INFINITY, where=at(30, 27)
            ),
        ),
        (
            "apartFrom: [{resource: b, score: 5}]",
            Colocation(id="colocation-a-apart-from-b", dependent=A, primary=B, score=-5, where=at(30, 27)),
        ),
    ],
)
def test_with_and_apart_from_become_colocations(placement: str, want: Colocation) -> None:
    assert intent_of(WORLD + resource("a", f"placement: {{{placement}}}")).colocations == (want,)


@pytest.mark.parametrize(
    ("after", "want"),
    [
        ("b", Ordering(id="order-b-then-a", first=B, then=A, where=at(30, 11))),
        ("{resource: b}", Ordering(id="order-b-then-a", first=B, then=A, where=at(30, 11))),
        (
            "{resource: b, action: promote, kind: optional}",
            Ordering(
                id="order-b-then-a-promote-start",
                first=B,
                then=A,
                where=at(30, 11),
                kind=OrderKind.OPTIONAL,
                first_action="promote",
            ),
        ),
        (
            "{resource: b, action: stop, thenAction: stop, symmetrical: false}",
            Ordering(
                id="order-b-then-a-stop-stop",
                first=B,
                then=A,
                where=at(30, 11),
                first_action="stop",
                then_action="stop",
                is_symmetrical=False,
            ),
        ),
        (
            "{resource: b, kind: serialize}",
            Ordering(
                id="order-b-then-a",
                first=B,
                then=A,
                where=at(30, 11),
                kind=OrderKind.SERIALIZE,
                is_symmetrical=False,
            ),
        ),
    ],
)
def test_after_becomes_orderings(after: str, want: Ordering) -> None:
    assert intent_of(WORLD + resource("a", f"after: [{after}]")).orderings == (want,)


def test_ids_are_unique_whatever_the_names() -> None:
    text = (
        WORLD
        + resource("b-then-c", "after: [a]")
        + resource("c", "after: [a-then-b]")
        + resource("a")
        + resource("a-then-b")
    )
    assert [o.id for o in intent_of(text).orderings] == ["order-a-then-b-then-c", "order-a-then-b-then-c-2"]


@pytest.mark.parametrize(
    ("line", "want"),
    [
        (
            "placement: {on: [hots1], prefer: {hsot2: 5}}",
            [
                '30:20: error[unknown-node]: there is no node "hots1"; did you mean host1?',
                '30:37: error[unknown-node]: there is no node "hsot2"; did you mean host2?',
            ],
        ),
        (
            "placement: {on: [vm-g, b]}",
            [
                "30:20: error[not-a-node]: vm-g is a guest, not a node; its node is g",
                "30:26: error[not-a-node]: b is a resource, not a node; it has no remoteNode",
            ],
        ),
        (
            "placement: {with: [g, c]}",
            [
                "30:22: error[not-a-resource]: g is a remote node, not a resource; its guest is vm-g",
                '30:25: error[unknown-resource]: there is no resource "c"; known are a, b, vm-g',
            ],
        ),
        (
            "after: [host1, vm_g]",
            [
                "30:11: error[not-a-resource]: host1 is a host, not a resource",
                '30:18: error[unknown-resource]: there is no resource "vm_g"; did you mean vm-g?',
            ],
        ),
        (
            "placement: {on: {labels: {rack: r9}}}",
            [
                "30:20: error[selects-nothing]: no node has the labels rack: r9; "
                "give a node these labels, or select others"
            ],
        ),
        (
            "placement: {on: [host1, HOST1], prefer: {host1: 1, Host1: 2}}",
            [
                "30:27: error[duplicate]: host1 is listed twice; first at a.yaml:30:20",
                "30:54: error[duplicate]: host1 is listed twice; first at a.yaml:30:44",
            ],
        ),
        (
            "placement: {with: [b, b], apartFrom: [B]}",
            [
                "30:25: error[duplicate]: b is named twice in with and apartFrom; first at a.yaml:30:22",
                "30:41: error[duplicate]: b is named twice in with and apartFrom; first at a.yaml:30:22",
            ],
        ),
        (
            "placement: {with: [a], apartFrom: [A]}",
            [
                "30:22: error[names-itself]: a names itself; remove it",
                "30:38: error[names-itself]: a names itself; remove it",
            ],
        ),
        (
            "after: [a, b, {resource: b, kind: optional}, {resource: b, action: stop}]",
            [
                "30:11: error[names-itself]: a names itself; remove it",
                "30:17: error[duplicate]: b is listed twice in after; first at a.yaml:30:14",
            ],
        ),
        (
            "placement: {with: [{resource: b, score: -5}], apartFrom: [{resource: vm-g, score: 0}]}",
            [
                "30:22: error[bad-score]: the score -5 is not above zero; write it under apartFrom:, above zero",
                "30:61: error[bad-score]: the score 0 is not above zero; write it under with:",
            ],
        ),
        (
            "after: [{resource: b, kind: serialize, symmetrical: true}]",
            [
                "30:11: error[does-not-fit]: serialize orders have no direction, and so no opposite one; "
                "remove symmetrical"
            ],
        ),
        (
            "placement: {on: [host1], prefer: {host2: 5}}",
            [
                "30:37: warning[no-effect]: a never runs on host2, whatever its score; "
                "add it to placement.on, or remove it here"
            ],
        ),
    ],
)
def test_mistakes_are_shown_at_their_place(line: str, want: list[str]) -> None:
    assert problems_of(WORLD + resource("a", line)) == want


def test_references_of_broken_documents_are_checked_too() -> None:
    text = WORLD + resource(
        "a", "placement: {on: [hots1], prefer: {g: x, h: 1}, with: [{resource: c}, 5]}", "after: [d]"
    )
    want = [
        '30:20: error[unknown-node]: there is no node "hots1"; did you mean host1?',
        '30:40: error[bad-score]: spec.placement.prefer.g: "x" is not a score; '
        "write a whole number, INFINITY or -INFINITY",
        '30:43: error[unknown-node]: there is no node "h"; known are g, host1, host2',
        '30:57: error[unknown-resource]: there is no resource "c"; known are a, b, vm-g',
        "30:72: error[wrong-type]: spec.placement.with[1] must be a map or text, not the number 5",
        '31:11: error[unknown-resource]: there is no resource "d"; known are a, b, vm-g',
    ]
    assert problems_of(text) == want


def test_references_to_broken_documents_are_not_called_unknown() -> None:
    text = (
        host("host1", "{agent: lokal}")
        + resource("a", "placement: {on: [host1]}", "after: [b]")
        + resource("b", "x: 1")
    )
    assert [problem.split("]")[0] for problem in problems_of(text)] == [
        "5:15: error[bad-value",
        "20:3: error[unknown-field",
    ]


def test_nothing_is_called_unknown_while_a_file_is_unreadable() -> None:
    text = WORLD + resource("a", "after: [c]") + "---\n\tx"
    assert [problem.split("]")[0] for problem in problems_of(text)] == ["32:1: error[tab"]


def needs(on: str, ticket: str, column: int, **fields: object) -> TicketConstraint:
    base = TicketConstraint(
        id=f"ticket-{ticket}-{on}",
        resource=ResourceId(on),
        ticket=TicketName(ticket),
        where=at(30, column),
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests name real fields


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        (["tickets: [T]"], [needs("a", "T", 13)]),
        (["tickets: [{ticket: T, onLoss: freeze}]"], [needs("a", "T", 13, on_loss=LossPolicy.FREEZE)]),
        (["tickets: [T, U]"], [needs("a", "T", 13), needs("a", "U", 16)]),
        (
            ["tickets: [{ticket: T, role: Promoted}]", "clone: {name: c, promotable: {}}"],
            [needs("c", "T", 13, role=Role.PROMOTED, on_loss=LossPolicy.DEMOTE)],
        ),
        (
            ["tickets: [T, {ticket: t, role: Promoted, onLoss: stop}]", "clone: {name: c, promotable: {}}"],
            [needs("c", "T", 13), needs("c", "T", 16, id="ticket-T-c-2", role=Role.PROMOTED)],
        ),
    ],
)
def test_tickets_are_those_of_all_that_a_document_declares(
    lines: list[str], want: list[TicketConstraint]
) -> None:
    assert list(intent_of(WORLD + resource("a", *lines)).tickets) == want


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("tickets: [T, t]", ["30:16: error[duplicate]: T is listed twice in tickets; first at a.yaml:30:13"]),
        (
            "tickets: [{ticket: T, onLoss: demote}]",
            [
                "30:33: error[does-not-fit]: only what is promoted is demoted, and this ticket is needed to run "
                "at all; add role: Promoted, or write onLoss: stop"
            ],
        ),
        (
            "tickets: [{ticket: T, role: Promoted}]",
            [
                "30:13: warning[no-effect]: a is never promoted, and so needs no ticket for it; "
                "add clone: {promotable: {}}, or remove role:"
            ],
        ),
        (
            "tickets: [{ticket: T, onLoss: fence}]",
            [
                "30:13: warning[not-yet]: no host is fenced yet; what runs is stopped: write onLoss: stop",
            ],
        ),
        (
            "tickets: ['a b']",
            [
                '30:13: error[bad-name]: spec.tickets[0]: "a b" is not a legal name; '
                "letters, digits, _ . and -, beginning with a letter, a digit or _"
            ],
        ),
    ],
)
def test_tickets_that_make_no_sense_are_named(line: str, want: list[str]) -> None:
    assert problems_of(WORLD + resource("a", line)) == want
