from dataclasses import replace
from typing import Any

from reconciler.model.intent import Source
from reconciler.model.names import Where
from reconciler.model.transition import Blocked, Change, Reason, Transition
from reconciler.report.plan import (
    has_changes,
    matching,
    plan_document,
    plan_markdown,
    plan_text,
)
from tests.report.schemas import problems

SOURCE = Source(folder="/srv/shop", commit="c0ffee" * 6, revision="HEAD", is_dirty=True)
WHERE = Where(file="fake.yaml", line=11, column=3)
MOVE = Change(
    address="resource/FAKE",
    action="move",
    source="guest1",
    target="host1",
    reasons=(Reason("location", "its score on host1 is INFINITY", WHERE), Reason("placement", "better")),
    depends_on=("guest/vm-guest1",),
    is_disruptive=True,
)
DESTROY = Change(
    address="guest/vm-guest1", action="destroy", source="host1", is_disruptive=True, is_destructive=True
)
CREATE = Change(address="guest/vm-guest2", action="create", target="host1")
BLOCKED = Blocked(address="resource/web", text="no node may run it", where=WHERE)
WAITING = Blocked(address="resource/db", text="host2 was not heard of yet", code="waiting")
GATE = Blocked(address="guest/vm9", text="this would remove 2 guests", code="max-destroy")
TRANSITION = Transition(
    changes=(MOVE, DESTROY, CREATE), blocked=(BLOCKED, WAITING), gates=(GATE,), is_complete=False
)


WHOLE = {
    "format_version": "1.0",
    "source": {"commit": "c0ffee" * 6, "dirty": True, "folder": "/srv/shop"},
    "changes": [
        {
            "address": "resource/FAKE",
            "action": "move",
            "from": "guest1",
            "to": "host1",
            "reasons": [
                {
                    "code": "location",
                    "text": "its score on host1 is INFINITY",
                    "file": "fake.yaml",
                    "line": 11,
                },
                {"code": "placement", "text": "better", "file": None, "line": None},
            ],
            "depends_on": ["guest/vm-guest1"],
            "disruptive": True,
            "destructive": False,
        },
        {
            "address": "guest/vm-guest1",
            "action": "destroy",
            "from": "host1",
            "to": None,
            "reasons": [],
            "depends_on": [],
            "disruptive": True,
            "destructive": True,
        },
        {
            "address": "guest/vm-guest2",
            "action": "create",
            "from": None,
            "to": "host1",
            "reasons": [],
            "depends_on": [],
            "disruptive": False,
            "destructive": False,
        },
    ],
    "summary": {"add": 1, "change": 1, "destroy": 1},
    "blocked": [
        {
            "address": "resource/web",
            "text": "no node may run it",
            "code": "blocked",
            "file": "fake.yaml",
            "line": 11,
        }
    ],
    "gates": [
        {
            "address": "guest/vm9",
            "text": "this would remove 2 guests",
            "code": "max-destroy",
            "file": None,
            "line": None,
        }
    ],
    "complete": False,
}


def document(**fields: Any) -> dict[str, Any]:
    return plan_document(replace(TRANSITION, **fields), SOURCE)


def test_a_plan_as_a_document() -> None:
    got = document()
    plan_hash = got.pop("plan_hash")
    assert got == WHOLE
    assert len(plan_hash) == 16


def test_documents_are_as_the_schema_says() -> None:
    assert problems("plan", document()) == []
    assert problems("plan", plan_document(Transition(), None)) == []


def test_equal_changes_have_equal_hashes_whatever_else_differs() -> None:
    base = document()["plan_hash"]
    assert document(blocked=(), is_complete=True)["plan_hash"] == base
    assert plan_document(TRANSITION, None)["plan_hash"] == base
    assert document(changes=(MOVE, DESTROY))["plan_hash"] != base
    assert document(gates=())["plan_hash"] != base


