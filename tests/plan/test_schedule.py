"""The planner's rules, each on the smallest world that shows it."""

from dataclasses import replace

from reconciler.model.history import ConnectionFailure, FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import HostState, LinkReason, NodeKind, NodeState
from reconciler.model.observed import Failure, Observed
from reconciler.model.resource import Role
from tests.plan.worlds import (
    NOW,
    after,
    changes,
    clone,
    dummy,
    empty_world,
    graph,
    guest,
    intent,
    nodes,
    online,
    only_on,
    plan,
    prefers,
    running,
    seen,
    settle,
    with_,
)

G1 = NodeName("guest1")


def fake_in_guest() -> Intent:
    return intent("host1", guest("vm1", "guest1"), dummy("FAKE"), prefers("FAKE", "guest1"))


def settled_fake_in_guest() -> tuple[Intent, Observed]:
    asked = fake_in_guest()
    return asked, settle(asked, empty_world(asked))


def test_guest_starts_then_connects_then_what_runs_in_it_starts() -> None:
    asked = fake_in_guest()
    transition = plan(asked, empty_world(asked))
    assert graph(transition) == {
        "guest1_connect_0@guest1": ["vm1_start_0@host1"],
        "vm1_start_0@host1": [],
        "FAKE_start_0@guest1": ["FAKE_probe_0@guest1", "FAKE_probe_0@host1", "guest1_connect_0@guest1"],
        "FAKE_monitor_10000@guest1": ["FAKE_start_0@guest1"],
        "FAKE_probe_0@guest1": ["guest1_connect_0@guest1"],
        "FAKE_probe_0@host1": [],
    }
    assert changes(transition) == ["create guest/vm1 -> host1", "start resource/FAKE -> guest1"]


def test_what_is_as_asked_needs_no_action() -> None:
    asked, world = settled_fake_in_guest()
    transition = plan(asked, world)
    assert (dict(transition.actions), transition.changes, transition.blocked) == ({}, (), ())


def test_a_plain_guest_is_not_a_node() -> None:
    asked = intent("host1", guest("vm1"))
    assert graph(plan(asked, empty_world(asked))) == {"vm1_start_0@host1": []}


def test_a_removed_guest_stops_after_what_runs_in_it() -> None:
    asked, world = settled_fake_in_guest()
    former = History(former={ResourceId("vm1"): asked.resources[ResourceId("vm1")]})
    transition = plan(intent("host1", dummy("OTHER", state=Role.STOPPED)), world, former)
    assert graph(transition)["vm1_stop_0@host1"] == ["FAKE_stop_0@guest1", "guest1_disconnect_0@guest1"]
    assert changes(transition) == ["stop resource/FAKE guest1", "destroy guest/vm1 host1"]


def test_a_changed_parameter_restarts_with_the_old_parameters_for_the_stop() -> None:
    _, world = settled_fake_in_guest()
    changed = intent(
        "host1", guest("vm1", "guest1"), dummy("FAKE", params={"state": "/b"}), prefers("FAKE", "guest1")
    )
    transition = plan(changed, world)
    stop = transition.actions[ActionId("FAKE_stop_0@guest1")].uses
    start = transition.actions[ActionId("FAKE_start_0@guest1")].uses
    assert stop is not None
    assert start is not None
    assert (stop.params, start.params) == ({}, {"state": "/b"})
    assert changes(transition) == ["restart resource/FAKE guest1 -> guest1"]


def test_a_changed_preference_moves() -> None:
    _, world = settled_fake_in_guest()
    moved = intent("host1", guest("vm1", "guest1"), dummy("FAKE"), prefers("FAKE", "host1"))
    transition = plan(moved, world)
    assert graph(transition)["FAKE_start_0@host1"] == ["FAKE_stop_0@guest1"]
    assert changes(transition) == ["move resource/FAKE guest1 -> host1"]


