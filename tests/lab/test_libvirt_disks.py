"""Disks are made on the host that runs the guest: its folders are its own, and nobody else sees what is in them."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import libvirt
import pytest

from reconciler.model.errors import HypervisorError
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, GuestType, Host, RemoteNode
from reconciler.model.resource import Disk, Guest, Hardware, Kernel, Nic, Resource, ResourceAgent
from reconciler.ports import GuestStart
from reconciler.world.libvirt.disks import MARK_SUFFIX, Workplace, make_missing_disks
from reconciler.world.libvirt.guests import LibvirtGuests
from tests.lab.lab_agents import wait_for_agent
from tests.lab.lab_hosts import SUBNET, Lab, LabHost, wait_for
from tests.lab.lab_images import Images
from tests.world.libvirt.fragile import NEVER, Countdown, Fragile

HERE = Where(file="lab.yaml", line=1)
CLUSTER = Cluster(name="lab")
KEY = b"k" * 64
MIB = 1024 * 1024
PATIENCE_S = 300
"""Only reached when a test fails."""
THERE = Path("/var/lib/libvirt/images")
"""On each host a folder of its own (see lab_hosts)."""


@pytest.fixture
def store(lab: Lab) -> Iterator[Path]:
    """What host b has at THERE, as the lab sees it."""
    folder = lab["b"].folder / "lib" / "images"
    folder.mkdir(exist_ok=True)
    yield folder
    for path in folder.iterdir():
        path.unlink()


def qemu_img(*words: str | Path) -> str:
    return subprocess.run(["qemu-img", *words], check=True, capture_output=True, text=True).stdout


def make(host: LabHost, *disks: Disk, events: Countdown = NEVER) -> None:
    make_at(host.local_vm_uri, host.name, *disks, events=events)


def make_at(uri: str, host: str, *disks: Disk, events: Countdown = NEVER) -> None:
    connection = libvirt.open(uri)
    deadline = time.monotonic() + PATIENCE_S
    make_missing_disks(Workplace(connection=Fragile(connection, events), host=host, deadline=deadline), disks)
    assert connection.listStoragePools() == []
    connection.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def a_machine(images: Images, *disks: Disk) -> GuestStart:
    machine = images.small_machine()
    hardware = Hardware(
        memory_bytes=256 * MIB,
        disks=disks,
        nics=(Nic(bridge="br0"),),
        kernel=Kernel(
            path=str(machine.kernel),
            initrd=str(machine.initrd),
            arguments=machine.arguments,
        ),
        seed={"user-data": f"#!/bin/sh\nip address add {SUBNET}.120/24 dev $(basename /sys/class/net/e*)\n"},
        emulation=True,
    )
    resource = Resource(
        id=ResourceId("vm"),
        agent=ResourceAgent(standard="guest", type="vm"),
        where=HERE,
        guest=Guest(type=GuestType.VM, hardware=hardware),
        remote_node=RemoteNode(
            name=NodeName("vm-node"), where=HERE, agent=AgentAddress(address=f"{SUBNET}.120")
        ),
    )
    return GuestStart(guest=resource, cluster=CLUSTER, uid="uid-1", digest="d1", commit="c1", key=KEY)


def test_emulated_machine_runs_our_agent_from_disks_that_were_made_on_its_far_host(
    lab: Lab, images: Images, agent_file: Path, store: Path
) -> None:
    qemu_img("convert", "-O", "qcow2", images.small_machine().disk, store / "base.qcow2")
    base = str(THERE / "base.qcow2")
    disks = (
        Disk(path=str(THERE / "root.img"), source=base, size_bytes=400 * MIB),
        Disk(path=str(THERE / "copy.qcow2"), format="qcow2", source=base, size_bytes=500 * MIB),
        Disk(path=str(THERE / "work.img"), size_bytes=64 * MIB),
        Disk(path=str(THERE / "work.qcow2"), format="qcow2", size_bytes=64 * MIB),
    )
    host = Host(name=NodeName("b"), where=HERE, libvirt={GuestType.VM: lab["b"].vm_uri})
    guests, start = LibvirtGuests(CLUSTER.name, agent_file), a_machine(images, *disks)

    async def scenario() -> None:
        await guests.start(host, start)
        assert [domain.uid for domain in await guests.domains(host, GuestType.VM)] == ["uid-1"]
        await asyncio.to_thread(wait_for_agent, f"{SUBNET}.120", 3121, KEY)
        (qemu,) = lab["b"].processes("qemu-system-x86")
        assert KEY[2:20] not in Path(f"/proc/{qemu}/cmdline").read_bytes()
        seeds = list((lab["b"].folder / "guests" / "guests").glob("*/seed.img"))
        assert [b"CD001" in seed.read_bytes() for seed in seeds] == [True]
        await guests.stop(host, start.guest.id, GuestType.VM, 0)
        assert await guests.domains(host, GuestType.VM) == []
        before = [(store / Path(disk.path).name).stat() for disk in disks]
        await guests.start(host, replace(start, uid="uid-2"))
        await guests.stop(host, start.guest.id, GuestType.VM, 0)
        after = [(store / Path(disk.path).name).stat() for disk in disks]
        assert [disk.st_ino for disk in after] == [disk.st_ino for disk in before]

    asyncio.run(scenario())
    guests.close()
    assert names(store) == ["base.qcow2", "copy.qcow2", "root.img", "work.img", "work.qcow2"]
    assert not any(Path(disk.path).exists() for disk in disks)
    assert not list((lab["a"].folder / "lib").rglob("*.img"))
    assert (store / "root.img").stat().st_size == 400 * MIB
    assert (store / "root.img").stat().st_blocks * 512 < 300 * MIB
    assert "virtual size: 500 MiB" in qemu_img("info", store / "copy.qcow2")
    assert "virtual size: 64 MiB" in qemu_img("info", store / "work.qcow2")


def a_large_image(folder: Path) -> Path:
    path = folder / "base.img"
    with path.open("wb") as file:
        for number in range(400):
            file.write(number.to_bytes(4, "big") * (MIB // 4))
    return path


def wait_until_amid(disk: Path) -> None:
    mark = disk.with_name(disk.name + MARK_SUFFIX)

    def is_amid() -> bool:
        return mark.exists() and any(path.exists() and path.stat().st_blocks for path in (disk, mark))

    wait_for(is_amid, "the copy's beginning")


@pytest.mark.parametrize(
    ("image_format", "disk_format"), [("raw", "raw"), ("qcow2", "raw"), ("raw", "qcow2")]
)
def test_power_cut_amid_a_copy_leaves_a_mark_and_the_next_start_a_whole_disk(
    lab: Lab, store: Path, image_format: str, disk_format: str, tmp_path: Path
) -> None:
    image = a_large_image(tmp_path)
    qemu_img("convert", "-O", image_format, image, store / "base")
    disk = Disk(path=str(THERE / "a.img"), format=disk_format, source=str(THERE / "base"))
    made = store / "a.img"
    with ThreadPoolExecutor(1) as thread, lab["b"].slowed():
        making = thread.submit(make, lab["b"], disk)
        wait_until_amid(made)
        lab["b"].power_off()
        assert making.exception() is not None
    assert f"a.img{MARK_SUFFIX}" in names(store)
    assert not made.exists() or made.stat().st_blocks * 512 < 400 * MIB

    lab["b"].power_on()
    make(lab["b"], disk)
    assert names(store) == ["a.img", "base"]
    qemu_img("compare", "-f", "raw", "-F", disk_format, image, made)


def test_copy_of_a_killed_controller_is_waited_for_and_made_again(
    lab: Lab, store: Path, tmp_path: Path
) -> None:
    image = a_large_image(tmp_path)
    shutil.copy(image, store / "base")
    disk = Disk(path=str(THERE / "a.img"), source=str(THERE / "base"))
    code = f"from tests.lab.test_libvirt_disks import *; make_at({lab['b'].local_vm_uri!r}, 'b', {disk!r})"
    here = Path(__file__).parents[2]
    with lab["b"].slowed(), subprocess.Popen([sys.executable, "-c", code], cwd=here) as controller:
        wait_until_amid(store / "a.img")
        controller.kill()
    make(lab["b"], disk)
    assert names(store) == ["a.img", "base"]
    qemu_img("compare", "-f", "raw", "-F", "raw", image, store / "a.img")


def test_many_disks_are_made_in_one_folder_at_the_same_time(lab: Lab, store: Path) -> None:
    (store / "base").write_bytes(b"boot" + bytes(4 * MIB))
    disks = [Disk(path=str(THERE / f"{number}.img"), source=str(THERE / "base")) for number in range(8)]

    def make_one(disk: Disk) -> None:
        connection = libvirt.open(lab["b"].local_vm_uri)
        deadline = time.monotonic() + PATIENCE_S
        make_missing_disks(Workplace(connection=connection, host="b", deadline=deadline), [disk])
        connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make_one, disks))
    assert names(store) == [*(f"{number}.img" for number in range(8)), "base"]
    assert {(store / f"{number}.img").read_bytes() for number in range(8)} == {(store / "base").read_bytes()}


def test_users_own_pool_is_used_and_left_as_it_is(lab: Lab, store: Path) -> None:
    connection = libvirt.open(lab["b"].local_vm_uri)
    xml = f"<pool type='dir'><name>theirs</name><target><path>{THERE}</path></target></pool>"
    pool = connection.storagePoolCreateXML(xml, 0)
    (store / "base").write_bytes(b"boot" + bytes(MIB))  # the pool does not know of it yet
    disk = Disk(path=str(THERE / "a.img"), source=str(THERE / "base"))
    place = Workplace(connection=connection, host="b", deadline=time.monotonic() + PATIENCE_S)
    make_missing_disks(place, [disk])
    assert (pool.isActive(), connection.listStoragePools()) == (1, ["theirs"])
    assert (store / "a.img").read_bytes() == (store / "base").read_bytes()
    pool.destroy()
    connection.close()


def test_full_host_is_said_and_nothing_is_left(lab: Lab, store: Path) -> None:
    small = THERE / "small"
    (store / "small").mkdir()
    inside = ["nsenter", "-m", "-t", str(lab["b"].init_pid)]
    subprocess.run([*inside, "mount", "-t", "tmpfs", "-o", "size=8m", "none", small], check=True)
    try:
        (store / "base").write_bytes(b"x" * 16 * MIB)
        for disk_format in ("raw", "qcow2"):
            disk = Disk(path=str(small / "a.img"), format=disk_format, source=str(THERE / "base"))
            with pytest.raises(HypervisorError) as caught:
                make(lab["b"], disk)
            assert str(caught.value).startswith(f"host b: the disk {small}/a.img cannot be made: ")
            assert "No space left on device" in str(caught.value)
            found = subprocess.run([*inside, "ls", "-A", small], check=True, capture_output=True)
            assert found.stdout == b""
    finally:
        subprocess.run([*inside, "umount", small], check=True)
        (store / "small").rmdir()


def test_missing_image_or_folder_is_said_with_host_and_path(lab: Lab, store: Path) -> None:
    for image in (THERE / "none.img", Path("/nowhere/none.img")):
        with pytest.raises(HypervisorError) as caught:
            make(lab["b"], Disk(path=str(THERE / "a.img"), source=str(image)))
        assert (
            str(caught.value) == f"host b: the disk {THERE}/a.img cannot be made: there is no image {image}"
        )
    with pytest.raises(
        HypervisorError, match=r"host b: the disk /nowhere/a.img cannot be made: .*'/nowhere'"
    ):
        make(lab["b"], Disk(path="/nowhere/a.img", size_bytes=MIB))
    assert names(store) == []


@pytest.mark.parametrize("disk_format", ["raw", "qcow2"])
def test_disk_that_somebody_makes_meanwhile_is_theirs(lab: Lab, store: Path, disk_format: str) -> None:
    class Intruder(Countdown):
        def around(self, function: Any, arguments: list[Any]) -> Any:
            self.left -= 1
            if self.left == 0:
                (store / "a.img").write_bytes(b"precious")
            return function(*arguments)

    intruder = Intruder(4, "")
    (store / "base").write_bytes(bytes(MIB))
    disk = Disk(path=str(THERE / "a.img"), format=disk_format, source=str(THERE / "base"))
    for _ in range(2):
        make(lab["b"], disk, events=intruder)
        assert names(store) == ["a.img", "base"]
        assert (store / "a.img").read_bytes() == b"precious"
