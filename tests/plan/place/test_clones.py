"""The instances of a clone share the nodes."""

from dataclasses import replace

from reconciler.model.names import NodeName
from reconciler.model.node import HostState, NodeState
from reconciler.model.observed import Failure
from reconciler.model.resource import OnFail, Operation, Role
from reconciler.model.score import INFINITY
from tests.plan.place.places import failed, placement, places
from tests.plan.worlds import clone, dummy, empty_world, group, intent, nodes, online, prefers, running, with_


def test_each_node_gets_an_instance() -> None:
    asked = intent("h1 h2 h3", dummy("a"), clone("c", "a"))
    assert places(asked) == {"a:0": "h1", "a:1": "h2", "a:2": "h3"}


def test_there_are_no_more_instances_than_allowed_and_the_best_nodes_get_them() -> None:
    asked = intent("h1 h2 h3", dummy("a"), clone("c", "a", max=2), prefers("c", "h3", 5))
    assert places(asked) == {"a:0": "h3", "a:1": "h1"}


def test_what_runs_stays_where_no_node_is_better() -> None:
    asked = intent("h1 h2 h3", dummy("a"), clone("c", "a", max=2))
    assert places(asked, "a h2", "a h3") == {"a:0": "h2", "a:1": "h3"}


def test_what_runs_gives_way_to_better_nodes_and_only_as_much_as_must_be() -> None:
    asked = intent("h1 h2 h3", dummy("a", stickiness=0), clone("c", "a", max=2), prefers("c", "h1", 5))
    assert set(places(asked, "a h2", "a h3").values()) == {"h1", "h2"}


def test_what_runs_too_many_is_to_stop() -> None:
    asked = intent("h1 h2 h3", dummy("a"), clone("c", "a", max=1))
    assert places(asked, "a h1", "a h2") == {"a:0": "h1", "a:1": None}


def test_that_others_have_all_nodes_is_no_obstacle() -> None:
    asked = intent("h1 h2", dummy("a"), clone("c", "a", max=3))
    got = placement(asked)
    assert (got.nodes, got.obstacles) == ({"a:0": "h1", "a:1": "h2", "a:2": None}, {})


def test_that_no_node_can_take_an_instance_is_an_obstacle() -> None:
    asked = intent("h1", dummy("a"), clone("c", "a"))
    hosts = {n: replace(h, state=HostState.STANDBY) for n, h in asked.hosts.items()}
    got = placement(replace(asked, hosts=hosts))
    assert (got.nodes, got.obstacles) == ({"a:0": None}, {"a:0": "h1 is in standby"})


def test_instances_share_their_failures_unless_they_are_unique() -> None:
    asked = intent("h1 h2", dummy("a"), clone("c", "a"))
    assert places(asked, history=failed("a", "h1", 3)) == {"a:0": "h2", "a:1": None}
    unique = intent("h1 h2", dummy("a"), clone("c", "a", is_unique=True))
    assert places(unique, history=failed("a:0", "h1", 3)) == {"a:0": "h2", "a:1": "h1"}


def test_unique_instances_may_share_a_node() -> None:
    asked = intent("h1 h2", dummy("a"), clone("c", "a", max=3, node_max=2, is_unique=True))
    assert places(asked) == {"a:0": "h1", "a:1": "h2", "a:2": "h1"}


def test_a_cloned_group_has_all_its_members_on_each_node() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), group("g", "a", "b"), clone("c", "g"))
    assert places(asked) == {"a:0": "h1", "a:1": "h2", "b:0": "h1", "b:1": "h2"}


def test_what_must_be_with_a_clone_runs_where_an_instance_does() -> None:
    asked = intent("h1 h2", dummy("x"), dummy("a"), clone("c", "a", max=1), with_("x", "c"),
                   prefers("c", "h2", 1))  # fmt: skip
    assert places(asked) == {"x": "h2", "a:0": "h2"}


def test_a_constraint_on_what_is_cloned_is_one_on_the_clone() -> None:
    asked = intent("h1 h2", dummy("x"), dummy("a"), dummy("b"), group("g", "a", "b"), clone("c", "g", max=1),
                   with_("x", "b"), prefers("a", "h2", 1))  # fmt: skip
    assert places(asked) == {"x": "h2", "a:0": "h2", "b:0": "h2"}


