"""Peers that mean harm, against a real agent; and where else each of their ways is tried.

| what a peer tries                          | on the agent                       | on the controller                  |
|--------------------------------------------|------------------------------------|------------------------------------|
| a certificate instead of the key           | test_tls (a client without a key)  | test_tls, links/test_dial          |
| a downgrade, by itself or in the middle    | test_tls                           | test_tls, links/test_dial          |
| a wrong key, an unknown identity           | test_tls, test_server              | test_tls, links/test_dial, lab     |
| a recorded session once more               | here                               | test_tls                           |
| garbage, another protocol                  | test_tls, test_server              | test_tls, links/test_links_failures|
| a 4 GB header                              | here, wire/test_frame              | wire/test_frame, links/test_client |
| a bzip2 bomb, an XML bomb                  | here, wire/test_frame, test_element| wire/test_frame, wire/test_element |
| 5,000 slow sockets                         | here, test_session (deadlines)     | links/test_links_hostile           |
| a flood                                    | test_session                       | links/test_channel, _links_hostile |
| not reading what it is sent                | test_session                       | links/test_channel                 |
| two guests with each other's addresses     | -                                  | _links_hostile, lab/test_addresses |
| another's name in the reply to register    | -                                  | links/test_links                   |
| a stale controller's commands              | test_server                        | links/test_links                   |
| path traversal in names of resource agents | test_server, test_resource_agents  | -                                  |
| forged lines in logs                       | -                                  | links/test_translate               |
| damaged messages of every kind             | fuzz                               | fuzz                               |

`links` is tests/world/links, `lab` is tests/lab, and alone test_stock_agents.py there, `fuzz` is tests/fuzz.
"""

from __future__ import annotations

import bz2
import contextlib
import re
import signal
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import tls
from agent.wire import Poke
from agent.wire.frame import encode_frame
from tests.agent.controller import PATIENCE_S, Agent, ledger_of
from tests.agent.relay import Relay, replay

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW_SOCKETS = 5000
BURST = 400
MAX_GROWTH_KB = 4 * 1024
"""64 sessions that have not proved their key take a third of it."""
HANDSHAKE = b"\x16"
"""The first byte of one."""

_HEADER = struct.Struct("<IIQQIIII")
_MAGIC = 0xBADADBBD

pytestmark = pytest.mark.slow


def bzip2_bomb() -> bytes:
    """64 MiB of spaces, as Pacemaker sends what is large."""
    packed = bz2.compress(b" " * (64 << 20))
    return _HEADER.pack(_MAGIC, 1, 1, 0, 40 + len(packed), 40, len(packed), 64 << 20) + packed


def xml_bomb() -> bytes:
    """A billion laughs."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<!DOCTYPE a [<!ENTITY e0 "ha">{entities}]><a x="&e9;"/>'
    return b"".join(encode_frame(text.encode(), 1))


def huge_header() -> bytes:
    return _HEADER.pack(_MAGIC, 1, 1, 0, 2**32 - 1, 40, 0, 2**32 - 41)


@pytest.mark.parametrize("bomb", [bzip2_bomb, xml_bomb, huge_header], ids=lambda bomb: bomb.__name__)
def test_a_bomb_from_who_holds_the_key_costs_its_own_connection(
    agents: Callable[..., Agent], bomb: Callable[[], bytes]
) -> None:
    one = agents()
    one.start_tls()
    good, bad = one.connect_tls("good"), one.connect_tls("bad")
    before = rss_kb(one)
    bad.send_raw(bomb()[: tls.MAX_RECORD])
    bad.wait_for_end()
    assert good.rc(Poke()) == 0
    assert rss_kb(one) - before < MAX_GROWTH_KB


def test_thousands_of_slow_sockets_shut_nobody_out(agents: Callable[..., Agent]) -> None:
    one = agents()
    one.start_tls()
    good = one.connect_tls("good")
    before = rss_kb(one)
    with contextlib.ExitStack() as stack:
        for number in range(SLOW_SOCKETS):
            slow = stack.enter_context(socket.create_connection(one.address, timeout=PATIENCE_S))
            with contextlib.suppress(ConnectionError):  # of one that is pushed out already
                slow.sendall(HANDSHAKE)
            if number % 16 == 0:  # also keeps us from filling the queue of those who are not accepted yet
                assert good.rc(Poke()) == 0
        assert one.connect_tls("new").rc(Poke()) == 0
        assert good.rc(Poke()) == 0
        assert rss_kb(one) - before < MAX_GROWTH_KB


def test_hundreds_at_once_while_the_agent_is_held_up_shut_nobody_out(agents: Callable[..., Agent]) -> None:
    one = agents()
    one.start_tls()
    assert one.process is not None
    with contextlib.ExitStack() as stack:
        one.process.send_signal(signal.SIGSTOP)
        for _ in range(BURST):
            stack.enter_context(socket.create_connection(one.address, timeout=PATIENCE_S))
        one.process.send_signal(signal.SIGCONT)
        assert one.connect_tls("new").rc(Poke()) == 0


def test_a_recorded_session_does_nothing_when_it_is_sent_again(
    agents: Callable[..., Agent], tmp_path: Path
) -> None:
    one = agents()
    one.start_tls()
    ledger = tmp_path / "ledger"
    params = {"state": str(tmp_path / "state"), "ledger": str(ledger)}
    with Relay(one.address) as relay:
        client = one.connect_tls("recorded", address=relay.address)
        client.add("d1")
        assert client.run("d1", "start", params).exec_rc == 0
        client.close()
    assert ledger_of(ledger) == ["start"]
    assert relay.recorded[:1] == HANDSHAKE
    assert replay(one.address, relay.recorded)[:1] == HANDSHAKE  # its hello is answered, and no more
    client = one.connect_tls("afterwards")
    assert client.run("d1", "monitor", params).exec_rc == 0
    assert ledger_of(ledger).count("start") == 1


def rss_kb(one: Agent) -> int:
    """What an agent holds in memory."""
    assert one.process is not None
    status = Path(f"/proc/{one.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1])
