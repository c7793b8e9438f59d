"""Bundles of a CIB: what they stand for, and what is planned and said of them."""

import pytest

from reconciler.model.collective import Bundle, Clone, Promotion, Replica
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Role
from reconciler.pacemaker.digests import parameters_digest
from reconciler.pacemaker.simulation import executed_lines, simulation_document, simulation_text
from reconciler.pacemaker.to_yaml import convert_cib
from tests.pacemaker.cibs import NOW, cib, dummy, meta, op, read, simulate
from tests.pacemaker.test_to_yaml import assert_same

PORT = '<network control-port="9999"/>'
RANGE = '<network ip-range-start="10.0.0.9" host-interface="eth0" host-netmask="24"/>'


def bundle(inside: str = dummy("app"), container: str = "", network: str = PORT, more: str = "") -> str:
    return f'<bundle id="web">{more}<podman image="web:1" {container}/>{network}{inside}</bundle>'


def params(data: bytes, name: str) -> dict[str, str]:
    return dict(read(data).intent.resources[ResourceId(name)].params)


def history(agent: str, name: str, digested: dict[str, str], container: str = "") -> str:
    """A resource that runs, as a node's history has it."""
    standard, provider, kind = agent.split(":")
    within = f' container="{container}"' if container else ""
    started = op("start", 1, op_digest=parameters_digest(digested))
    of = f'class="{standard}" provider="{provider}" type="{kind}"'
    return f'<lrm_resource id="{name}" {of}{within}>{started}</lrm_resource>'


def with_guest(data: bytes, node: str, inside: str) -> bytes:
    """A CIB with the history of a guest node."""
    state = (
        f'<node_state remote_node="true" id="{node}" uname="{node}" in_ccm="true"><lrm id="{node}">'
        f"<lrm_resources>{inside}</lrm_resources></lrm></node_state>"
    )
    return data.replace(b"</status>", f"{state}</status>".encode())


def running(resources: str, replicas: int = 1, constraints: str = "") -> bytes:
    """A CIB in which all that the bundle stands for runs on n1."""
    plain = cib(resources, constraints)
    known = read(plain).intent.resources
    status = ""
    for number in range(replicas):
        container, link = known[ResourceId(f"web-podman-{number}")], known[ResourceId(f"web-{number}")]
        status += history(str(container.agent), container.id, dict(container.params))
        at_n1 = dict(link.params_at(NodeName("n1")))
        status += history(str(link.agent), link.id, at_n1, container.id)
    data = cib(resources, constraints, status)
    for number in range(replicas):
        data = with_guest(data, f"web-{number}", history("ocf:test:Dummy", "app", {}))
    return data


def test_a_bundle_stands_for_an_address_a_container_and_a_connection_a_replica_and_a_clone() -> None:
    network = '<network ip-range-start="10.0.0.9" host-interface="eth0" host-netmask="24"/>'
    given = read(cib(bundle(container='replicas="2"', network=network)))
    assert [(r.id, str(r.agent)) for r in given.intent.resources.values()] == [
        ("web-ip-10.0.0.9", "ocf:heartbeat:IPaddr2"),
        ("web-podman-0", "ocf:heartbeat:podman"),
        ("web-0", "ocf:pacemaker:remote"),
        ("web-ip-10.0.0.10", "ocf:heartbeat:IPaddr2"),
        ("web-podman-1", "ocf:heartbeat:podman"),
        ("web-1", "ocf:pacemaker:remote"),
        ("app", "ocf:test:Dummy"),
    ]
    clone, whole = given.intent.collectives.values()
    assert isinstance(clone, Clone)
    assert isinstance(whole, Bundle)
    assert (clone.id, clone.member, clone.max, clone.is_ordered) == ("web-clone", "app", 2, True)
    assert (whole.id, whole.inner, whole.node_max) == ("web", "web-clone", 1)
    assert whole.replicas == (
        Replica(
            container=ResourceId("web-podman-0"),
            address=ResourceId("web-ip-10.0.0.9"),
            connection=ResourceId("web-0"),
        ),
        Replica(
            container=ResourceId("web-podman-1"),
            address=ResourceId("web-ip-10.0.0.10"),
            connection=ResourceId("web-1"),
        ),
    )
    assert given.unsupported == ()


