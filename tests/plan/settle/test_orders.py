"""Orders with clones: by node where that is asked for, by number where a number is enough."""

from dataclasses import replace

from reconciler.model.constraint import Ordering
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.node import HostState
from reconciler.model.observed import Observed
from reconciler.model.score import INFINITY
from tests.plan.worlds import (
    after,
    changes,
    clone,
    dummy,
    empty_world,
    graph,
    intent,
    plan,
    prefers,
    running,
    seen,
)


def cloned_everywhere(asked: Intent, *names: str) -> Observed:
    places = [running(asked, name, host) for name in names for host in asked.hosts]
    return seen(empty_world(asked), *places)


def in_standby(asked: Intent, *hosts: str) -> Intent:
    changed = {NodeName(h): replace(asked.hosts[NodeName(h)], state=HostState.STANDBY) for h in hosts}
    return replace(asked, hosts={**asked.hosts, **changed})


def any_of(ordering: Ordering) -> Ordering:
    return replace(ordering, needs_all=False)


def test_what_starts_after_a_clone_waits_for_all_its_instances() -> None:
    asked = intent("h1 h2", dummy("a"), clone("as", "a"), dummy("b"), after("b", "as"), prefers("b", "h1"))
    transition = plan(asked, empty_world(asked))
    assert graph(transition)["b_start_0@h1"] == [
        "a_start_0@h1",
        "a_start_0@h2",
        "b_probe_0@h1",
        "b_probe_0@h2",
    ]
    assert [m.name for m in transition.milestones] == ["as_running_0", "as_start_0"]


def test_what_is_not_cloned_minds_only_the_instance_beside_it() -> None:
    asked = intent("h1 h2", dummy("a"), clone("as", "a"), dummy("b"), after("b", "as"), prefers("b", "h1"))
    world = seen(cloned_everywhere(asked, "a"), running(asked, "b", "h1"))
    assert changes(plan(in_standby(asked, "h2"), world)) == ["stop resource/a:1 h2"]


def test_what_needs_a_clone_stops_with_its_last_instance() -> None:
    asked = intent("h1 h2", dummy("a"), clone("as", "a"), dummy("b"), after("b", "as"), prefers("b", "h1"))
    world = seen(empty_world(asked), running(asked, "b", "h1"))
    stopped = replace(asked, collectives={c.id: c for c in (clone("as", "a", max=0),)})
    assert changes(plan(stopped, world)) == ["stop resource/b h1"]


def test_an_interleaved_clone_is_ordered_instance_by_instance() -> None:
    asked = intent(
        "h1 h2",
        dummy("a"),
        clone("as", "a"),
        dummy("b"),
        clone("bs", "b", is_interleaved=True),
        after("bs", "as"),
    )
    transition = plan(asked, empty_world(asked))
    assert graph(transition)["b_start_0@h1"] == ["a_start_0@h1", "b_probe_0@h1"]
    world = cloned_everywhere(asked, "a", "b")
    assert changes(plan(in_standby(asked, "h2"), world)) == ["stop resource/a:1 h2", "stop resource/b:1 h2"]


def test_an_instance_with_nothing_beside_it_does_not_run_and_is_no_problem() -> None:
    asked = intent(
        "h1 h2",
        dummy("a"),
        clone("as", "a", max=1),
        dummy("b"),
        clone("bs", "b", is_interleaved=True),
        after("bs", "as"),
        prefers("as", "h1"),
    )
    transition = plan(asked, empty_world(asked))
    assert changes(transition) == ["start resource/a:0 -> h1", "start resource/b:1 -> h1"]
    assert transition.blocked == ()


def test_one_instance_is_enough_where_not_all_are_required() -> None:
    asked = intent(
        "h1 h2", dummy("a"), clone("as", "a"), dummy("b"), any_of(after("b", "as")), prefers("b", "h1")
    )
    world = seen(empty_world(asked), running(asked, "a", "h2"), running(asked, "b", "h1"))
    transition = plan(asked, world)
    assert changes(transition) == ["start resource/a:1 -> h1"]


def test_as_many_instances_as_the_clone_says_have_to_run() -> None:
    asked = intent(
        "h1 h2 h3", dummy("a"), clone("as", "a", min=2), dummy("b"), after("b", "as"), prefers("b", "h1")
    )
    assert "start resource/b -> h1" in changes(plan(in_standby(asked, "h3"), empty_world(asked)))
    alone = plan(in_standby(asked, "h2", "h3"), empty_world(asked))
    assert changes(alone) == ["start resource/a:0 -> h1"]


def test_a_clone_minds_no_instance_of_another_one_that_only_stops() -> None:
    asked = intent("h1 h2", dummy("a"), clone("as", "a"), dummy("b"), clone("bs", "b"), after("bs", "as"))
    world = cloned_everywhere(asked, "a", "b")
    away = prefers("a", "h2", -INFINITY)
    moved = replace(asked, locations=(*asked.locations, away))
    assert changes(plan(moved, world)) == ["stop resource/a:1 h2"]


def test_a_clone_stops_where_it_is_not_to_be_before_the_one_that_it_starts_after() -> None:
    asked = intent("h1 h2", dummy("a"), clone("as", "a"), dummy("b"), clone("bs", "b"), after("bs", "as"))
    world = cloned_everywhere(asked, "a", "b")
    away = tuple(prefers(name, "h2", -INFINITY) for name in ("a", "b"))
    transition = plan(replace(asked, locations=(*asked.locations, *away)), world)
    assert graph(transition) == {"a_stop_0@h2": ["b_stop_0@h2"], "b_stop_0@h2": []}
