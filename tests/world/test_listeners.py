"""Whose a listening socket is."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest

from reconciler.model.node import AddressFinding, AddressOwner
from reconciler.world.listeners import listeners_at, whose_listener

LOOPBACK = ip_address("127.0.0.1")


@contextmanager
def listening(address: str, port: int = 0) -> Iterator[int]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as plain:
        plain.bind((address, port))
        plain.listen()
        yield plain.getsockname()[1]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_own_socket_is_known_by_whatever_it_is_bound_to(address: str) -> None:
    with listening(address) as port:
        text = f"its process {os.getpid()} listens on port {port} of 127.0.0.1"
        want = AddressFinding(owner=AddressOwner.GUEST, text=text)
        assert whose_listener(os.getpid(), LOOPBACK, port) == want


def test_ipv6_is_no_way_to_a_socket_of_ipv4() -> None:
    with listening("0.0.0.0") as port:
        text = f"nothing listens on port {port} of ::1 in the controller's network"
        want = AddressFinding(owner=AddressOwner.UNKNOWN, text=text)
        assert whose_listener(os.getpid(), ip_address("::1"), port) == want


def test_another_process_that_listens_is_named_with_where_it_comes_from() -> None:
    program = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    words = [sys.executable, "-c", f"{program}; sys.stdin.read()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        text = (
            f"it is not its process {os.getpid()} that listens on port {port} of 127.0.0.1, but {child.pid}"
        )
        want = AddressFinding(owner=AddressOwner.STRANGER, text=text)
        assert whose_listener(os.getpid(), LOOPBACK, port) == want
        (found,) = listeners_at(LOOPBACK, port)
        assert (found.pid, list(found.words), found.line[:2]) == (child.pid, words, (child.pid, os.getpid()))
        assert child.stdin is not None
        child.stdin.close()
    assert listeners_at(LOOPBACK, port) == ()
