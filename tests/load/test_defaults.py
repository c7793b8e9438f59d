import pytest

from reconciler.model.policy import HealthStrategy, PlacementStrategy, Policy, QuorumPolicy
from reconciler.model.resource import Requires
from reconciler.model.score import INFINITY
from tests.load.test_constraints import intent_of
from tests.load.texts import HOST, problems_of, resource


def cluster(spec: str) -> str:
    return f"---\napiVersion: reconciler/v1alpha1\nkind: Cluster\nmetadata: {{name: shop}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ("{}", Policy()),
        ("{symmetric: false}", Policy(is_symmetric=False)),
        ("{onQuorumLoss: stop}", Policy(on_quorum_loss=QuorumPolicy.STOP)),
        ("{onQuorumLoss: freeze}", Policy(on_quorum_loss=QuorumPolicy.FREEZE)),
        ("{onQuorumLoss: demote}", Policy(on_quorum_loss=QuorumPolicy.DEMOTE)),
        ("{onQuorumLoss: fence}", Policy(on_quorum_loss=QuorumPolicy.FENCE)),
        ("{placementStrategy: balanced}", Policy(placement=PlacementStrategy.BALANCED)),
        ("{stopRemoved: false, cancelRemoved: false}", Policy(stops_removed=False, cancels_removed=False)),
        ("{longestPause: 0s}", Policy(longest_pause_s=0.0)),
        (
            "{health: {strategy: progressive, base: 10, green: 5, yellow: -5, red: -100}}",
            Policy(
                health=HealthStrategy.PROGRESSIVE,
                health_base=10,
                health_green=5,
                health_yellow=-5,
                health_red=-100,
            ),
        ),
        ("{fencing: {}}", Policy(has_fencing=True)),
        ("{fencing: {enabled: false}}", Policy()),
        (
            "{fencing: {action: 'off', timeout: 2m, watchdog: true, parallel: false, priorityDelay: 5s,"
            " remoteWithoutQuorum: true}}",
            Policy(
                has_fencing=True,
                fence_action="off",
                fence_timeout_ms=120_000,
                has_watchdog=True,
                fences_in_parallel=False,
                priority_fencing_delay_ms=5_000,
                fences_remote_without_quorum=True,
            ),
        ),
    ],
)
def test_the_cluster_has_a_policy(spec: str, want: Policy) -> None:
    assert intent_of(HOST + cluster(spec)).cluster.policy == want


@pytest.mark.parametrize(
    ("lines", "agent", "want"),
    [
        ((), "ocf:heartbeat:Dummy", Requires.FENCING),
        ((), "stonith:fence_ipmilan", Requires.QUORUM),
        (("requires: nothing",), "ocf:heartbeat:Dummy", Requires.NOTHING),
        (("requires: unfencing",), "ocf:heartbeat:Dummy", Requires.UNFENCING),
    ],
)
def test_where_there_is_fencing_it_is_required_unless_something_else_is_said(
    lines: tuple[str, ...], agent: str, want: Requires
) -> None:
    intent = intent_of(HOST + cluster("{fencing: {}}") + resource("a", *lines, agent=agent))
    assert [r.requires for r in intent.resources.values()] == [want]


def test_in_an_opt_in_cluster_nothing_runs_where_nothing_is_said() -> None:
    text = HOST + cluster("{symmetric: false}") + resource("a", "placement: {with: [b]}") + resource("b")
    assert problems_of(text) == []
    text = text.replace("{with: [b]}", f"{{with: [b], prefer: {{host1: {INFINITY}}}}}")
    assert problems_of(text) == []
