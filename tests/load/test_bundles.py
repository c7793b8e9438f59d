"""Bundles in YAML: what they stand for, what they hand down, and what is refused."""

import pytest

from reconciler.load import not_yet
from reconciler.model.collective import Bundle, Clone, Promotion, Replica
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import HOST_OF_CONTAINER, AgentAddress, AgentFlavor, RemoteNode
from reconciler.model.resource import Role
from tests.load.texts import HOST, group, guest, host, load_text, remote_node, resource

APP, WEB = ResourceId("app"), ResourceId("web")


def bundle(*lines: str) -> str:
    """A bundle named web of 7 lines, and what is added to its spec."""
    return """\
---
apiVersion: reconciler/v1alpha1
kind: Bundle
metadata: {name: web}
spec:
  launcher: podman
  image: web:1
""" + "".join(f"  {line}\n" for line in lines)


PORT = "network: {controlPort: 9999}"
RANGE = "network: {ipRangeStart: 10.0.0.9, controlPort: 9999}"
INSIDE = (RANGE, "replicas: 2", "resource: app")


def intent_of(text: str) -> Intent:
    loaded = load_text(text)
    assert [str(p) for p in loaded.problems if p.code != not_yet.CODE] == []
    assert loaded.intent is not None
    return loaded.intent


def problems_of(text: str) -> list[str]:
    """What is wrong, but for what cannot be carried out yet."""
    found = (p for p in load_text(text).problems if p.code != not_yet.CODE)
    return [str(p).removeprefix("a.yaml:") for p in found]


def test_a_bundle_stands_for_addresses_containers_that_are_nodes_and_a_clone() -> None:
    got = intent_of(HOST + resource("app", "needs: {memory: 1Gi}") + bundle(*INSIDE, "promotable: {max: 1}"))
    names = ["web-ip-10.0.0.9", "web-podman-0", "web-ip-10.0.0.10", "web-podman-1"]
    assert sorted(got.resources) == sorted(["app", *names])
    where = Where(file="a.yaml", line=15, column=18)
    whole, clone = got.collectives[WEB], got.collectives[ResourceId("web-master")]
    assert whole == Bundle(
        id=WEB,
        replicas=(
            Replica(container=ResourceId(names[1]), address=ResourceId(names[0])),
            Replica(container=ResourceId(names[3]), address=ResourceId(names[2])),
        ),
        where=where,
        inner=ResourceId("web-master"),
    )
    assert clone == Clone(
        id=ResourceId("web-master"),
        member=APP,
        where=where,
        max=2,
        is_ordered=True,
        promotion=Promotion(max=1),
    )
    container = got.resources[ResourceId("web-podman-0")]
    assert (container.needs, str(container.agent), container.where) == (
        {"memory": 1 << 30},
        "ocf:heartbeat:podman",
        where,
    )
    assert container.params["run_cmd"] == "/usr/sbin/pacemaker-remoted"
    assert container.remote_node is not None
    assert container.remote_node == RemoteNode(
        name=NodeName("web-0"),
        where=container.remote_node.where,
        agent=AgentAddress(
            address="10.0.0.9",
            port=9999,
            key_file="/etc/pacemaker/authkey",
            flavor=AgentFlavor.STOCK,
        ),
        is_reserved=True,
    )
    app = got.resources[APP]
    assert (app.only_on, app.needs, app.is_rated_by_host) == (("web-0", "web-1"), {}, False)


def test_a_container_without_an_address_is_reached_where_it_runs() -> None:
    node = intent_of(HOST + resource("app") + bundle(PORT, "resource: app")).remote_nodes()[NodeName("web-0")]
    assert (node.agent.address, node.agent.port) == (HOST_OF_CONTAINER, 9999)


def test_containers_of_two_bundles_at_their_hosts_may_have_one_port() -> None:
    text = bundle(PORT, "resource: app")
    other = text.replace("name: web", "name: shop").replace("resource: app", "resource: b")
    assert problems_of(HOST + resource("app") + resource("b") + text + other) == []


