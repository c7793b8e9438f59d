"""From a commit to the resource running on a running process guest, above the resource agent's own run time.

Prints the distribution over a number of commits; each changes a parameter of a Dummy that writes down when it started.
Usage: python -m tests.benchmarks.commit_to_running [COMMITS]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.daemon.stage import Stage, dummy_yaml, guest_yaml, host_yaml, is_started

DEFAULT_COMMITS = 30
TARGET_MS = 150


def main(commits: int = DEFAULT_COMMITS) -> None:
    """Run the benchmark and print its figures."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "stage")
        try:
            report(measure(stage, commits))
        finally:
            stage.end()


def measure(stage: Stage, commits: int) -> list[float]:
    """Return the milliseconds from each commit's end to its start in the ledger, the start's own time taken off."""
    stage.commit(host=host_yaml(stage.cluster), guest=guest_yaml(stage.port), fake=fake(stage, 0))
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))
    took: list[float] = []
    for number in range(1, commits + 1):
        before = len(stage.lines())
        stage.commit(fake=fake(stage, number))
        committed_at = time.time()
        stage.wait_for_lines(before + 2)
        last = stage.ledger.read_text().splitlines()[-1].split()
        took.append((float(last[0]) - committed_at) * 1000)
        time.sleep(0.3)
    return took


def fake(stage: Stage, number: int) -> str:
    """Declare FAKE with a parameter that is another one each time."""
    return dummy_yaml("FAKE", stage.ledger, params=f"    state: {stage.folder}/FAKE-{number}.state")


def report(took: list[float]) -> None:
    """Print the figures."""
    took = sorted(took)
    p50, p90 = statistics.median(took), took[int(len(took) * 0.9) - 1]
    sys.stdout.write(
        f"commit to running, stop and start of the resource agent included, {len(took)} commits:\n"
        f"  min {took[0]:.0f} ms   p50 {p50:.0f} ms   p90 {p90:.0f} ms   max {took[-1]:.0f} ms   "
        f"(target: p50 at most {TARGET_MS} ms above the agent's own time)\n"
    )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
