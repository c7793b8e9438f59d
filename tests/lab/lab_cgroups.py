"""Groups of processes of the lab's hosts, one below each hierarchy that the machine has."""

import os
from collections.abc import Sequence
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_UNIFIED = "unified"

JOIN_CGROUPS = """
import glob, os, sys
for path in glob.glob(f"/sys/fs/cgroup/*/{sys.argv[1]}/cgroup.procs"):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Joins its argument's groups and becomes what follows; the groups of that moment are a cgroup namespace's root."""


def make_cgroups(name: str) -> None:
    """Make a group in every hierarchy."""
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir()
        for setting in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group, which then takes no process
            if (hierarchy / setting).exists():
                (group / setting).write_text((hierarchy / setting).read_text())


def cgroups(pattern: str) -> Sequence[Path]:
    """Return the groups of that name, in every hierarchy."""
    return [group for hierarchy in _hierarchies() for group in sorted(hierarchy.glob(pattern))]


def cgroup_binds(name: str) -> list[list[str]]:
    """Return what has to be mounted over what for the mounts to show what the cgroup namespace calls its root.

    Otherwise libvirt loses track of its containers, and "destroys" them without killing anything. The hybrid layout's
    second version is left out, for hosts have it not mounted (see lab_host_init.py). They have a group there all the
    same: systemd in a container mounts it, and must find what is its host's there, not what is the machine's.
    """
    return [[str(path / name), str(path)] for path in _hierarchies() if path.name != _UNIFIED]


def set_freezer(name: str, state: str) -> None:
    """Freeze or thaw a group; nothing when it is not there."""
    path = _CGROUPS / "freezer" / name / "freezer.state"
    if path.exists():
        path.write_text(state)


def set_share(name: str, part: float | None) -> None:
    """Give a group no more than a part of one processor, or again all there is; nothing where no controller does it."""
    period_us = 100_000
    path = _CGROUPS / "cpu" / name / "cpu.cfs_quota_us"
    if path.exists():
        path.write_text(str(-1 if part is None else int(part * period_us)))


def remove_cgroup(group: Path) -> bool:
    """Remove a cgroup with those below it; False while something in it still ends."""
    try:
        for folder, _folders, _files in os.walk(group, topdown=False):
            Path(folder).rmdir()
    except OSError:
        return not group.exists()
    return True


def _hierarchies() -> Sequence[Path]:
    return [path for path in sorted(_CGROUPS.iterdir()) if (path / "cgroup.procs").exists()]
