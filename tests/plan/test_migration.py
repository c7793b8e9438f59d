"""What may be moved live is, unless something that it depends on stops."""

from dataclasses import replace

from reconciler.model.constraint import OrderKind
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Failure, Observed, Pending
from reconciler.model.resource import MultipleActive
from reconciler.model.score import INFINITY
from reconciler.model.transition import ActionKind
from reconciler.plan.check import check
from reconciler.plan.effects import pending_from
from tests.plan.worlds import (
    after,
    changes,
    clone,
    dummy,
    empty_world,
    graph,
    group,
    guest,
    intent,
    nodes,
    online,
    plan,
    prefers,
    running,
    seen,
    settle,
    with_,
)


def test_a_live_migration_hands_over_takes_over_and_clears() -> None:
    asked = intent("h1 h2", dummy("a", allows_migration=True), prefers("a", "h2"))
    transition = plan(asked, seen(empty_world(asked), running(asked, "a", "h1")))
    assert changes(transition) == ["migrate resource/a h1 -> h2"]
    assert graph(transition) == {
        "a_migrate_to_0@h1": ["a_probe_0@h2"],
        "a_migrate_from_0@h2": ["a_migrate_to_0@h1"],
        "a_stop_0@h1": ["a_migrate_from_0@h2"],
        "a_monitor_10000@h2": ["a_migrate_from_0@h2"],
        "a_probe_0@h2": [],
    }
    assert [m.name for m in transition.milestones] == ["a_start_0"]


def test_what_starts_after_something_that_migrates_is_left_alone() -> None:
    asked = intent(
        "h1 h2", dummy("a", allows_migration=True), dummy("b"), after("b", "a"), prefers("a", "h2")
    )
    world = seen(empty_world(asked), running(asked, "a", "h1"), running(asked, "b", "h1"))
    assert changes(plan(asked, world)) == ["migrate resource/a h1 -> h2"]


def test_what_starts_after_something_that_moves_cannot_migrate() -> None:
    asked = intent(
        "h1 h2",
        dummy("a"),
        dummy("b", allows_migration=True),
        after("b", "a"),
        prefers("a", "h2"),
        prefers("b", "h2"),
    )
    world = seen(empty_world(asked), running(asked, "a", "h1"), running(asked, "b", "h1"))
    assert changes(plan(asked, world)) == ["move resource/a h1 -> h2", "move resource/b h1 -> h2"]


def test_a_group_of_what_may_migrate_migrates_member_by_member() -> None:
    asked = intent(
        "h1 h2",
        dummy("a", allows_migration=True),
        dummy("b", allows_migration=True),
        group("g", "a", "b"),
        prefers("g", "h2"),
    )
    world = seen(empty_world(asked), running(asked, "a", "h1"), running(asked, "b", "h1"))
    transition = plan(asked, world)
    assert changes(transition) == ["migrate resource/a h1 -> h2", "migrate resource/b h1 -> h2"]
    assert "a_migrate_from_0@h2" in graph(transition)["b_migrate_to_0@h1"]
    assert graph(transition)["a_stop_0@h1"] == ["a_migrate_from_0@h2", "b_stop_0@h1"]


def test_what_gets_other_parameters_or_leaves_a_node_that_is_away_does_not_migrate() -> None:
    asked = intent("h1 h2", dummy("a", allows_migration=True), prefers("a", "h2"))
    started = running(intent("h1", dummy("a", params={"x": "1"})), "a", "h1")
    assert changes(plan(asked, seen(empty_world(asked), started))) == ["move resource/a h1 -> h2"]
    leaving = seen(empty_world(asked), running(asked, "a", "h1"))
    assert changes(plan(asked, nodes(leaving, online("h1", is_leaving=True)))) == [
        "migrate resource/a h1 -> h2"
    ]


def on_its_way(asked: Intent) -> Observed:
    """A world in which `a` was sent from h1 to h2, and not taken up yet."""
    return seen(
        empty_world(asked),
        running(asked, "a", "h1", migrating_to=NodeName("h2")),
        running(asked, "a", "h2", migrating_from=NodeName("h1")),
    )


def test_a_migration_that_has_begun_goes_on_if_its_target_is_still_the_best() -> None:
    asked = intent("h1 h2", dummy("a", allows_migration=True), prefers("a", "h2"))
    transition = plan(asked, on_its_way(asked))
    assert changes(transition) == ["migrate resource/a h1 -> h2"]
    assert graph(transition) == {
        "a_migrate_from_0@h2": [],
        "a_stop_0@h1": ["a_migrate_from_0@h2"],
        "a_monitor_10000@h2": ["a_migrate_from_0@h2"],
    }


