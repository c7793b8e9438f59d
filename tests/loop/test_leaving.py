from dataclasses import replace

from reconciler.loop.leaving import is_drained
from reconciler.model.names import NodeName
from reconciler.model.node import HostState, NodeKind
from reconciler.model.rule import DateTest, NodeOverride
from tests.plan.worlds import guest, host, intent


def test_guest_and_remote_nodes_are_emptied_and_neither_hosts_nor_what_is_in_maintenance() -> None:
    asked = intent("host1", guest("vm1", "guest1"))
    far = replace(host("far"), kind=NodeKind.REMOTE)
    off = replace(host("off"), kind=NodeKind.REMOTE, state=HostState.MAINTENANCE)
    asked = replace(asked, hosts={**asked.hosts, far.name: far, off.name: off})
    found = {name: is_drained(asked, NodeName(name), 0.0) for name in ("guest1", "host1", "far", "off")}
    assert found == {"guest1": True, "host1": False, "far": True, "off": False}


def test_a_remote_node_that_is_in_maintenance_for_a_time_is_not_emptied_then() -> None:
    far = replace(host("far"), kind=NodeKind.REMOTE)
    window = NodeOverride(
        node=far.name, when=DateTest(since=10), where=far.where, state=HostState.MAINTENANCE
    )
    asked = replace(intent("host1"), hosts={far.name: far}, node_overrides=(window,))
    assert [is_drained(asked, far.name, now) for now in (9.0, 10.0)] == [True, False]
