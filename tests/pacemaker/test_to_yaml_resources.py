"""Resources and nodes that are odd in a CIB are declared so that they are planned for in the same way."""

from reconciler.model.names import NodeName
from tests.pacemaker.cibs import cib, dummy, meta, op, ran
from tests.pacemaker.test_to_yaml import assert_same, converted, loaded


def test_monitors_that_are_declared_twice_and_odd_names_are_kept() -> None:
    twice = '<op id="m1" name="monitor" interval="10s"/><op id="m2" name="monitor" interval="10s" role="Promoted"/>'
    named = '<instance_attributes id="i"><nvpair id="i1" name="1" value="r0"/></instance_attributes>'
    data = cib(
        dummy("a", f"<operations>{twice}</operations>{named}")
        + '<primitive id="b" class="ocf" provider="heartbeat" type="/usr/lib/heartbeat/cts/OCFMSDummy"/>',
        status=ran("a", op("start", 1), op("monitor", 2, interval=10_000)),
    )
    assert_same(data)
    assert [(loss.feature, loss.text) for loss in converted(data).lost] == [
        (
            "op",
            "monitor of a every 10s is declared twice, so that Pacemaker carries out neither; "
            "enabled: true would do so",
        )
    ]


def test_a_cluster_node_that_is_a_remote_node_too_has_two_agents() -> None:
    remote = (
        '<primitive id="far" class="ocf" provider="pacemaker" type="remote"><instance_attributes id="i">'
        '<nvpair id="i1" name="server" value="n1"/></instance_attributes></primitive>'
    )
    found = converted(cib(remote))
    text = "the machine of n1 has the agent of another node too: its own is expected at port 3122"
    assert [(loss.feature, loss.text) for loss in found.lost][1:] == [("port", text)]
    agent = loaded(found).hosts[NodeName("n1")].agent
    assert agent is not None
    assert (agent.address, agent.port) == ("n1", 3122)


def test_a_guest_that_is_not_searched_is_not_searched() -> None:
    vm = dummy("vm", meta(remote_node="g"))
    pair = '<nvpair id="s" name="resource-discovery-enabled" value="false"/>'
    node = f'<node id="g" type="remote" uname="g"><instance_attributes id="ag">{pair}</instance_attributes></node>'
    data = cib(vm + dummy("a")).replace(b"</nodes>", node.encode() + b"</nodes>")
    assert_same(data)
    (remote,) = loaded(converted(data)).remote_nodes().values()
    assert remote.is_searched is False
