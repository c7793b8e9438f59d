"""Roles change in order: demoted before a stop, promoted after a start."""

from dataclasses import replace
from itertools import pairwise

from reconciler.model.collective import Promotion
from reconciler.model.names import NodeName
from reconciler.model.node import HostState
from reconciler.model.observed import Failure, Instance, Observed
from reconciler.model.operation import Monitor
from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import OnFail, Operation, Resource, Role
from reconciler.model.transition import Change, Transition
from tests.plan.place.places import with_policy
from tests.plan.worlds import (
    after,
    clone,
    dummy,
    empty_world,
    graph,
    intent,
    plan,
    prefers,
    promotion_scores,
    running,
    seen,
    with_,
)

PROMOTABLE = clone("c", "a", promotion=Promotion())
WATCHED = (
    Operation(name="monitor", interval_ms=10_000),
    Operation(name="monitor", interval_ms=5_000, role=Role.PROMOTED),
)


def bare(**fields: object) -> Resource:
    """Something that is not monitored."""
    return dummy("a", operations=(), **fields)


def armed(*intervals_ms: int) -> frozenset[Monitor]:
    return frozenset(Monitor(interval_ms=i, timeout_ms=20_000) for i in intervals_ms)


def role_changes(transition: Transition) -> list[tuple[str, str, Role | None, Role | None]]:
    def described(change: Change) -> tuple[str, str, Role | None, Role | None]:
        return (change.action, change.address, change.source_role, change.target_role)

    return [described(change) for change in transition.changes]


def one_node(resource: Resource, *active: Instance, score: int = 5) -> tuple[Transition, Observed]:
    asked = intent("h1", resource, PROMOTABLE)
    world = promotion_scores(seen(empty_world(asked), *active), "a", h1=score)
    return plan(asked, world), world


def test_what_is_to_be_promoted_is_started_first() -> None:
    transition, _ = one_node(bare())
    assert graph(transition)["a_promote_0@h1"] == ["a_probe_0@h1", "a_start_0@h1"]
    assert role_changes(transition) == [("start", "resource/a:0", None, Role.PROMOTED)]
    assert [m.name for m in transition.milestones] == [
        "c_promote_0",
        "c_promoted_0",
        "c_running_0",
        "c_start_0",
    ]


def test_what_is_promoted_is_demoted_before_it_stops() -> None:
    asked = intent("h1", bare(state=Role.STOPPED), PROMOTABLE)
    world = seen(empty_world(asked), running(asked, "a", "h1", role=Role.PROMOTED))
    transition = plan(asked, world)
    assert graph(transition) == {"a_demote_0@h1": [], "a_stop_0@h1": ["a_demote_0@h1"]}
    assert role_changes(transition) == [("stop", "resource/a:0", Role.PROMOTED, None)]


def test_the_old_one_is_demoted_before_the_new_one_is_promoted() -> None:
    asked = intent("h1 h2", bare(), PROMOTABLE)
    active = [running(asked, "a", "h1", role=Role.PROMOTED), running(asked, "a", "h2")]
    transition = plan(asked, promotion_scores(seen(empty_world(asked), *active), "a", h1=5, h2=10))
    assert graph(transition)["a_promote_0@h2"] == ["a_demote_0@h1"]
    assert role_changes(transition) == [
        ("demote", "resource/a:0", Role.PROMOTED, Role.UNPROMOTED),
        ("promote", "resource/a:1", Role.UNPROMOTED, Role.PROMOTED),
    ]


def test_monitors_change_with_the_role() -> None:
    declared = dummy("a", operations=WATCHED)
    asked = intent("h1", declared, PROMOTABLE)
    transition, _ = one_node(declared, running(asked, "a", "h1", monitors=armed(10_000)))
    assert graph(transition) == {
        "a_cancel_10000@h1": [],
        "a_monitor_5000@h1": ["a_promote_0@h1"],
        "a_promote_0@h1": ["a_cancel_10000@h1"],
    }


def test_what_failed_while_promoted_is_demoted_stopped_started_and_promoted() -> None:
    asked = intent("h1", bare(), PROMOTABLE)
    failure = Failure(operation="monitor", rc=1, text="no", interval_ms=10_000)
    broken = running(asked, "a", "h1", role=Role.PROMOTED, failure=failure)
    transition, _ = one_node(bare(), broken)
    got = graph(transition)
    order = ["a_demote_0@h1", "a_stop_0@h1", "a_start_0@h1", "a_promote_0@h1"]
    assert all(first in got[then] for first, then in pairwise(order))
    assert role_changes(transition) == [("recover", "resource/a:0", Role.PROMOTED, Role.PROMOTED)]


