"""What may be moved live is, unless something that it depends on stops."""

from tests.plan.worlds import (
    after,
    changes,
    dummy,
    empty_world,
    graph,
    group,
    intent,
    nodes,
    online,
    plan,
    prefers,
    running,
    seen,
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