def test_an_empty_bundle_is_containers_alone() -> None:
    got = intent_of(HOST + bundle("replicas: 2", "replicasPerHost: 2", "runCommand: run"))
    assert list(got.resources) == ["web-podman-0", "web-podman-1"]
    assert got.resources[ResourceId("web-podman-0")].remote_node is None
    (whole,) = got.collectives.values()
    assert isinstance(whole, Bundle)
    assert (whole.inner, whole.node_max) == (None, 2)


def test_as_many_replicas_as_are_promoted_are_the_default() -> None:
    got = intent_of(HOST + resource("app") + bundle(RANGE, "resource: app", "promotable: {max: 3}"))
    assert len(got.remote_nodes()) == 3


def test_what_a_bundle_says_holds_for_its_parts_and_for_what_is_in_it_unless_that_says_otherwise() -> None:
    said = ("stickiness: 7", "priority: 5", "failureLimit: 1", "requires: nothing", "state: stopped")
    text = HOST + resource("app", "stickiness: 2", "state: running") + bundle(*INSIDE, *said)
    got = intent_of(text).resources
    found = {
        name: (r.stickiness, r.priority, r.failure_limit, r.state, r.requires.value)
        for name, r in got.items()
        if name in {"web-podman-1", "web-ip-10.0.0.9", "app"}
    }
    assert found == {
        "app": (2, 5, 1, Role.STARTED, "quorum"),
        "web-ip-10.0.0.9": (7, 5, 1, Role.STOPPED, "nothing"),
        "web-podman-1": (7, 5, 1, Role.STOPPED, "nothing"),
    }


def test_only_what_is_in_a_bundle_can_stay_unpromoted() -> None:
    got = intent_of(HOST + resource("app") + bundle(*INSIDE, "promotable: {}", "state: unpromoted")).resources
    states = {name: r.state for name, r in got.items()}
    assert states.pop(APP) is Role.UNPROMOTED
    assert set(states.values()) == {Role.STARTED}


def test_parts_are_monitored_each_minute_and_have_the_settings_of_op() -> None:
    usual = intent_of(HOST + bundle()).resources[ResourceId("web-podman-0")]
    assert [(o.name, o.interval_ms, o.timeout_ms) for o in usual.operations] == [
        ("start", 0, 20_000), ("stop", 0, 20_000), ("monitor", 60_000, 20_000),
    ]  # fmt: skip
    said = intent_of(HOST + bundle("op: {start: {timeout: 2m}, monitor: {interval: 30s}}"))
    assert [(o.name, o.interval_ms, o.timeout_ms) for o in said.resources[usual.id].operations] == [
        ("start", 0, 120_000), ("stop", 0, 20_000), ("monitor", 30_000, 20_000),
    ]  # fmt: skip


def test_defaults_of_the_cluster_hold_for_parts_by_their_resource_agents() -> None:
    cluster = """\
---
apiVersion: reconciler/v1alpha1
kind: Cluster
metadata: {name: c}
spec:
  defaults:
    resource: {overrides: [{agents: ["ocf:heartbeat:podman"], stickiness: 9}]}
    operations: {overrides: [{agents: ["ocf:heartbeat:IPaddr2"], timeout: 7s}]}
"""
    got = intent_of(HOST + cluster + bundle(RANGE)).resources
    assert {n: (r.stickiness, r.operation("start").timeout_ms) for n, r in got.items()} == {
        "web-podman-0": (9, 20_000),
        "web-ip-10.0.0.9": (1, 7000),
    }


def test_overrides_hold_for_all_parts_and_what_is_in_them() -> None:
    night = 'overrides: [{when: {date: {hours: "0-6"}}, stickiness: 0}]'
    got = intent_of(HOST + resource("app") + bundle(*INSIDE, night))
    assert sorted((str(o.resource), o.stickiness) for o in got.overrides) == [
        ("app", 0), ("web-ip-10.0.0.10", 0), ("web-ip-10.0.0.9", 0), ("web-podman-0", 0), ("web-podman-1", 0),
    ]  # fmt: skip


