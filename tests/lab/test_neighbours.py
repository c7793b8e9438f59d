"""Neighbours of a machine that is made for it: two network namespaces and a cable."""

import os
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

from reconciler.world.neighbours import macs_at, resolve
from tests.lab.lab_network import joined

MAC = "02:00:00:00:00:02"
NAMES = ("reconciler-near", "reconciler-far")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def near() -> Iterator[None]:
    """Be in a network with one neighbour, 192.0.2.2 and 2001:db8::2."""
    names = [f"{name}-{os.getpid()}" for name in NAMES]
    try:
        for name in names:
            ip("netns", "add", name)
        ip("-n", names[0], "link", "add", "up0", "type", "veth", "peer", "name", "up0", "netns", names[1])
        ip("-n", names[1], "link", "set", "up0", "address", MAC)
        for number, name in enumerate(names, start=1):
            ip("-n", name, "link", "set", "up0", "up")
            ip("-n", name, "address", "add", f"192.0.2.{number}/24", "dev", "up0")
            ip("-n", name, "address", "add", f"2001:db8::{number}/64", "dev", "up0", "nodad")
        with joined(Path("/run/netns", names[0])):
            yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@pytest.mark.parametrize("address", [IPv4Address("192.0.2.2"), IPv6Address("2001:db8::2")])
@pytest.mark.usefixtures("near")
def test_who_was_connected_is_known_by_its_mac(address: IPv4Address | IPv6Address) -> None:
    assert macs_at(address) == frozenset()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((str(address), 3121), timeout=30)
    assert macs_at(address) == {MAC}


@pytest.mark.usefixtures("near")
def test_who_does_not_answer_has_no_mac() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.sendto(b"", ("192.0.2.3", 9))
    assert macs_at(IPv4Address("192.0.2.3")) == frozenset()


def test_addresses_and_names_are_resolved() -> None:
    assert list(resolve("192.0.2.7", 3121)) == [ip_address("192.0.2.7")]
    assert list(resolve("2001:db8::7", 3121)) == [ip_address("2001:db8::7")]
    assert list(resolve("no-such-host.invalid", 3121)) == []
