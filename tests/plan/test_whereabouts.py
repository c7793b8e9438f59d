"""Nothing is started while it may run where nobody could look."""

from dataclasses import replace

from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName
from reconciler.model.node import NodeState
from reconciler.model.observed import Instance
from reconciler.model.policy import Policy
from reconciler.model.resource import Role
from tests.plan.worlds import changes, dummy, empty_world, intent, nodes, online, plan, running, seen


def test_what_runs_nowhere_waits_for_a_host_that_joins_unless_that_was_asked() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"))
    asked = replace(asked, cluster=Cluster(policy=Policy(connects_hosts=False)))
    world = nodes(empty_world(asked), online("h2", state=NodeState.PENDING))
    known = Instance(resource=dummy("a").id, node=NodeName("h2"), role=Role.STOPPED)
    transition = plan(asked, seen(world, known))
    assert changes(transition) == ["start resource/a -> h1"]
    assert [(b.address, b.text) for b in transition.blocked] == [
        ("resource/b", "it may run on h2, which is about to join")
    ]
    assert changes(plan(asked, seen(world, known, running(asked, "b", "h1")))) == ["start resource/a -> h1"]
