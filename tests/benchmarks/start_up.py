"""How long `reconcile --help` takes, beside a bare Python start in the same run.

Usage: python -m tests.benchmarks.start_up
"""

import subprocess
import sys
import time
from collections.abc import Sequence

RUNS = 9
TARGET_MS = 200


def main() -> None:
    """Run the benchmark and print its figures."""
    bare = best_of([sys.executable, "-I", "-c", "pass"])
    help_text = best_of([sys.executable, "-m", "reconciler", "--help"])
    sys.stdout.write(
        f"reconcile --help: {help_text:.0f} ms, {help_text / bare:.1f} times a bare Python start ({bare:.0f} ms); "
        f"target at most {TARGET_MS} ms\n"
    )


def best_of(command: Sequence[str]) -> float:
    """Return the milliseconds of the fastest of several runs."""
    took = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took.append((time.perf_counter() - begun) * 1000)
    return min(took)


if __name__ == "__main__":
    main()
