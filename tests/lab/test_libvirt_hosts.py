"""The Hypervisor port against real libvirt hosts: containers, machines, events, crashes, and where keys are seen."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import libvirt
import pytest

from agent import tls
from reconciler.model.errors import HypervisorError, HypervisorUnreachableError
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, AgentFlavor, GuestType, Host, RemoteNode
from reconciler.model.resource import Disk, Guest, Hardware, Kernel, Nic, Resource, ResourceAgent
from reconciler.ports import Domain, GuestStart
from reconciler.world.libvirt.guests import LibvirtGuests
from tests.lab.lab_agents import wait_for_agent, wait_for_port
from tests.lab.lab_hosts import SUBNET, Lab, LabHost
from tests.lab.lab_images import Images, copy_root
from tests.lab.lab_lost_container import first_container_lost

HERE = Where(file="lab.yaml", line=1)
CLUSTER = Cluster(name="lab")
KEY = b"\x00\xffsixty-four bytes, as derived keys have, of which some are no text"[:64]
MIB = 1024 * 1024
PATIENCE_S = 60.0
"""How long something may take on a busy machine that takes no time on an idle one."""


@pytest.fixture
def guests(lab: Lab, agent_file: Path) -> Iterator[LibvirtGuests]:
    """Guests of one cluster; whatever a test leaves running is destroyed."""
    made = LibvirtGuests(CLUSTER.name, agent_file)
    yield made
    made.close()
    for host in lab.hosts:
        if host.supervisor is not None:
            for uri in (host.local_lxc_uri, host.local_vm_uri):
                connection = libvirt.open(uri)
                for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
                    domain.destroy()
                connection.close()


def a_host(host: LabHost) -> Host:
    uris = {GuestType.LXC: host.lxc_uri, GuestType.VM: host.vm_uri}
    return Host(name=NodeName(host.name), where=HERE, libvirt=uris)


def a_start(name: str, guest: Guest, number: int, flavor: AgentFlavor = AgentFlavor.RECONCILER) -> GuestStart:
    agent = AgentAddress(address=f"{SUBNET}.{number}", flavor=flavor)
    resource = Resource(
        id=ResourceId(name),
        agent=ResourceAgent(standard="guest", type=guest.type.value),
        where=HERE,
        guest=guest,
        remote_node=RemoteNode(name=NodeName(f"{name}-node"), where=HERE, agent=agent),
    )
    return GuestStart(guest=resource, cluster=CLUSTER, uid="uid-1", digest="d1", commit="c1", key=KEY)


def a_container(root: Path, init: tuple[str, ...] = ()) -> Guest:
    hardware = Hardware(memory_bytes=256 * MIB, rootfs=str(root), nics=(Nic(bridge="br0"),), init=init)
    return Guest(type=GuestType.LXC, hardware=hardware)


@pytest.fixture(scope="module")
def root(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_root(images.agent_root(), tmp_path_factory.mktemp("lab") / "root")


def a_domain(start: GuestStart) -> Domain:
    return Domain(
        resource=start.guest.id,
        cluster="lab",
        digest="d1",
        uid=start.uid,
        is_running=True,
        text="running",
        node=NodeName(f"{start.guest.id}-node"),
    )


def test_container_runs_our_agent_until_it_is_stopped(lab: Lab, guests: LibvirtGuests, root: Path) -> None:
    host, start = a_host(lab["a"]), a_start("web", a_container(root), 100)

    async def scenario() -> None:
        await guests.start(host, start)
        assert await guests.domains(host, GuestType.LXC) == [a_domain(start)]
        assert await guests.domains(a_host(lab["b"]), GuestType.LXC) == []
        await asyncio.to_thread(wait_for_agent, f"{SUBNET}.100", 3121, KEY)
        with pytest.raises(tls.TLSError):
            await asyncio.to_thread(wait_for_agent, f"{SUBNET}.100", 3121, b"x" * 64)
        await guests.start(host, start)  # the same action, carried out again after a crash
        with pytest.raises(HypervisorError, match="still runs from an earlier start"):
            await guests.start(host, replace(start, uid="uid-2"))
        async with asyncio.timeout(PATIENCE_S):  # the agent ends at once when its container is asked to
            await guests.stop(host, start.guest.id, GuestType.LXC, 10 * int(PATIENCE_S) * 1000)
        assert await guests.domains(host, GuestType.LXC) == []
        assert list((lab["a"].folder / "guests" / "guests").iterdir()) == []

    asyncio.run(scenario())


def test_key_is_seen_in_the_guest_and_nowhere_else(lab: Lab, guests: LibvirtGuests, root: Path) -> None:
    host, start = a_host(lab["a"]), a_start("web", a_container(root, ("/bin/sleep", "1000")), 100)
    asyncio.run(guests.start(host, start))
    init = lab["a"].wait_for_process("sleep")
    seen = Path(f"/proc/{init}/root/opt/reconciler")
    assert (seen / "authkey").read_bytes() == KEY
    assert (seen / "authkey").stat().st_mode & 0o777 == 0o600
    with pytest.raises(OSError, match="Read-only"):
        (seen / "authkey").write_bytes(b"x")
    connection = libvirt.open(lab["a"].local_lxc_uri)
    xml = connection.lookupByName("web").XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE).encode()
    connection.close()
    texts = [xml, *(path.read_bytes() for path in lab["a"].folder.rglob("*.log"))]
    controller = lab["a"].wait_for_process("libvirt_lxc")
    texts += [
        Path(f"/proc/{pid}/{name}").read_bytes()
        for name in ("cmdline", "environ")
        for pid in (controller, init)
    ]
    for form in (KEY, KEY[2:20], KEY.hex().encode()):
        assert not any(form in text for text in texts)


def test_stock_agent_is_reached_with_its_key(
    lab: Lab, guests: LibvirtGuests, images: Images, tmp_path: Path
) -> None:
    root = copy_root(images.stock_root(), tmp_path / "root")
    guest = a_container(root, ("/usr/sbin/pacemaker_remoted",))
    start = a_start("stock", guest, 101, AgentFlavor.STOCK)

    async def scenario() -> None:
        await guests.start(a_host(lab["a"]), start)
        await asyncio.to_thread(wait_for_agent, f"{SUBNET}.101", 3121, KEY)

    asyncio.run(scenario())


def test_domain_of_somebody_else_is_left_alone(lab: Lab, guests: LibvirtGuests, root: Path) -> None:
    host, start = a_host(lab["a"]), a_start("web", a_container(root), 100)
    xml = (
        f"<domain type='lxc'><name>web</name><memory>65536</memory><os><type>exe</type><init>/bin/sleep</init>"
        f"<initarg>1000</initarg></os><devices><filesystem type='mount'><source dir='{root}'/><target dir='/'/>"
        f"</filesystem><console type='pty'/></devices></domain>"
    )
    connection = libvirt.open(lab["a"].local_lxc_uri)
    domain = connection.createXML(xml, 0)

    async def scenario() -> None:
        assert await guests.domains(host, GuestType.LXC) == []
        with pytest.raises(HypervisorError, match="is there and is not ours"):
            await guests.start(host, start)
        await guests.stop(host, start.guest.id, GuestType.LXC, 0)

    asyncio.run(scenario())
    assert domain.isActive()
    connection.close()


def test_end_of_a_guest_wakes_the_loop(lab: Lab, guests: LibvirtGuests, root: Path) -> None:
    host, start = a_host(lab["a"]), a_start("web", a_container(root, ("/bin/sleep", "1000")), 100)

    async def scenario() -> None:
        await guests.start(host, start)
        woken = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(guests.watch([host], woken.set))
            await until(lambda: is_watched(guests))
            woken.clear()
            os.kill(lab["a"].wait_for_process("sleep"), signal.SIGKILL)
            await wake_that_shows(woken, lambda: is_empty(guests, host))
            watching.cancel()

    asyncio.run(scenario())


def test_container_that_libvirtd_loses_as_it_starts_is_started_anew(
    lab: Lab, guests: LibvirtGuests, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host, start = a_host(lab["a"]), a_start("web", a_container(root, ("/bin/sleep", "1000")), 100)

    async def scenario() -> None:
        await guests.start(host, start)
        assert await guests.domains(host, GuestType.LXC) == [a_domain(start)]
        os.kill(lab["a"].wait_for_process("sleep"), signal.SIGKILL)
        await until(lambda: is_empty(guests, host))

    with first_container_lost(lab["a"]):
        asyncio.run(scenario())
    assert caplog.messages.count("libvirtd lost a container as it started") == 1


def test_killed_libvirtd_makes_the_host_unknown_and_its_return_shows_all_guests(
    lab: Lab, guests: LibvirtGuests, root: Path
) -> None:
    host, start = a_host(lab["a"]), a_start("web", a_container(root, ("/bin/sleep", "1000")), 100)

    async def scenario() -> None:
        await guests.start(host, start)
        woken = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(guests.watch([host], woken.set))
            await until(lambda: is_watched(guests))
            woken.clear()
            await asyncio.to_thread(lab["a"].kill_libvirtd)
            async with asyncio.timeout(PATIENCE_S):
                await woken.wait()
            for ask in (guests.domains(host, GuestType.LXC), guests.start(host, start)):
                with pytest.raises(HypervisorUnreachableError):
                    await ask
            with pytest.raises(HypervisorUnreachableError):
                await guests.stop(host, start.guest.id, GuestType.LXC, 0)
            lab["a"].wait_for_process("sleep")
            woken.clear()
            await asyncio.to_thread(lab["a"].start_libvirtd)
            answers: list[Sequence[Domain]] = []
            await wake_that_shows(woken, lambda: has_answered(guests, host, answers))
            assert answers == [[a_domain(start)]]
            await guests.start(host, start)
            await guests.stop(host, start.guest.id, GuestType.LXC, 0)
            watching.cancel()

    asyncio.run(scenario())
    assert lab["a"].processes("sleep") == []


def a_small_machine(images: Images) -> Guest:
    machine = images.small_machine()
    kernel = Kernel(
        path=str(machine.kernel),
        initrd=str(machine.initrd),
        arguments=f"{machine.arguments} lab.address={SUBNET}.110/24 lab.node=vm-node",
    )
    hardware = Hardware(
        memory_bytes=256 * MIB,
        disks=(Disk(path=str(machine.disk), discard_writes=True),),
        nics=(Nic(bridge="br0"),),
        kernel=kernel,
        emulation=True,
    )
    return Guest(type=GuestType.VM, hardware=hardware)


def test_whole_machine_runs_stock_agent_and_shuts_down_in_order(
    lab: Lab, guests: LibvirtGuests, images: Images
) -> None:
    machine = images.machine()
    hardware = Hardware(
        vcpus=2,
        memory_bytes=512 * MIB,
        disks=(Disk(path=str(machine.disk), discard_writes=True),),
        nics=(Nic(user=True, forwards=((lab["b"].address, 8080, 80), (lab["b"].address, 3121, 3121))),),
        kernel=Kernel(path=str(machine.kernel), initrd=str(machine.initrd), arguments=machine.arguments),
        emulation=True,
    )
    guest = Guest(type=GuestType.VM, hardware=hardware)
    host, start = a_host(lab["b"]), a_start("whole", guest, 111, AgentFlavor.STOCK)

    async def scenario() -> None:
        await guests.start(host, start)
        await asyncio.to_thread(wait_for_agent, lab["b"].address, 3121, KEY)
        answer = await asyncio.to_thread(wait_for_port, lab["b"].address, 8080, b"GET / HTTP/1.0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        await guests.stop(host, start.guest.id, GuestType.VM, 10 * int(PATIENCE_S) * 1000)
        console = (lab["b"].folder / "log" / "qemu" / "whole-console.log").read_text(errors="replace")
        assert "reboot: Power down" in console

    asyncio.run(scenario())


def test_power_cut_makes_the_host_unknown_and_ends_its_guests(
    lab: Lab, guests: LibvirtGuests, root: Path, images: Images
) -> None:
    host, start = a_host(lab["b"]), a_start("web", a_container(root), 100)
    machine = a_start("vm", a_small_machine(images), 110)

    async def scenario() -> None:
        await guests.start(host, start)
        await guests.start(host, machine)
        await asyncio.to_thread(wait_for_agent, f"{SUBNET}.100", 3121, KEY)
        await asyncio.to_thread(lab["b"].power_off)
        with pytest.raises(HypervisorUnreachableError):
            await guests.domains(host, GuestType.LXC)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(wait_for_agent, f"{SUBNET}.100", 3121, KEY, 1)
        await asyncio.to_thread(lab["b"].power_on)
        await until(lambda: is_empty(guests, host))
        # What its disk had written is still there, and no reason not to start again.
        await guests.start(host, replace(machine, uid="uid-2"))

    asyncio.run(scenario())


async def is_empty(guests: LibvirtGuests, host: Host) -> bool:
    """Whether both hypervisors of a host answer, and run nothing; each has a connection of its own to lose."""
    try:
        return [await guests.domains(host, kind) for kind in (GuestType.LXC, GuestType.VM)] == [[], []]
    except HypervisorUnreachableError:
        return False


async def has_answered(guests: LibvirtGuests, host: Host, answers: list[Sequence[Domain]]) -> bool:
    """Ask a host for its containers, and note the answer if there is one."""
    try:
        answers.append(await guests.domains(host, GuestType.LXC))
    except HypervisorUnreachableError:
        return False
    return True


async def is_watched(guests: LibvirtGuests) -> bool:
    """Tell whether each connection is up and what happens on it wakes somebody."""
    connections = guests._connections.values()
    return bool(connections) and all(
        each._wakes and each._session is not None and each._session.connected.done() for each in connections
    )


async def wake_that_shows(woken: asyncio.Event, is_so: Callable[[], Awaitable[bool]]) -> None:
    """Look after each wake, and only then: one for something else may come first."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await woken.wait()
            woken.clear()
            if await is_so():
                return


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await is_so():  # noqa: ASYNC110 - hosts set no event
            await asyncio.sleep(0.05)
