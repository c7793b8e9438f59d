"""What cannot be carried out is not asked for, and never in a way that could start a second copy."""

from dataclasses import replace

from reconciler.act.abilities import feasible
from reconciler.model.collective import Promotion
from reconciler.model.intent import Cluster
from reconciler.model.names import ResourceId, Where
from reconciler.model.policy import Policy, QuorumPolicy
from reconciler.model.resource import OnFail, Operation, ResourceAgent
from reconciler.model.rule import DateTest, OperationOverride, Override, PolicyOverride
from tests.plan.worlds import clone, dummy, intent


def test_what_can_be_carried_out_stays_as_it_is() -> None:
    asked = intent("h1", dummy("a"), dummy("b"), clone("c", "b", promotion=Promotion(), notifies=True))
    assert feasible(asked) == asked


def test_what_is_moved_live_is_what_an_ocf_resource_agent_runs_once() -> None:
    unit = ResourceAgent(standard="systemd", type="nginx")
    movable, cloned, other = (dummy(name, allows_migration=True) for name in "abc")
    unit_of = replace(other, agent=unit)
    asked = intent("h1", movable, cloned, unit_of, clone("k", "b"))
    made = feasible(asked).resources
    assert {name: r.allows_migration for name, r in made.items()} == {"a": True, "b": False, "c": False}


def test_nothing_is_fenced() -> None:
    stop = Operation(name="stop", on_fail=OnFail.FENCE)
    asked = intent("h1", dummy("a", operations=(stop,)))
    policy = Policy(has_fencing=True, on_quorum_loss=QuorumPolicy.FENCE)
    wanted = intent("h1", dummy("a", operations=(replace(stop, on_fail=OnFail.BLOCK),)))
    wanted = replace(wanted, cluster=Cluster(name="test", policy=Policy(on_quorum_loss=QuorumPolicy.STOP)))
    assert feasible(replace(asked, cluster=Cluster(name="test", policy=policy))) == wanted


def test_nothing_is_fenced_at_any_time() -> None:
    later, where = DateTest(since=1), Where(file="a.yaml", line=1)
    stop = OperationOverride(name="stop", on_fail=OnFail.FENCE)
    override = Override(resource=ResourceId("a"), when=later, where=where, operations=(stop,))
    policy = Policy(has_fencing=True, on_quorum_loss=QuorumPolicy.FENCE)
    times = PolicyOverride(when=later, where=where, policy=policy, fields=("has_fencing", "on_quorum_loss"))
    asked = feasible(replace(intent("h1", dummy("a")), overrides=(override,), policy_overrides=(times,)))
    assert asked.overrides == (replace(override, operations=(replace(stop, on_fail=OnFail.BLOCK),)),)
    assert asked.policy_overrides == (
        replace(times, policy=replace(policy, has_fencing=False, on_quorum_loss=QuorumPolicy.STOP)),
    )
