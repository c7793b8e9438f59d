"""A node that is gone in good order is fenced all the same if something may run there."""

from reconciler.model.names import NodeName
from reconciler.model.node import NodeState
from tests.pacemaker.cibs import cib, dummy, meta, op, ran, read


def state(resources: str, status: str, fencing: str = "true") -> tuple[NodeState, str]:
    text = cib(resources, status=status).decode().replace('value="false"/>', f'value="{fencing}"/>', 1)
    gone = '<node_state id="1" uname="n1" in_ccm="false" crmd="offline" join="down" expected="down">'
    start = text.index('<node_state id="1"')
    text = text[:start] + gone + text[text.index(">", start) + 1 :]
    found = read(text.encode()).observed.nodes[NodeName("n1")]
    return found.state, found.text


def test_what_may_run_on_a_node_that_is_gone_makes_it_unclean() -> None:
    running = ran("r", op("start", 1))
    assert state(dummy("r"), running) == (NodeState.UNCLEAN, "r is thought to be active there")
    assert state(f'<clone id="c">{dummy("r")}</clone>', running) == (
        NodeState.UNCLEAN,
        "r:0 is thought to be active there",
    )


def test_what_was_stopped_or_is_not_managed_does_not() -> None:
    assert state(dummy("r"), ran("r", op("stop", 1))) == (NodeState.OFFLINE, "")
    unmanaged = dummy("r", meta(is_managed="false"))
    assert state(unmanaged, ran("r", op("start", 1))) == (NodeState.OFFLINE, "")
    assert state(dummy("r"), ran("r", op("start", 1)), fencing="false") == (NodeState.OFFLINE, "")