def test_changes_count_as_added_changed_or_destroyed() -> None:
    kinds = {
        "create": "add",
        "start": "add",
        "adopt": "add",
        "stop": "destroy",
        "destroy": "destroy",
        "move": "change",
        "migrate": "change",
        "restart": "change",
        "reload": "change",
        "recover": "change",
        "promote": "change",
        "demote": "change",
        "update": "change",
        "fence": "change",
    }
    for action, kind in kinds.items():
        summary = document(changes=(Change(address="resource/x", action=action),))["summary"]
        assert (action, summary) == (action, {"add": 0, "change": 0, "destroy": 0, kind: 1})


def test_only_changes_are_changes() -> None:
    assert has_changes(document())
    assert not has_changes(document(changes=()))


def test_fail_on_matches_actions_and_disruption() -> None:
    assert matching(document(), {"destroy"}) == ["guest/vm-guest1"]
    assert matching(document(), {"disruptive"}) == ["resource/FAKE", "guest/vm-guest1"]
    assert matching(document(), {"destructive", "create"}) == ["guest/vm-guest1", "guest/vm-guest2"]
    assert matching(document(), set()) == []


def test_a_plan_for_people_ends_with_its_counts() -> None:
    assert plan_text(document(), ("uncommitted changes are left out",)).splitlines() == [
        "Desired: commit c0ffeec0ffee, uncommitted changes left out",
        "",
        "note: uncommitted changes are left out",
        "  >   resource/FAKE  move  guest1 -> host1",
        "      its score on host1 is INFINITY  (fake.yaml:11)",
        "      better",
        "  -   guest/vm-guest1  destroy  on host1",
        "  +   guest/vm-guest2  create  on host1",
        "",
        "Blocked:",
        "  resource/web: no node may run it  (fake.yaml:11)",
        "",
        "Gates:",
        "  guest/vm9: this would remove 2 guests",
        "",
        "Not everything could be observed; more may follow.",
        "",
        "Plan: 1 to add, 1 to change, 1 to destroy.",
    ]


def test_an_empty_plan_says_that_nothing_is_to_do() -> None:
    assert plan_text(plan_document(Transition(), None)).splitlines() == [
        "Desired: the files as they are",
        "",
        "Nothing to do: the world is as declared.",
        "",
        "Plan: 0 to add, 0 to change, 0 to destroy.",
    ]


def test_what_is_blocked_is_not_as_declared() -> None:
    text = plan_text(plan_document(Transition(blocked=(BLOCKED,)), None))
    assert "Nothing to do for now." in text.splitlines()


def test_a_plan_for_a_pull_request() -> None:
    assert plan_markdown(document(blocked=()), ("a note",)).splitlines() == [
        "**Plan: 1 to add, 1 to change, 1 to destroy.**",
        "",
        "> a note",
        "",
        "```diff",
        "! resource/FAKE  move  guest1 -> host1",
        "- guest/vm-guest1  destroy  on host1",
        "+ guest/vm-guest2  create  on host1",
        "```",
        "",
        "<details><summary>Reasons</summary>",
        "",
        "- `resource/FAKE` move: its score on host1 is INFINITY  (fake.yaml:11)",
        "- `resource/FAKE` move: better",
        "",
        "</details>",
        "",
        "**Gates**",
        "",
        "- `guest/vm9`: this would remove 2 guests",
        "",
        "Not everything could be observed; more may follow.",
    ]


def test_a_long_plan_fits_into_a_comment_and_stays_whole_markdown() -> None:
    many = tuple(replace(MOVE, address=f"resource/r{n}") for n in range(800))
    in_details = plan_markdown(document(changes=many))
    in_code = plan_markdown(document(changes=many * 10))
    for text in (in_details, in_code):
        assert 50_000 < len(text) < 65_536
        assert text.count("```") == 2
        assert text.count("<details>") == text.count("</details>")
        assert text.endswith("(cut: the whole plan is in `plan -o text`)")
