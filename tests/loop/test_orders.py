from dataclasses import replace

import pytest

from reconciler.loop import orders
from reconciler.model.digest import start_parameters
from reconciler.model.errors import UsageError
from reconciler.model.history import ConnectionFailure, FailureCount, History
from reconciler.model.intent import Intent, Source
from reconciler.model.names import NodeName
from reconciler.model.node import STOCK_MACHINE, AgentAddress, AgentFlavor, LinkReason, NodeKind
from reconciler.model.observed import Failure, Instance
from reconciler.model.resource import Role
from reconciler.model.rule import DateTest, Override
from reconciler.observe.domains import Hypervisors
from reconciler.observe.nodes import NodeView
from reconciler.ports import SourceTree
from reconciler.sim.journal import Pages
from tests.loop.memories import ASKED, DOMAIN, FAKE, G1, H1, LXC, NOW, VM1, WEB, in_guest, memory
from tests.plan.worlds import WHERE, host, intent

DB1 = NodeName("db1")
ONCE = FailureCount(count=1)
SILENT = ConnectionFailure(count=1, last_at=0.0, reason=LinkReason.SILENT, text="")
BROKEN = Failure(operation="monitor", rc=1, text="rc 1")


def test_cleanup_forgets_a_resources_failures_and_leaves_others() -> None:
    pages = Pages()
    known = memory(
        pages=pages,
        history=History(
            failures={(FAKE, G1): ONCE, (FAKE, H1): ONCE, (WEB, G1): ONCE}, connections={G1: SILENT}
        ),
        views={G1: in_guest("FAKE", "web", failure=BROKEN)},
    )
    assert orders.cleanup(known, "fake", None) == "forgot the failures of FAKE"
    assert known.history == History(failures={(WEB, G1): ONCE}, connections={G1: SILENT})
    instances = known.views[G1].instances
    assert (instances[FAKE].failure, instances[WEB].failure) == (None, BROKEN)
    assert pages.history == known.history


def test_cleanup_of_one_node_leaves_the_others() -> None:
    known = memory(history=History(failures={(FAKE, G1): ONCE, (FAKE, H1): ONCE}))
    assert orders.cleanup(known, "FAKE", "HOST1") == "forgot the failures of FAKE on host1"
    assert known.history.failures == {(FAKE, G1): ONCE}


def test_cleanup_of_a_guest_lets_its_agent_be_connected_again() -> None:
    known = memory(history=History(connections={G1: SILENT, H1: SILENT}))
    orders.cleanup(known, "vm1", None)
    assert known.history.connections == {H1: SILENT}


def test_restart_is_remembered_until_it_was_stopped() -> None:
    known = memory()
    assert orders.restart(known, "web") == "web will be restarted"
    assert known.history.restarts == {WEB}


def test_only_a_removed_guest_is_let_through_a_gate() -> None:
    known = memory(intent("host1"), history=History(former={VM1: ASKED.resources[VM1]}))
    assert orders.allow_destroy(known, "VM1") == "vm1 may be removed"
    assert known.history.allowed_destroys == {VM1}
    with pytest.raises(UsageError, match=r"^there is no removed guest 'vm2'; did you mean vm1\?$"):
        orders.allow_destroy(known, "vm2")


def test_a_guest_of_which_only_its_domain_is_left_is_let_through_a_gate() -> None:
    known = memory(intent("host1"))
    assert known.history.former == {}
    assert orders.allow_destroy(known, "vm1") == "vm1 may be removed"
    with pytest.raises(UsageError, match=r"^there is no removed guest 'vm1'; there is none$"):
        orders.allow_destroy(memory(), "vm1")


def test_adopt_takes_what_is_unknown_as_declared_and_keeps_that() -> None:
    pages = Pages()
    known = memory(pages=pages, views={G1: in_guest("FAKE", role=Role.UNKNOWN, started_as=None)})
    assert orders.adopt(known, "FAKE", NOW) == "FAKE on guest1 is taken as declared"
    uses = start_parameters(ASKED.resources[FAKE], G1)
    assert known.views[G1].instances[FAKE] == Instance(
        resource=FAKE, node=G1, role=Role.STARTED, started_as=uses
    )
    record = pages.records[G1][FAKE]
    assert (record.phase, record.agent, record.since) == ("adopted", uses.agent, NOW)


