# ruff: noqa: T201 - a table on stdout is what this is for
"""Measure the agent: memory when idle, time until it listens, for each Python that is found. Prints a table.

Run it as `python -m tests.benchmarks.agent_footprint`; the aims are 20 MB and 200 ms (best of several starts).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import agent
from reconciler.world.agent_file import pack_agent
from tests.agent.test_interpreters import VERSIONS, find_interpreter

STARTS = 7
MAX_RSS_KB = 20 * 1024
MAX_LISTEN_MS = 200


class Footprint(NamedTuple):
    """What one start costs."""

    listen_ms: float
    rss_kb: int
    private_kb: int


def measure(python: str, archive: Path, folder: Path) -> Footprint:
    """Start an agent once, and end it."""
    key_file = folder / "authkey"
    key_file.write_bytes(bytes(64))
    key_file.chmod(0o600)
    command = [python, "-I", "-S", str(archive), "serve", "--listen", "127.0.0.1:0"]
    command += ["--key-file", str(key_file), "--state", str(folder / "state")]
    before = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        greeting = process.stderr.readline()
        listen_ms = (time.perf_counter() - before) * 1000
        assert "listening on" in greeting, greeting
        time.sleep(0.2)  # until it has given back what only its start needed
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        process.terminate()
    facts = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.endswith("kB")}
    return Footprint(listen_ms, int(facts["VmRSS"]), int(facts["RssAnon"]))


def main() -> int:
    """Print one line for each Python; returns 1 if one of them misses an aim."""
    is_missed = False
    print(f"{'python':<8}{'listens after':>16}{'idle RSS':>14}{'of it private':>16}")
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name) / "agent.pyz"
        archive.write_bytes(pack_agent(Path(agent.__file__).parent))
        for version in VERSIONS:
            python = find_interpreter(version)
            if python is None:
                print(f"{version:<8}not found")
                continue
            runs = [measure(python, archive, Path(name)) for _ in range(STARTS)]
            best = min(run.listen_ms for run in runs)
            rss_kb = max(run.rss_kb for run in runs)
            is_missed |= best > MAX_LISTEN_MS or rss_kb > MAX_RSS_KB
            private_kb = max(run.private_kb for run in runs)
            print(f"{version:<8}{best:>13.0f} ms{rss_kb / 1024:>11.1f} MB{private_kb / 1024:>13.1f} MB")
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