def test_an_address_is_set_up_before_its_container_and_where_that_is() -> None:
    network = '<network ip-range-start="10.0.0.9"/>'
    ban = '<rsc_location id="l" rsc="web" node="n2" score="-INFINITY"/>'
    given = read(cib(bundle(network=network), ban)).intent
    assert [(o.first, o.then) for o in given.orderings] == [("web-ip-10.0.0.9", "web-podman-0")]
    assert [(c.dependent, c.primary, c.score) for c in given.colocations] == [
        ("web-ip-10.0.0.9", "web-podman-0", 1_000_000)
    ]
    assert [(c.resource, c.node) for c in given.locations] == [("web", "n2"), ("web-ip-10.0.0.9", "n2")]


def test_parameters_are_made_to_the_letter_for_their_digests_are_on_record() -> None:
    network = (
        '<network ip-range-start="10.0.0.254" control-port="9999"><port-mapping id="p" port="80"/>'
        '<port-mapping id="q" port="81" internal-port="8081"/></network>'
    )
    storage = (
        '<storage><storage-mapping id="s" source-dir="/dev/log" target-dir="/dev/log" options="rw,Z"/>'
        '<storage-mapping id="t" source-dir-root="/srv" target-dir="/www"/></storage>'
    )
    data = cib(bundle(storage + dummy("app"), 'replicas="2" options="--user=root"', network))
    assert params(data, "web-podman-1") == {
        "image": "web:1",
        "allow_pull": "true",
        "force_kill": "false",
        "reuse": "false",
        "run_opts": " -h web-1 -e PCMK_stderr=1 -e PCMK_remote_port=9999 -v /dev/log:/dev/log:rw,Z"
        " -v /srv/web-1:/www -v /etc/pacemaker/authkey:/etc/pacemaker/authkey"
        " -v /var/log/pacemaker/bundles/web-1:/var/log -p 10.0.1.1:80:80 -p 10.0.1.1:81:8081"
        " -p 10.0.1.1:9999:9999 --user=root  --add-host=web-0:10.0.0.254 --add-host=web-1:10.0.1.1",
        "mount_points": "/srv/web-1,/var/log/pacemaker/bundles/web-1",
        "run_cmd": "/usr/sbin/pacemaker-remoted",
        "monitor_cmd": "/bin/true",
    }
    assert params(data, "web-ip-10.0.1.1") == {"ip": "10.0.1.1", "cidr_netmask": "32"}
    assert params(data, "web-1") == {"addr": "10.0.1.1", "port": "9999"}


def test_a_connection_without_an_address_of_its_own_is_to_the_host_of_the_container() -> None:
    link = read(cib(bundle())).intent.resources[ResourceId("web-0")]
    assert {n: link.params_at(NodeName(n))["addr"] for n in ("n1", "n2")} == {"n1": "n1", "n2": "n2"}


def test_containers_without_content_make_no_nodes() -> None:
    given = read(cib(bundle("", 'replicas="2" network="host" run-command="run"', network=""))).intent
    assert list(given.resources) == ["web-podman-0", "web-podman-1"]
    assert (
        params(cib(bundle("", 'network="host" run-command="run"', network="")), "web-podman-0")["run_cmd"]
        == "run"
    )
    (whole,) = given.collectives.values()
    assert isinstance(whole, Bundle)
    assert (whole.inner, [r.connection for r in whole.replicas]) == (None, [None, None])


def test_without_addresses_there_is_one_replica_on_a_host() -> None:
    given = read(cib(bundle(container='replicas="4" replicas-per-host="2"'))).intent
    (whole,) = (c for c in given.collectives.values() if isinstance(c, Bundle))
    assert whole.node_max == 1


def test_a_promotable_bundle_has_as_many_replicas_as_are_promoted() -> None:
    given = read(cib(bundle(container='promoted-max="2"'))).intent
    clone = given.collectives[ResourceId("web-master")]
    assert isinstance(clone, Clone)
    assert (clone.max, clone.promotion) == (2, Promotion(max=2))


