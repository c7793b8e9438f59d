"""What needs a ticket runs only while its cluster holds it; what becomes of it without is its loss policy's to say."""

from dataclasses import replace

import pytest

from reconciler.model.collective import Promotion
from reconciler.model.constraint import LossPolicy, TicketConstraint
from reconciler.model.history import History, TicketState
from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName, ResourceId, TicketName, Where
from reconciler.model.node import HostState
from reconciler.model.observed import Observed
from reconciler.model.policy import Policy
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from reconciler.model.transition import Blocked, Reason
from reconciler.plan.replan import plan_after
from reconciler.plan.why import explain_all
from tests.plan.worlds import (
    NOW,
    after,
    changes,
    clone,
    dummy,
    empty_world,
    group,
    intent,
    plan,
    prefers,
    promotion_scores,
    running,
    seen,
    settle,
    with_,
)

T = TicketName("T")
AT = Where(file="cluster.yaml", line=7, column=3)
GRANTED = History(tickets={T: TicketState(is_granted=True, last_granted=NOW)})
REVOKED = History(tickets={T: TicketState(last_granted=NOW)})
STANDBY = History(tickets={T: TicketState(is_granted=True, is_standby=True, last_granted=NOW)})


def needing(
    asked: Intent, resource: str, on_loss: LossPolicy = LossPolicy.STOP, role: Role | None = None
) -> Intent:
    need = TicketConstraint(
        id="t", resource=ResourceId(resource), ticket=T, where=AT, role=role, on_loss=on_loss
    )
    return replace(asked, tickets=(*asked.tickets, need))


def with_fencing(asked: Intent) -> Intent:
    device = replace(dummy("f"), agent=replace(dummy("f").agent, standard="stonith", type="fence_x"))
    resources = {**asked.resources, device.id: replace(device, rank=9)}
    return replace(asked, cluster=Cluster(policy=Policy(has_fencing=True)), resources=resources)


def promotable() -> Intent:
    return intent("h1 h2", dummy("r"), clone("c", "r", promotion=Promotion()))


def promoted(asked: Intent) -> Observed:
    """One instance promoted on h1, the other one not on h2."""
    world = seen(
        empty_world(asked),
        running(asked, "r", "h1", role=Role.PROMOTED, monitors=frozenset()),
        running(asked, "r", "h2", role=Role.UNPROMOTED),
    )
    return promotion_scores(world, "r", h1=10, h2=5)


@pytest.mark.parametrize(
    ("history", "want"),
    [
        (History(), ["stop resource/a h1"]),
        (REVOKED, ["stop resource/a h1"]),
        (STANDBY, ["stop resource/a h1"]),
        (GRANTED, []),
    ],
)
def test_what_lacks_its_ticket_is_stopped(history: History, want: list[str]) -> None:
    asked = needing(intent("h1 h2", dummy("a")), "a")
    world = seen(empty_world(asked), running(asked, "a", "h1"))
    assert changes(plan(asked, world, history)) == want


@pytest.mark.parametrize(
    ("history", "text"),
    [(REVOKED, "ticket T is not granted"), (STANDBY, "ticket T is on standby")],
)
def test_the_reason_is_the_ticket_with_the_line_of_the_constraint(history: History, text: str) -> None:
    asked = needing(intent("h1 h2", dummy("a")), "a")
    idle = plan(asked, empty_world(asked), history)
    want = (Blocked(address="resource/a", text=text, where=AT, code="ticket"),)
    assert (idle.changes, idle.blocked) == ((), want)
    (stop,) = plan(asked, seen(empty_world(asked), running(asked, "a", "h1")), history).changes
    assert stop.reasons == (Reason("ticket", text, AT),)


def test_what_needs_no_ticket_runs_on() -> None:
    asked = needing(intent("h1", dummy("a"), dummy("b")), "a")
    assert changes(plan(asked, empty_world(asked))) == ["start resource/b -> h1"]


def test_of_several_tickets_each_is_needed() -> None:
    asked = needing(intent("h1", dummy("a")), "a")
    second = replace(asked.tickets[0], ticket=TicketName("U"))
    asked = replace(asked, tickets=(*asked.tickets, second))
    (blocked,) = plan(asked, empty_world(asked), GRANTED).blocked
    assert blocked.text == "ticket U is not granted"
    both = History(tickets={**GRANTED.tickets, TicketName("U"): TicketState(is_granted=True)})
    assert changes(plan(asked, empty_world(asked), both)) == ["start resource/a -> h1"]


