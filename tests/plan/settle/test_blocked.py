"""Groups say how far they come when a part of them cannot be started or stopped."""

from reconciler.model.observed import Failure
from reconciler.model.resource import Role
from tests.plan.worlds import dummy, empty_world, group, intent, nodes, online, plan, running, seen

STUCK = Failure(operation="stop", rc=1, text="no")


def test_a_group_begins_to_move_though_its_last_member_cannot_be_stopped() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), group("g", "a", "b"))
    world = seen(empty_world(asked), running(asked, "a", "h1"), running(asked, "b", "h1", failure=STUCK))
    transition = plan(asked, nodes(world, online("h1", is_leaving=True)))
    assert [m.name for m in transition.milestones] == ["g_start_0", "g_stop_0"]
    (blocked,) = [b for b in transition.blocked if b.change is not None]
    assert blocked.change is not None
    assert [(r.code, r.subject, r.step) for r in blocked.change.reasons] == [("unrunnable", "b", "stop")]


def test_a_group_has_not_stopped_while_its_first_member_cannot_be() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b", state=Role.STOPPED), group("g", "a", "b"))
    world = seen(empty_world(asked), running(asked, "a", "h1", failure=STUCK), running(asked, "b", "h1"))
    transition = plan(asked, nodes(world, online("h1", is_leaving=True)))
    assert [m.name for m in transition.milestones] == ["g_stop_0"]
