"""What cannot be carried out is not asked for, and never in a way that could start a second copy."""

from dataclasses import replace

from reconciler.act.abilities import feasible
from reconciler.model.collective import Promotion
from reconciler.model.intent import Cluster
from reconciler.model.policy import Policy, QuorumPolicy
from reconciler.model.resource import OnFail, Operation, ResourceAgent
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
