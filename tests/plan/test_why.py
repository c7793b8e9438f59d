"""Every kind of term is told apart, and so is what decided between nodes."""

from dataclasses import replace

import pytest

from reconciler.model.history import FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HostState
from reconciler.model.observed import Observed
from reconciler.model.policy import HealthStrategy, PlacementStrategy
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from reconciler.plan.why import Account, explain_all
from tests.plan.worlds import (
    NOW,
    clone,
    dummy,
    empty_world,
    group,
    guest,
    intent,
    only_on,
    prefers,
    running,
    seen,
    with_,
)  # fmt: skip


def account(
    asked: Intent, name: str, world: Observed | None = None, history: History | None = None
) -> Account:
    explained = explain_all(asked, world or empty_world(asked), history or History(), NOW)
    (found,) = explained.explain(ResourceId(name)).accounts
    return found


def terms(found: Account, node: str) -> list[tuple[str, int | None]]:
    (one,) = [n for n in found.nodes if n.node == node]
    return [(term.kind, term.value) for term in one.terms]


def verdicts(found: Account) -> dict[str, str]:
    return {str(n.node): n.verdict for n in found.nodes}


def test_a_location_and_stickiness_add_up() -> None:
    asked = intent("h1 h2", dummy("r", stickiness=5), prefers("r", "h1", 10), prefers("r", "h2", 7))
    found = account(asked, "r", seen(empty_world(asked), running(asked, "r", "h2")))
    assert (terms(found, "h1"), terms(found, "h2")) == (
        [("location", 10)], [("location", 7), ("stickiness", 5)],
    )  # fmt: skip
    assert verdicts(found) == {"h2": "chosen", "h1": "its score is lower: 10 against 12"}


def test_what_stays_is_as_good_and_not_better() -> None:
    asked = intent("h1 h2", dummy("r", stickiness=3), dummy("s"), prefers("r", "h1", 3))
    found = account(asked, "r", seen(empty_world(asked), running(asked, "r", "h2")))
    assert (found.rule, found.text) == ("best", "h2 is the best node")
    assert verdicts(found) == {"h2": "chosen", "h1": "as good, but it runs on h2"}


def test_placement_on_bans_the_others() -> None:
    found = account(intent("h1 h2", dummy("r"), only_on("r", "h2")), "r")
    assert (terms(found, "h1"), found.node) == ([("exclusive", -INFINITY)], "h2")


def test_failures_ban_with_their_text() -> None:
    asked = intent("h1 h2", dummy("r", failure_limit=2))
    failure = FailureCount(count=2, last_at=NOW, operation="start", text="no disk")
    failed = History(failures={(ResourceId("r"), NodeName("h1")): failure})
    (first, second) = account(asked, "r", None, failed).nodes
    assert (first.node, first.terms) == ("h2", ())
    assert [t.text for t in second.terms] == ["failed 2 times on h1, last start: no disk"]


def test_a_dependent_follows_and_a_primary_heeds() -> None:
    asked = intent("h1 h2", dummy("db"), dummy("web"), with_("web", "db", 50), prefers("web", "h2", 20))
    primary, dependent = account(asked, "db"), account(asked, "web")
    assert (terms(primary, "h2"), primary.node) == ([("dependent", 1)], "h2")
    assert (terms(dependent, "h2"), dependent.node) == ([("location", 20), ("primary", 50)], "h2")


def test_health_bans() -> None:
    asked = intent("h1 h2", dummy("r"))
    policy = replace(asked.cluster.policy, health=HealthStrategy.ONLY_GREEN)
    hosts = {
        **asked.hosts,
        NodeName("h1"): replace(asked.hosts[NodeName("h1")], labels={"#health-disk": "red"}),
    }
    asked = replace(asked, hosts=hosts, cluster=replace(asked.cluster, policy=policy))
    assert terms(account(asked, "r"), "h1") == [("health", -INFINITY)]


