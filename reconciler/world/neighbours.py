"""What this machine knows of others on its networks: their IP addresses by name, and their MACs (rtnetlink(7))."""

import socket
import struct
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

_GETNEIGH, _NEWNEIGH, _DONE, _ERROR = 30, 28, 3, 2
_REQUEST_DUMP = 0x301
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_NEIGHBOUR = struct.Struct("=BxHiHBB")  # struct ndmsg: family, pad, interface, state, flags, type
_ATTRIBUTE = struct.Struct("=HH")
_DESTINATION, _LINK_ADDRESS = 1, 2
# linux/neighbour.h: REACHABLE, STALE, DELAY, PROBE, PERMANENT; the others say that nobody has answered.
_ANSWERED = 0x02 | 0x04 | 0x08 | 0x10 | 0x80
_MAC_BYTES = 6
_BUFFER = 64 * 1024
_TIMEOUT_S = 2.0


def macs_at(address: IPv4Address | IPv6Address) -> frozenset[str]:
    """Return the MACs that answered for an address; none when it is no neighbour, or the kernel cannot be asked.

    Who has just opened a TCP connection to a neighbour has an entry for it.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        return frozenset(mac for found, mac in _neighbours(family) if found == address)
    except OSError:
        return frozenset()


def resolve(address: str, port: int) -> Sequence[IPv4Address | IPv6Address]:
    """Return the IP addresses that an address or a name stands for; none when it cannot be resolved. Blocks."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return sorted({ip_address(str(entry[4][0]).partition("%")[0]) for entry in found}, key=str)


def _neighbours(family: int) -> Iterator[tuple[IPv4Address | IPv6Address, str]]:
    body = _NEIGHBOUR.pack(family, 0, 0, 0, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as kernel:
        kernel.settimeout(_TIMEOUT_S)
        kernel.sendto(_HEADER.pack(_HEADER.size + len(body), _GETNEIGH, _REQUEST_DUMP, 1, 0) + body, (0, 0))
        while True:
            for kind, content in _messages(kernel.recv(_BUFFER)):
                if kind in (_DONE, _ERROR):
                    return
                if kind == _NEWNEIGH and _NEIGHBOUR.unpack_from(content)[2] & _ANSWERED:
                    attributes = dict(_attributes(content[_NEIGHBOUR.size :]))
                    mac = attributes.get(_LINK_ADDRESS, b"")
                    if _DESTINATION in attributes and len(mac) == _MAC_BYTES:
                        yield ip_address(attributes[_DESTINATION]), mac.hex(":")


def _messages(received: bytes) -> Iterator[tuple[int, bytes]]:
    while len(received) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(received)
        yield kind, received[_HEADER.size : length]
        received = received[_aligned(max(length, _HEADER.size)) :]


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    while len(content) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(content)
        yield kind, content[_ATTRIBUTE.size : length]
        content = content[_aligned(max(length, _ATTRIBUTE.size)) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3
