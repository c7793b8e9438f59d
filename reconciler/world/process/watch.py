"""Tells when processes end, whoever started them; it must not act on it."""

import asyncio
import os
from collections.abc import Callable, Sequence

from reconciler.world.process.table import ProcessIdentity, is_alive

POLL_S = 1.0
"""How often the set of processes is read again; deaths are seen at once, by pidfd_open(2)."""


async def watch_processes(
    list_processes: Callable[[], Sequence[ProcessIdentity]], wake: Callable[[], None]
) -> None:
    """Call `wake` when one of the listed processes ends, or the list changes; until cancelled."""
    loop = asyncio.get_running_loop()
    descriptors: dict[ProcessIdentity, int] = {}
    before: frozenset[ProcessIdentity] | None = None

    def drop(process: ProcessIdentity) -> None:
        descriptor = descriptors.pop(process)
        loop.remove_reader(descriptor)
        os.close(descriptor)

    def on_end(process: ProcessIdentity) -> None:
        drop(process)
        wake()

    try:
        while True:
            living = frozenset(await asyncio.to_thread(lambda: [p for p in list_processes() if is_alive(p)]))
            for process in sorted(descriptors.keys() - living):
                drop(process)
            for process in sorted(living - descriptors.keys()):
                descriptor = _open(process)
                if descriptor is not None:
                    descriptors[process] = descriptor
                    loop.add_reader(descriptor, on_end, process)
            if before is not None and before != living:
                wake()
            before = living
            await asyncio.sleep(POLL_S)
    finally:
        for process in sorted(descriptors):
            drop(process)


def _open(process: ProcessIdentity) -> int | None:
    """Return a descriptor that gets readable when the process ends; None when it has, or the kernel is too old."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return None
    if is_alive(process):
        return descriptor
    os.close(descriptor)
    return None
