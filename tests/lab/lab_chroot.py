"""Runs programs in container roots without a container engine: the caller's namespaces, another file system."""

from collections.abc import Sequence
from pathlib import Path

# /dev/shm is made new: there libqb, by which stock daemons talk with each other, keeps what must not be shared.
_ENTER = """\
set -eu
root=$1
shift
mount --rbind /dev "$root/dev"
mount -t tmpfs shm "$root/dev/shm"
mount --rbind /sys "$root/sys"
mountpoint -q "$root/proc" || mount --rbind /proc "$root/proc"
exec chroot "$root" "$@"
"""


def in_root(root: Path, *argv: str) -> Sequence[str]:
    """Return the command that runs a program in a root, with the processes of whoever calls it."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh", str(root), *argv]


def alone_in_root(root: Path, *argv: str) -> Sequence[str]:
    """Return the command that runs a program in a root as process 1 of its own; killing the command kills all."""
    own = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", f"--mount-proc={root / 'proc'}"]
    return [
        *("unshare", *own, "--propagation", "private"),
        *("sh", "-c", _ENTER, "sh", str(root), *argv),
    ]
