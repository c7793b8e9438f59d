"""Where capacity counts, it is freed before it is taken again."""

from dataclasses import replace

from reconciler.model.intent import Cluster, Intent
from reconciler.model.policy import PlacementStrategy, Policy
from reconciler.model.resource import Role
from tests.plan.worlds import dummy, empty_world, graph, intent, plan, running, seen


def weighed(asked: Intent) -> Intent:
    policy = Policy(placement=PlacementStrategy.UTILIZATION)
    hosts = {name: replace(host, capacity={"cpu": 1}) for name, host in asked.hosts.items()}
    return replace(asked, cluster=Cluster(name="test", policy=policy), hosts=hosts)


def test_what_comes_waits_for_what_leaves() -> None:
    asked = weighed(
        intent("h1", dummy("a", needs={"cpu": 1}, state=Role.STOPPED), dummy("b", needs={"cpu": 1}))
    )
    transition = plan(asked, seen(empty_world(asked), running(asked, "a", "h1")))
    assert graph(transition)["b_start_0@h1"] == ["a_stop_0@h1", "b_probe_0@h1"]
    assert [(m.name, m.after) for m in transition.milestones] == [("load_stopped_h1", ("a_stop_0@h1",))]


def test_what_takes_nothing_waits_for_nothing() -> None:
    asked = weighed(intent("h1", dummy("a", needs={"cpu": 1}, state=Role.STOPPED), dummy("b")))
    transition = plan(asked, seen(empty_world(asked), running(asked, "a", "h1")))
    assert graph(transition)["b_start_0@h1"] == ["b_probe_0@h1"]
