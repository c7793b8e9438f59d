"""Instances of a clone are told of what others of it do."""

from dataclasses import replace

from reconciler.model.collective import Promotion
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.node import HostState
from reconciler.model.resource import Resource, Role
from tests.plan.worlds import clone, dummy, empty_world, graph, intent, plan, promotion_scores, running, seen


def bare() -> Resource:
    return dummy("a", operations=())


def two_nodes(**fields: object) -> Intent:
    return intent("h1 h2", bare(), clone("c", "a", notifies=True, **fields))


def test_those_that_run_are_told_before_a_start_and_all_are_told_after_it() -> None:
    asked = two_nodes()
    transition = plan(asked, seen(empty_world(asked), running(asked, "a", "h1")))
    assert graph(transition) == {
        "a_post_notify_start_0@h1": ["a_start_0@h2"],
        "a_post_notify_start_0@h2": ["a_start_0@h2"],
        "a_pre_notify_start_0@h1": [],
        "a_probe_0@h2": [],
        "a_start_0@h2": ["a_pre_notify_start_0@h1", "a_probe_0@h2"],
    }
    assert [m.name for m in transition.milestones] == [
        "c_running_0",
        "c_start_0",
        "c_pre_notify_start_0",
        "c_confirmed-pre_notify_start_0",
        "c_post_notify_running_0",
        "c_confirmed-post_notify_running_0",
    ]


def test_what_stops_is_told_before_and_the_others_after_too() -> None:
    asked = two_nodes()
    standby = replace(asked.hosts[NodeName("h2")], state=HostState.STANDBY)
    asked = replace(asked, hosts={**asked.hosts, NodeName("h2"): standby})
    active = [running(asked, "a", node) for node in ("h1", "h2")]
    assert graph(plan(asked, seen(empty_world(asked), *active))) == {
        "a_post_notify_stop_0@h1": ["a_stop_0@h2"],
        "a_pre_notify_stop_0@h1": [],
        "a_pre_notify_stop_0@h2": [],
        "a_stop_0@h2": ["a_pre_notify_stop_0@h1", "a_pre_notify_stop_0@h2"],
    }


def test_a_promotion_is_told_of_once_the_demotion_before_it_was() -> None:
    asked = two_nodes(promotion=Promotion())
    active = [running(asked, "a", "h1", role=Role.PROMOTED), running(asked, "a", "h2")]
    got = graph(plan(asked, promotion_scores(seen(empty_world(asked), *active), "a", h1=5, h2=10)))
    assert got["a_pre_notify_promote_0@h1"] == ["a_post_notify_demote_0@h1", "a_post_notify_demote_0@h2"]
    assert got["a_promote_0@h2"] == [
        "a_demote_0@h1",
        "a_pre_notify_promote_0@h1",
        "a_pre_notify_promote_0@h2",
    ]


def test_a_clone_that_does_not_ask_for_it_is_told_nothing() -> None:
    asked = intent("h1", bare(), clone("c", "a"))
    assert set(graph(plan(asked, empty_world(asked)))) == {"a_probe_0@h1", "a_start_0@h1"}


def test_where_nothing_is_done_nobody_is_told() -> None:
    asked = two_nodes()
    active = [running(asked, "a", node) for node in ("h1", "h2")]
    assert graph(plan(asked, seen(empty_world(asked), *active))) == {}
