"""What would move to and fro stays; what moves for good moves."""

from reconciler.model.constraint import Location
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId
from reconciler.model.observed import Failure, Observed
from reconciler.model.policy import PlacementStrategy
from reconciler.model.resource import Resource
from reconciler.plan.replan import rest_of
from reconciler.plan.why import explain_all
from tests.plan.place.places import places, with_capacity, with_policy
from tests.plan.worlds import (
    NOW,
    changes,
    dummy,
    empty_world,
    intent,
    plan,
    prefers,
    running,
    seen,
    settle,
    with_,
)  # fmt: skip


def near_without_room(*more: Resource | Location) -> Intent:
    """Each is drawn to where the other one runs, and no node has room for both (random CIBs, seed 39)."""
    web = dummy("web", stickiness=100, needs={"cpu": 2})
    asked = intent("h1 h2", dummy("db", stickiness=0, needs={"cpu": 2}), web, with_("web", "db", 100), *more)
    return with_policy(with_capacity(asked, h1=3, h2=3), placement=PlacementStrategy.UTILIZATION)


def apart(asked: Intent) -> Observed:
    return seen(empty_world(asked), running(asked, "db", "h1"), running(asked, "web", "h2"))


def test_what_would_come_back_from_where_it_is_sent_stays_wherever_it_is() -> None:
    asked = near_without_room()
    assert places(asked, "db h1", "web h2") == {"db": "h1", "web": "h2"}
    assert places(asked, "db h2", "web h1") == {"db": "h2", "web": "h1"}


def test_what_has_failed_is_not_held() -> None:
    asked = near_without_room()
    failure = Failure(operation="monitor", rc=1, text="gone", interval_ms=10_000)
    failed = running(asked, "db", "h1", failure=failure)
    assert places(asked, failed, "web h2") == {"db": "h2", "web": "h1"}


def test_what_moves_for_good_moves_while_something_else_is_held() -> None:
    asked = near_without_room(dummy("c"), prefers("c", "h2"))
    assert places(asked, "db h1", "web h2", "c h1") == {"db": "h1", "web": "h2", "c": "h2"}


def test_a_world_in_which_something_is_held_is_never_planned_in_parts() -> None:
    asked = near_without_room()
    world = settle(asked, apart(asked))
    transition = plan(asked, world)
    assert (changes(transition), transition.holds_places) == ([], True)
    assert rest_of(asked, world, History(), transition) is None


def test_why_says_that_it_would_come_back() -> None:
    asked = near_without_room()
    (found,) = explain_all(asked, apart(asked), History(), NOW).explain(ResourceId("db")).accounts
    text = "it stays on h1: from a node that is better now it would come back with the next plan"
    assert (found.node, found.text) == ("h1", text)