def test_adopt_takes_the_params_of_an_override_that_is_in_force() -> None:
    now, later = (
        Override(resource=FAKE, when=DateTest(since=int(NOW) + wait), where=WHERE, params={"state": state})
        for wait, state in ((0, "/run/now"), (60, "/run/later"))
    )
    unknown = in_guest("FAKE", role=Role.UNKNOWN, started_as=None)
    known = memory(replace(ASKED, overrides=(now, later)), views={G1: unknown})
    orders.adopt(known, "FAKE", NOW)
    in_force = replace(ASKED.resources[FAKE], params={**ASKED.resources[FAKE].params, "state": "/run/now"})
    assert known.views[G1].instances[FAKE].started_as == start_parameters(in_force, G1)


def test_adopt_makes_a_stock_agent_ours_as_long_as_its_node_is_declared() -> None:
    asked = with_stock_machine()
    pages = Pages()
    known = memory(asked, pages=pages)
    assert orders.adopt(known, "DB1", NOW) == "db1 is adopted: what runs there is taken as declared"
    assert (known.history.adopted, pages.history) == (frozenset({DB1}), known.history)
    assert known.journal.records(DB1, STOCK_MACHINE) == {}
    with pytest.raises(UsageError, match="no resource 'db1'"):
        orders.adopt(known, "db1", NOW)
    tree = SourceTree(source=Source(folder="/"), files={})
    known.accept(tree, asked)
    assert known.history.adopted == {DB1}
    known.accept(tree, ASKED)
    known.accept(tree, asked)
    assert known.history.adopted == frozenset()
    assert known.history.former_hosts == {}, "nothing was ever started where we have never been"


def with_stock_machine() -> Intent:
    machine = replace(
        host("db1"), kind=NodeKind.REMOTE, agent=AgentAddress(address="db1", flavor=AgentFlavor.STOCK)
    )
    return replace(ASKED, hosts={**ASKED.hosts, DB1: machine})


def test_nothing_unknown_is_nothing_to_adopt() -> None:
    known = memory(views={G1: in_guest("FAKE")})
    with pytest.raises(UsageError, match="nothing about FAKE is unknown"):
        orders.adopt(known, "FAKE", NOW)


def test_everything_is_stopped_without_another_change() -> None:
    stopped = orders.all_stopped(ASKED)
    assert {r.state for r in stopped.resources.values()} == {Role.STOPPED}
    assert (stopped.hosts, list(stopped.resources)) == (ASKED.hosts, list(ASKED.resources))
    assert orders.as_declared(ASKED) is ASKED


def test_a_dead_host_runs_nothing_and_is_known() -> None:
    dead = Hypervisors().read(LXC, [DOMAIN], 0, "test").unreadable(LXC, "no route")
    lost = NodeView(name=H1, is_known=True, reason=LinkReason.LOST)
    known = memory(hypervisors=dead, views={H1: lost})
    said = orders.confirm_fenced(known, "host1")
    assert said == "host1 is taken as dead; what ran there is recovered elsewhere"
    assert known.hypervisors.facts[VM1, H1].domain is None
    assert (known.views[H1].has_left, known.views[H1].is_known, known.views[H1].instances) == (True, True, {})


def test_a_guest_that_was_never_seen_on_a_dead_host_is_not_there_either() -> None:
    known = memory(hypervisors=Hypervisors())
    orders.confirm_fenced(known, "host1")
    assert known.hypervisors.facts[VM1, H1].domain is None


def test_a_host_that_answers_is_not_dead() -> None:
    with pytest.raises(UsageError, match="hypervisor answers: it is not dead"):
        orders.confirm_fenced(memory(), "host1")
    connected = memory(hypervisors=Hypervisors(), views={H1: NodeView(name=H1, is_connected=True)})
    with pytest.raises(UsageError, match="agent is connected: it is not dead"):
        orders.confirm_fenced(connected, "host1")


@pytest.mark.parametrize(
    ("name", "known", "want"),
    [
        ("wbe", ["web", "db"], "there is no thing 'wbe'; did you mean web?"),
        ("zzz", ["web", "db", "db"], "there is no thing 'zzz'; there is db, web"),
        ("zzz", [], "there is no thing 'zzz'; there is none"),
    ],
)
def test_a_wrong_name_is_answered_with_right_ones(name: str, known: list[str], want: str) -> None:
    with pytest.raises(UsageError) as caught:
        orders.match_name(name, known, "thing")
    assert str(caught.value) == want


def test_names_are_compared_without_case() -> None:
    assert orders.match_name("WEB", ["db", "web"], "thing") == "web"
    with pytest.raises(UsageError, match="there is no node 'nope'"):
        orders.cleanup(memory(), "FAKE", "nope")
