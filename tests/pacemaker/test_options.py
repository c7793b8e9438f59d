"""Cluster options become the policy, under their old and their new names."""

import pytest

from reconciler.model.policy import HealthStrategy, PlacementStrategy, Policy, QuorumPolicy
from tests.pacemaker.cibs import cib, read


def policy(**options: str) -> Policy:
    pairs = (
        f'<nvpair id="x{i}" name="{name.replace("_", "-")}" value="{value}"/>'
        for i, (name, value) in enumerate(options.items())
    )
    text = cib(options="".join(pairs)).replace(b'id="o1" name="stonith-enabled"', b'id="o1" name="none"')
    return read(text).intent.cluster.policy


def test_fencing_is_on_unless_it_is_switched_off() -> None:
    assert policy().has_fencing
    assert not policy(stonith_enabled="false").has_fencing
    assert not policy(fencing_enabled="no").has_fencing


def test_how_nodes_are_fenced_is_read_under_both_names() -> None:
    old = policy(
        stonith_action="off", stonith_timeout="90s", concurrent_fencing="false", have_watchdog="true"
    )
    new = policy(
        fencing_action="off", fencing_timeout="90s", concurrent_fencing="false", have_watchdog="true"
    )
    assert old == new
    found = (new.fence_action, new.fence_timeout_ms, new.fences_in_parallel, new.has_watchdog)
    assert found == ("off", 90_000, False, True)


def test_strategies_have_names_and_what_has_none_is_the_default() -> None:
    found = policy(placement_strategy="balanced", node_health_strategy="custom", node_health_red="-5")
    assert (found.placement, found.health, found.health_red) == (
        PlacementStrategy.BALANCED,
        HealthStrategy.CUSTOM,
        -5,
    )
    assert policy(placement_strategy="clever").placement is PlacementStrategy.DEFAULT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("freeze", QuorumPolicy.FREEZE),
        ("demote", QuorumPolicy.DEMOTE),
        ("suicide", QuorumPolicy.FENCE),
        ("fence", QuorumPolicy.FENCE),
        ("panic", QuorumPolicy.STOP),
    ],
)
def test_the_loss_of_quorum_leads_to_what_is_said(text: str, expected: QuorumPolicy) -> None:
    assert policy(no_quorum_policy=text).on_quorum_loss is expected
