"""Disks: a missing one is made whole, a present one is never touched."""

import shutil
from pathlib import Path

import pytest

from reconciler.model.errors import HypervisorError
from reconciler.model.resource import Disk
from reconciler.world.guest_disks import make_missing_disks

pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img (qemu-utils) is missing")


def test_empty_disk_gets_its_size(tmp_path: Path) -> None:
    make_missing_disks([Disk(path=str(tmp_path / "a.img"), size_bytes=1024 * 1024)])
    assert (tmp_path / "a.img").stat().st_size == 1024 * 1024


def test_disk_is_copied_from_its_image_and_grown(tmp_path: Path) -> None:
    (tmp_path / "base.img").write_bytes(b"boot" + bytes(1024 * 1024 - 4))
    disk = Disk(path=str(tmp_path / "a.img"), source=str(tmp_path / "base.img"), size_bytes=2 * 1024 * 1024)
    make_missing_disks([disk])
    assert (tmp_path / "a.img").read_bytes()[:4] == b"boot"
    assert (tmp_path / "a.img").stat().st_size == 2 * 1024 * 1024
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.img", "base.img"]


def test_present_disk_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(b"precious")
    make_missing_disks([Disk(path=str(tmp_path / "a.img"), size_bytes=1024 * 1024)])
    assert (tmp_path / "a.img").read_bytes() == b"precious"


def test_disk_without_size_or_image_is_the_users_to_make(tmp_path: Path) -> None:
    make_missing_disks([Disk(path=str(tmp_path / "a.img"))])
    assert list(tmp_path.iterdir()) == []


def test_failed_copy_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(HypervisorError, match="qemu-img convert"):
        make_missing_disks([Disk(path=str(tmp_path / "a.img"), source=str(tmp_path / "none.img"))])
    assert list(tmp_path.iterdir()) == []