def test_what_is_asked_of_a_bundle_concerns_the_bundle_by_its_name_or_that_of_what_is_in_it() -> None:
    wishes = ("placement: {prefer: {host1: 5}, with: [b]}", "after: [b]")
    got = intent_of(
        HOST
        + resource("app")
        + resource("b")
        + resource("c", "after: [app]")
        + bundle(PORT, "resource: app", *wishes)
    )
    assert [(c.resource, c.node, c.score) for c in got.locations] == [("web", "host1", 5)]
    assert [(c.dependent, c.primary) for c in got.colocations] == [("web", "b")]
    assert [(o.first, o.then) for o in got.orderings] == [("web", "c"), ("b", "web")]


def test_a_rule_for_the_promoted_replica_is_about_what_is_in_the_bundle() -> None:
    rule = "placement: {rules: [{when: {nodes: [web-0]}, score: 7, role: Promoted}]}"
    loaded = load_text(HOST + resource("app") + bundle(PORT, "resource: app", "promotable: {}", rule))
    assert loaded.intent is not None
    assert [(c.resource, c.role) for c in loaded.intent.location_rules] == [("web-master", Role.PROMOTED)]


def test_containers_that_are_nodes_may_run_on_remote_nodes_and_in_no_guest() -> None:
    text = HOST + remote_node("r") + guest("vm", node="g") + resource("app")
    assert problems_of(text + bundle(PORT, "resource: app", "placement: {on: [host1, r]}")) == []
    assert problems_of(text + bundle(PORT, "resource: app", "placement: {on: [g]}")) == [
        "32:20: error[guest-in-guest]: g is a guest node, which can't run the bundle web; guests run on hosts"
    ]


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        (["replicas: 0"], ["18:13: error[bad-value]: spec.replicas: 0 is too small; at least 1"]),
        (
            ["resource: app"],
            [
                "18:3: error[missing-field]: nothing could reach its agent in a container; add network: with "
                "ipRangeStart or controlPort"
            ],
        ),
        (
            ["promotable: {}"],
            [
                "18:3: error[does-not-fit]: containers are not promoted, but what runs in them; add resource:, or "
                "remove promotable"
            ],
        ),
        (
            [PORT, "replicasPerHost: 2"],
            [
                "19:3: error[does-not-fit]: one host has one controlPort, and so room for one replica without an "
                "address of its own; add ipRangeStart, or remove replicasPerHost"
            ],
        ),
        (
            ["network: {hostInterface: eth0, hostNetmask: 24}"],
            [
                "18:13: error[does-not-fit]: hostInterface is about addresses, and there are none; add ipRangeStart, "
                "or remove it",
                "18:34: error[does-not-fit]: hostNetmask is about addresses, and there are none; add ipRangeStart, "
                "or remove it",
            ],
        ),
        (
            ["network: {ipRangeStart: 10.0.0.999}"],
            ['18:27: error[bad-address]: "10.0.0.999" is no IP address; such as 192.168.122.130'],
        ),
        (
            ["network: {ipRangeStart: 10.0.253.254}", "replicas: 3"],
            [
                "18:27: error[bad-address]: from 10.0.253.254 on there are addresses for 2 of 3 replicas; begin lower: "
                "an IPv4 address before .254.0 has a next one, an IPv6 address none"
            ],
        ),
        (
            ["network: {ports: [{}, {port: 80, range: 80-90}, {range: 80-90, internalPort: 80}]}"],
            [
                "18:21: error[does-not-fit]: a port mapping is one of port and range; write exactly one",
                "18:25: error[does-not-fit]: a port mapping is one of port and range; write exactly one",
                "18:51: error[does-not-fit]: a range is the same inside and outside; remove internalPort, or write "
                "port:",
            ],
        ),
        (
            ["storage: [{target: /x}, {source: a, target: /x}]"],
            ['18:36: error[bad-path]: spec.storage[1].source: "a" is not an absolute path; it is a path on the '
             "host: begin it with /"],
        ),
        (
            ["storage: [{target: /x}]"],
            ["18:13: error[does-not-fit]: a storage mapping has one of source and sourceRoot; write exactly one"],
        ),
        (
            ["op: {monitor: [{interval: 1s}, {interval: 1s}]}"],
            ["18:35: error[duplicate]: two monitors have the interval 1000ms; give each another interval, if only by "
             "1ms"],
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(lines: list[str], want: list[str]) -> None:
    assert problems_of(HOST + resource("app") + bundle(*lines)) == want


def test_what_runs_in_a_bundle_is_a_plain_resource_of_its_own() -> None:
    text = (
        HOST + resource("m") + group("g", "members: [m]") + resource("c", "clone: {}") + guest("vm", node="n")
    )
    for name, why in (
        ("m", "belongs to g already"),
        ("g", "is a group"),
        ("c", "has clone:"),
        ("vm", "is a node itself"),
        ("web", "is a bundle"),
    ):
        (found,) = problems_of(text + bundle(PORT, f"resource: {name}"))
        assert found.endswith(
            f"error[not-in-bundle]: {name} {why}, and a bundle runs one plain resource in each container; "
            "name a Resource that nothing else runs"
        )
    (found,) = problems_of(text + bundle(PORT, "resource: nobody"))
    assert 'error[unknown-resource]: there is no resource "nobody"' in found


def test_two_bundles_do_not_run_one_resource() -> None:
    text = bundle(PORT, "resource: app")
    (found,) = problems_of(HOST + resource("app") + text + text.replace("name: web", "name: shop"))
    assert "error[not-in-bundle]: app belongs to web already" in found


def test_placement_and_order_are_the_bundles() -> None:
    inside = resource("app", "placement: {prefer: {host1: 1}}", "after: [b]")
    assert problems_of(HOST + resource("b") + inside + bundle(PORT, "resource: app")) == [
        "17:3: error[in-bundle]: app is where the containers of web are; write placement in web",
        "18:3: error[in-bundle]: app is where the containers of web are; write after in web",
    ]


def test_parts_are_named_by_nobody_and_their_names_are_taken() -> None:
    text = HOST + resource("app") + bundle(PORT, "resource: app")
    (found,) = problems_of(text + resource("b", "after: [web-podman-0]"))
    assert (
        "error[in-bundle]: web-podman-0 is a part of the bundle web, and moves with it alone; write web"
        in found
    )
    (found,) = problems_of(text + resource("b", "after: [web-0]"))
    assert "web-0 is a remote node, not a resource; it belongs to web" in found
    (found,) = problems_of(text + group("g", "members: [web]"))
    assert "error[bundle-in-group]: web is a bundle, and groups consist of resources" in found
    for taken in (resource("web-0"), resource("web-clone"), resource("web-podman-0"), host("web-0")):
        (found,) = problems_of(text + taken)
        assert "error[duplicate-name]" in found


def test_a_bundle_does_not_wait_for_what_is_in_it() -> None:
    (found,) = problems_of(HOST + resource("app") + bundle(PORT, "resource: app", "after: [app]"))
    assert "error[names-itself]: web names itself" in found


def test_nothing_else_is_selected_to_run_in_a_container() -> None:
    text = HOST + resource("app") + bundle(PORT, "resource: app")
    assert problems_of(text + resource("b", "placement: {rules: [{when: {kind: guest}, score: 1}]}")) == [
        "26:23: warning[selects-nothing]: this rule holds for no node; see its labels"
    ]


def test_what_is_not_carried_out_of_it_yet_is_said() -> None:
    loaded = load_text(HOST + resource("app") + bundle(PORT, "resource: app"))
    assert [str(p) for p in loaded.problems] == [
        "a.yaml:14:18: warning[not-yet]: what runs in web is started and stopped, and not recovered yet when a "
        "container dies; without resource: the containers are"
    ]


def test_what_a_broken_bundle_makes_may_be_what_others_mean() -> None:
    text = HOST + bundle("replicas: none") + resource("b", "placement: {prefer: {web-7: 1}}")
    (found,) = problems_of(text)
    assert "spec.replicas must be a whole number" in found
