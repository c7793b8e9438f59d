import pytest

from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, AgentFlavor, GuestType, RemoteNode
from reconciler.model.resource import (
    Disk,
    Guest,
    Hardware,
    Kernel,
    Nic,
    OnFail,
    Operation,
    Resource,
    ResourceAgent,
    Role,
)
from tests.load.texts import HOST, XML, guest, load_text, problems_of


def guest_of(text: str) -> Resource:
    loaded = load_text(HOST + text)
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.intent is not None
    (resource,) = loaded.intent.resources.values()
    return resource


def test_a_guest_with_nothing_but_what_it_needs() -> None:
    want = Resource(
        id=ResourceId("vm-guest1"),
        agent=ResourceAgent(standard="guest", type="lxc"),
        where=Where(file="a.yaml", line=8, column=18),
        operations=(Operation(name="start", timeout_ms=90_000), Operation(name="stop", timeout_ms=90_000)),
        stickiness=1000,
        failure_limit=3,
        guest=Guest(type=GuestType.LXC, domain_xml=XML.decode(), shutdown_ms=60_000),
    )
    assert guest_of(guest("vm-guest1", "domain: {xml: vm.xml}", guest_type="lxc")) == want


EVERYTHING = Resource(
    id=ResourceId("vm-guest1"),
    agent=ResourceAgent(standard="guest", type="vm"),
    where=Where(file="a.yaml", line=8, column=18),
    operations=(
        Operation(name="start", timeout_ms=300_000),
        Operation(name="stop", timeout_ms=90_000, on_fail=OnFail.BLOCK),
    ),
    state=Role.STOPPED,
    is_managed=False,
    stickiness=5,
    priority=7,
    failure_limit=0,
    failure_timeout_ms=600_000,
    start_failure_is_fatal=True,
    rank=9,
    guest=Guest(
        type=GuestType.VM,
        hardware=Hardware(
            vcpus=2,
            memory_bytes=4 * 2**30,
            disks=(
                Disk(path="/d.img", format="qcow2", size_bytes=10 * 2**30, source="/base.img"),
                Disk(path="/e.img", discard_writes=True),
            ),
            nics=(
                Nic(network="default", mac="52:54:00:aa:bb:01"),
                Nic(user=True, forwards=(("127.0.0.1", 13121, 3121),)),
            ),
            kernel=Kernel(path="/vmlinuz", initrd="/initrd", arguments="console=ttyS0"),
            seed={"user-data": "x"},
            emulation=True,
            machine="q35",
            cpu="max",
        ),
        shutdown_ms=0,
    ),
    remote_node=RemoteNode(
        name=NodeName("guest1"),
        where=Where(file="a.yaml", line=11, column=22),
        agent=AgentAddress(
            address="192.0.2.5",
            port=3122,
            key_file="/k",
            flavor=AgentFlavor.STOCK,
            tls12=True,
            connect_timeout_ms=120_000,
            key_epoch=2,
        ),
        labels={"tier": "web"},
    ),
)


def test_a_guest_with_everything() -> None:
    text = guest(
        "vm-guest1",
        "remoteNode: {name: guest1, address: 192.0.2.5, port: 3122, connectTimeout: 2m, keyFile: /k, keyEpoch: 2,",
        '  agent: stock, labels: {tier: web}, tls: "1.2"}',
        "hardware:",
        "  vcpus: 2",
        "  memory: 4Gi",
        "  disks:",
        "  - {path: /d.img, format: qcow2, size: 10Gi, from: /base.img}",
        "  - {path: /e.img, discardWrites: true}",
        "  nics:",
        "  - {network: default, mac: '52:54:00:AA:bb:01'}",
        "  - {user: true, forwards: [{port: 13121, guestPort: 3121}]}",
        "  kernel: {path: /vmlinuz, initrd: /initrd, arguments: console=ttyS0}",
        "  seed: {user-data: x}",
        "  emulation: true",
        "  machine: q35",
        "  cpu: max",
        "op: {start: {timeout: 5m}, stop: {onFail: block}}",
        "shutdownTimeout: 0s",
        "state: stopped",
        "managed: false",
        "stickiness: 5",
        "priority: 7",
        "failureLimit: 0",
        "failureTimeout: 10m",
        "startFailureIsFatal: true",
        "rank: 9",
        guest_type="vm",
    )
    assert guest_of(text) == EVERYTHING


