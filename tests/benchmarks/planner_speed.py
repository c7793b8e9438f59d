# ruff: noqa: T201 - a table on stdout is what this is for
"""The planner beside crm_simulate on the same clusters, its growth with their size, and its time after one event.

Usage: python -m tests.benchmarks.planner_speed --generator PATH [--sizes 100,200] [--growth 91,909,9091]

Sizes are numbers of guests, with ten times as many resources in them, on 16 hosts. All times are seconds of CPU, the
median of several runs, so that a busy machine does not count. `crm_simulate --run` is timed as a whole, less its run on
a cluster without resources; of ours, `schedule` on a CIB that was read before.
"""

import argparse
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.cli.collection import collect_rarely
from reconciler.model.observed import Failure, Observed
from reconciler.model.resource import Role
from reconciler.pacemaker.read import CibInput, read_cib
from reconciler.plan.outlook import settled
from reconciler.plan.replan import replan, rest_of
from reconciler.plan.schedule import schedule
from tests.benchmarks.planner_clusters import opt_in, symmetric, with_capacity

RUNS = 5
NOW = 1_750_000_000.0
HOSTS = 16


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--generator", type=Path, default=os.environ.get("CIB_GENERATOR"), help="prints a CIB: PATH H G R"
    )
    parser.add_argument("--sizes", default="100,200", help="guests of the clusters set beside crm_simulate")
    parser.add_argument(
        "--growth",
        default="91,909,9091",
        help="guests of the clusters that show the growth, timed in turn; the middle one's also with capacity counted",
    )
    arguments = parser.parse_args()
    collect_rarely()
    if arguments.generator is None:
        sys.exit("name the generator of clusters: --generator PATH, or CIB_GENERATOR=PATH")
    with tempfile.TemporaryDirectory() as folder:
        beside(arguments.generator, _numbers(arguments.sizes), Path(folder))
    growth(arguments.generator, _numbers(arguments.growth))


def beside(generator: Path, sizes: list[int], folder: Path) -> None:
    """Print how long both take on the same clusters."""
    print(f"{'cluster':<50}{'crm_simulate':>13}{'schedule':>11}{'ratio':>8}{'actions':>9}")
    has_other = shutil.which("crm_simulate") is not None
    empty = folder / "empty.xml"
    empty.write_text(opt_in(generator, HOSTS, 0))
    base = _of_crm_simulate(empty) if has_other else math.nan
    for guests in sizes:
        for kind, text in (
            ("opt-in", opt_in(generator, HOSTS, guests)),
            ("symmetric, colocations, utilization", symmetric(generator, HOSTS, guests)),
        ):
            file = folder / "cib.xml"
            file.write_text(text)
            given = read_cib(text.encode(), file.name, NOW)
            ours = median_of(lambda given=given: _plan(given))  # type: ignore[misc]  # bound at once
            other = _of_crm_simulate(file) - base if has_other else math.nan
            actions = len(schedule(given.intent, given.observed, given.history, NOW).actions)
            name = f"{HOSTS}+{guests}+{10 * guests} {kind}"
            print(f"{name:<50}{other:>13.3f}{ours:>11.3f}{other / ours:>8.1f}{actions:>9}")


def growth(generator: Path, sizes: list[int]) -> None:
    """Print how the planner's time grows, for full plans, and for one after a single event."""
    clusters = [Cluster.of(f"{11 * guests}", opt_in(generator, HOSTS, guests)) for guests in sizes]
    counted = sizes[len(sizes) // 2]
    clusters.append(Cluster.of(f"{11 * counted}, capacity", with_capacity(generator, HOSTS, counted)))
    # In turn: whoever runs several times on end finds its data in the caches, and a machine may slow down meanwhile.
    for _ in range(RUNS):
        for cluster in clusters:
            cluster.run()
    head = ("all to start", "nothing to do", "one event", "replan")
    print(f"\n{'guests + resources':<20}" + "".join(f"{text:>15}" for text in head))
    for cluster in clusters:
        took = [
            f"{statistics.median(runs):>15.4f}" if runs else f"{'-':>15}" for runs in cluster.took.values()
        ]
        print(f"{cluster.name:<20}" + "".join(took))
    if len(sizes) > 1:
        slow, quick = (statistics.median(clusters[at].took["full"]) for at in (len(sizes) - 1, 0))
        power = math.log(slow / quick) / math.log(sizes[-1] / sizes[0])
        print(f"growth: n^{power:.2f} from {11 * sizes[0]} to {11 * sizes[-1]}")


@dataclass(kw_only=True)
class Cluster:
    """A cluster before anything runs, at rest, and after one event; and what planning it took."""

    name: str
    empty: CibInput
    running: CibInput
    after: CibInput
    took: dict[str, list[float]] = field(
        default_factory=lambda: {"full": [], "idle": [], "event": [], "replan": []}
    )
    """Seconds."""

    @staticmethod
    def of(name: str, text: str) -> "Cluster":
        """Return the cluster of a CIB in which nothing runs."""
        given = read_cib(text.encode(), "cib.xml", NOW)
        running = replace(given, observed=settled(given.intent, given.observed, given.history, NOW))
        after = replace(running, observed=_with_failure(running.observed))
        return Cluster(name=name, empty=given, running=running, after=after)

    def run(self) -> None:
        """Plan for each of the worlds once."""
        self.took["full"].append(_plan(self.empty))
        self.took["idle"].append(_plan(self.running))
        self.took["event"].append(_plan(self.after))
        self.took["replan"] += _after_event(self.running, self.after)


def median_of(run: Callable[[], float]) -> float:
    """Return the median of what several runs took; of long ones a single run has to do."""
    first = run()
    return first if first > 5 else statistics.median([first, *(run() for _ in range(RUNS - 1))])


def _plan(given: CibInput) -> float:
    begun = time.process_time()
    schedule(given.intent, given.observed, given.history, given.now)
    return time.process_time() - begun


def _after_event(running: CibInput, after: CibInput) -> list[float]:
    """Return how long a plan after one event takes that knows the world was at rest before; nothing if it is none."""
    plan = schedule(running.intent, running.observed, running.history, running.now)
    rest = rest_of(running.intent, running.observed, running.history, plan)
    if rest is None:
        return []
    begun = time.process_time()
    part = replan(rest, after.observed, after.history, after.now)
    took = time.process_time() - begun
    assert part == schedule(after.intent, after.observed, after.history, after.now)
    return [took]


def _of_crm_simulate(file: Path) -> float:
    return median_of(lambda: _run_of_crm_simulate(file))


def _run_of_crm_simulate(file: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["crm_simulate", "--xml-file", str(file), "--run"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _with_failure(observed: Observed) -> Observed:
    """Return a world in which one resource has failed."""
    key, instance = max(
        (key, i) for key, i in observed.instances.items() if i.role is Role.STARTED and key[0][0] == "r"
    )
    failure = Failure(operation="monitor", interval_ms=10_000, rc=7, text="not running")
    return replace(observed, instances={**observed.instances, key: replace(instance, failure=failure)})


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
