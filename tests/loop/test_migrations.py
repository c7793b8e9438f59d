"""A live migration is remembered from before it is asked for until both its ends are in order."""

from dataclasses import replace

import pytest

from reconciler.act.outcome import Outcome
from reconciler.loop.migrations import (
    with_begun,
    with_ends_met,
    with_outcome,
    without_ended_lives,
    without_node,
)
from reconciler.model.digest import start_parameters
from reconciler.model.history import History, Migration, MigrationPhase
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.observed import Instance
from reconciler.model.operation import OperationResult
from reconciler.model.resource import Role
from reconciler.model.transition import Action, ActionKind
from tests.plan.worlds import dummy, intent, running

A, H1, H2 = ResourceId("a"), NodeName("h1"), NodeName("h2")
USES = start_parameters(dummy("a"), H1)
BEGUN = Migration(source=H1, target=H2, lives={H1: "1", H2: "2"}, uses=USES, ends_at=120.0)
ASKED = intent("h1 h2", dummy("a"))


def step(kind: ActionKind, node: NodeName) -> Action:
    peer = {H1: H2, H2: H1}[node] if kind is not ActionKind.STOP else None
    return Action(
        id=ActionId(f"a_{kind.value}_0@{node}"), kind=kind, node=node, resource=A, peer=peer, uses=USES
    )


def ended(
    history: History, kind: ActionKind, node: NodeName, rc: int | None = 0, now: float = 110.0
) -> History:
    """Let a step end; with None nobody knows how."""
    result = None if rc is None else OperationResult(resource=A, operation=kind.value, rc=rc)
    return with_outcome(history, Outcome(action=step(kind, node), uid="u", result=result), now)


def known(phase: MigrationPhase, *ends: NodeName) -> History:
    lives = {n: life for n, life in BEGUN.lives.items() if n in ends}
    return History(migrations={A: replace(BEGUN, phase=phase, lives=lives)})


SENT = known(MigrationPhase.SENT, H1, H2)
FAILED = known(MigrationPhase.FAILED, H1, H2)


def test_it_is_remembered_before_it_is_asked_for() -> None:
    begun = with_begun(History(), [step(ActionKind.MIGRATE_TO, H1)], {H1: "1", H2: "2"}, 100.0)
    assert begun == History(migrations={A: BEGUN})
    assert with_begun(History(), [step(ActionKind.STOP, H1)], {}, 100.0) == History()


def test_it_is_over_when_the_target_has_it_and_the_source_is_cleared() -> None:
    sent = ended(History(migrations={A: BEGUN}), ActionKind.MIGRATE_TO, H1)
    assert sent == SENT
    taken = ended(sent, ActionKind.MIGRATE_FROM, H2)
    assert taken == known(MigrationPhase.TAKEN, H1)
    assert ended(taken, ActionKind.STOP, H1) == History()


@pytest.mark.parametrize(
    ("before", "kind", "node"),
    [(History(migrations={A: BEGUN}), ActionKind.MIGRATE_TO, H1), (SENT, ActionKind.MIGRATE_FROM, H2)],
    ids=["migrate_to", "migrate_from"],
)
def test_a_half_that_failed_leaves_both_ends_to_be_stopped(
    before: History, kind: ActionKind, node: NodeName
) -> None:
    failed = ended(before, kind, node, rc=1)
    assert failed == FAILED
    assert ended(ended(failed, ActionKind.STOP, H1), ActionKind.STOP, H2) == History()


def test_a_target_where_a_monitor_finds_nothing_is_in_order_once_nothing_can_arrive_any_more() -> None:
    for kind in (ActionKind.MONITOR, ActionKind.PROBE):
        assert ended(FAILED, kind, H2, rc=7, now=119.9) == FAILED
        assert ended(FAILED, kind, H2, rc=7, now=120.0) == known(MigrationPhase.FAILED, H1)
        assert ended(FAILED, kind, H2, rc=0, now=120.0) == FAILED
        assert ended(FAILED, kind, H1, rc=7, now=120.0) == FAILED
        assert ended(SENT, kind, H2, rc=7, now=120.0) == SENT


@pytest.mark.parametrize("kind", [ActionKind.MIGRATE_TO, ActionKind.MIGRATE_FROM])
def test_what_nobody_knows_changes_nothing(kind: ActionKind) -> None:
    assert ended(SENT, kind, H1 if kind is ActionKind.MIGRATE_TO else H2, rc=None) == SENT


def test_what_never_left_was_never_begun() -> None:
    outcome = Outcome(action=step(ActionKind.MIGRATE_TO, H1), uid="u", is_unsent=True)
    assert with_outcome(History(migrations={A: BEGUN}), outcome, 110.0) == History()


def test_a_source_that_is_met_again_says_whether_it_had_left() -> None:
    begun = History(migrations={A: BEGUN})
    here = running(ASKED, "a", "h1")
    assert with_ends_met(begun, H1, "1", {A: replace(here, migrating_to=H2)}) == SENT
    assert with_ends_met(begun, H1, "1", {A: here}) == FAILED
    assert with_ends_met(SENT, H1, "1", {A: here}) == SENT
    assert with_ends_met(SENT, H1, "1", {}) == known(MigrationPhase.SENT, H2)


def test_a_target_that_is_met_again_says_whether_it_has_taken_over() -> None:
    here = running(ASKED, "a", "h2")
    stopped = Instance(resource=A, node=H2, role=Role.STOPPED)
    assert with_ends_met(SENT, H2, "2", {A: here}) == known(MigrationPhase.TAKEN, H1)
    assert with_ends_met(SENT, H2, "2", {A: replace(here, role=Role.UNKNOWN)}) == SENT
    assert with_ends_met(SENT, H2, "2", {A: stopped}) == known(MigrationPhase.SENT, H1)
    assert with_ends_met(SENT, H2, "2", {}) == SENT


def test_a_target_that_was_not_heard_of_when_the_move_began_may_have_what_was_sent() -> None:
    unheard = replace(SENT.migrations[A], lives={H1: "1", H2: ""})
    sent = History(migrations={A: unheard})
    assert with_ends_met(sent, H2, "2", {}) == sent
    assert without_ended_lives(sent, {H1: "1", H2: "2"}, frozenset()) == sent
    assert without_ended_lives(sent, {H1: "1"}, frozenset()) == known(MigrationPhase.SENT, H1)


def test_an_end_is_in_order_when_its_node_began_anew_or_is_dead() -> None:
    assert with_ends_met(SENT, H2, "3", {}) == known(MigrationPhase.SENT, H1)
    assert without_node(SENT, H1) == known(MigrationPhase.SENT, H2)
    assert without_ended_lives(SENT, {H2: "2"}, frozenset()) == known(MigrationPhase.SENT, H2)
    assert without_ended_lives(SENT, {}, frozenset({H1})) == known(MigrationPhase.SENT, H1)
    assert without_ended_lives(SENT, {}, frozenset()) == History()
