"""Disks on libvirt's test driver: a missing one is made whole whatever interrupts it, a present one is left alone."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.model.errors import HypervisorError
from reconciler.model.resource import Disk
from reconciler.world.libvirt.disks import MARK_SUFFIX, Workplace, make_missing_disks
from reconciler.world.libvirt.library import load_libvirt
from reconciler.world.libvirt.volumes import volume_xml
from tests.world.libvirt.fragile import NEVER, Countdown, Crash, Fragile

libvirt = pytest.importorskip("libvirt", reason="libvirt-python is not installed")

MIB = 1024 * 1024
FOLDER = "/srv/disks"
DISK = Disk(path=f"{FOLDER}/a.img", size_bytes=2 * MIB)
COPY = Disk(path=f"{FOLDER}/a.img", source=f"{FOLDER}/base.img", size_bytes=2 * MIB)
CONVERSION = Disk(path=f"{FOLDER}/a.img", source=f"{FOLDER}/base.qcow2", size_bytes=2 * MIB)


@pytest.fixture
def pool() -> Iterator[Any]:
    """The user's own pool of the folder; the test driver forgets the volumes of a pool that ends."""
    connection = load_libvirt().open("test:///default")
    xml = f"<pool type='dir'><name>disks</name><target><path>{FOLDER}</path></target></pool>"
    made = connection.storagePoolCreateXML(xml, 0)
    made.createXML(volume_xml("base.img", MIB), 0)
    made.createXML(volume_xml("base.qcow2", MIB, "qcow2"), 0)
    yield made
    made.destroy()
    connection.close()


def make(pool: Any, *disks: Disk, crash: Countdown = NEVER, deadline_s: float = 60) -> None:
    connection = Fragile(pool.connect(), crash, pool)
    place = Workplace(connection=connection, host="h2", deadline=time.monotonic() + deadline_s)
    make_missing_disks(place, disks)


def sizes(pool: Any) -> dict[str, int]:
    """Return the sizes of all volumes but the images."""
    found = {volume.name(): volume.info()[1] for volume in pool.listAllVolumes()}
    return {name: size for name, size in found.items() if not name.startswith("base.")}


@pytest.mark.parametrize("disk", [DISK, COPY, CONVERSION], ids=["empty", "copied", "converted"])
def test_missing_disk_is_made(pool: Any, disk: Disk) -> None:
    make(pool, disk)
    assert sizes(pool) == {"a.img": 2 * MIB}


def test_copy_without_a_size_is_as_large_as_its_image(pool: Any) -> None:
    make(pool, Disk(path=f"{FOLDER}/a.img", source=f"{FOLDER}/base.img"))
    assert sizes(pool) == {"a.img": MIB}


@pytest.mark.parametrize("moment", ["before", "amid", "after"])
@pytest.mark.parametrize("disk", [DISK, COPY, CONVERSION], ids=["empty", "copied", "converted"])
def test_disk_is_whole_or_marked_after_a_crash_at_each_step_and_whole_after_the_next_start(
    pool: Any, disk: Disk, moment: str
) -> None:
    for steps in range(1, 20):
        try:
            make(pool, disk, crash=Countdown(steps, moment))
        except Crash:
            left = sizes(pool)
            assert left.get("a.img", 0) in {0, 2 * MIB} or "a.img" + MARK_SUFFIX in left
            make(pool, disk)
            left = sizes(pool)
            assert left.pop("a.img") == 2 * MIB
            assert left in ({}, {"a.img.reconciler-sync": 0})  # which has no meaning
            for name in ("a.img", *left):
                pool.storageVolLookupByName(name).delete()
        else:
            break
    assert steps == 8


@pytest.mark.parametrize("disk", [DISK, COPY, CONVERSION], ids=["empty", "copied", "converted"])
def test_present_disk_is_left_alone(pool: Any, disk: Disk) -> None:
    pool.createXML(volume_xml("a.img", 7), 0)
    make(pool, disk, crash=Countdown(1, "before"))
    assert sizes(pool) == {"a.img": 7}


def test_disk_without_size_or_image_is_the_users_to_make(pool: Any) -> None:
    make(pool, Disk(path=f"{FOLDER}/a.img"), Disk(path="/nowhere/a.img"))
    assert sizes(pool) == {}


def test_missing_image_is_said_with_its_host_and_nothing_is_left(pool: Any) -> None:
    with pytest.raises(HypervisorError) as caught:
        make(pool, Disk(path=f"{FOLDER}/a.img", source=f"{FOLDER}/none.img"))
    assert str(caught.value) == (
        f"host h2: the disk {FOLDER}/a.img cannot be made: there is no image {FOLDER}/none.img"
    )
    assert sizes(pool) == {}


def test_image_larger_than_the_disk_is_refused(pool: Any) -> None:
    with pytest.raises(
        HypervisorError, match=f"base.img has {MIB} bytes, which is more than the wanted 1024$"
    ):
        make(pool, Disk(path=f"{FOLDER}/a.img", source=f"{FOLDER}/base.img", size_bytes=1024))
    assert sizes(pool) == {}


def test_nothing_is_begun_after_the_deadline(pool: Any) -> None:
    with pytest.raises(
        HypervisorError, match=r"^host h2: the disk .*/a.img cannot be made: it takes too long$"
    ):
        make(pool, DISK, deadline_s=-1)
    assert sizes(pool) == {}