def test_a_clone_goes_where_what_must_be_with_it_would_like_to_be() -> None:
    asked = intent("h1 h2", dummy("x"), dummy("a"), clone("c", "a", max=1), with_("x", "c"),
                   prefers("x", "h2", 1))  # fmt: skip
    assert places(asked) == {"x": "h2", "a:0": "h2"}


def test_a_clone_that_must_be_with_another_runs_where_that_does() -> None:
    asked = intent("h1 h2 h3", dummy("a"), clone("c", "a"), dummy("b"), clone("d", "b"), with_("d", "c"),
                   prefers("c", "h2", -INFINITY))  # fmt: skip
    got = places(asked)
    assert got == {"a:0": "h1", "a:1": "h3", "a:2": None, "b:0": "h1", "b:1": "h3", "b:2": None}


def test_interleaved_instances_go_with_one_of_the_other_clone() -> None:
    asked = intent("h1 h2", dummy("a"), clone("c", "a", max=1), dummy("b"),
                   clone("d", "b", is_interleaved=True), with_("d", "c"), prefers("c", "h2", 1))  # fmt: skip
    assert places(asked) == {"a:0": "h2", "b:0": "h2", "b:1": None}


def test_an_interleaved_instance_without_another_to_go_with_runs_nowhere() -> None:
    asked = intent("h1", dummy("a", state=Role.STOPPED), clone("c", "a"), dummy("b"),
                   clone("d", "b", is_interleaved=True), with_("d", "c"))  # fmt: skip
    assert places(asked) == {"a:0": None, "b:0": None}


def test_a_clone_may_be_apart_from_a_resource() -> None:
    asked = intent("h1 h2", dummy("x"), dummy("a"), clone("c", "a"), with_("c", "x", -INFINITY),
                   prefers("x", "h1", 1))  # fmt: skip
    assert places(asked) == {"x": "h1", "a:0": "h2", "a:1": None}


def test_what_must_be_with_a_clone_is_not_with_an_instance_that_is_blocked() -> None:
    block = Operation(name="monitor", interval_ms=10_000, on_fail=OnFail.BLOCK)
    asked = intent("h1 h2", dummy("a", operations=(block,)), clone("c", "a"), dummy("x"), with_("x", "c"),
                   prefers("x", "h1", 5))  # fmt: skip
    failure = Failure(operation="monitor", interval_ms=10_000, rc=1, text="no")
    got = places(asked, running(asked, "a", "h1", failure=failure))
    assert got == {"a:0": "h1", "a:1": "h2", "x": "h2"}


def test_an_instance_on_a_node_out_of_reach_keeps_its_place_first() -> None:
    asked = intent("h1 h2 h3", dummy("a"), clone("c", "a", max=2))
    world = nodes(empty_world(asked), online("h3", state=NodeState.UNCLEAN))
    assert places(asked, "a h1", "a h3", observed=world) == {"a:0": "h1", "a:1": "h3"}
    one = intent("h1 h2 h3", dummy("a"), clone("c", "a", max=1))
    assert places(one, "a h1", "a h3", observed=world) == {"a:0": None, "a:1": "h3"}


def test_unmanaged_instances_stay() -> None:
    asked = intent("h1 h2", dummy("a", is_managed=False), clone("c", "a"), prefers("c", "h2", -INFINITY))
    assert places(asked, "a h2") == {"a:0": "h2", "a:1": None}


def test_where_a_cluster_is_asymmetric_a_clone_runs_where_it_was_named() -> None:
    asked = intent("h1 h2 h3", dummy("a"), dummy("b"), group("g", "a", "b"), clone("c", "g"),
                   prefers("c", "h1", 0), prefers("c", "h3", 0))  # fmt: skip
    policy = replace(asked.cluster.policy, is_symmetric=False)
    got = places(replace(asked, cluster=replace(asked.cluster, policy=policy)))
    assert got == {"a:0": "h1", "a:1": "h3", "a:2": None, "b:0": "h1", "b:1": "h3", "b:2": None}
    assert NodeName("h2") not in got.values()
