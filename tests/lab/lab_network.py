"""Network namespaces of the calling thread."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNET = 0x40000000


def own_network() -> int:
    """Return a descriptor of the calling thread's network namespace."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def joined(network: int | Path) -> Iterator[None]:
    """Put the calling thread, and what it starts meanwhile, into a network namespace (a descriptor, or its path)."""
    before = own_network()
    target = os.open(network, os.O_RDONLY | os.O_CLOEXEC) if isinstance(network, Path) else network
    try:
        _setns(target)
        try:
            yield
        finally:
            _setns(before)
    finally:
        os.close(before)
        if isinstance(network, Path):
            os.close(target)


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:  # os.setns is there from Python 3.12 on
        raise OSError(ctypes.get_errno(), "setns")