def test_a_migration_that_cannot_go_on_ends_in_stops_at_both_ends_and_a_start() -> None:
    blocks = dummy("a", allows_migration=True, multiple_active=MultipleActive.BLOCK)
    asked = intent("h1 h2", blocks, prefers("a", "h1"))
    transition = plan(asked, on_its_way(asked))
    assert changes(transition) == ["restart resource/a h1 -> h1"]
    assert graph(transition)["a_start_0@h1"] == ["a_stop_0@h1", "a_stop_0@h2"]


def test_a_migration_that_has_begun_and_is_interrupted_ends_in_stops_at_both_ends_and_a_start() -> None:
    asked = intent(
        "h1 h2", dummy("b"), dummy("a", allows_migration=True), after("a", "b"), prefers("a", "h2")
    )
    failed = running(asked, "b", "h1", failure=Failure(operation="monitor", rc=1, text="no"))
    transition = plan(asked, seen(on_its_way(asked), failed))
    assert changes(transition) == ["recover resource/b h1 -> h1", "restart resource/a h1 -> h2"]
    assert graph(transition)["b_stop_0@h1"] == ["a_stop_0@h1", "a_stop_0@h2"]
    assert graph(transition)["a_start_0@h2"] == ["a_stop_0@h1", "a_stop_0@h2", "b_start_0@h1"]


def test_what_was_on_its_way_and_is_left_at_one_end_is_restarted_and_does_not_migrate() -> None:
    asked = intent("h1 h2", dummy("a", allows_migration=True))
    left = running(asked, "a", "h2", migrating_from=NodeName("h1"))
    assert changes(plan(asked, seen(empty_world(asked), left))) == ["restart resource/a h2 -> h2"]
    away = replace(asked, locations=(prefers("a", "h1"),))
    assert changes(plan(away, seen(empty_world(away), left))) == ["move resource/a h2 -> h1"]


def test_a_clone_of_which_nothing_is_restarted_interrupts_no_migration() -> None:
    asked = intent(
        "h1 h2",
        dummy("c"),
        clone("cs", "c"),
        dummy("a", allows_migration=True),
        after("a", "cs"),
        prefers("a", "h2"),
        prefers("cs", "h1", -INFINITY),
    )
    world = seen(empty_world(asked), *(running(asked, "c", h) for h in ("h1", "h2")))
    transition = plan(asked, seen(world, running(asked, "a", "h1")))
    assert changes(transition) == ["stop resource/c:0 h1", "migrate resource/a h1 -> h2"]
    assert graph(transition)["c_stop_0@h1"] == ["a_stop_0@h1"]


def test_a_clone_of_which_an_instance_is_restarted_elsewhere_interrupts_a_migration() -> None:
    """So does Pacemaker 2.1.5: it has to stop before the instance does, and to arrive once that runs again."""
    asked = intent(
        "h1 h2 h3",
        dummy("c"),
        clone("cs", "c"),
        dummy("a", allows_migration=True),
        after("a", "cs"),
        prefers("a", "h2"),
    )
    failed = running(asked, "c", "h3", failure=Failure(operation="monitor", rc=1, text="no"))
    world = seen(empty_world(asked), *(running(asked, "c", h) for h in ("h1", "h2")), failed)
    transition = plan(asked, seen(world, running(asked, "a", "h1")))
    assert changes(transition) == ["recover resource/c:2 h3 -> h3", "move resource/a h1 -> h2"]
    assert graph(transition)["c_stop_0@h3"] == ["a_stop_0@h1"]
    assert "c_start_0@h3" in graph(transition)["a_start_0@h2"]


def test_a_clone_of_which_an_instance_is_restarted_interrupts_the_migration_of_another_clone() -> None:
    asked = intent(
        "h1 h2 h3",
        dummy("c"),
        clone("cs", "c"),
        dummy("d", allows_migration=True),
        clone("ds", "d", max=1),
        after("ds", "cs"),
        prefers("ds", "h2"),
    )
    failed = running(asked, "c", "h3", failure=Failure(operation="monitor", rc=1, text="no"))
    world = seen(empty_world(asked), *(running(asked, "c", h) for h in ("h1", "h2")), failed)
    transition = plan(asked, seen(world, running(asked, "d", "h1")))
    assert changes(transition) == ["recover resource/c:2 h3 -> h3", "move resource/d:0 h1 -> h2"]
    assert graph(transition)["c_stop_0@h3"] == ["d_stop_0@h1"]