def test_a_guest_that_moves_takes_what_runs_in_it_along() -> None:
    asked = intent("host1 host2", guest("vm1", "guest1"), dummy("FAKE"), only_on("FAKE", "guest1"))
    world = settle(asked, empty_world(asked))
    moved = intent(
        "host1 host2",
        guest("vm1", "guest1"),
        dummy("FAKE"),
        only_on("FAKE", "guest1"),
        only_on("vm1", "host2"),
    )
    transition = plan(moved, world)
    assert changes(transition) == ["move guest/vm1 host1 -> host2", "restart resource/FAKE guest1 -> guest1"]
    assert graph(transition) == {
        "guest1_connect_0@guest1": ["vm1_start_0@host2"],
        "guest1_disconnect_0@guest1": ["FAKE_stop_0@guest1"],
        "vm1_stop_0@host1": ["FAKE_stop_0@guest1", "guest1_disconnect_0@guest1"],
        "vm1_start_0@host2": ["vm1_stop_0@host1"],
        "FAKE_stop_0@guest1": [],
        "FAKE_start_0@guest1": ["FAKE_probe_0@guest1", "FAKE_stop_0@guest1", "guest1_connect_0@guest1"],
        "FAKE_monitor_10000@guest1": ["FAKE_start_0@guest1"],
        "FAKE_probe_0@guest1": ["guest1_connect_0@guest1"],
    }


def test_a_failed_monitor_restarts_in_place_until_the_limit_then_bans_the_node() -> None:
    asked = intent("host1 host2", dummy("FAKE"), prefers("FAKE", "host1", 100))
    world = settle(asked, empty_world(asked))
    failure = Failure(operation="monitor", rc=7, text="not running", interval_ms=10_000)
    world = seen(world, running(asked, "FAKE", "host1", failure=failure))
    key = (ResourceId("FAKE"), NodeName("host1"))
    once = History(
        failures={key: FailureCount(count=1, last_at=NOW, operation="monitor", text="not running")}
    )
    thrice = History(
        failures={key: FailureCount(count=3, last_at=NOW, operation="monitor", text="not running")}
    )
    assert changes(plan(asked, world, once)) == ["recover resource/FAKE host1 -> host1"]
    assert changes(plan(asked, world, thrice)) == ["recover resource/FAKE host1 -> host2"]


def test_a_failed_start_waits_before_the_next_try_and_says_until_when() -> None:
    asked = intent("host1", dummy("FAKE"))
    world = seen(
        empty_world(asked), replace(running(asked, "FAKE", "host1"), role=Role.STOPPED, started_as=None)
    )
    failed = FailureCount(count=2, last_at=NOW, operation="start", text="rc 1")
    history = History(failures={(ResourceId("FAKE"), NodeName("host1")): failed})
    transition = plan(asked, world, history)
    assert (dict(transition.actions), transition.recheck_at) == ({}, NOW + 2)
    assert [b.text for b in transition.blocked] == ["start failed on host1: rc 1; next try after a pause"]


def test_a_lost_agent_is_connected_again_and_nothing_is_restarted() -> None:
    asked, world = settled_fake_in_guest()
    lost = nodes(world, online("guest1", NodeKind.GUEST, state=NodeState.PENDING, reason=LinkReason.LOST))
    transition = plan(asked, lost)
    assert graph(transition) == {"guest1_connect_0@guest1": []}
    assert transition.changes == ()


def test_a_guest_whose_agent_stays_away_is_destroyed_and_started_again() -> None:
    asked, world = settled_fake_in_guest()
    lost = nodes(world, online("guest1", NodeKind.GUEST, state=NodeState.PENDING, reason=LinkReason.SILENT))
    failure = Failure(operation="connect", rc=1, text="nothing answered in 60 s")
    transition = plan(asked, seen(lost, running(asked, "vm1", "host1", failure=failure)))
    assert changes(transition) == [
        "recover guest/vm1 host1 -> host1",
        "restart resource/FAKE guest1 -> guest1",
    ]
    assert "FAKE_stop_0@guest1" not in transition.actions
    assert transition.actions[ActionId("vm1_stop_0@host1")].is_forced


def test_a_wrong_key_never_restarts_the_guest() -> None:
    asked, world = settled_fake_in_guest()
    refused = nodes(
        world, online("guest1", NodeKind.GUEST, state=NodeState.PENDING, reason=LinkReason.WRONG_KEY)
    )
    failure = ConnectionFailure(count=1, last_at=NOW, reason=LinkReason.WRONG_KEY, text="the key was refused")
    transition = plan(asked, refused, History(connections={G1: failure}))
    assert (dict(transition.actions), transition.changes) == ({}, ())
    assert [(b.address, b.code) for b in transition.blocked] == [
        ("resource/FAKE", "blocked"),
        ("node/guest1", "wrong-key"),
    ]


def test_a_host_not_heard_of_blocks_what_may_run_there() -> None:
    asked = intent("host1 host2", guest("vm1"), dummy("FAKE"), only_on("FAKE", "host1"))
    world = Observed(nodes={NodeName("host1"): online("host1")})
    transition = plan(asked, world)
    assert graph(transition) == {"host2_connect_0@host2": [], "FAKE_probe_0@host1": []}
    assert not transition.is_complete


