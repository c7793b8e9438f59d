from dataclasses import replace

from reconciler.model.history import ConnectionFailure, FailureCount, History
from reconciler.model.intent import Source
from reconciler.model.names import ResourceId
from reconciler.model.node import HostState, LinkReason, NodeKind, NodeState
from reconciler.model.observed import Instance, NodeStatus, Observed, StartedAs
from reconciler.model.operation import OperationRequest, OperationResult, StartRecord
from reconciler.model.resource import ResourceAgent, Role
from reconciler.model.transition import ActionKind
from reconciler.observe.domains import Hypervisors
from reconciler.observe.nodes import NodeView
from reconciler.ports import IntentRecord, SourceTree
from reconciler.sim.journal import Pages
from tests.loop.memories import (
    ASKED,
    DOMAIN,
    FAKE,
    G1,
    H1,
    LXC,
    NOW,
    VM1,
    WEB,
    action,
    in_guest,
    memory,
    outcome,
)
from tests.plan.worlds import dummy, intent, running

DUMMY = ASKED.resources[FAKE].agent
USES = StartedAs(agent=DUMMY)
TREE = SourceTree(source=Source(folder="/x", commit="c"), files={})


def request(operation: str) -> OperationRequest:
    return OperationRequest(resource=FAKE, agent=DUMMY, operation=operation)


def test_a_removed_guest_is_remembered_while_it_may_run() -> None:
    pages = Pages()
    known = memory(pages=pages)
    known.accept(TREE, intent("host1"))
    assert (known.tree, known.history.former) == (TREE, {VM1: ASKED.resources[VM1]})
    assert pages.history == known.history
    known.forget_former(frozenset())
    assert VM1 in known.history.former
    known.note_reading(LXC, [], 5, set(), NOW)
    known.forget_former(frozenset({VM1}))
    assert VM1 in known.history.former
    known.forget_former(frozenset())
    assert known.history.former == {}


def test_a_removed_guest_is_remembered_until_it_is_found_out_what_became_of_every_stop_of_it() -> None:
    pages = Pages()
    known = memory(pages=pages)
    known.accept(TREE, intent("host1"))
    stop = action(
        ActionKind.STOP,
        H1,
        VM1,
        uses=StartedAs(agent=ResourceAgent(standard="guest", provider="", type="lxc")),
    )
    lost = IntentRecord(
        uid="uid1",
        action=stop.id,
        kind="stop",
        node=H1,
        resource=VM1,
        incarnation="",
        commit="",
        started_at=NOW,
    )
    known.journal.begin([lost])
    known.note_outcome(outcome(stop, None, written=lost), NOW)
    known.note_outcome(outcome(stop, uid="uid2"), NOW)
    known.forget_former(frozenset())
    assert (set(known.history.former), set(pages.intents)) == ({VM1}, {"uid1"})
    known.note_reading(LXC, [], 5, set(), NOW)
    known.forget_former(frozenset())
    assert (known.history.former, pages.intents) == ({}, {})


def test_a_removed_host_is_in_force_as_standby_until_it_is_known_to_be_empty() -> None:
    pages = Pages()
    known = memory(pages=pages)
    host = ASKED.hosts[H1]
    known.note_reading(LXC, [], 5, set(), NOW)
    known.accept(TREE, intent(""))
    assert known.intent is not None
    assert known.intent.hosts == {H1: replace(host, state=HostState.STANDBY)}
    assert pages.history == known.history
    unheard = known.observe({})
    assert known.forget_hosts(unheard) is None
    there = NodeStatus(
        name=H1,
        kind=NodeKind.HOST,
        state=NodeState.ONLINE,
        hypervisors=frozenset(host.libvirt),
        is_known=True,
    )
    guest_runs = Observed(nodes={H1: there}, instances={(VM1, H1): running(ASKED, "vm1", "host1")})
    assert known.forget_hosts(guest_runs) is None
    assert known.forget_hosts(Observed(nodes={H1: replace(there, hypervisors=frozenset())})) is None
    assert known.forget_hosts(Observed(nodes={H1: there})) == []
    assert (known.intent.hosts, known.history.former_hosts) == ({}, {})


def test_a_guest_that_ran_before_us_is_taken_up_where_the_journal_knows_it() -> None:
    records = {
        FAKE: StartRecord(resource=FAKE, agent=DUMMY, phase="started"),
        WEB: StartRecord(resource=WEB, agent=DUMMY, phase="starting"),
    }
    known = memory(pages=Pages(incarnations={G1: "start1"}, records={G1: records}))
    assert known.meet_guests() == []
    view = known.views[G1]
    assert (view.incarnation, view.is_known, view.is_connected) == ("start1", True, False)
    assert view.instances[FAKE] == Instance(resource=FAKE, node=G1, role=Role.STARTED, started_as=USES)
    assert view.instances[WEB].role is Role.UNKNOWN


