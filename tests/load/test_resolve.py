import pytest

from reconciler.load.load import load
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName, Where
from reconciler.model.node import AgentAddress, AgentFlavor, GuestType, Host, HostState, NodeKind
from tests.load.texts import HOST, guest, host, load_text, problems_of, remote_node, resource

CLUSTER = """\
---
apiVersion: reconciler/v1alpha1
kind: Cluster
metadata: {name: shop}
"""


def test_a_cluster_has_a_name_and_limits() -> None:
    loaded = load_text(HOST + CLUSTER + "spec: {safety: {maxDestroy: 0}}\n")
    assert loaded.intent is not None
    want = Cluster(name="shop", where=Where(file="a.yaml", line=8, column=18), max_destroy=0)
    assert loaded.intent.cluster == want


def test_without_a_cluster_it_is_called_default() -> None:
    loaded = load_text(HOST)
    assert loaded.intent is not None
    assert loaded.intent.cluster == Cluster(name="default", max_destroy=1)


def test_two_clusters_are_refused_and_both_places_named() -> None:
    want = ["12:18: error[two-clusters]: there are two Cluster documents; the other one is at a.yaml:8:18"]
    assert problems_of(HOST + CLUSTER + CLUSTER) == want


def test_defaults_of_the_cluster_hold_where_nothing_else_is_said() -> None:
    defaults = "{resource: {stickiness: 7, failureLimit: 1, failureTimeout: 1m}, guest: {priority: 3}}"
    loaded = load_text(
        CLUSTER
        + f"spec: {{defaults: {defaults}}}\n---\n"
        + HOST
        + resource("a")
        + resource("b", "stickiness: 0", "failureLimit: 0", "failureTimeout: 0s")
        + guest("vm-g", node="g")
    )
    assert loaded.intent is not None
    got = {
        str(r.id): (r.stickiness, r.failure_limit, r.failure_timeout_ms, r.priority)
        for r in loaded.intent.resources.values()
    }
    assert got == {"a": (7, 1, 60_000, 0), "b": (0, 0, 0, 0), "vm-g": (1000, 3, 0, 3)}


def test_a_host_with_nothing_but_a_name() -> None:
    loaded = load_text("apiVersion: reconciler/v1alpha1\nkind: Host\nmetadata: {name: host1}\n")
    assert loaded.intent is not None
    name = NodeName("host1")
    assert loaded.intent.hosts == {name: Host(name=name, where=Where(file="a.yaml", line=3, column=18))}


def test_a_host_with_everything() -> None:
    spec = (
        '{libvirt: {vm: "qemu+ssh://root@h/system", lxc: "lxc:///system"}, state: standby, '
        "agent: {address: h.test, port: 1, connectTimeout: 5s, keyFile: /k, keyEpoch: 4, minKeyEpoch: 3, "
        'tls: "1.2"}, capacity: {vcpus: 4, memory: 1Gi}}'
    )
    loaded = load_text(host("host1", spec, "{rack: r1}"))
    assert loaded.intent is not None
    (got,) = loaded.intent.hosts.values()
    assert got == Host(
        name=NodeName("host1"),
        where=Where(file="a.yaml", line=4, column=18),
        libvirt={GuestType.VM: "qemu+ssh://root@h/system", GuestType.LXC: "lxc:///system"},
        agent=AgentAddress(
            address="h.test",
            port=1,
            key_file="/k",
            tls12=True,
            connect_timeout_ms=5000,
            key_epoch=4,
            min_key_epoch=3,
        ),
        state=HostState.STANDBY,
        labels={"rack": "r1"},
        capacity={"vcpus": 4, "memory": 2**30},
    )
    assert got.fields["spec.state"] == Where(file="a.yaml", line=5, column=73)