def test_a_container_made_from_hardware() -> None:
    text = guest(
        "g", "hardware: {rootfs: /srv/g, init: [/sbin/init, x], nics: [{bridge: br0}]}", guest_type="lxc"
    )
    assert guest_of(text).guest == Guest(
        type=GuestType.LXC,
        hardware=Hardware(rootfs="/srv/g", init=("/sbin/init", "x"), nics=(Nic(bridge="br0"),)),
    )


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (guest("g", "remoteNode: {name: n}"), "127.0.0.1"),
        (guest("g", "remoteNode: {name: n}", "domain: {xml: vm.xml}", guest_type="lxc"), "n"),
        (guest("g", "remoteNode: {name: n, address: a.test}"), "a.test"),
    ],
)
def test_the_address_of_an_agent_defaults_to_the_nodes_name(text: str, want: str) -> None:
    remote = guest_of(text).remote_node
    assert remote is not None
    assert remote.agent == AgentAddress(address=want)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param(
            guest("g", guest_type="lxc"),
            [
                "9:1: error[missing-field]: a guest of type lxc needs a domain; "
                "add domain: {xml: FILE} with libvirt's XML, or hardware:"
            ],
            id="neither domain nor hardware",
        ),
        pytest.param(
            guest("g", "domain: {xml: vm.xml}", "hardware: {rootfs: /a}", guest_type="lxc"),
            ["12:3: error[does-not-fit]: domain and hardware exclude each other; remove one of them"],
            id="both",
        ),
        pytest.param(
            guest("g", "domain: {xml: vm.xml}", "hardware: {}", node="n"),
            [
                "12:3: error[does-not-fit]: a guest of type process has no domain; "
                "remove it, or write type: vm or lxc",
                "13:3: error[does-not-fit]: a guest of type process has no hardware; "
                "remove it, or write type: vm or lxc",
            ],
            id="a process with a domain",
        ),
        pytest.param(
            guest("g"),
            [
                "10:9: error[missing-field]: a guest of type process is nothing but a node; "
                "add remoteNode: with a name and a port"
            ],
            id="a process that is no node",
        ),
        pytest.param(
            guest("g", "remoteNode: {name: n, agent: stock}"),
            [
                "11:32: error[does-not-fit]: a guest of type process is our own agent; "
                "remove agent: stock, or write type: vm or lxc"
            ],
            id="a process with a stock agent",
        ),
        pytest.param(
            guest("g", "hardware: {rootfs: /a, init: [x]}", guest_type="vm"),
            [
                "11:3: error[missing-field]: nothing to boot from; add disks: or kernel:",
                "11:14: error[does-not-fit]: a guest of type vm has no rootfs; remove it",
                "11:26: error[does-not-fit]: a guest of type vm has no init; remove it",
            ],
            id="a container's fields in a VM",
        ),
        pytest.param(
            guest(
                "g", "hardware: {kernel: {path: /k}, emulation: true, nics: [{user: true}]}", guest_type="lxc"
            ),
            [
                "11:3: error[missing-field]: spec.hardware.rootfs is missing; "
                "add rootfs: with the folder that becomes /",
                "11:14: error[does-not-fit]: a guest of type lxc has no kernel; remove it",
                "11:34: error[does-not-fit]: a guest of type lxc has no emulation; remove it",
                "11:59: error[does-not-fit]: only type: vm has QEMU's user network; write network:",
            ],
            id="a VM's fields in a container",
        ),
        pytest.param(
            guest(
                "g",
                "hardware:",
                "  disks: [{path: /a, readOnly: true, discardWrites: true}]",
                "  nics: [{}, {user: true, bridge: b}, {bridge: b, forwards: [{port: 1, guestPort: 2}]}]",
                guest_type="vm",
            ),
            [
                "12:40: error[does-not-fit]: a disk that is read-only has no writes to discard; "
                "remove readOnly or discardWrites",
                "13:12: error[does-not-fit]: a network interface is one of network, bridge and user; "
                "write exactly one, such as network: default",
                "13:16: error[does-not-fit]: a network interface is one of network, bridge and user; "
                "write exactly one, such as network: default",
                "13:53: error[does-not-fit]: only user: true has forwards; remove them, or write user: true",
            ],
            id="disks and interfaces",
        ),
        pytest.param(
            guest(
                "g", "hardware: {memory: 4, disks: [{path: a.img, size: 1G}], rootfs: srv}", guest_type="vm"
            ),
            [
                "11:22: error[no-unit]: spec.hardware.memory: 4 is a size without a unit; write 4Mi or 4Gi",
                '11:40: error[bad-path]: spec.hardware.disks[0].path: "a.img" is not an absolute path; '
                "it is a path on the host: begin it with /",
                '11:53: error[bad-size]: spec.hardware.disks[0].size: "1G" is not a size; '
                "write a whole number and Ki, Mi, Gi or Ti, such as 4Gi",
                '11:67: error[bad-path]: spec.hardware.rootfs: "srv" is not an absolute path; '
                "it is a path on the host: begin it with /",
            ],
            id="sizes and paths",
        ),
    ],
)
def test_what_does_not_fit_a_guest(text: str, want: list[str]) -> None:
    assert problems_of(HOST + text) == want


@pytest.mark.parametrize(
    ("written", "is_confirmed"),
    [
        ("agent: reconciler", False),
        ("agent: stock", False),
        ("keyFile: /k, keyFileShared: true", False),
        ("agent: stock, keyFile: /k, keyFileShared: true", True),
        ("agent: stock, keyFile: /k, keyFileShared: true, unconfirmedAddress: allow", False),
        ("unconfirmedAddress: refuse", True),
    ],
)
def test_an_address_must_be_confirmed_where_asked_for_or_where_nothing_else_tells_guests_apart(
    written: str, is_confirmed: bool
) -> None:
    text = guest("g", f"remoteNode: {{name: n, {written}}}", "domain: {xml: vm.xml}", guest_type="lxc")
    remote = guest_of(text).remote_node
    assert remote is not None
    assert remote.agent.is_confirmed is is_confirmed