def test_a_guest_of_another_life_is_not_taken_for_the_one_on_record() -> None:
    known = memory(pages=Pages(incarnations={G1: "start0"}))
    known.meet_guests()
    assert known.views == {}


def test_a_guests_end_ends_what_was_known_of_its_node() -> None:
    known = memory(views={G1: in_guest("FAKE"), H1: NodeView(name=H1)})
    known.hypervisors = Hypervisors().read(LXC, [replace(DOMAIN, uid="start2")], 3, "test")
    assert known.meet_guests() == [in_guest("FAKE")]
    assert list(known.views) == [H1]


def test_a_guest_that_ends_by_itself_counts_as_a_failure() -> None:
    known = memory()
    assert known.note_reading(LXC, [], 5, {VM1}, NOW) == []
    known = memory()
    assert known.note_reading(LXC, [], 5, set(), NOW) == [VM1]
    assert known.history.failures[VM1, H1].count == 1
    assert known.note_reading(LXC, [], 6, set(), NOW) == []


def test_a_successful_start_is_known_with_its_parameters() -> None:
    known = memory(views={G1: in_guest()})
    known.note_outcome(outcome(action(ActionKind.START, G1, FAKE), request=request("start")), NOW)
    assert known.views[G1].instances == {
        FAKE: Instance(resource=FAKE, node=G1, role=Role.STARTED, started_as=USES)
    }
    assert known.history == History()


def test_a_failed_start_is_counted_and_may_have_left_something() -> None:
    known = memory(views={G1: in_guest()})
    known.note_outcome(outcome(action(ActionKind.START, G1, FAKE), 1, request=request("start")), NOW)
    assert known.views[G1].instances[FAKE].role is Role.STARTED
    assert known.history.failures == {
        (FAKE, G1): FailureCount(count=1, last_at=NOW, operation="start", text="rc 1")
    }


def test_a_start_whose_result_did_not_come_may_have_started() -> None:
    known = memory(views={G1: in_guest()})
    lost = outcome(action(ActionKind.START, G1, FAKE), None, request=request("start"), reason=LinkReason.LOST)
    known.note_outcome(lost, NOW)
    assert known.views[G1].instances[FAKE].role is Role.UNKNOWN


def test_a_start_that_never_left_changed_nothing() -> None:
    known = memory(views={G1: in_guest()})
    unsent = outcome(action(ActionKind.START, G1, FAKE), None, request=request("start"), is_unsent=True)
    known.note_outcome(unsent, NOW)
    assert (known.views[G1].instances, known.history) == ({}, History())


def test_a_restart_is_done_when_the_stop_is() -> None:
    known = memory(views={G1: in_guest("FAKE")}, history=History(restarts=frozenset({FAKE, WEB})))
    known.note_outcome(outcome(action(ActionKind.STOP, G1, FAKE), 1, request=request("stop")), NOW)
    assert known.history.restarts == {FAKE, WEB}
    known.note_outcome(outcome(action(ActionKind.STOP, G1, FAKE), request=request("stop")), NOW)
    assert known.history.restarts == {WEB}


def test_a_monitor_that_reports_the_same_failure_again_is_no_news() -> None:
    known = memory(views={G1: in_guest("FAKE")})
    failed = OperationResult(resource=FAKE, operation="monitor", interval_ms=10_000, rc=7)
    assert [known.note_monitor(G1, failed, NOW) for _ in range(2)] == [True, False]
    assert known.history.failures[FAKE, G1].count == 1
    assert known.note_monitor(G1, replace(failed, rc=1), NOW)
    assert not known.note_monitor(G1, replace(failed, rc=0), NOW)
    assert known.views[G1].instances[FAKE].failure is None


def test_monitors_of_what_nobody_knows_are_not_believed() -> None:
    known = memory(views={G1: in_guest("FAKE")})
    failed = OperationResult(resource=ResourceId("web"), operation="monitor", rc=7)
    assert not known.note_monitor(G1, failed, NOW)
    assert not known.note_monitor(H1, failed, NOW)


def test_a_lost_link_keeps_what_was_known() -> None:
    known = memory(views={G1: in_guest("FAKE")})
    known.note_lost(G1, LinkReason.LOST, "reset")
    view = known.views[G1]
    assert (view.is_connected, view.reason, list(view.instances)) == (False, LinkReason.LOST, [FAKE])
    known.note_lost(G1, LinkReason.SILENT, "again")
    assert known.views[G1].reason is LinkReason.LOST