def test_what_migrates_is_not_waited_for_by_what_should_only_stop_after_it() -> None:
    asked = intent(
        "h1 h2",
        dummy("b"),
        dummy("a", allows_migration=True),
        after("a", "b"),
        prefers("a", "h2"),
        prefers("b", "h2"),
    )
    asked = replace(asked, orderings=(replace(asked.orderings[0], kind=OrderKind.OPTIONAL),))
    transition = plan(asked, seen(empty_world(asked), running(asked, "a", "h1"), running(asked, "b", "h1")))
    assert changes(transition) == ["move resource/b h1 -> h2", "migrate resource/a h1 -> h2"]
    assert graph(transition)["b_stop_0@h1"] == []


def test_what_was_to_migrate_and_has_nowhere_to_go_stops_what_depends_on_it() -> None:
    """Its colocation decides after its own node was found: what it is to be with cannot start."""
    asked = intent(
        "h1 h2",
        dummy("p"),
        dummy("a", allows_migration=True),
        dummy("b"),
        with_("a", "p"),
        after("b", "a"),
    )
    stuck = Failure(operation="stop", rc=1, text="failed")
    world = seen(
        empty_world(asked),
        running(asked, "p", "h2", failure=stuck),
        running(asked, "a", "h1"),
        running(asked, "b", "h1"),
    )
    transition = plan(asked, world)
    assert changes(transition) == ["stop resource/a h1", "stop resource/b h1"]
    assert graph(transition)["a_stop_0@h1"] == ["b_stop_0@h1"]


def test_what_must_not_stop_for_what_may_run_where_nobody_could_look_does_not_migrate() -> None:
    asked = intent(
        "h1 h2 h3", dummy("a", allows_migration=True), dummy("b"), after("b", "a"), prefers("a", "h2")
    )
    world = nodes(
        seen(empty_world(asked), running(asked, "a", "h1")),
        online("h3", state=NodeState.UNKNOWN, is_known=False),
    )
    without = {k: i for k, i in world.instances.items() if k[1] != "h3"}
    transition = plan(asked, replace(world, instances=without))
    assert [a for a in transition.actions if a.startswith("a_") and "probe" not in a] == []


def test_what_an_earlier_migration_has_left_is_cleared_before_the_next_one_begins() -> None:
    asked = intent("h1 h2 h3", dummy("a", allows_migration=True), prefers("a", "h3"))
    world = seen(
        empty_world(asked),
        running(asked, "a", "h1", migrated_to=NodeName("h2")),
        running(asked, "a", "h2"),
    )
    made = graph(plan(asked, world))
    assert made["a_stop_0@h1"] == []
    assert "a_stop_0@h1" in made["a_migrate_to_0@h2"]
    assert made["a_stop_0@h2"] == ["a_migrate_from_0@h3"]


def test_what_starts_after_a_clone_ends_its_migration_before_the_instance_does() -> None:
    asked = intent(
        "h1 h2",
        dummy("c", allows_migration=True),
        clone("cs", "c", max=1),
        dummy("a", allows_migration=True),
        after("a", "cs"),
        prefers("cs", "h2"),
        prefers("a", "h2"),
    )
    transition = plan(asked, seen(empty_world(asked), running(asked, "c", "h1"), running(asked, "a", "h1")))
    assert changes(transition) == ["migrate resource/c:0 h1 -> h2", "migrate resource/a h1 -> h2"]
    made = graph(transition)
    assert made["a_migrate_to_0@h1"] == ["a_probe_0@h2", "c_migrate_from_0@h2"]
    assert made["c_migrate_to_0@h1"] == ["c_probe_0@h2"]
    assert made["c_stop_0@h1"] == ["a_stop_0@h1", "c_migrate_from_0@h2"]


def both_to_h3() -> Intent:
    """Two that may move live, of which the second starts after the first, and that both belong on h3."""
    things = [dummy(name, allows_migration=True) for name in "ab"]
    return intent("h1 h2 h3", *things, after("b", "a"), prefers("a", "h3"), prefers("b", "h3"))


def test_what_was_left_of_two_is_cleared_in_order_before_both_migrate_on() -> None:
    """The first of them may begin only once it is cleared, the second has to wait for the first, and ends before it."""
    asked = both_to_h3()
    left = [running(asked, name, "h1", migrated_to=NodeName("h2")) for name in "ab"]
    world = seen(empty_world(asked), *left, running(asked, "a", "h2"), running(asked, "b", "h2"))
    transition = plan(asked, world)
    looking = {a.id for a in transition.actions.values() if a.kind in {ActionKind.PROBE, ActionKind.MONITOR}}
    made = {name: sorted({*before} - looking) for name, before in graph(transition).items()}
    assert {name: before for name, before in made.items() if name not in looking} == {
        "b_stop_0@h1": [],
        "a_stop_0@h1": ["b_stop_0@h1"],
        "a_migrate_to_0@h2": ["a_stop_0@h1"],
        "a_migrate_from_0@h3": ["a_migrate_to_0@h2"],
        "b_migrate_to_0@h2": ["a_migrate_from_0@h3", "b_stop_0@h1"],
        "b_migrate_from_0@h3": ["b_migrate_to_0@h2"],
        "b_stop_0@h2": ["b_migrate_from_0@h3"],
        "a_stop_0@h2": ["a_migrate_from_0@h3", "b_stop_0@h2"],
    }
    assert check(transition, asked, world).alarms == ()