def test_then_restarts_when_first_restarts() -> None:
    asked = intent("host1", dummy("db"), dummy("web"), after("web", "db"))
    world = settle(asked, empty_world(asked))
    changed = intent("host1", dummy("db", params={"x": "1"}), dummy("web"), after("web", "db"))
    transition = plan(changed, world)
    assert changes(transition) == [
        "restart resource/db host1 -> host1",
        "restart resource/web host1 -> host1",
    ]
    edges = graph(transition)
    assert edges["db_stop_0@host1"] == ["web_stop_0@host1"]
    assert "db_start_0@host1" in edges["web_start_0@host1"]


def test_then_does_not_start_while_first_is_stopped() -> None:
    asked = intent("host1", dummy("db", state=Role.STOPPED), dummy("web"), after("web", "db"))
    transition = plan(asked, empty_world(asked))
    assert [b.text for b in transition.blocked] == ["it starts after db, which does not run: it is stopped"]
    assert transition.changes == ()


def test_colocated_resources_share_a_node_and_apart_ones_do_not() -> None:
    asked = intent(
        "host1 host2", dummy("a"), dummy("b"), dummy("c"), with_("b", "a"), with_("c", "a", -1_000_000)
    )
    placement = plan(asked, empty_world(asked)).placement
    assert placement[ResourceId("a")] == placement[ResourceId("b")] != placement[ResourceId("c")]


def test_more_removed_guests_than_allowed_wait_at_a_gate() -> None:
    asked = intent("host1", guest("vm1"), guest("vm2"), dummy("FAKE"))
    world = settle(asked, empty_world(asked))
    transition = plan(intent("host1", dummy("FAKE")), world)
    assert ([g.address for g in transition.gates], transition.changes) == (["guest/vm1", "guest/vm2"], ())


def test_what_may_run_with_unknown_parameters_waits_for_the_operator() -> None:
    asked = intent("host1", dummy("FAKE"))
    unknown = running(asked, "FAKE", "host1", role=Role.UNKNOWN, started_as=None, note="adopt or restart it")
    transition = plan(asked, seen(empty_world(asked), unknown))
    assert (dict(transition.actions), [b.text for b in transition.blocked]) == ({}, ["adopt or restart it"])


def test_nobody_is_asked_in_a_guest_that_is_about_to_stop() -> None:
    asked = intent("host1", guest("vm1", "guest1"), dummy("FAKE"))
    world = settle(asked, empty_world(asked))
    stopping = intent("host1", guest("vm1", "guest1", state=Role.STOPPED), dummy("FAKE"), dummy("NEW"))
    probes = [a for a in plan(stopping, world).actions if "NEW_probe" in a]
    assert probes == ["NEW_probe_0@host1"]


def test_an_instance_that_runs_stays_where_another_one_of_its_clone_was_sent() -> None:
    """Found by random CIBs (seed 403): instances swapped their places for ever."""
    asked = intent("h1 h2 h3", dummy("r"), clone("c", "r", max=2))
    standby = replace(asked.hosts[NodeName("h1")], state=HostState.STANDBY)
    asked = replace(asked, hosts={**asked.hosts, NodeName("h1"): standby})
    world = seen(empty_world(asked), *(running(asked, "r", host) for host in ("h1", "h2", "h3")))
    assert graph(plan(asked, world)) == {"r_stop_0@h1": []}


def test_an_instance_starts_where_another_one_of_its_clone_has_stopped() -> None:
    """Found by random CIBs (seed 4): on a node both have one name."""
    asked = intent("h1 h2 h3", dummy("r"), clone("c", "r", max=2))
    standby = replace(asked.hosts[NodeName("h1")], state=HostState.STANDBY)
    asked = replace(asked, hosts={**asked.hosts, NodeName("h1"): standby})
    failed = Failure(operation="monitor", rc=1, text="gone", interval_ms=10_000)
    world = seen(
        empty_world(asked),
        *(running(asked, "r", host) for host in ("h1", "h2")),
        running(asked, "r", "h3", failure=failed),
    )
    assert graph(plan(asked, world)) == {
        "r_stop_0@h1": [],
        "r_start_0@h3": ["r_stop_0@h1", "r_stop_0@h3"],
        "r_monitor_10000@h3": ["r_start_0@h3"],
        "r_stop_0@h3": [],
    }