def test_the_capacity_that_the_content_takes_is_taken_by_the_container() -> None:
    inside = dummy("app", '<utilization id="u"><nvpair id="u1" name="cpu" value="2"/></utilization>')
    needs = {r.id: dict(r.needs) for r in read(cib(bundle(inside))).intent.resources.values()}
    assert needs == {"web-podman-0": {"cpu": 2}, "web-0": {}, "app": {}}


def test_a_constraint_on_what_is_in_a_bundle_is_one_on_the_bundle() -> None:
    order = '<rsc_order id="o" first="app" then="d"/>'
    given = read(cib(bundle() + dummy("d"), order)).intent
    assert [(o.first, o.then) for o in given.orderings] == [("web", "d")]


def test_a_location_of_the_promoted_role_is_about_what_is_in_the_bundle() -> None:
    wish = '<rsc_location id="l" rsc="web" node="web-0" score="7" role="Promoted"/>'
    given = read(cib(bundle(container='promoted-max="1"'), wish)).intent
    assert [(c.resource, c.node, c.role) for c in given.locations] == [("web-master", "web-0", Role.PROMOTED)]


@pytest.mark.parametrize(
    "element",
    [
        f'<bundle id="web"><runc image="x"/>{PORT}{dummy("app")}</bundle>',
        f'<bundle id="web"><podman image="x"/>{dummy("app")}</bundle>',
    ],
)
def test_a_bundle_that_nothing_can_run_or_reach_is_listed_and_left_out(element: str) -> None:
    given = read(cib(element))
    assert [n.feature for n in given.unsupported] == ["bundle"]
    assert (dict(given.intent.resources), dict(given.intent.collectives)) == ({}, {})


def test_a_bundle_starts_from_the_outside_in() -> None:
    simulation = simulate(cib(bundle(container='replicas="2"')))
    assert simulation_document(simulation)["transition"] == [
        "* Start      web-podman-0   (    n1 )",
        "* Start      web-0          (    n1 )",
        "* Start      web-podman-1   (    n2 )",
        "* Start      web-1          (    n2 )",
        "* Start      app:0          ( web-0 )",
        "* Start      app:1          ( web-1 )",
    ]
    assert simulation_document(simulation)["placement"] == {
        "web-0": [{"node": "n1", "role": "Started"}],
        "web-1": [{"node": "n2", "role": "Started"}],
    }
    pseudo = [line.split()[-1] for line in executed_lines(simulation) if "Pseudo" in line]
    assert pseudo == ["web-clone_running_0", "web-clone_start_0", "web_running_0", "web_start_0"]
    after = {str(a.id): set(map(str, a.after)) for a in simulation.transition.actions.values()}
    assert after["web-0_probe_0@n1"] == {"web-podman-0_start_0@n1"}
    assert "web-podman-0_start_0@n1" in after["web-0_start_0@n1"]
    assert "web-0_start_0@n1" in after["app_start_0@web-0"]
    # Another replica of it may be found on a host where there is room for one.
    assert {"web-podman-0_probe_0@n2", "web-podman-1_probe_0@n2"} <= after["web-podman-1_start_0@n2"]


def test_a_bundle_that_runs_as_it_should_is_left_alone() -> None:
    simulation = simulate(running(bundle()))
    assert simulation_document(simulation)["transition"] == []
    assert simulation_text(simulation).splitlines()[-1] == "    * web-0 (ocf:test:Dummy): Started n1"
    assert simulation_document(simulation)["placement"] == {"web-0": [{"node": "n1", "role": "Started"}]}


def test_only_what_is_in_a_bundle_runs_on_its_nodes() -> None:
    banned = "".join(f'<rsc_location id="l{n}" rsc="d" node="{n}" score="-INFINITY"/>' for n in ("n1", "n2"))
    simulation = simulate(running(bundle() + dummy("d"), constraints=banned))
    assert simulation_document(simulation)["placement"] == {
        "d": [],
        "web-0": [{"node": "n1", "role": "Started"}],
    }


