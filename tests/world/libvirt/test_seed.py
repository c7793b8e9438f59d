"""Seeds: cloud-init's files get into an image with its label; a missing tool is named."""

import shutil
from pathlib import Path

import pytest

from reconciler.model.errors import HypervisorError
from reconciler.world.libvirt.seed import make_seed

# ECMA-119 7.1: the primary volume descriptor is sector 16; its volume identifier stands at byte 40.
VOLUME_IDENTIFIER = slice(16 * 2048 + 40, 16 * 2048 + 72)


@pytest.mark.skipif(
    not any(map(shutil.which, ("xorriso", "genisoimage", "mkisofs"))),
    reason="xorriso or genisoimage is missing",
)
def test_image_has_the_label_the_files_and_an_instance() -> None:
    image = make_seed({"user-data": "#cloud-config\n# mark-of-user-data\n"}, "uuid-1", "web")
    assert image[VOLUME_IDENTIFIER].strip().lower() == b"cidata"
    assert b"mark-of-user-data" in image
    assert b"instance-id: uuid-1\nlocal-hostname: web\n" in image


def test_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HypervisorError, match="install Debian's package xorriso"):
        make_seed({"user-data": ""}, "uuid-1", "web")