def test_capacity_bans() -> None:
    asked = intent("h1 h2", dummy("r", needs={"cpus": 2}))
    policy = replace(asked.cluster.policy, placement=PlacementStrategy.UTILIZATION)
    hosts = {**asked.hosts, NodeName("h2"): replace(asked.hosts[NodeName("h2")], capacity={"cpus": 4})}
    asked = replace(asked, hosts=hosts, cluster=replace(asked.cluster, policy=policy))
    found = account(asked, "r")
    assert (terms(found, "h1"), found.node) == ([("capacity", -INFINITY)], "h2")


def test_load_and_names_break_ties() -> None:
    asked = intent("h1 h2", dummy("r"), dummy("s"))
    assert verdicts(account(asked, "r")) == {"h1": "chosen", "h2": "as good; h1 comes first by name"}
    assert verdicts(account(asked, "s")) == {
        "h2": "chosen",
        "h1": "as good, but 1 assigned there already, 0 on h2",
    }


def test_what_cannot_take_it_is_said_whatever_the_score() -> None:
    asked = intent("h1 h2", dummy("r"), guest("vm", "g"))
    hosts = {**asked.hosts, NodeName("h1"): replace(asked.hosts[NodeName("h1")], state=HostState.STANDBY)}
    asked = replace(asked, hosts=hosts)
    assert verdicts(account(asked, "vm")) == {
        "h2": "chosen", "h1": "h1 is in standby", "g": "a guest runs on hosts only",
    }  # fmt: skip


def test_what_is_declared_stopped_gets_no_node() -> None:
    found = account(intent("h1", dummy("r", state=Role.STOPPED)), "r")
    assert (found.node, found.rule, terms(found, "h1")) == (None, "stopped", [("state", -INFINITY)])


def test_in_a_cluster_that_is_not_symmetric_only_named_nodes_have_scores() -> None:
    asked = intent("h1 h2", dummy("r"), prefers("r", "h1", 0))
    policy = replace(asked.cluster.policy, is_symmetric=False)
    found = account(replace(asked, cluster=replace(asked.cluster, policy=policy)), "r")
    assert verdicts(found) == {
        "h1": "chosen",
        "h2": "no location constraint allows it there, and the cluster is not symmetric",
    }


@pytest.mark.parametrize("name", ["c", "r"])
def test_a_clone_is_explained_by_instance(name: str) -> None:
    asked = intent("h1 h2", dummy("r"), clone("c", "r"))
    explained = explain_all(asked, empty_world(asked), History(), NOW)
    found = explained.explain(ResourceId(name)).accounts
    assert [(a.resource, a.node) for a in found] == [("r:0", "h1"), ("r:1", "h2")]
    assert terms(found[1], "h1") == [("clone-node", -INFINITY)]


def test_members_of_a_group_follow_the_one_before() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), group("g", "a", "b"), prefers("b", "h2", 10))
    explained = explain_all(asked, empty_world(asked), History(), NOW)
    found = explained.explain(ResourceId("g"))
    assert (found.kind, [(a.resource, a.node) for a in found.accounts]) == (
        "group",
        [("a", "h2"), ("b", "h2")],
    )
    assert terms(found.accounts[1], "h1") == [("primary", -INFINITY)]


def test_with_a_node_that_one_alone_is_explained() -> None:
    asked = intent("h1 h2", dummy("r"))
    explained = explain_all(asked, empty_world(asked), History(), NOW)
    (found,) = explained.explain(ResourceId("r"), NodeName("h2")).accounts
    assert [n.node for n in found.nodes] == ["h2"]


def test_of_instances_that_swapped_their_nodes_each_tells_of_its_own() -> None:
    asked = intent("h1 h2 h3", dummy("r"), clone("c", "r", max=2))
    standby = replace(asked.hosts[NodeName("h1")], state=HostState.STANDBY)
    asked = replace(asked, hosts={**asked.hosts, NodeName("h1"): standby})
    world = seen(empty_world(asked), *(running(asked, "r", host) for host in ("h1", "h2", "h3")))
    accounts = explain_all(asked, world, History(), NOW).explain(ResourceId("c")).accounts
    assert [(a.resource, a.current, a.node) for a in accounts] == [
        ("r:0", "h1", None),
        ("r:1", "h2", "h2"),
        ("r:2", "h3", "h3"),
    ]
    assert verdicts(accounts[2])["h3"] == "chosen"
