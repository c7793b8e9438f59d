"""New keys through a port; a pipe stands for it, which reads as virtio-serial ports do."""

import os
from pathlib import Path

import pytest

from agent.key_channel import KeyChannel
from agent.wire.keys import encode_delivery

DELIVERY = encode_delivery(b"k" * 64, is_alone=False)


class Port:
    def __init__(self, folder: Path) -> None:
        self.path, self.delivered = folder / "port", folder / "authkey.next"
        os.mkfifo(self.path)
        self.channel = KeyChannel(self.path, self.delivered)
        self.channel.poll()  # opens it
        self.host = os.open(self.path, os.O_WRONLY)

    def send(self, content: bytes) -> bytes | None:
        os.write(self.host, content)
        self.channel.poll()
        return self.delivered.read_bytes() if self.delivered.exists() else None


@pytest.fixture
def port(tmp_path: Path) -> Port:
    return Port(tmp_path)


def test_a_delivery_is_laid_down_for_nobody_else_to_read(port: Port) -> None:
    assert port.send(DELIVERY) == DELIVERY
    assert port.delivered.stat().st_mode & 0o777 == 0o600


def test_a_delivery_may_come_in_parts(port: Port) -> None:
    parts = [port.send(DELIVERY[place : place + 1]) for place in range(len(DELIVERY))]
    assert parts == [None] * (len(DELIVERY) - 1) + [DELIVERY]


def test_of_two_deliveries_the_last_counts(port: Port) -> None:
    last = encode_delivery(b"l" * 64, is_alone=True)
    assert port.send(DELIVERY + last) == last


def test_garbage_is_dropped_and_the_next_delivery_counts(port: Port) -> None:
    assert port.send(b"garbage") is None
    assert port.send(DELIVERY) == DELIVERY


def test_a_part_that_the_host_did_not_finish_is_dropped(port: Port) -> None:
    assert port.send(DELIVERY[:50]) is None
    os.close(port.host)
    port.channel.poll()
    port.host = os.open(port.path, os.O_WRONLY)
    assert port.send(DELIVERY) == DELIVERY


def test_a_port_that_is_not_there_yet_is_asked_again(tmp_path: Path) -> None:
    channel = KeyChannel(tmp_path / "port", tmp_path / "authkey.next")
    channel.poll()
    (tmp_path / "port").write_bytes(DELIVERY)
    channel.poll()
    assert (tmp_path / "authkey.next").read_bytes() == DELIVERY