def test_a_failure_whose_on_fail_is_demote_leads_to_no_stop() -> None:
    declared = dummy(
        "a",
        operations=(
            Operation(name="monitor", interval_ms=10_000, role=Role.PROMOTED, on_fail=OnFail.DEMOTE),
        ),
    )
    asked = intent("h1", declared, PROMOTABLE)
    failure = Failure(operation="monitor", rc=1, text="no", interval_ms=10_000)
    broken = running(asked, "a", "h1", role=Role.PROMOTED, failure=failure, monitors=armed(10_000))
    transition, _ = one_node(declared, broken)
    assert graph(transition) == {"a_demote_0@h1": [], "a_promote_0@h1": ["a_demote_0@h1"]}


def test_without_quorum_the_policy_demote_demotes_and_stops_nothing_that_can_be_promoted() -> None:
    asked = with_policy(intent("h1", bare(), PROMOTABLE), on_quorum_loss=QuorumPolicy.DEMOTE)
    world = seen(empty_world(asked), running(asked, "a", "h1", role=Role.PROMOTED))
    world = replace(promotion_scores(world, "a", h1=5), has_quorum=False)
    assert graph(plan(asked, world)) == {"a_demote_0@h1": []}


def test_what_starts_after_a_promotion_stops_before_the_demotion() -> None:
    order = replace(after("x", "c"), first_action="promote")
    asked = intent("h1", bare(), dummy("x"), PROMOTABLE, order)
    started = plan(asked, promotion_scores(empty_world(asked), "a", h1=5))
    assert "a_promote_0@h1" in graph(started)["x_start_0@h1"]
    active = [running(asked, "a", "h1", role=Role.PROMOTED), running(asked, "x", "h1")]
    ended = plan(asked, promotion_scores(seen(empty_world(asked), *active), "a", h1=-5))
    assert graph(ended) == {"a_demote_0@h1": ["x_stop_0@h1"], "x_stop_0@h1": []}


def test_a_promoted_instance_moves_by_all_four_steps() -> None:
    asked = intent("h1 h2", bare(), clone("c", "a", promotion=Promotion(), max=1))
    hosts = {**asked.hosts, NodeName("h1"): replace(asked.hosts[NodeName("h1")], state=HostState.STANDBY)}
    asked = replace(asked, hosts=hosts)
    world = seen(empty_world(asked), running(asked, "a", "h1", role=Role.PROMOTED))
    got = graph(plan(asked, promotion_scores(world, "a", h1=5, h2=5)))
    assert got["a_stop_0@h1"] == ["a_demote_0@h1"]
    assert "a_stop_0@h1" in got["a_start_0@h2"]


def test_a_colocation_for_the_promoted_role_keeps_from_promotion_and_not_from_a_start() -> None:
    bond = replace(with_("c", "x"), dependent_role=Role.PROMOTED)
    asked = intent("h1", bare(), dummy("x", state=Role.STOPPED), PROMOTABLE, bond)
    got = graph(plan(asked, promotion_scores(empty_world(asked), "a", h1=5)))
    assert ("a_start_0@h1" in got, "a_promote_0@h1" in got) == (True, False)


def test_an_order_after_the_promotion_of_what_cannot_be_promoted_is_none() -> None:
    order = replace(after("x", "c"), first_action="promote")
    asked = intent("h1", bare(), dummy("x"), clone("c", "a"), order)
    assert "x_start_0@h1" in graph(plan(asked, empty_world(asked)))


def test_what_is_not_promoted_is_not_demoted_for_what_waits_for_that() -> None:
    order = replace(after("c", "x"), then_action="promote")
    asked = intent("h1 h2", bare(), dummy("x", state=Role.STOPPED), PROMOTABLE, order)
    active = [
        running(asked, "a", "h1", role=Role.PROMOTED),
        running(asked, "a", "h2"),
        running(asked, "x", "h1"),
    ]
    got = graph(plan(asked, promotion_scores(seen(empty_world(asked), *active), "a", h1=5)))
    assert got == {"a_demote_0@h1": [], "x_probe_0@h2": [], "x_stop_0@h1": ["a_demote_0@h1"]}


def test_what_cannot_be_promoted_any_more_starts_anew() -> None:
    asked = intent("h1 h2", bare(), prefers("a", "h2"))
    got = plan(asked, seen(empty_world(asked), running(asked, "a", "h1", role=Role.PROMOTED)))
    assert role_changes(got) == [("move", "resource/a", Role.PROMOTED, Role.STARTED)]
