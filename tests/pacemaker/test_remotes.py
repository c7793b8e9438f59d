"""Remote nodes are made by their connections, guest nodes by what has a remote-node."""

from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress
from reconciler.model.resource import OnFail
from reconciler.pacemaker.document import open_cib
from reconciler.pacemaker.remotes import Declared, declared_nodes
from tests.pacemaker.cibs import NOW, cib, dummy, meta, read

REMOTE = '<primitive id="far" class="ocf" provider="pacemaker" type="remote"/>'
GUEST = dummy(
    "vm", meta(remote_node="inner", remote_addr="10.0.0.1", remote_port="99", remote_connect_timeout="5s")
)


def test_nodes_are_found_in_groups_too_but_not_in_clones() -> None:
    text = cib(
        f'<group id="g">{GUEST}</group>{REMOTE}<clone id="c">{dummy("x", meta(remote_node="no"))}</clone>'
    )
    found = declared_nodes(open_cib(text, "cib.xml", NOW))
    assert {n: (d.resource, d.is_guest, d.address) for n, d in found.items()} == {
        "inner": ("vm", True, "10.0.0.1"),
        "far": ("far", False, None),
    }
    assert isinstance(found[NodeName("far")], Declared)


def test_a_guest_has_its_node_and_a_connection_is_a_resource_that_can_move_live() -> None:
    resources = read(cib(GUEST + REMOTE)).intent.resources
    inner, far = resources[ResourceId("vm")].remote_node, resources[ResourceId("far")].remote_node
    assert inner is not None
    assert far is not None
    assert (inner.name, inner.agent) == (
        "inner",
        AgentAddress(address="10.0.0.1", port=99, connect_timeout_ms=5000),
    )
    assert (far.name, far.where) == ("far", Where(file="cib.xml", line=5))
    assert [resources[ResourceId(r)].allows_migration for r in ("vm", "far")] == [False, True]
    on_fail = {o.name: o.on_fail for o in resources[ResourceId("far")].operations}
    assert on_fail["stop"] is OnFail.RESET_REMOTE


def test_what_runs_in_a_container_has_it_restarted_when_it_fails() -> None:
    (inside,) = (
        r
        for r in read(cib(dummy("box") + dummy("r", meta(container="box")))).intent.resources.values()
        if r.container
    )
    assert (inside.id, inside.container) == ("r", "box")
    assert {o.on_fail for o in inside.operations} == {OnFail.RESTART_CONTAINER}
