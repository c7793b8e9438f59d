"""Builds what lab guests run, once per machine: container roots, and two machines that boot under emulation.

Everything lies in one cache folder (RECONCILER_LAB_CACHE, else /var/tmp/reconciler-lab). A part is built beside its
place and renamed when it is whole, under a lock, so that runs beside each other wait, and aborted ones leave nothing
that is taken for whole. Its name ends with the hash of its recipe: a changed recipe is another part.

`python -m tests.lab.lab_images` builds all of it, for a CI cache.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.lab_initrd import RECIPE, make_initrd
from tests.lab.lab_locks import locked
from tests.lab.lab_machines import BOOT, ENABLED, FILES, GENERATORS, MASKED, PACKAGES, SMALL_INIT
from tests.lab.lab_network import joined, own_network

CACHE = Path(os.environ.get("RECONCILER_LAB_CACHE", "/var/tmp/reconciler-lab"))
BUILD_TIMEOUT_S = 900

_LEAN = (
    *("--variant=minbase", "--skip=cleanup/reproducible"),
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a machine boots from; the disk is shared, so it is to be used with its writes discarded."""

    disk: Path
    kernel: Path
    initrd: Path
    arguments: str


class Images:
    """The lab's images, each built when it is first asked for."""

    def __init__(self, cache: Path, say: Callable[[str], None]) -> None:
        """Take the folder to keep them in, and where to tell of builds, which take up to a minute each."""
        self._cache = cache
        self._say = say
        # Builds need the machine's own network, whichever namespace a test is in when it asks for an image.
        self._network = own_network()

    def agent_root(self) -> Path:
        """Return a container root in which our agent can run: Debian trixie with Python and libgnutls.

        Not python3-minimal, which has no ctypes.
        """
        recipe = ("mmdebstrap", *_LEAN, "--include=python3,libgnutls30t64,iproute2,procps", "trixie")
        return self._built("agent-root", repr(recipe), lambda folder: _run(*recipe, folder / "root")) / "root"

    def stock_root(self) -> Path:
        """Return a container root with stock pacemaker_remoted 2.1.5, its programs and Python: bookworm (250 MB)."""
        packages = "--include=pacemaker-remote,pacemaker-cli-utils,resource-agents,iproute2,procps"
        recipe = ("mmdebstrap", *_LEAN, packages, "bookworm")
        return self._built("stock-root", repr(recipe), lambda folder: _run(*recipe, folder / "root")) / "root"

    def stock_root_3_0(self) -> Path:
        """Return a container root with stock pacemaker_remoted 3.0.0 and its programs: Debian trixie."""
        recipe = (
            "mmdebstrap",
            *_LEAN,
            "--include=pacemaker-remote,pacemaker-cli-utils,resource-agents,iproute2,procps",
            "trixie",
        )
        return (
            self._built("stock-root-3", repr(recipe), lambda folder: _run(*recipe, folder / "root")) / "root"
        )

    def bare_root(self) -> Path:
        """Return a Debian bookworm with nothing but what has to be there, apt and make: no Python, no git."""
        # Nothing is left out of packages here: what is installed later has to find what Debian has. And it need not
        # be on the disk, for which dpkg would wait file by file.
        options = (
            "--variant=minbase",
            "--skip=cleanup/reproducible",
            "--dpkgopt=force-unsafe-io",
            "--include=make",
        )
        recipe = ("mmdebstrap", *options, "bookworm")
        return self._built("bare-root", repr(recipe), lambda folder: _run(*recipe, folder / "root")) / "root"

    def systemd_root(self) -> Path:
        """Return a container root whose first program is systemd, with Python for our agent: Debian bookworm.

        Not trixie, whose systemd wants no cgroups of the first version.
        """
        recipe = ("mmdebstrap", *_LEAN, "--include=systemd-sysv,dbus,python3", "bookworm")
        return (
            self._built("systemd-root", repr(recipe), lambda folder: _run(*recipe, folder / "root")) / "root"
        )

    def cluster_root(self) -> Path:
        """Return a root with a whole stock cluster: Pacemaker 2.1.5, corosync and virsh, Debian bookworm (263 MB)."""
        packages = "--include=pacemaker,corosync,pacemaker-cli-utils,resource-agents,libvirt-clients,iproute2"
        recipe = ("mmdebstrap", *_LEAN, packages, "bookworm")
        return (
            self._built("cluster-root", repr(recipe), lambda folder: _run(*recipe, folder / "root")) / "root"
        )

    def machine(self) -> Machine:
        """Return a machine with systemd, nginx and stock pacemaker_remoted 3.0.0 (trixie); up after half a minute.

        It takes its key from the firmware, its address from DHCP (QEMU's user network has one), and answers on 80 and
        3121.
        """
        services = (ENABLED, *MASKED, *GENERATORS)
        recipe = (
            PACKAGES,
            *(part for file in FILES for part in file),
            *services,
            RECIPE,
            *_LEAN,
        )
        folder = self._built("machine", repr(recipe), _build_machine)
        return _machine(folder, f"{BOOT} systemd.show_status=false")

    def small_machine(self) -> Machine:
        """Return a machine that runs nothing but our agent, up after a few seconds; the kernel is the other's.

        Add `lab.address=ADDRESS/BITS` and `lab.node=NAME` to its kernel's arguments.
        """
        root, big = self.agent_root(), self.machine()
        recipe = (SMALL_INIT, str(root), str(big.kernel))
        folder = self._built("small-machine", repr(recipe), lambda made: _build_small(made, root, big))
        return _machine(folder, f"{BOOT} init=/sbin/lab-init")

    def _built(self, name: str, recipe: str, build: Callable[[Path], None]) -> Path:
        place = self._cache / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
        if place.exists():
            return place
        self._cache.mkdir(parents=True, exist_ok=True)
        with locked(self._cache / f".{name}.lock"):
            for left in self._cache.glob(f".{name}.*.tmp"):
                shutil.rmtree(left)  # of a run that was killed: nobody else builds while we hold the lock
            if not place.exists():
                temporary = self._cache / f".{name}.{os.getpid()}.tmp"
                temporary.mkdir()
                self._say(f"lab: building {name} in {self._cache}, which takes up to a minute ...")
                started = time.monotonic()
                try:
                    with joined(self._network):
                        build(temporary)
                    temporary.rename(place)
                finally:
                    shutil.rmtree(temporary, ignore_errors=True)
                self._say(f"lab: built {name} in {time.monotonic() - started:.0f} s")
        return place


