"""What cannot be carried out is not asked for, and never in a way that could start a second copy."""

from dataclasses import replace

from reconciler.act.abilities import feasible
from reconciler.model.collective import Promotion
from reconciler.model.intent import Cluster
from reconciler.model.policy import Policy, QuorumPolicy
from reconciler.model.resource import OnFail, Operation, Resource, Role
from tests.plan.worlds import clone, dummy, intent


def test_what_can_be_carried_out_stays_as_it_is() -> None:
    asked = intent("h1", dummy("a"), dummy("b"), clone("c", "b", notifies=False))
    assert feasible(asked) == asked


def test_nothing_is_fenced_migrated_or_promoted() -> None:
    stop = Operation(name="stop", on_fail=OnFail.FENCE)
    asked = intent(
        "h1",
        dummy("a", allows_migration=True, operations=(stop,)),
        dummy("b"),
        clone("c", "b", promotion=Promotion(), notifies=True),
    )
    policy = Policy(has_fencing=True, on_quorum_loss=QuorumPolicy.FENCE)
    wanted = intent(
        "h1", dummy("a", operations=(replace(stop, on_fail=OnFail.BLOCK),)), dummy("b"), clone("c", "b")
    )
    wanted = replace(wanted, cluster=Cluster(name="test", policy=Policy(on_quorum_loss=QuorumPolicy.STOP)))
    assert feasible(replace(asked, cluster=Cluster(name="test", policy=policy))) == wanted


def test_what_is_asked_of_unpromoted_instances_is_asked_of_all_that_run() -> None:
    def watched(role: Role | None) -> Resource:
        return dummy("a", operations=(Operation(name="monitor", interval_ms=10_000, role=role),))

    assert feasible(intent("h1", watched(Role.UNPROMOTED))) == intent("h1", watched(None))
    assert feasible(intent("h1", watched(Role.PROMOTED))) == intent("h1", watched(Role.PROMOTED))
