"""A remote node is there while its connection is, a guest node while its guest and its connection are."""

from reconciler.model.node import NodeState
from reconciler.plan.remote import GUEST_IS_UNCLEAN
from tests.pacemaker.cibs import cib, dummy, meta, op, ran, read

REMOTE = '<primitive id="far" class="ocf" provider="pacemaker" type="remote"/>'
GUEST = dummy("vm", meta(remote_node="inner"))
RUNS = ran("vm", op("start", 1))
CONNECTED = ran("inner", op("start", 2))


def state(resources: str, status: str) -> dict[str, tuple[NodeState, str]]:
    nodes = read(cib(resources, status=status)).observed.nodes
    return {str(n): (s.state, s.text) for n, s in nodes.items() if n not in {"n1", "n2"}}


def test_a_remote_node_is_as_its_connection_is() -> None:
    assert state(REMOTE, ran("far", op("start", 1))) == {"far": (NodeState.ONLINE, "")}
    assert state(REMOTE, ran("far", op("stop", 1))) == {"far": (NodeState.OFFLINE, "")}
    failed = ran("far", op("start", 1), op("monitor", 2, rc=1, interval=5000))
    assert state(REMOTE, failed) == {"far": (NodeState.OFFLINE, "")}


def test_a_guest_node_needs_its_guest_and_its_connection() -> None:
    assert state(GUEST, RUNS + CONNECTED) == {"inner": (NodeState.ONLINE, "")}
    assert state(GUEST, RUNS) == {"inner": (NodeState.OFFLINE, "")}
    failed = ran("vm", op("start", 1), op("monitor", 3, rc=1, interval=5000))
    assert state(GUEST, failed + CONNECTED) == {"inner": (NodeState.UNCLEAN, GUEST_IS_UNCLEAN)}


def test_the_connection_to_a_guest_node_is_a_resource_beside_its_guest() -> None:
    given = read(cib(GUEST, status=RUNS + CONNECTED))
    assert {r.id: r.container for r in given.intent.resources.values()} == {"vm": None, "inner": "vm"}
    assert set(given.observed.instances) == {("vm", "n1"), ("inner", "n1")}
