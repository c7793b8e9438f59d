"""Remote nodes are made by their connections, guest nodes by what has a remote-node."""

from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, HostState, NodeState
from reconciler.model.resource import OnFail, Role
from reconciler.pacemaker.document import open_cib
from reconciler.pacemaker.remotes import Declared, declared_nodes
from reconciler.pacemaker.words import transition_lines
from tests.pacemaker.cibs import NOW, cib, dummy, meta, op, ran, read, simulate

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


def test_nodes_are_behind_connections_of_which_a_remote_one_can_move_live() -> None:
    resources = read(cib(GUEST + REMOTE)).intent.resources
    inner, far = resources[ResourceId("inner")], resources[ResourceId("far")]
    assert inner.remote_node is not None
    assert far.remote_node is not None
    assert inner.remote_node.agent == AgentAddress(address="10.0.0.1", port=99, connect_timeout_ms=5000)
    assert (far.remote_node.name, far.remote_node.where) == ("far", Where(file="cib.xml", line=5))
    assert [r.allows_migration for r in (inner, far)] == [False, True]
    assert [r.operation("stop").on_fail for r in (inner, far)] == [
        OnFail.RESTART_CONTAINER,
        OnFail.RESET_REMOTE,
    ]
    assert (inner.container, dict(inner.params)) == ("vm", {"addr": "10.0.0.1", "port": "99"})


def test_what_runs_in_a_container_has_it_restarted_when_it_fails() -> None:
    (inside,) = (
        r
        for r in read(cib(dummy("box") + dummy("r", meta(container="box")))).intent.resources.values()
        if r.container
    )
    assert (inside.id, inside.container) == ("r", "box")
    assert {o.on_fail for o in inside.operations} == {OnFail.RESTART_CONTAINER}


def test_standby_and_maintenance_of_nodes_that_resources_make_count() -> None:
    def node(name: str, attribute: str) -> str:
        pair = f'<nvpair id="{name}-p" name="{attribute}" value="on"/>'
        inner = f'<instance_attributes id="{name}-a">{pair}</instance_attributes>'
        return f'<node id="{name}" type="remote" uname="{name}">{inner}</node>'

    written = (node("inner", "standby") + node("far", "maintenance") + "</nodes>").encode()
    remotes = read(cib(GUEST + REMOTE).replace(b"</nodes>", written)).intent.remote_nodes()
    assert {n: r.state for n, r in remotes.items()} == {
        "inner": HostState.STANDBY, "far": HostState.MAINTENANCE,
    }  # fmt: skip


def test_what_runs_on_nodes_that_are_declared_no_more_is_known_and_moves_away() -> None:
    agent = 'class="ocf" provider="pacemaker" type="remote"'
    connection = f'<lrm_resource id="old" {agent}>{op("start", 1)}</lrm_resource>'
    state = f'<node_state id="old" uname="old"><lrm id="old"><lrm_resources>{ran("a", op("start", 1))}'
    ending = f"{state}</lrm_resources></lrm></node_state></status>".encode()
    data = cib(dummy("a"), status=connection).replace(b"</status>", ending)
    given = read(data)
    assert given.observed.nodes[NodeName("old")].state is NodeState.ONLINE
    assert "old" not in given.intent.guest_nodes()
    simulation = simulate(data)
    assert transition_lines(simulation.transition) == [
        "* Move       a     ( old -> n1 )",
        "* Stop       old   (        n1 )  due to node availability",
    ]


def test_a_remote_node_that_shuts_down_is_disconnected() -> None:
    attributes = '<nvpair id="s" name="shutdown" value="1"/>'
    state = (
        '<node_state remote_node="true" id="far" uname="far" in_ccm="true"><transient_attributes id="far">'
        f'<instance_attributes id="t">{attributes}</instance_attributes></transient_attributes></node_state>'
    )

    data = cib(REMOTE).replace(b"</status>", f"{state}</status>".encode())
    assert [read(one).intent.resources[ResourceId("far")].state for one in (cib(REMOTE), data)] == [
        Role.STARTED,
        Role.STOPPED,
    ]
