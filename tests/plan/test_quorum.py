"""Without quorum a cluster stops, freezes, or goes on."""

from dataclasses import replace

import pytest

from reconciler.model.intent import Cluster
from reconciler.model.node import NodeState
from reconciler.model.policy import Policy, QuorumPolicy
from reconciler.model.resource import Requires
from tests.plan.worlds import changes, dummy, empty_world, intent, nodes, online, plan, prefers, running, seen


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (QuorumPolicy.STOP, ["stop resource/a h1"]),
        (QuorumPolicy.FREEZE, ["move resource/a h1 -> h2"]),
        (QuorumPolicy.IGNORE, ["move resource/a h1 -> h2", "start resource/b -> h1"]),
    ],
)
def test_quorum_policy(policy: QuorumPolicy, expected: list[str]) -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), prefers("a", "h2"))
    asked = replace(asked, cluster=Cluster(policy=Policy(on_quorum_loss=policy)))
    world = replace(seen(empty_world(asked), running(asked, "a", "h1")), has_quorum=False)
    assert changes(plan(asked, world)) == expected


def test_what_requires_nothing_is_started_without_quorum() -> None:
    asked = intent("h1", dummy("a", requires=Requires.NOTHING), dummy("b"))
    asked = replace(asked, cluster=Cluster(policy=Policy(on_quorum_loss=QuorumPolicy.STOP)))
    transition = plan(asked, replace(empty_world(asked), has_quorum=False))
    assert changes(transition) == ["start resource/a -> h1"]


def test_what_runs_out_of_reach_would_be_stopped_without_quorum() -> None:
    asked = intent("h1 h2", dummy("a"))
    asked = replace(asked, cluster=Cluster(policy=Policy(on_quorum_loss=QuorumPolicy.STOP)))
    world = nodes(seen(empty_world(asked), running(asked, "a", "h1")), online("h1", state=NodeState.UNCLEAN))
    transition = plan(asked, replace(world, has_quorum=False))
    intended = [(b.address, b.change.action) for b in transition.blocked if b.change is not None]
    assert intended == [("resource/a", "stop")]