def copy_root(root: Path, target: Path) -> Path:
    """Copy a container root, so that one guest's writes are not another's; takes about a second."""
    _run("cp", "-a", "--reflink=auto", "--", root, target)
    return target


def _build_machine(folder: Path) -> None:
    root = folder / "root"
    files = folder / "files"
    for path, text, mode in FILES:
        target = files / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)
    generators = files / "etc/systemd/system-generators"
    generators.mkdir()
    for name in GENERATORS:
        (generators / f"systemd-{name}-generator").symlink_to("/dev/null")
    _run(
        "mmdebstrap",
        *_LEAN,
        f"--include={PACKAGES}",
        # Before any package: the initrd is made when the kernel is configured.
        f'--setup-hook=cp -rT --preserve=mode {files}/etc/initramfs-tools "$1"/etc/initramfs-tools',
        f'--customize-hook=cp -rT --preserve=mode {files} "$1"',
        f'--customize-hook=chroot "$1" systemctl -q enable {ENABLED}',
        f'--customize-hook=chroot "$1" systemctl -q mask {" ".join(MASKED)}',
        "trixie",
        root,
    )
    shutil.copy(next((root / "boot").glob("vmlinuz-*")), folder / "kernel")
    make_initrd(root, folder / "initrd")
    _make_disk(folder, root, "900M")


def _build_small(folder: Path, root: Path, big: Machine) -> None:
    copy = copy_root(root, folder / "root")
    init = copy / "sbin" / "lab-init"
    init.write_text(SMALL_INIT)
    init.chmod(0o755)
    for name, path in (("kernel", big.kernel), ("initrd", big.initrd)):
        shutil.copy(path, folder / name)
    _make_disk(folder, copy, "300M")


def _make_disk(folder: Path, root: Path, size: str) -> None:
    """Make the disk from the root, of which nothing else is needed then."""
    _run("mke2fs", "-q", "-t", "ext4", "-d", root, folder / "disk.img", size)
    shutil.rmtree(root)


def _machine(folder: Path, arguments: str) -> Machine:
    return Machine(
        disk=folder / "disk.img", kernel=folder / "kernel", initrd=folder / "initrd", arguments=arguments
    )


def _run(*words: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise RuntimeError(f"{words[0]} ended with {done.returncode}:\n{tail}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    _images = Images(CACHE, _say)
    _images.stock_root()
    _images.stock_root_3_0()
    _images.systemd_root()
    _images.bare_root()
    _images.cluster_root()
    _images.small_machine()
