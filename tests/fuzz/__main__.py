# ruff: noqa: T201 - a table on stdout is what this is for
"""Fuzzes both ends of the wire: python -m tests.fuzz [--frames 1000000] [--seed 1].

A message that raises anything but a protocol error ends the run and is printed; put it into corpus/ then.
"""

import argparse
import resource
import sys
from concurrent.futures import ProcessPoolExecutor

from agent.wire import Role
from tests.fuzz.ends import ROLES, Findings, fuzz

_LONGEST_S = 0.05
"""For other connections to be delayed by, seconds of CPU."""
_MOST_KIB = 64 * 1024
"""Growth of a process's memory."""


def main() -> None:
    """Run, print what was found, and exit with 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="messages for each end")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(len(ROLES)) as pool:
        jobs = [pool.submit(_measured, role, arguments.seed, arguments.frames) for role in ROLES]
        results = [job.result() for job in jobs]
    print(f"{'end':<10}{'refused':>10}{'understood':>12}{'slowest':>12}{'growth':>10}")
    for role, (found, growth) in zip(ROLES, results, strict=True):
        slowest = f"{found.slowest_s * 1000:.1f} ms"
        print(f"{role.value:<10}{found.refused:>10}{found.understood:>12}{slowest:>12}{growth:>6} KiB")
    if any(found.slowest_s > _LONGEST_S or growth > _MOST_KIB for found, growth in results):
        sys.exit("a bound is broken: 50 ms of CPU for a message, 64 MiB of growth")


def _measured(role: Role, seed: int, count: int) -> tuple[Findings, int]:
    fuzz(role, seed, 1000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = fuzz(role, seed, count)
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


if __name__ == "__main__":
    main()
