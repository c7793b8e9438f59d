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


def test_notices_and_what_they_are_about_carry_who_does_what_and_who_is_what() -> None:
    asked = two_nodes(promotion=Promotion())
    active = [running(asked, "a", "h1", role=Role.PROMOTED), running(asked, "a", "h2")]
    planned = plan(asked, promotion_scores(seen(empty_world(asked), *active), "a", h1=5, h2=10))
    lists = {
        "notify_active_resource": "a:0 a:1",
        "notify_active_uname": "h1 h2",
        "notify_all_uname": "h1 h2",
        "notify_available_uname": "h1 h2",
        "notify_demote_resource": "a:0",
        "notify_demote_uname": "h1",
        "notify_inactive_resource": " ",
        "notify_master_resource": "a:0",
        "notify_master_uname": "h1",
        "notify_promote_resource": "a:1",
        "notify_promote_uname": "h2",
        "notify_promoted_resource": "a:0",
        "notify_promoted_uname": "h1",
        "notify_slave_resource": "a:1",
        "notify_slave_uname": "h2",
        "notify_start_resource": " ",
        "notify_start_uname": " ",
        "notify_stop_resource": " ",
        "notify_stop_uname": " ",
        "notify_unpromoted_resource": "a:1",
        "notify_unpromoted_uname": "h2",
    }
    found = {str(a.id): a.meta for a in planned.actions.values()}
    assert found["a_promote_0@h2"] == lists
    assert found["a_pre_notify_demote_0@h2"] == {
        **lists,
        "notify_type": "pre",
        "notify_operation": "demote",
    }