def test_a_ticket_of_a_group_or_a_clone_is_that_of_all_it_consists_of() -> None:
    grouped = needing(intent("h1", dummy("a"), dummy("b"), group("g", "a", "b")), "g")
    cloned = needing(intent("h1 h2", dummy("a"), clone("c", "a")), "c")
    for asked in (grouped, cloned):
        without = plan(asked, empty_world(asked))
        assert (without.changes, {b.text for b in without.blocked}) == ((), {"ticket T is not granted"})
        held = settle(asked, empty_world(asked), GRANTED)
        assert [i.role for i in held.instances.values()] == [Role.STARTED, Role.STARTED]
        lost = settle(asked, held, REVOKED)
        assert [i.role for i in lost.instances.values()] == [Role.STOPPED, Role.STOPPED]


@pytest.mark.parametrize(
    ("on_loss", "want"),
    [
        (LossPolicy.DEMOTE, ["demote resource/r:0 h1 -> h1"]),
        (LossPolicy.STOP, ["stop resource/r:0 h1", "stop resource/r:1 h2"]),
        (LossPolicy.FREEZE, []),
    ],
)
def test_a_ticket_for_the_promoted_role_is_lost(on_loss: LossPolicy, want: list[str]) -> None:
    asked = needing(promotable(), "c", on_loss, Role.PROMOTED)
    assert changes(plan(asked, promoted(asked), GRANTED)) == []
    assert changes(plan(asked, promoted(asked), REVOKED)) == want


def test_a_demotion_names_the_ticket_that_is_lacking() -> None:
    asked = needing(promotable(), "c", LossPolicy.DEMOTE, Role.PROMOTED)
    (demotion,) = plan(asked, promoted(asked), STANDBY).changes
    want = (Reason("ticket", "ticket T is on standby", AT),)
    assert (demotion.action, demotion.reasons) == ("demote", want)


def test_without_a_ticket_for_it_nothing_is_promoted_whatever_the_policy() -> None:
    for on_loss in (LossPolicy.DEMOTE, LossPolicy.FREEZE, LossPolicy.FENCE):
        asked = with_fencing(needing(promotable(), "c", on_loss, Role.PROMOTED))
        world = seen(
            empty_world(asked), *(running(asked, "r", h, role=Role.UNPROMOTED) for h in ("h1", "h2"))
        )
        world = promotion_scores(world, "r", h1=10)
        assert changes(plan(asked, world, REVOKED)) == ["start resource/f -> h1"]
        assert "promote resource/r:0 h1 -> h1" in changes(plan(asked, world, GRANTED))


def test_what_is_frozen_stays_as_it_is_and_what_stands_still_does_not_start() -> None:
    asked = intent("h1 h2", dummy("a"), prefers("a", "h2"), dummy("b"))
    asked = needing(needing(asked, "a", LossPolicy.FREEZE), "b", LossPolicy.FREEZE)
    world = seen(empty_world(asked), running(asked, "a", "h1"))
    frozen = plan(asked, world, REVOKED)
    assert (changes(frozen), [(b.address, b.code) for b in frozen.blocked]) == (
        [], [("resource/a", "ticket"), ("resource/b", "ticket")],
    )  # fmt: skip
    assert changes(plan(asked, world, STANDBY)) == ["stop resource/a h1"], "it is given up, not lost"


def test_a_node_is_fenced_for_a_lost_ticket_and_left_alone_once_it_runs_nothing() -> None:
    asked = with_fencing(needing(intent("h1 h2", dummy("a")), "a", LossPolicy.FENCE))
    world = seen(empty_world(asked), running(asked, "a", "h1"), running(asked, "f", "h2"))
    lost = plan(asked, world, REVOKED)
    fences = [(a.node, a.reasons[0].text) for a in lost.actions.values() if a.kind.value == "fence"]
    assert fences == [("h1", "deadman ticket was lost")]
    assert changes(plan(asked, settle(asked, world, REVOKED), REVOKED)) == []
    assert changes(plan(asked, world, STANDBY)) == ["stop resource/a h1"]


