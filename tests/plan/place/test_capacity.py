"""What needs capacity runs where there is room for it."""

from dataclasses import replace

from reconciler.model.names import NodeName
from reconciler.model.node import HostState
from reconciler.model.policy import PlacementStrategy
from reconciler.model.resource import Resource
from tests.plan.place.places import places, with_capacity, with_policy
from tests.plan.worlds import clone, dummy, group, intent, prefers, with_


def needy(name: str, cpu: int, **fields: object) -> Resource:
    return dummy(name, needs={"cpu": cpu}, **fields)


def test_needs_are_disregarded_by_default() -> None:
    asked = with_capacity(intent("h1", needy("a", 5)), h1=1)
    assert places(asked) == {"a": "h1"}


def test_a_node_without_room_is_banned() -> None:
    asked = with_capacity(intent("h1 h2", needy("a", 2), needy("b", 2), prefers("b", "h1", 9)), h1=3, h2=2)
    for strategy in (PlacementStrategy.UTILIZATION, PlacementStrategy.BALANCED, PlacementStrategy.MINIMAL):
        assert places(with_policy(asked, placement=strategy)) == {"b": "h1", "a": "h2"}


def test_of_more_than_there_is_room_for_the_last_runs_nowhere() -> None:
    asked = with_capacity(intent("h1", needy("a", 2), needy("b", 2)), h1=3)
    assert places(with_policy(asked, placement=PlacementStrategy.UTILIZATION)) == {"a": "h1", "b": None}


def test_few_nodes_are_used_if_asked_so() -> None:
    asked = with_capacity(intent("h1 h2", *(needy(r, 1) for r in "abc")), h1=2, h2=9)
    minimal = with_policy(asked, placement=PlacementStrategy.MINIMAL)
    assert places(minimal) == {"a": "h1", "b": "h1", "c": "h2"}
    spread = with_policy(asked, placement=PlacementStrategy.UTILIZATION)
    assert places(spread) == {"a": "h1", "b": "h2", "c": "h1"}


def test_the_node_with_most_left_is_best_if_asked_so() -> None:
    asked = with_capacity(intent("h1 h2", *(needy(r, 1) for r in "abcd")), h1=2, h2=4)
    balanced = with_policy(asked, placement=PlacementStrategy.BALANCED)
    assert places(balanced) == {"a": "h2", "b": "h2", "c": "h1", "d": "h2"}


def test_what_must_run_together_is_looked_at_together() -> None:
    asked = intent("h1 h2", needy("a", 1), needy("b", 2), with_("b", "a"), prefers("a", "h1", 5))
    asked = with_policy(with_capacity(asked, h1=2, h2=3), placement=PlacementStrategy.UTILIZATION)
    assert places(asked) == {"a": "h2", "b": "h2"}


def test_a_group_needs_what_its_members_need() -> None:
    asked = intent("h1 h2", needy("a", 1), needy("b", 2), group("g", "a", "b"), prefers("g", "h1", 5))
    asked = with_policy(with_capacity(asked, h1=2, h2=3), placement=PlacementStrategy.UTILIZATION)
    assert places(asked) == {"a": "h2", "b": "h2"}


def test_if_there_is_no_room_for_all_together_each_is_placed_as_long_as_there_is() -> None:
    asked = intent("h1 h2", needy("a", 1), needy("b", 3), group("g", "a", "b"))
    asked = with_policy(with_capacity(asked, h1=2, h2=3), placement=PlacementStrategy.UTILIZATION)
    assert places(asked) == {"a": "h2", "b": None}


def test_an_instance_needs_what_it_needs_alone() -> None:
    asked = intent("h1 h2", needy("a", 2), clone("c", "a"))
    asked = with_policy(with_capacity(asked, h1=1, h2=3), placement=PlacementStrategy.UTILIZATION)
    assert places(asked) == {"a:0": "h2", "a:1": None}


def test_what_was_tried_and_undone_takes_nothing() -> None:
    asked = intent(
        "h1 h2", needy("a", 2, stickiness=0), clone("c", "a", max=1), needy("b", 2), prefers("c", "h1", 5)
    )
    asked = with_policy(with_capacity(asked, h1=2, h2=2), placement=PlacementStrategy.UTILIZATION)
    assert places(asked, "a h2") == {"a:0": "h1", "b": "h2"}


def test_what_must_run_with_something_comes_after_what_could_go_anywhere() -> None:
    things = (needy("a", 1), needy("b", 1), group("g", "a", "b"), needy("p", 2))
    asked = with_policy(
        with_capacity(intent("h1 h2", *things), h1=3, h2=3), placement=PlacementStrategy.UTILIZATION
    )
    h2 = asked.hosts[NodeName("h2")]
    idle = replace(asked, hosts={**asked.hosts, h2.name: replace(h2, state=HostState.STANDBY)})
    # On h2, which takes nothing, a scores nothing, and b would follow it; p alone knows nothing of that.
    assert places(idle) == {"p": "h1", "a": "h1", "b": None}


def test_a_group_in_pieces_runs_on_the_node_that_is_listed_first() -> None:
    things = (needy("a", 1), needy("b", 1), group("g", "a", "b"), prefers("g", "h1", 5))
    asked = with_policy(
        with_capacity(intent("h1 h2", *things, needy("p", 2, stickiness=3)), h1=3, h2=1),
        placement=PlacementStrategy.UTILIZATION,
    )
    assert places(asked, "a h2", "b h1", "p h1") == {"a": "h1", "b": "h1", "p": None}