def test_what_was_left_is_cleared_before_it_migrates_on_though_what_starts_after_it_is_still_there() -> None:
    asked = both_to_h3()
    left = running(asked, "a", "h1", migrated_to=NodeName("h2"))
    world = seen(empty_world(asked), left, running(asked, "a", "h2"), running(asked, "b", "h1"))
    transition = plan(asked, world)
    assert graph(transition)["a_stop_0@h1"] == []
    assert graph(transition)["a_stop_0@h2"] == ["a_migrate_from_0@h3", "b_stop_0@h1"]
    assert check(transition, asked, world).alarms == ()


def test_what_was_left_in_a_guest_that_moves_waits_for_nothing_on_other_nodes() -> None:
    """What migrates is probed in the guest first, once that has moved, for which it has to be empty."""
    asked = intent(
        "h1 h2",
        guest("vm", "g"),
        dummy("a", allows_migration=True),
        dummy("b", allows_migration=True),
        after("b", "a"),
        prefers("vm", "h2"),
        prefers("a", "h1"),
        prefers("b", "h2"),
    )
    left = running(asked, "a", "g", migrated_to=NodeName("h1"))
    world = seen(empty_world(asked), running(asked, "vm", "h1"), running(asked, "a", "h1"), left)
    world = nodes(seen(world, running(asked, "b", "h1")), online("g", kind=NodeKind.GUEST))
    transition = plan(asked, world)
    assert changes(transition) == ["move guest/vm h1 -> h2", "migrate resource/b h1 -> h2"]
    assert graph(transition)["a_stop_0@g"] == []
    assert check(transition, asked, world).alarms == ()


def test_what_was_left_where_nobody_can_clear_it_keeps_it_from_being_started_again() -> None:
    parts = (
        guest("vm", "g"),
        dummy("b"),
        dummy("a", allows_migration=True),
        after("a", "b"),
        prefers("b", "h1"),
    )
    asked = intent("h1 h2", *parts, prefers("a", "h1"))
    there = settle(asked, empty_world(asked))
    left = running(asked, "a", "g", migrated_to=NodeName("h1"))
    lost = nodes(seen(there, left), online("g", kind=NodeKind.GUEST, state=NodeState.PENDING))
    why = "what its move has left on g, whose agent is not connected, has to be cleared first"

    calm = plan(asked, lost)
    assert ([a.kind for a in calm.actions.values()], calm.blocked) == ([ActionKind.CONNECT], ())

    away = plan(replace(asked, locations=(prefers("a", "h2"), prefers("b", "h1"))), lost)
    assert [a for a in away.actions if a.startswith("a_") and "probe" not in a] == []
    assert [b.text for b in away.blocked] == [why]

    failed = Failure(operation="monitor", rc=1, text="no")
    apart = plan(asked, seen(lost, running(asked, "b", "h1", failure=failed)))
    assert "stop resource/a h1" in changes(apart)
    assert [b.text for b in apart.blocked] == [why]


def test_what_ends_with_a_guest_that_is_being_stopped_arrives_elsewhere_after_that() -> None:
    asked = intent("h1 h2", guest("vm", "g"), dummy("a", allows_migration=True), prefers("a", "h2"))
    world = seen(empty_world(asked), *(running(asked, "a", node) for node in ("h1", "g")))
    world = nodes(seen(world, running(asked, "vm", "h1")), online("g", kind=NodeKind.GUEST))
    stop = Pending(id=ActionId("vm_stop_0@h1"), kind="stop", node=NodeName("h1"), resource=ResourceId("vm"))
    world = replace(world, pending=(stop,))
    transition = plan(asked, world)
    assert "vm_stop_0@h1" in graph(transition)["a_migrate_from_0@h2"]
    assert check(transition, asked, world).alarms == ()


def test_a_plan_around_a_half_in_flight_goes_on_with_the_other() -> None:
    asked = intent("h1 h2", dummy("a", allows_migration=True), prefers("a", "h2"))
    world = seen(empty_world(asked), running(asked, "a", "h1"))
    (sent,) = [a for a in plan(asked, world).actions.values() if a.kind is ActionKind.MIGRATE_TO]
    assert graph(plan(asked, replace(world, pending=(pending_from(sent),))))["a_migrate_from_0@h2"] == [
        "a_migrate_to_0@h1"
    ]