def test_a_remote_node_is_a_machine_with_nothing_but_an_agent() -> None:
    name, place = NodeName("db1"), Where(file="a.yaml", line=4, column=18)
    assert nodes_of(remote_node("db1")) == {
        name: Host(name=name, where=place, kind=NodeKind.REMOTE, agent=AgentAddress(address="db1"))
    }
    spec = (
        "{address: 192.0.2.7, port: 4000, connectTimeout: 5s, detect: 2s, keyFile: /k, keyEpoch: 4, agent: stock, "
        'state: standby, tls: "1.2", capacity: {vcpus: 4}, health: {disk: red}}'
    )
    agent = AgentAddress(
        address="192.0.2.7",
        port=4000,
        key_file="/k",
        flavor=AgentFlavor.STOCK,
        tls12=True,
        connect_timeout_ms=5000,
        detect_ms=2000,
        key_epoch=4,
    )
    assert nodes_of(remote_node("db1", spec, "{rack: r1}")) == {
        name: Host(
            name=name,
            where=place,
            kind=NodeKind.REMOTE,
            agent=agent,
            state=HostState.STANDBY,
            labels={"rack": "r1", "#health-disk": "red"},
            capacity={"vcpus": 4},
        )
    }


def nodes_of(text: str) -> dict[NodeName, Host]:
    loaded = load_text(text)
    assert loaded.intent is not None
    return dict(loaded.intent.hosts)


def test_rank_is_the_position_by_paths_then_documents_unless_written() -> None:
    files = {
        "b.yaml": resource("c") + resource("d", "rank: 1"),
        "a/z.yaml": resource("a") + HOST.join(["---\n", ""]) + resource("b"),
        "a.yaml": guest("vm-g", node="g"),
    }
    loaded = load({path: text.encode() for path, text in files.items()})
    assert loaded.problems == ()
    assert loaded.intent is not None
    got = [(str(r.id), r.rank) for r in loaded.intent.resources.values()]
    assert got == [("vm-g", 0), ("a", 1), ("d", 1), ("b", 2), ("c", 3)]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param(
            HOST + resource("HOST1"),
            [
                '8:18: error[duplicate-name]: the name "HOST1" is given twice; there is a host of this name at '
                'a.yaml:3:18 ("host1": names are compared without case)'
            ],
            id="a resource as a host",
        ),
        pytest.param(
            HOST + resource("a") + resource("a"),
            [
                '14:18: error[duplicate-name]: the name "a" is given twice; '
                "there is a resource of this name at a.yaml:8:18"
            ],
            id="two resources",
        ),
        pytest.param(
            HOST + guest("vm-g", node="g") + guest("vm-h", node="G"),
            [
                '18:22: error[duplicate-name]: the name "G" is given twice; there is a remote node of this name at '
                'a.yaml:11:22 ("g": names are compared without case)'
            ],
            id="two nodes",
        ),
        pytest.param(
            HOST + guest("vm-g", node="a") + resource("a"),
            [
                '15:18: error[duplicate-name]: the name "a" is given twice; '
                "there is a remote node of this name at a.yaml:11:22"
            ],
            id="a resource as a node",
        ),
        pytest.param(
            HOST + guest("g", node="g"),
            [
                '11:22: error[duplicate-name]: "g" is the name of the guest itself; '
                "give the node another name than the resource, as guest1 and vm-guest1"
            ],
            id="a guest as its own node",
        ),
        pytest.param(HOST + CLUSTER.replace("shop", "host1"), [], id="a cluster is in no one's way"),
    ],
)
def test_hosts_nodes_guests_and_resources_share_one_name_space(text: str, want: list[str]) -> None:
    assert problems_of(text) == want


def test_clashes_between_files_name_both() -> None:
    loaded = load({"a.yaml": HOST.encode(), "sub/b.yaml": HOST.encode()})
    want = [
        'sub/b.yaml:3:18: error[duplicate-name]: the name "host1" is given twice; '
        "there is a host of this name at a.yaml:3:18"
    ]
    assert [str(problem) for problem in loaded.problems if problem.code == "duplicate-name"] == want