def test_without_fencing_fence_is_stop() -> None:
    asked = needing(intent("h1", dummy("a")), "a", LossPolicy.FENCE)
    world = seen(empty_world(asked), running(asked, "a", "h1"))
    assert changes(plan(asked, world, REVOKED)) == ["stop resource/a h1"]


def test_why_names_the_ticket_where_it_bans() -> None:
    asked = needing(intent("h1 h2", dummy("a"), prefers("a", "h1", 5)), "a")
    explained = explain_all(asked, empty_world(asked), REVOKED, NOW)
    (account,) = explained.explain(ResourceId("a")).accounts
    (one,) = [n for n in account.nodes if n.node == "h1"]
    assert account.text == "ticket T is not granted"
    assert [(t.kind, t.text, t.value, t.where) for t in one.terms[1:]] == [
        ("ticket", "ticket T is not granted", -INFINITY, AT)
    ]


def test_a_change_of_a_tickets_state_plans_all() -> None:
    asked = needing(intent("h1 h2", dummy("a"), dummy("b"), with_("b", "a")), "a")
    world = settle(asked, empty_world(asked), GRANTED)
    idle, rest = plan_after(None, asked, world, GRANTED, NOW)
    assert (idle.actions, rest is not None) == ({}, True)
    for history in (REVOKED, STANDBY, History()):
        got, _ = plan_after(rest, asked, world, history, NOW)
        assert got == plan(asked, world, history)
        assert changes(got) == ["stop resource/a h1", "stop resource/b h1"]


def test_a_part_is_planned_by_the_same_tickets_as_all() -> None:
    asked = needing(intent("h1 h2", dummy("a"), dummy("b")), "b")
    world = settle(asked, empty_world(asked), GRANTED)
    _, rest = plan_after(None, asked, world, GRANTED, NOW)
    gone = seen(world, *(replace(i, role=Role.STOPPED) for i in world.instances.values()))
    got, _ = plan_after(rest, asked, gone, GRANTED, NOW)
    assert got == plan(asked, gone, GRANTED)


def test_what_would_stop_after_something_frozen_does_not_stop() -> None:
    asked = intent("h1", dummy("a"), dummy("b"), after("b", "a"))
    asked = needing(needing(asked, "a"), "b", LossPolicy.FREEZE)
    world = seen(empty_world(asked), running(asked, "a", "h1"), running(asked, "b", "h1"))
    held = plan(asked, world, REVOKED)
    assert changes(held) == []
    assert [(b.address, b.text) for b in held.blocked] == [
        ("resource/a", "b, which stops before, can't be stopped: ticket T is not granted"),
        ("resource/b", "ticket T is not granted"),
    ]


def test_of_a_clone_only_what_is_promoted_is_frozen_for_the_promoted_role() -> None:
    asked = needing(promotable(), "c", LossPolicy.FREEZE, Role.PROMOTED)
    standby = replace(asked.hosts[NodeName("h1")], state=HostState.STANDBY)
    asked = replace(
        asked,
        hosts={
            NodeName("h1"): standby,
            NodeName("h2"): replace(standby, name=NodeName("h2")),
        },
    )
    got = plan(asked, promoted(asked), REVOKED)
    assert changes(got) == ["stop resource/r:1 h2"]
    assert ("resource/r:0", "ticket T is not granted") in [(b.address, b.text) for b in got.blocked]


def test_of_a_frozen_group_what_stands_still_does_not_start() -> None:
    asked = needing(intent("h1", dummy("a"), dummy("b"), group("g", "a", "b")), "g", LossPolicy.FREEZE)
    world = seen(empty_world(asked), running(asked, "a", "h1"))
    assert changes(plan(asked, world, REVOKED)) == []
    assert changes(plan(asked, world, GRANTED)) == ["start resource/b -> h1"]


def test_why_says_that_what_is_frozen_is() -> None:
    asked = needing(intent("h1 h2", dummy("a"), prefers("a", "h2")), "a", LossPolicy.FREEZE)
    world = seen(empty_world(asked), running(asked, "a", "h1"))
    (account,) = explain_all(asked, world, REVOKED, NOW).explain(ResourceId("a")).accounts
    assert (account.node, account.text) == ("h1", "ticket T is not granted, and it is frozen as it is")