def test_the_promotion_score_of_a_host_counts_for_the_container_on_it() -> None:
    data = cib(
        bundle(container='promoted-max="1" replicas="2"', more=meta(container_attribute_target="host"))
    ).replace(b'name="rack" value="10"', b'name="master-app" value="5"')
    assert simulation_document(simulate(data))["placement"] == {
        "web-0": [{"node": "n1", "role": "Unpromoted"}],
        "web-1": [{"node": "n2", "role": "Promoted"}],
    }


def test_what_must_be_with_the_promoted_one_is_on_the_host_of_its_container() -> None:
    with_it = '<rsc_colocation id="c" rsc="d" with-rsc="web" with-rsc-role="Promoted" score="INFINITY"/>'
    inside = bundle(container='promoted-max="1" replicas="2"', more=meta(container_attribute_target="host"))
    data = cib(inside + dummy("d"), with_it).replace(
        b'name="rack" value="10"', b'name="master-app" value="5"'
    )
    placement = simulation_document(simulate(data))["placement"]
    assert isinstance(placement, dict)
    assert placement["d"] == [{"node": "n2", "role": "Started"}]


def test_the_promoted_one_is_where_it_must_be_with_something_else() -> None:
    with_it = '<rsc_colocation id="c" rsc="web" rsc-role="Promoted" with-rsc="d" score="INFINITY"/>'
    stays = '<rsc_location id="l" rsc="d" node="n2" score="INFINITY"/>'
    inside = bundle(container='promoted-max="1" replicas="2"')
    placement = simulation_document(simulate(cib(inside + dummy("d"), with_it + stays)))["placement"]
    assert placement == {
        "d": [{"node": "n2", "role": "Started"}],
        "web-0": [{"node": "n1", "role": "Unpromoted"}],
        "web-1": [{"node": "n2", "role": "Promoted"}],
    }


def test_what_cannot_be_started_for_lack_of_a_container_is_told_and_its_clone_begins_in_vain() -> None:
    ban = '<rsc_location id="l" rsc="web" node="n1" score="-INFINITY"/>'
    ban += '<rsc_location id="k" rsc="web" node="n2" score="-INFINITY"/>'
    simulation = simulate(running(bundle(), constraints=ban))
    assert simulation_document(simulation)["transition"] == [
        "* Stop       web-podman-0   (    n1 )  due to node availability",
        "* Stop       web-0          (    n1 )  due to unrunnable web-podman-0 start",
        "* Stop       app:0          ( web-0 )  due to unrunnable web-podman-0 start",
    ]
    pseudo = [line.split()[-1] for line in executed_lines(simulation) if "Pseudo" in line]
    assert pseudo == [
        "web-clone_running_0", "web-clone_start_0", "web-clone_stop_0", "web-clone_stopped_0",
        "web_running_0", "web_start_0", "web_stop_0", "web_stopped_0",
    ]  # fmt: skip


def imported(data: bytes) -> tuple[list[str], list[str]]:
    """The kinds and names of the documents, and what is lost."""
    found = convert_cib(data, "cib.xml", NOW, makes_guests=False)
    names = [f"{d['kind']} {d['metadata']['name']}" for d in found.documents]  # type: ignore[index]
    return names, [f"{loss.where} {loss.feature}: {loss.text}" for loss in found.lost]


def test_a_bundle_is_imported_as_one_document_beside_that_of_its_content() -> None:
    network = (
        '<network ip-range-start="10.0.0.9" host-interface="eth0" host-netmask="24" control-port="9999"/>'
    )
    storage = (
        '<storage><storage-mapping id="t" source-dir-root="/srv" target-dir="/www" options="Z"/></storage>'
    )
    inside = dummy("app", meta(notify="true"))
    data = cib(bundle(storage + inside, 'promoted-max="1" replicas="2" run-command="run"', network))
    found = convert_cib(data, "cib.xml", NOW, makes_guests=False)
    assert found.lost == ()
    web, app = found.documents[3:]
    assert web["kind"], web["metadata"] == ("Bundle", {"name": "web"})
    assert web["spec"] == {
        "launcher": "podman",
        "image": "web:1",
        "replicas": 2,
        "promotable": {"max": 1},
        "runCommand": "run",
        "network": {
            "ipRangeStart": "10.0.0.9", "hostInterface": "eth0", "hostNetmask": 24, "controlPort": 9999,
        },
        "storage": [{"sourceRoot": "/srv", "target": "/www", "options": "Z"}],
        "resource": "app",
        "op": {
            "stop": {"timeout": "20s", "onFail": "block"},
            "monitor": [{"interval": "1m", "timeout": "20s"}],
        },
        "stickiness": 0,
        "failureLimit": 1000000,
        "startFailureIsFatal": True,
        "requires": "quorum",
        "rank": 0,
    }  # fmt: skip
    assert (app["kind"], app["metadata"]) == ("Resource", {"name": "app"})


