"""Makes the disks that a guest's declaration describes and that are not there yet; it must not touch one that is.

Only on the controller's own machine: libvirt cannot rename a volume, so a copy on a far host that was broken off half
way could not be told from a whole one.
"""

import secrets
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from reconciler.model.errors import HypervisorError
from reconciler.model.resource import Disk

_COPY_TIMEOUT_S = 1800


def make_missing_disks(disks: Iterable[Disk]) -> None:
    """Make each missing disk from its image, or empty with its size; whole or not at all. Blocks.

    A disk that names neither is the user's to make, and left to libvirt to complain of.

    Raises:
        HypervisorError: one cannot be made.
    """
    for disk in disks:
        path = Path(disk.path)
        if not path.exists() and (disk.source is not None or disk.size_bytes is not None):
            _make(disk, path)


def _make(disk: Disk, path: Path) -> None:
    if shutil.which("qemu-img") is None:
        raise HypervisorError(
            f"the disk {path} cannot be made: install qemu-img (Debian's package qemu-utils)"
        )
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        if disk.source is not None:
            _run("convert", "-O", disk.format, "--", disk.source, str(temporary))
            if disk.size_bytes is not None:
                _run("resize", "-f", disk.format, "--", str(temporary), str(disk.size_bytes))
        else:
            _run("create", "-q", "-f", disk.format, "--", str(temporary), str(disk.size_bytes))
        temporary.replace(path)
    except OSError as error:
        raise HypervisorError(f"the disk {path} cannot be made: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _run(*words: str) -> None:
    try:
        subprocess.run(
            ["qemu-img", *words],
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COPY_TIMEOUT_S,
        )
    except subprocess.CalledProcessError as error:
        text = error.stderr.decode("utf-8", "replace").strip()
        raise HypervisorError(f"qemu-img {words[0]}: {text[:500]}") from error
    except subprocess.TimeoutExpired as error:
        raise HypervisorError(f"qemu-img {words[0]} took more than {_COPY_TIMEOUT_S} s") from error
