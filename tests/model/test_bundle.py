"""What a bundle stands for, to the letter."""

from dataclasses import replace

from reconciler.model.bundle import BundleDeclaration, BundleNetwork, Launcher, Mount, tie
from reconciler.model.collective import Bundle, Clone, Promotion, Replica
from reconciler.model.constraint import Colocation, Location, Ordering
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.resource import ResourceAgent, Role
from reconciler.model.rule import LocationRule
from reconciler.model.score import INFINITY

WHERE = Where(file="cluster.yaml", line=1)
APP, WEB = ResourceId("app"), ResourceId("web")
DUMMY = ResourceAgent(standard="ocf", provider="test", type="Dummy")
PLAIN = BundleDeclaration(name=WEB, launcher=Launcher.PODMAN, image="web:1")
FULL = replace(
    PLAIN,
    replicas=2,
    options="--user=root",
    network=BundleNetwork(
        name="lan",
        first_address="10.0.0.254",
        interface="eth0",
        netmask="24",
        control_port="9999",
        ports=(("80", "80"), ("81", "8081"), ("90-95", "90-95")),
    ),
    mounts=(
        Mount(source="/dev/log", target="/dev/log", options="rw,Z"),
        Mount(source="/srv", target="/www", is_per_replica=True),
    ),
    content=APP,
)


def test_a_container_that_something_runs_in_has_an_agent_its_key_and_its_logs() -> None:
    made = FULL.container(1)
    assert (made.id, str(made.agent)) == ("web-podman-1", "ocf:heartbeat:podman")
    assert made.params == {
        "image": "web:1",
        "allow_pull": "true",
        "force_kill": "false",
        "reuse": "false",
        "run_opts": " -h web-1 -e PCMK_stderr=1 --net=lan -e PCMK_remote_port=9999 -v /dev/log:/dev/log:rw,Z"
        " -v /srv/web-1:/www -v /etc/pacemaker/authkey:/etc/pacemaker/authkey"
        " -v /var/log/pacemaker/bundles/web-1:/var/log -p 10.0.1.1:80:80 -p 10.0.1.1:81:8081"
        " -p 10.0.1.1:90-95:90-95 -p 10.0.1.1:9999:9999 --user=root "
        " --add-host=web-0:10.0.0.254 --add-host=web-1:10.0.1.1",
        "mount_points": "/srv/web-1,/var/log/pacemaker/bundles/web-1",
        "run_cmd": "/usr/sbin/pacemaker-remoted",
        "monitor_cmd": "/bin/true",
    }


def test_an_empty_container_has_what_is_said_and_no_more() -> None:
    assert PLAIN.container(0).params == {
        "image": "web:1",
        "allow_pull": "true",
        "force_kill": "false",
        "reuse": "false",
        "run_opts": " -e PCMK_stderr=1 -e PCMK_remote_port=3121 ",
        "mount_points": "",
        "monitor_cmd": "/bin/true",
    }
    assert (PLAIN.nodes, PLAIN.address(0), PLAIN.is_reachable) == ((), None, False)


def test_docker_restarts_nothing_by_itself_and_a_host_network_maps_no_ports() -> None:
    network = BundleNetwork(name="host", control_port="3123", ports=(("80", "80"),))
    of_docker = replace(PLAIN, launcher=Launcher.DOCKER, network=network, run_command="run")
    made = of_docker.container(0)
    assert made.id == "web-docker-0"
    assert (made.params["run_opts"], made.params["run_cmd"]) == (
        " --restart=no -e PCMK_stderr=1 --net=host -e PCMK_remote_port=3123 ",
        "run",
    )


def test_rkt_has_options_of_its_own() -> None:
    made = replace(FULL, launcher=Launcher.RKT).container(0)
    assert (made.id, made.params["run_opts"]) == (
        "web-rkt-0",
        " --hostname=web-0 --environment=PCMK_stderr=1 --net=lan --environment=PCMK_remote_port=9999"
        " --volume vol0,kind=host,source=/dev/log,rw,Z --mount volume=vol0,target=/dev/log"
        " --volume vol1,kind=host,source=/srv/web-0 --mount volume=vol1,target=/www"
        " --volume vol2,kind=host,source=/etc/pacemaker/authkey --mount volume=vol2,target=/etc/pacemaker/authkey"
        " --volume vol3,kind=host,source=/var/log/pacemaker/bundles/web-0 --mount volume=vol3,target=/var/log"
        " --port=80:10.0.0.254:80 --port=8081:10.0.0.254:81 --port=90-95:10.0.0.254:90-95"
        " --port=9999:10.0.0.254:9999 --user=root  --hosts-entry=10.0.0.254=web-0 --hosts-entry=10.0.1.1=web-1",
    )


