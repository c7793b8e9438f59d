"""What `check` lets through and what it does not, whatever the planner says."""

from dataclasses import replace

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Observed, Pending
from reconciler.model.transition import Action, ActionKind, Transition
from reconciler.plan.check import check
from tests.plan.worlds import dummy, empty_world, guest, intent, nodes, online, plan, prefers, running, seen

ASKED = intent("host1 host2", guest("vm1", "guest1"), dummy("FAKE"), prefers("FAKE", "guest1"))
WORLD = empty_world(ASKED)


def action(kind: ActionKind, resource: str, node: str, *after: str) -> Action:
    name = ActionId(f"{resource}_{kind.value}_0@{node}")
    return Action(
        id=name,
        kind=kind,
        node=NodeName(node),
        resource=ResourceId(resource),
        after=tuple(ActionId(a) for a in after),
    )


def alarms(observed: Observed, *actions: Action) -> list[tuple[str, str]]:
    transition = Transition(
        actions={a.id: a for a in actions}, guest_nodes={ResourceId("vm1"): NodeName("guest1")}
    )
    return [(str(a.action), a.invariant) for a in check(transition, ASKED, observed).alarms]


def test_an_honest_plan_is_let_through_whole() -> None:
    transition = plan(ASKED, WORLD)
    checked = check(transition, ASKED, WORLD)
    assert (checked.transition, checked.alarms) == (transition, ())


def test_a_second_copy_is_dropped() -> None:
    world = seen(WORLD, running(ASKED, "FAKE", "host1"))
    assert alarms(world, action(ActionKind.START, "FAKE", "host2")) == [("FAKE_start_0@host2", "I1")]


def test_a_start_after_the_stop_is_let_through() -> None:
    world = seen(WORLD, running(ASKED, "FAKE", "host1"))
    stop = action(ActionKind.STOP, "FAKE", "host1")
    assert alarms(world, stop, action(ActionKind.START, "FAKE", "host2", stop.id)) == []


def test_a_stop_beside_the_start_is_not_enough() -> None:
    world = seen(WORLD, running(ASKED, "FAKE", "host1"))
    stop = action(ActionKind.STOP, "FAKE", "host1")
    assert alarms(world, stop, action(ActionKind.START, "FAKE", "host2")) == [("FAKE_start_0@host2", "I1")]


def test_two_starts_of_one_resource_are_one_too_many() -> None:
    starts = [action(ActionKind.START, "FAKE", host) for host in ("host1", "host2")]
    assert alarms(WORLD, *starts) == [("FAKE_start_0@host2", "I1")]


def test_what_is_moved_on_may_still_have_to_be_cleared_where_it_came_from() -> None:
    asked = intent("h1 h2 h3", dummy("a"))
    left = running(asked, "a", "h1", migrated_to=NodeName("h2"))
    world = seen(empty_world(asked), left, running(asked, "a", "h2"))
    move = replace(action(ActionKind.MIGRATE_FROM, "a", "h3"), peer=NodeName("h2"))
    transition = Transition(actions={move.id: move})
    assert check(transition, asked, world).alarms == ()
    start = action(ActionKind.START, "a", "h3")
    alarm, *others = check(Transition(actions={start.id: start}), asked, world).alarms
    assert (alarm.action, alarm.invariant) == (start.id, "I1")
    assert [other.action for other in others] == [start.id]


def test_recovery_from_a_node_that_is_not_known_dead_is_dropped() -> None:
    lost = nodes(WORLD, online("host1", state=NodeState.UNCLEAN))
    world = seen(lost, running(ASKED, "FAKE", "host1"))
    assert alarms(world, action(ActionKind.START, "FAKE", "host2")) == [("FAKE_start_0@host2", "I2")]


def test_a_guests_stop_ends_what_is_in_it() -> None:
    world = nodes(seen(WORLD, running(ASKED, "FAKE", "guest1")), online("guest1", NodeKind.GUEST))
    stop = action(ActionKind.STOP, "vm1", "host1")
    assert alarms(world, stop, action(ActionKind.START, "FAKE", "host2", stop.id)) == []


def test_a_guests_stop_in_flight_counts_only_for_what_waits_for_it() -> None:
    stopping = Pending(
        id=ActionId("vm1_stop_0@host1"), kind="stop", node=NodeName("host1"), resource=ResourceId("vm1")
    )
    world = replace(seen(WORLD, running(ASKED, "FAKE", "guest1")), pending=(stopping,))
    assert alarms(world, action(ActionKind.START, "FAKE", "host2")) == [("FAKE_start_0@host2", "I1")]
    assert alarms(world, action(ActionKind.START, "FAKE", "host2", stopping.id)) == []


def test_what_waits_for_itself_is_dropped() -> None:
    first = action(ActionKind.STOP, "FAKE", "host1", "vm1_stop_0@host1")
    then = action(ActionKind.STOP, "vm1", "host1", first.id)
    assert alarms(WORLD, first, then) == [(first.id, "I6"), (then.id, "I6")]


def test_what_is_neither_declared_nor_seen_is_not_touched() -> None:
    assert alarms(WORLD, action(ActionKind.STOP, "stranger", "host1")) == [("stranger_stop_0@host1", "I7")]


def test_what_depends_on_a_dropped_action_goes_with_it() -> None:
    world = seen(WORLD, running(ASKED, "FAKE", "host1"))
    start = action(ActionKind.START, "FAKE", "host2")
    monitor = action(ActionKind.MONITOR, "FAKE", "host2", start.id)
    other = action(ActionKind.START, "vm1", "host1")
    transition = Transition(actions={a.id: a for a in (start, monitor, other)})
    assert list(check(transition, ASKED, world).transition.actions) == [other.id]
