"""Runs programs in container roots without a container engine.

A root is an image that stays as it is, with a folder over it that takes all writes.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# /dev/shm is made new: there libqb, by which stock daemons talk with each other, keeps what must not be shared.
_ENTER = """\
set -eu
root=$1
shift
mount --rbind /dev "$root/dev"
mount -t tmpfs shm "$root/dev/shm"
mount --rbind /sys "$root/sys"
mount -t proc proc "$root/proc"
exec chroot "$root" "$@"
"""
_MOUNT = 'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"'


@dataclass(frozen=True, slots=True)
class Overlay:
    """A writable root over an image; it is there in the mount namespaces that mount it, and only there."""

    image: Path
    folder: Path

    @property
    def root(self) -> Path:
        """Return where it is mounted."""
        return self.folder / "root"

    def make(self) -> None:
        """Make its folders."""
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True)

    def prepare(self, path: str, content: bytes) -> None:
        """Have a file in it, for Pacemaker's user and group and nobody else, before it is mounted."""
        upper = self.folder / "upper"
        for parent in reversed(Path(path).parents[:-1]):
            original, made = (self.image / parent).stat(), upper / parent
            made.mkdir(mode=0o700, exist_ok=True)
            os.chown(made, original.st_uid, original.st_gid)
            made.chmod(original.st_mode & 0o7777)
        target = upper / path
        target.write_bytes(content)
        give_to_pacemaker(target, self.image)

    def mount_in(self, pid: int) -> None:
        """Mount it in the namespace of a process."""
        words = ["sh", "-c", _MOUNT, "sh", str(self.image), str(self.folder)]
        subprocess.run(["nsenter", f"--target={pid}", "--mount", *words], check=True)

    def alone(self, *argv: str) -> Sequence[str]:
        """Return the command that mounts it and runs a program in it as process 1; killing the command kills all."""
        return [
            *("unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"),
            *("--propagation", "private", "sh", "-c", f"{_MOUNT}\nshift 2\n{_ENTER}"),
            *("sh", str(self.image), str(self.folder), str(self.root), *argv),
        ]


def in_root(root: Path, *argv: str) -> Sequence[str]:
    """Return the command that runs a program in a mounted root, with the processes of whoever calls it."""
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh", str(root), *argv]


def give_to_pacemaker(file: Path, root: Path) -> None:
    """Let Pacemaker's daemons read a file of a root, and nobody else."""
    lines = (root / "etc/passwd").read_text().splitlines()
    user, group = next(line.split(":")[2:4] for line in lines if line.startswith("hacluster:"))
    os.chown(file, int(user), int(group))
    file.chmod(0o640)