def test_a_failed_connection_is_remembered() -> None:
    known = memory()
    failed = outcome(action(ActionKind.CONNECT, G1), reason=LinkReason.REFUSED, text="nothing listens")
    known.note_outcome(failed, NOW)
    assert known.history.connections == {
        G1: ConnectionFailure(count=1, last_at=NOW, reason=LinkReason.REFUSED, text="nothing listens")
    }
    assert (known.views[G1].incarnation, known.views[G1].is_known) == ("start1", False)


def test_taking_leave_is_not_losing() -> None:
    known = memory(views={G1: in_guest("FAKE")})
    known.note_outcome(outcome(action(ActionKind.DISCONNECT, G1)), NOW)
    assert (known.views[G1].has_left, known.views[G1].is_connected) == (True, False)


def test_a_node_that_is_let_go_has_left_and_its_guest_has_not_failed_for_it() -> None:
    known = memory(views={G1: in_guest()})
    known.note_leaving(G1)
    assert known.views[G1].is_leaving
    known.note_outcome(outcome(action(ActionKind.RELEASE, G1)), NOW)
    left = known.views[G1]
    assert (left.has_left, left.is_connected, left.is_leaving, left.reason) == (
        True,
        False,
        False,
        LinkReason.LEFT,
    )
    refused = outcome(action(ActionKind.CONNECT, G1), reason=LinkReason.REFUSED, text="nothing listens")
    known.note_outcome(refused, NOW)
    assert (known.views[G1], known.history.failures) == (left, {})
    assert known.history.connections[G1].reason is LinkReason.LEFT
    stranger = outcome(action(ActionKind.CONNECT, G1), reason=LinkReason.ROGUE, text="a stranger")
    known.note_outcome(stranger, NOW)
    assert known.views[G1].reason is LinkReason.ROGUE


def test_an_agent_that_leaves_without_waiting_has_left_in_order_only_if_nothing_ran_there() -> None:
    found = {}
    for name, resources in {"empty": (), "full": ("FAKE",)}.items():
        known = memory(views={G1: in_guest(*resources)})
        known.note_leaving(G1)
        known.note_lost(G1, LinkReason.LOST, "the agent left in order")
        found[name] = (known.views[G1].reason, known.views[G1].has_left)
    assert found == {"empty": (LinkReason.LEFT, True), "full": (LinkReason.LOST, False)}


def test_a_guests_start_begins_a_life_of_its_node() -> None:
    pages = Pages()
    known = memory(pages=pages, hypervisors=Hypervisors(), views={G1: in_guest("FAKE")})
    uses = running(ASKED, "vm1", "host1").started_as
    known.note_outcome(outcome(action(ActionKind.START, H1, VM1, uses=uses)), NOW)
    assert known.views == {G1: NodeView(name=G1, incarnation="uid1", is_known=True)}
    assert known.incarnations() == {G1: "uid1"}
    assert pages.incarnations == {G1: "uid1"}


def test_a_guests_stop_ends_its_node() -> None:
    known = memory(views={G1: in_guest("FAKE")})
    uses = running(ASKED, "vm1", "host1").started_as
    known.note_outcome(outcome(action(ActionKind.STOP, H1, VM1, uses=uses)), NOW)
    assert (known.views, known.incarnations()) == ({}, {})


def test_numbers_order_what_becomes_known() -> None:
    known = memory()
    assert [known.next_sequence() for _ in range(3)] == [1, 2, 3]


def test_a_node_that_was_a_guest_is_found_by_its_name() -> None:
    known = memory()
    assert known.guest_of(G1) == ASKED.resources[VM1]
    assert known.guest_of(H1) is None
    known.accept(TREE, intent("host1"))
    assert known.guest_of(G1) == ASKED.resources[VM1]


def test_what_was_in_a_container_that_makes_a_node_ends_with_it_and_another_one_begins_empty() -> None:
    vm = ASKED.resources[VM1].remote_node
    box = dummy("box", remote_node=vm)
    asked = intent("host1", box, dummy("FAKE"))
    host = NodeView(name=H1, is_connected=True, is_known=True)
    lost = ConnectionFailure(count=1, last_at=NOW, reason=LinkReason.LOST, text="gone")
    known = memory(asked=asked, hypervisors=Hypervisors(), views={H1: host, G1: in_guest("FAKE")})
    known.history = History(connections={G1: lost})
    stop = replace(request("stop"), resource=box.id, agent=box.agent)
    known.note_outcome(outcome(action(ActionKind.STOP, H1, box.id), request=stop), NOW)
    assert list(known.views) == [H1]
    start = replace(stop, operation="start")
    known.note_outcome(outcome(action(ActionKind.START, H1, box.id), request=start), NOW)
    assert known.views[G1] == NodeView(name=G1, is_known=True)
    assert known.history.connections == {}
