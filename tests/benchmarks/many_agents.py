# ruff: noqa: T201 - a table on stdout is what this is for
"""Measure a controller that comes back to 1,000 agents on loopback: until it has heard all, and its memory then.

Run it as `python -m tests.benchmarks.many_agents [AGENTS]`. Each agent has its own key, identity, port and state; they
share four processes. The aims are 3 s, and 30 MB for 1,000 idle connections.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress
from reconciler.ports import LinkTarget
from reconciler.world.links.links import WireLink, WireLinks
from tests.world.links.peer import Heard

PROCESSES = 4
RUNS = 3
MAX_S = 3.0
MAX_KIB = 30 * 1024
_CONNECT_MS = 60_000


def serve(first: int, last: int, folder: Path) -> None:
    """Run the agents of some numbers in this process; prints their ports, and returns never."""
    # The measured process is the controller: it loads no agent.
    from agent import server, tls  # noqa: PLC0415
    from agent.event_loop import EventLoop  # noqa: PLC0415
    from agent.keys import Keys  # noqa: PLC0415

    loop = EventLoop()
    setattr(server, "EventLoop", lambda: loop)  # noqa: B010  one loop for all of them
    for number in range(first, last):
        key_file = folder / f"key{number}"
        key_file.write_bytes(key_of(number))
        key_file.chmod(0o600)
        one = server.Server(
            server.Settings(
                listen="127.0.0.1:0",
                key_file=key_file,
                key_channel=None,
                identity="",
                unix=None,
                node=f"n{number}",
                state=folder / f"state{number}",
                ocf_root=Path("/usr/lib/ocf"),
                allowed=(),
                allows_tls12=False,
                is_init=False,
                drain_limit_s=0,
                programs=None,
            )
        )
        keys = Keys(tls.STOCK_IDENTITY, key_file, key_file.with_suffix(".next"))
        credentials = tls.server_credentials(keys.key_of)
        print(one._listeners.listen_tcp("127.0.0.1:0", credentials).rpartition(":")[2])
    sys.stdout.flush()
    loop.run()


def key_of(number: int) -> bytes:
    """Return an agent's key."""
    return number.to_bytes(4, "big") * 16


async def come_back(ports: list[int]) -> tuple[float, int]:
    """Connect to all agents as a new controller does; returns the seconds, and the KiB that the links hold."""
    before = _rss_kib()
    links, cluster = WireLinks(Path("unused")), Cluster(name="shop")
    made: list[WireLink] = []
    heard = Heard()  # one for all links, as a controller is
    begun = time.perf_counter()
    for number, port in enumerate(ports):
        address = AgentAddress(address="127.0.0.1", port=port)
        target = LinkTarget(
            node=NodeName(f"n{number}"), agent=address, cluster=cluster, key=key_of(number), epoch=os.getpid()
        )
        made.append(links.link(target, heard))
    await asyncio.gather(*(link.connect(_CONNECT_MS) for link in made))
    took = time.perf_counter() - begun
    grown = _rss_kib() - before
    assert all(link.is_connected for link in made)
    for link in made:
        await link.close()
    return took, grown


def _rss_kib() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("every process has a resident size")


def main() -> int:
    """Print what each return took; returns 1 if an aim is missed."""
    agents = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * agents)), hard))
    with tempfile.TemporaryDirectory() as name:
        processes, ports = _start(agents, Path(name))
        try:
            # Each time by another process: memory that one has freed is there for the next.
            found = [_in_another_process(ports) for _ in range(RUNS)]
        finally:
            for process in processes:
                process.kill()
                process.wait()
    seconds = statistics.median(took for took, _ in found)
    kib = statistics.median(grown for _, grown in found)
    print(
        f"{agents} agents: all heard after {seconds:.2f} s ({agents / seconds:.0f}/s), {kib / 1024:.1f} MiB for them"
    )
    return int(seconds > MAX_S * agents / 1000 or kib > MAX_KIB * agents / 1000)


def _start(agents: int, folder: Path) -> tuple[list[subprocess.Popen[str]], list[int]]:
    processes, ports = [], []
    bounds = [agents * part // PROCESSES for part in range(PROCESSES + 1)]
    for first, last in pairwise(bounds):
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.many_agents",
            "serve",
            str(first),
            str(last),
            str(folder),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        processes.append(process)
        ports += [int(process.stdout.readline()) for _ in range(first, last)]
    return processes, ports


def _in_another_process(ports: list[int]) -> tuple[float, int]:
    command = [sys.executable, "-m", "tests.benchmarks.many_agents", "connect"]
    words = " ".join(map(str, ports))
    done = subprocess.run(command, check=True, input=words, stdout=subprocess.PIPE, text=True)
    took, grown = done.stdout.split()
    return float(took), int(grown)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", first, last, folder]:
            serve(int(first), int(last), Path(folder))
        case ["connect"]:
            print(*asyncio.run(come_back([int(port) for port in sys.stdin.read().split()])))
        case _:
            sys.exit(main())