@pytest.mark.parametrize(
    ("element", "why"),
    [
        (
            bundle(container='replicas="3"', network='<network ip-range-start="10.0.254.254"/>'),
            "from 10.0.254.254 on there are not enough addresses",
        ),
        (bundle(network='<network control-port="any"/>'), "32 is no number of bits, or any no port"),
        (
            bundle(network='<network control-port="9"><port-mapping id="p" port="www"/></network>'),
            "www and www are no ports",
        ),
        (
            bundle(
                '<storage><storage-mapping id="s" source-dir="a" target-dir="/b"/></storage>' + dummy("app")
            ),
            "a is no absolute path",
        ),
        (bundle(container='options=""').replace("web:1", ""), "something of it is named by an empty text"),
        (bundle() + dummy("WEB-0"), "the name web-0 is taken, or not legal here"),
    ],
)
def test_import_says_why_a_bundle_is_left_out_and_what_goes_with_it(element: str, why: str) -> None:
    order = '<rsc_order id="o" first="web" then="d"/>'
    names, lost = imported(cib("\n" + element + dummy("d"), order))
    assert lost == [
        f"cib.xml:6:1 bundle: bundle web is left out: {why}",
        "cib.xml:6:1 constraint: o is about a bundle that is left out, and so is it",
    ]
    assert [name for name in names if name.startswith(("Bundle", "Resource app"))] == []


@pytest.mark.parametrize(
    ("resources", "constraints"),
    [
        (bundle(), ""),
        (bundle("", 'replicas="2" network="host" run-command="run"', network=""), ""),
        (bundle(container='replicas="4" replicas-per-host="2"', network=RANGE), ""),
        (
            bundle(
                container='promoted-max="2" options="--user=root"', network=RANGE, more=meta(notify="true")
            ),
            "",
        ),
        (
            bundle(
                container='promoted-max="1"',
                more=meta(interleave="true", container_attribute_target="host", priority="5"),
            ),
            "",
        ),
        (bundle(more=meta(target_role="Stopped")), ""),
        (bundle(container='promoted-max="1"', more=meta(target_role="Slave")), ""),
        (
            bundle(dummy("app", '<utilization id="u"><nvpair id="u1" name="cpu" value="2"/></utilization>')),
            "",
        ),
        (bundle() + dummy("d"), '<rsc_order id="o" first="app" then="d"/>'),
        (bundle(network=RANGE), '<rsc_location id="l" rsc="web" node="n2" score="-INFINITY"/>'),
        (
            bundle(container='promoted-max="1"'),
            '<rsc_location id="l" rsc="web" node="web-0" score="7" role="Promoted"/>',
        ),
        (
            bundle(container='promoted-max="1"') + dummy("d"),
            '<rsc_colocation id="c" rsc="d" with-rsc="web" with-rsc-role="Promoted" score="INFINITY"/>',
        ),
    ],
)
def test_an_imported_bundle_is_the_same_and_plans_to_the_same(resources: str, constraints: str) -> None:
    assert_same(cib(resources, constraints))


def test_what_is_in_a_bundle_says_what_it_does_not_have_from_it() -> None:
    data = cib(bundle(dummy("app", meta(target_role="Started")), more=meta(target_role="Stopped")))
    app = convert_cib(data, "cib.xml", NOW, makes_guests=False).documents[-1]
    assert app["spec"]["state"] == "running"  # type: ignore[index]
