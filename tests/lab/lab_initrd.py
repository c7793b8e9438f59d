"""Makes the initrd of the lab's machines: busybox, the modules of QEMU's virtio devices, and a dozen lines of shell.

It is all that a machine needs to find its disk; a distribution's own takes as long under emulation as all that follows.
"""

import lzma
import shutil
import subprocess
from pathlib import Path

_MODULES = (
    "virtio_blk",
    "failover",
    "net_failover",
    "virtio_net",
    "virtio-rng",
    "qemu_fw_cfg",
    "cdrom",
    "isofs",
)
"""In an order in which they can be loaded: net_failover needs failover, virtio_net both, isofs cdrom."""
_INIT = f"""\
#!/bin/busybox sh
set -eu
for module in {" ".join(_MODULES)}; do busybox insmod /lib/$module.ko; done
busybox mount -t devtmpfs dev /dev
busybox mount -t proc proc /proc
busybox mount -t ext4 -o rw /dev/vda /root
init=/sbin/init
for word in $(busybox cat /proc/cmdline); do
    case $word in init=*) init=${{word#*=}} ;; esac
done
busybox umount /proc
busybox mount --move /dev /root/dev
exec busybox switch_root /root $init
"""
RECIPE = (_MODULES, _INIT)
"""What an initrd is made by."""


def make_initrd(root: Path, target: Path) -> None:
    """Make the initrd for the kernel that is installed in a root, whose disk will be the first virtio one."""
    folder = target.with_name(f"{target.name}.files")
    for name in ("bin", "dev", "lib", "proc", "root"):
        (folder / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None, "apt-get install busybox-static"
    shutil.copy(busybox, folder / "bin/busybox")
    for name in _MODULES:
        (packed,) = (root / "usr/lib/modules").rglob(f"{name}.ko.xz")
        (folder / "lib" / f"{name}.ko").write_bytes(lzma.decompress(packed.read_bytes()))
    init = folder / "init"
    init.write_text(_INIT)
    init.chmod(0o755)
    names = "\n".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    with target.open("wb") as archive:
        words = ["cpio", "--quiet", "--create", "--format=newc"]
        subprocess.run(words, input=names.encode(), stdout=archive, cwd=folder, check=True)
    shutil.rmtree(folder)