def test_who_keeps_the_names_of_the_others_out_of_hosts_files_has_them_resolved_otherwise() -> None:
    made = replace(PLAIN, network=BundleNetwork(first_address="10.0.0.9", names_replicas=False)).container(0)
    assert made.params["run_opts"].endswith(" --hosts-entry=10.0.0.9=web-0")


def test_an_address_is_set_up_by_IPaddr2_and_a_colon_is_in_no_name() -> None:  # noqa: N802 the agent's name
    made = FULL.address(0)
    assert made is not None
    assert (made.id, str(made.agent)) == ("web-ip-10.0.0.254", "ocf:heartbeat:IPaddr2")
    assert made.params == {"ip": "10.0.0.254", "nic": "eth0", "cidr_netmask": "24"}
    sixth = replace(PLAIN, network=BundleNetwork(first_address="fd00::9")).address(0)
    assert sixth is not None
    assert (sixth.id, sixth.params) == ("web-ip-fd00..9", {"ip": "fd00::9", "cidr_netmask": "32"})


def test_addresses_end_where_pacemaker_goes_no_further() -> None:
    def addresses(first: str) -> tuple[str, ...]:
        return replace(PLAIN, replicas=3, network=BundleNetwork(first_address=first)).addresses

    assert addresses("10.0.0.253") == ("10.0.0.253", "10.0.0.254", "10.0.1.1")
    assert addresses("10.0.253.254") == ("10.0.253.254", "10.0.254.1", "")
    assert addresses("fd00::9") == ("fd00::9", "", "")


def test_a_port_of_the_host_leaves_room_for_one_replica() -> None:
    asked = replace(PLAIN, replicas=4, asked_per_host=2)
    assert asked.per_host == 2
    assert replace(asked, network=BundleNetwork(control_port="9")).per_host == 1
    assert replace(asked, network=BundleNetwork(control_port="9", first_address="10.0.0.9")).per_host == 2


def test_nodes_are_named_by_number_unless_something_else_is() -> None:
    assert FULL.nodes == ("web-0", "web-1")
    assert replace(FULL, taken=frozenset({"web-1"})).nodes == ("web-0", "pcmk-internal-app:1-remote-1")


def test_the_content_is_cloned_and_told_apart_only_where_a_host_has_several_and_it_can_be() -> None:
    clone = Clone(id=ResourceId("web-clone"), member=APP, where=WHERE, max=2, is_ordered=True)
    assert FULL.clone(DUMMY, WHERE) == clone
    several = replace(FULL, asked_per_host=2)
    assert several.clone(DUMMY, WHERE) == replace(clone, node_max=2, is_unique=True)
    assert several.clone(ResourceAgent(standard="systemd", type="app"), WHERE) == clone
    promoted = replace(clone, id=ResourceId("web-master"), promotion=Promotion(max=1))
    assert replace(FULL, promoted_max=1).clone(DUMMY, WHERE) == promoted


def test_the_whole_consists_of_replicas_and_the_clone() -> None:
    clone = FULL.clone(DUMMY, WHERE)
    replicas = tuple(
        Replica(container=ResourceId(f"web-podman-{n}"), address=ResourceId(f"web-ip-{address}"))
        for n, address in enumerate(FULL.addresses)
    )
    assert FULL.collective(clone, WHERE) == Bundle(id=WEB, replicas=replicas, where=WHERE, inner=clone.id)


class Found:
    """Constraints of which one names the bundle, one its promoted replicas, and one something else."""

    def __init__(self) -> None:
        here = Location(id="l", resource=WEB, node=NodeName("host1"), score=5, where=WHERE)
        self.locations = [here, replace(here, role=Role.PROMOTED), replace(here, resource=APP)]
        self.location_rules: list[LocationRule] = []
        self.colocations: list[Colocation] = []
        self.orderings: list[Ordering] = []


def test_an_address_is_up_before_its_container_with_it_and_where_the_bundle_may_be() -> None:
    found, first = Found(), Found().locations[0]
    whole = replace(FULL, replicas=1)
    clone = whole.clone(DUMMY, WHERE)
    tie(whole.collective(clone, WHERE), found)
    address, container = ResourceId("web-ip-10.0.0.254"), ResourceId("web-podman-0")
    assert found.locations == [
        first,
        replace(first, resource=clone.id, role=Role.PROMOTED),
        replace(first, resource=APP),
        replace(first, resource=address),
    ]
    name = "#web-ip-10.0.0.254-with-container"
    assert found.colocations == [
        Colocation(id=name, dependent=address, primary=container, score=INFINITY, where=WHERE)
    ]
    assert found.orderings == [Ordering(id=name, first=address, then=container, where=WHERE)]
