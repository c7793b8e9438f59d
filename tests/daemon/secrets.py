"""Looks for keys where none may be."""

import base64
import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def forms(key: bytes) -> tuple[bytes, ...]:
    """A key as it could be written anywhere: raw, in hex, and in base64, wherever in a text of that it begins."""
    aligned = [base64.b64encode(bytes(pad) + key)[4 if pad else 0 : -4] for pad in range(3)]
    return (key, key.hex().encode(), key.hex().upper().encode(), *aligned)


def leaks(places: Iterable[tuple[str, bytes]], keys: Mapping[str, bytes]) -> list[str]:
    """Where which key was found."""
    wanted = [(name, form) for name, key in keys.items() for form in forms(key)]
    return sorted(
        {f"{name} in {place}" for place, content in places for name, form in wanted if form in content}
    )


def files_below(folder: Path, but: Iterable[str] = ()) -> Iterator[tuple[str, bytes]]:
    """All files below a folder, without those of some names and all that is in folders of some names."""
    left_out = set(but)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not left_out & set(path.relative_to(folder).parts):
            yield str(path.relative_to(folder)), path.read_bytes()


def said_of_processes() -> Iterator[tuple[str, bytes]]:
    """Command lines and environments of all processes."""
    for process in sorted(Path("/proc").glob("[0-9]*")):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                yield f"{process}/{name}", (process / name).read_bytes()


def memory_of(pid: int) -> Iterator[tuple[str, bytes]]:
    """What a core dump of a process would hold: all that it can write to."""
    descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            words = line.split()
            if not words[1].startswith("rw"):
                continue
            start, end = (int(number, 16) for number in words[0].split("-"))
            with contextlib.suppress(OSError):
                yield (
                    f"{words[5] if len(words) > 5 else 'memory'} of {pid}",
                    os.pread(descriptor, end - start, start),
                )
    finally:
        os.close(descriptor)


def leaves_core_dump(process: "subprocess.Popen[bytes]") -> bool:
    """Kill a child as a crash does, with no limit on core dumps, and tell whether the kernel made one."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(process.pid, resource.RLIMIT_CORE, unlimited)
    process.send_signal(signal.SIGABRT)
    status = os.waitpid(process.pid, 0)[1]
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signal.SIGABRT
    return os.WCOREDUMP(status)
