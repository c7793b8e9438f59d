# ruff: noqa: T201 - a table on stdout is what this is for
"""Measure our agent beside stock pacemaker_remoted 2.1.5: handshakes, requests and operations a second, and memory.

Run it as root on Debian as `python -m tests.benchmarks.wire_speed`, where the lab's tests run too. Both agents are on
hosts of the lab, in roots of the same image, and are driven by the same client, in turns. The aim is memory that does
not grow: at most 20 MB, and within 1 MB from 10^3 to 10^5 operations. Of these, each hundredth is a monitor of the
bundled Dummy, a process each; the others are lrmd_rsc_info, answered by the agent itself.
"""

from __future__ import annotations

import re
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent import tls
from agent.wire import Register, RegisterReply
from reconciler.world.agent_file import build_agent_file
from tests.agent.controller import PATIENCE_S, Client
from tests.lab.lab_chroot import Overlay
from tests.lab.lab_hosts import make_lab
from tests.lab.lab_images import CACHE, Images
from tests.lab.lab_links import KEY, begin
from tests.lab.lab_nodes import PORT, Node, OurNode, StockNode

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
HANDSHAKES = 100
REQUESTS = 1000
OPERATIONS = 30
MARKS = (1_000, 10_000, 100_000)
MONITOR_EACH = 100
MAX_RSS_KB = 20 * 1024
MAX_GROWTH_KB = 1024
DUMMY = {"state": "/run/speed.state"}


def client_of(node: Node) -> Client:
    """Connect to a node's agent, without registering."""
    plain = socket.create_connection((node.address, PORT), timeout=PATIENCE_S)
    return Client(plain, tls.client_credentials(KEY))


def registered(node: Node) -> Client:
    """Connect to a node's agent as a controller does."""
    client = client_of(node)
    assert client.ask(Register("speed"), RegisterReply).rc == 0
    client.add("speed", "ocf:pacemaker:Dummy")
    return client


def handshakes(node: Node) -> int:
    """Connect and leave, again and again; returns how often."""
    for _ in range(HANDSHAKES):
        client_of(node).close()
    return HANDSHAKES


def requests(node: Node) -> int:
    """Ask what the agent answers by itself; returns how often."""
    client = registered(node)
    for _ in range(REQUESTS):
        assert client.rc_of_info("speed") == 0
    client.close()
    return REQUESTS


def operations(node: Node) -> int:
    """Run a resource agent; returns how often."""
    client = registered(node)
    for _ in range(OPERATIONS):
        assert client.run("speed", "monitor", DUMMY).exec_rc == 7
    client.close()
    return OPERATIONS


def rates(work: Callable[[Node], int], nodes: list[Node]) -> list[float]:
    """Return how many a second each node does, the median of rounds in turns."""
    found: list[list[float]] = [[] for _ in nodes]
    for _ in range(ROUNDS):
        for node, seen in zip(nodes, found, strict=True):
            begun = time.perf_counter()
            count = work(node)
            seen.append(count / (time.perf_counter() - begun))
    return [statistics.median(seen) for seen in found]


def rss_kb(node: Node) -> int:
    """Return what a node's agent holds in memory."""
    status = Path(f"/proc/{node.pids()[0]}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None, "every process has a resident size"
    return int(found[1])


def memory(node: Node) -> list[int]:
    """Return what our agent holds after each of MARKS operations, in KB."""
    client, found, done = registered(node), [], 0
    client.add("bundled")
    for mark in MARKS:
        while done < mark:
            done += 1
            if done % MONITOR_EACH:
                assert client.rc_of_info("bundled") == 0
            else:
                assert client.run("bundled", "monitor", DUMMY).exec_rc == 7
        found.append(rss_kb(node))
    client.close()
    return found


def main() -> int:
    """Print the table; returns 1 if an aim is missed."""
    images = Images(CACHE, lambda text: print(text, file=sys.stderr))
    with tempfile.TemporaryDirectory() as name, make_lab(["a", "b"]) as lab, lab.joined():
        image = images.stock_root()
        ours = OurNode(lab["a"], Overlay(image, lab.folder / "ours"), build_agent_file(Path(name)))
        nodes: list[Node] = [ours, StockNode(lab["b"], Overlay(image, lab.folder / "stock"))]
        for node in nodes:
            node.make()
            begin(node)
        print(f"{'a second':<28}{'our agent':>12}{'2.1.5':>12}{'ratio':>8}")
        for what, work in (
            ("handshakes", handshakes),
            ("requests (rsc_info)", requests),
            ("monitors (pacemaker:Dummy)", operations),
        ):
            mine, theirs = rates(work, nodes)
            print(f"{what:<28}{mine:>12.0f}{theirs:>12.0f}{mine / theirs:>8.2f}")
        print(f"{'idle RSS':<28}{rss_kb(ours) / 1024:>9.1f} MB{rss_kb(nodes[1]) / 1024:>9.1f} MB")
        found = memory(ours)
        for mark, rss in zip(MARKS, found, strict=True):
            print(f"{f'RSS after {mark} operations':<28}{rss / 1024:>9.1f} MB")
    return int(max(found) > MAX_RSS_KB or found[-1] - found[0] > MAX_GROWTH_KB)


if __name__ == "__main__":
    sys.exit(main())
