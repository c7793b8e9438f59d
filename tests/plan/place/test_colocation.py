"""Dependents follow their primaries, and primaries heed their dependents."""

from dataclasses import replace

from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.observed import Failure
from reconciler.model.policy import PlacementStrategy
from reconciler.model.score import INFINITY
from tests.plan.place.places import places as places_of
from tests.plan.place.places import with_capacity, with_policy
from tests.plan.worlds import clone, dummy, empty_world, intent, only_on, plan, prefers, running, with_


def places(asked: Intent) -> dict[str, str | None]:
    return {str(r): n for r, n in plan(asked, empty_world(asked)).placement.items()}


def test_a_primary_heeds_the_dependents_of_its_dependents() -> None:
    asked = intent(
        "h1 h2", dummy("a"), dummy("b"), dummy("c"), with_("b", "a"), with_("c", "b"), prefers("c", "h2", 5)
    )
    assert places(asked) == {"a": "h2", "b": "h2", "c": "h2"}


def test_a_wish_that_leaves_no_node_is_disregarded() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), dummy("c"), with_("b", "a"), with_("c", "a"),
                   only_on("b", "h2"), only_on("c", "h1"))  # fmt: skip
    assert places(asked) == {"a": "h2", "b": "h2", "c": None}


def test_a_circle_of_colocations_is_cut_where_it_closes() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), with_("a", "b"), with_("b", "a"))
    assert places(asked) == {"a": "h1", "b": "h1"}


def test_with_may_mean_the_same_label() -> None:
    asked = intent("h1 h2 h3", dummy("a"), dummy("b"), replace(with_("b", "a"), node_attribute="rack"),
                   only_on("a", "h1"))  # fmt: skip
    racks = {"h1": "left", "h2": "right", "h3": "left"}
    hosts = {n: replace(h, labels={"rack": racks[n]}) for n, h in asked.hosts.items()}
    assert places(replace(asked, hosts=hosts)) == {"a": "h1", "b": "h3"}
    del hosts[NodeName("h3")]
    assert places(replace(asked, hosts=hosts)) == {"a": "h1", "b": "h1"}


def test_of_colocations_with_the_same_primary_the_last_one_is_heeded_first() -> None:
    likes, dislikes = with_("d", "c", 10), with_("d", "c", -100)
    things = (dummy("d"), dummy("r"), clone("c", "r"), prefers("c", "h1"), prefers("c", "h2", -INFINITY))
    # One instance runs nowhere, which repels whom the clone attracts: what would leave no node at last is given up.
    assert places_of(intent("h1 h2", *things, likes, dislikes))["d"] == "h2"
    assert places_of(intent("h1 h2", *things, dislikes, likes))["d"] == "h1"


def test_an_instance_that_its_clone_may_not_have_repels_nothing() -> None:
    things = (dummy("d", needs={"cpu": 1}), dummy("r"), clone("c", "r", max=1), with_("d", "c", 10))
    asked = with_capacity(intent("h1 h2", *things), h1=0, h2=1)
    asked = with_policy(asked, placement=PlacementStrategy.UTILIZATION)
    # Had the instance that runs too many a say, h2 would be banned for d.
    assert places_of(asked, "r h1", "r h2") == {"d": "h2", "r:0": "h1", "r:1": None}


def test_an_instance_that_runs_too_many_repels_nothing_even_if_the_one_that_counts_must_move() -> None:
    things = (dummy("d", needs={"cpu": 1}), dummy("r"), clone("c", "r", max=1), with_("d", "c", 10))
    asked = with_capacity(intent("h1 h2 h3", *things, prefers("c", "h1", -100)), h1=0, h2=0, h3=1)
    asked = with_policy(asked, placement=PlacementStrategy.UTILIZATION)
    expected = {"d": "h3", "r:0": None, "r:1": "h2", "r:2": None}
    assert places_of(asked, "r h1", "r h2", "r h3") == expected


def test_of_the_instances_that_something_avoids_those_assigned_first_count_first() -> None:
    asked = intent("h1 h2", dummy("d"), dummy("r"), clone("c", "r"), with_("d", "c", -10))
    failure = Failure(operation="monitor", rc=1, text="failed")
    for lame, well in (("h1", "h2"), ("h2", "h1")):
        failed = replace(running(asked, "r", lame), failure=failure)
        assert places_of(asked, failed, f"r {well}")["d"] == lame
