"""Which of this machine's processes listen at an address, in our own network namespace; by /proc (proc(5))."""

import contextlib
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from reconciler.model.node import AddressFinding, AddressOwner
from reconciler.world.process.table import all_pids, listening_sockets, parent_of

_PROC = Path("/proc")
_MAX_COMMAND_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A process that has a listening socket open, as our own PID namespace sees it."""

    pid: int
    words: tuple[str, ...]
    """Its command line."""
    line: tuple[int, ...]
    """Its own id, its parent's, and so on up to the first process."""


def whose_listener(pid: int, address: IPv4Address | IPv6Address, port: int) -> AddressFinding:
    """Return whether it is this process that takes connections to an address; it must be one of our own user."""
    inodes, place = _listening(address, port), f"port {port} of {address}"
    if not inodes:
        text = f"nothing listens on {place} in the controller's network"
        return AddressFinding(owner=AddressOwner.UNKNOWN, text=text)
    if inodes & _sockets_of(pid):
        return AddressFinding(owner=AddressOwner.GUEST, text=f"its process {pid} listens on {place}")
    others = ", ".join(str(each.pid) for each in listeners_at(address, port)) or "that of another user"
    text = f"it is not its process {pid} that listens on {place}, but {others}"
    return AddressFinding(owner=AddressOwner.STRANGER, text=text)


def listeners_at(address: IPv4Address | IPv6Address, port: int) -> Sequence[Listener]:
    """Return the processes that take connections to an address, of those that may be looked into."""
    inodes = _listening(address, port)
    if not inodes:
        return ()
    return [
        Listener(pid=pid, words=_words(pid), line=_line(pid))
        for pid in all_pids()
        if inodes & _sockets_of(pid)
    ]


def _listening(address: IPv4Address | IPv6Address, port: int) -> frozenset[int]:
    """Return the inodes of the sockets that listen there: one bound to the address goes before one bound to all."""
    exact, any_address = set(), set()
    for place, inode in listening_sockets(port):
        bound = _address(place)
        if bound == address:
            exact.add(inode)
        # A socket for all of IPv6 takes IPv4 as well, unless told otherwise (ipv6(7), IPV6_V6ONLY).
        elif int(bound) == 0 and bound.version in (address.version, 6):
            any_address.add(inode)
    return frozenset(exact or any_address)


def _address(digits: str) -> IPv4Address | IPv6Address:
    """Read an address as the kernel prints it: 32 bits at a time, as numbers of this machine."""
    words = [int(digits[place : place + 8], 16) for place in range(0, len(digits), 8)]
    found = ip_address(struct.pack(f"={len(words)}I", *words))
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _sockets_of(pid: int) -> frozenset[int]:
    found = set()
    with contextlib.suppress(OSError):  # gone, or somebody else's
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - many, and no path is wanted
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{name}")  # noqa: PTH115 - likewise
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
    return frozenset(found)


def _words(pid: int) -> tuple[str, ...]:
    try:
        with (_PROC / str(pid) / "cmdline").open("rb") as file:
            return tuple(file.read(_MAX_COMMAND_BYTES).decode("utf-8", "replace").split("\0")[:-1])
    except OSError:
        return ()


def _line(pid: int) -> tuple[int, ...]:
    line = [pid]
    while (parent := parent_of(line[-1])) and parent not in line:
        line.append(parent)
    return tuple(line)
