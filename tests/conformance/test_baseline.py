"""What holds for every plan, on each of Pacemaker's cases and on random ones: the baseline rule.

No invariant is broken, the end is one whatever the order, what ends as expected changes nothing else, and a surprise at
any point leads to a sound plan around what is in flight, and to rest.

The suite is not part of the project: RECONCILER_SUITE names its folder, and CI sets it.
`python -m tests.conformance.test_baseline SUITE [SEEDS]` surprises each case that many times, not only once, and as
many times ten random ones.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from reconciler.model.names import ActionId
from reconciler.model.observed import Observed
from reconciler.model.transition import Transition
from reconciler.pacemaker.read import CibInput, read_cib
from reconciler.plan.check import check
from reconciler.plan.effects import advance
from reconciler.plan.schedule import schedule
from tests.conformance.generator import content_of, random_cib
from tests.conformance.surprises import all_left_alone, broken_after_a_surprise

ORDERS = 3
NOW = 1_800_000_000.0
RANDOM_CASES = 120
SURPRISES = range(2)
"""For each random case."""
FOUND = ((4, 5),)
"""Random cases and surprises that broke something once: a member that ended gave other instances other numbers."""
MAX_UNSETTLED = 14
"""Cases in which there is more to do when all has been done: nodes came back, guests began anew, failures count on."""


@cache
def cases() -> list[tuple[str, CibInput]]:
    """Read all cases of the suite."""
    suite = os.environ.get("RECONCILER_SUITE")
    if not suite:
        pytest.skip("RECONCILER_SUITE names no folder with Pacemaker's scheduler cases")
    paths = sorted((Path(suite) / "xml").glob("*.xml"))
    return [(path.stem, read_cib(path.read_bytes(), path.name, time.time())) for path in paths]


def random_cases(seeds: range) -> Iterator[tuple[str, CibInput]]:
    """Read random CIBs, half of them rich."""
    for seed in seeds:
        yield f"random {seed}", read_cib(random_cib(seed, content_of(seed)), "random.xml", NOW)


@pytest.mark.slow
def test_every_case_is_planned_soundly_and_ends_the_same_in_any_order() -> None:
    unsound, ambiguous, unsettled = [], [], []
    for name, given in cases():
        planned = _plan(given, given.observed)
        if check(planned, given.intent, given.observed).alarms:
            unsound.append(name)
            continue
        ends = [_carried_out(planned, given.observed, random.Random(seed)) for seed in range(ORDERS)]
        if any(end != ends[0] for end in ends):
            ambiguous.append(name)
        if _plan(given, ends[0]).actions:
            unsettled.append(name)
    assert (unsound, ambiguous) == ([], [])
    assert len(unsettled) <= MAX_UNSETTLED, unsettled


@pytest.mark.slow
def test_an_expected_result_leaves_all_else_as_it_is() -> None:
    assert [f"{name}: {action}" for name, given in cases() for action in all_left_alone(given)] == []


@pytest.mark.slow
def test_a_surprise_at_any_point_breaks_nothing_and_the_world_settles() -> None:
    found = [
        f"{name}: {text}" for name, given in cases() for text in broken_after_a_surprise(given, f"{name} 0")
    ]
    assert found == []


@pytest.mark.slow
def test_random_cases_keep_the_baseline_rule() -> None:
    found = []
    for name, given in random_cases(range(RANDOM_CASES)):
        found += [f"{name}: {action}" for action in all_left_alone(given)]
        for seed in SURPRISES:
            found += [f"{name}: {text}" for text in broken_after_a_surprise(given, f"{name} {seed}")]
    for number, seed in FOUND:
        ((name, given),) = random_cases(range(number, number + 1))
        found += [f"{name}: {text}" for text in broken_after_a_surprise(given, f"{name} {seed}")]
    assert found == []


def _plan(given: CibInput, observed: Observed) -> Transition:
    return schedule(given.intent, observed, given.history, given.now)


def _carried_out(transition: Transition, observed: Observed, chance: random.Random) -> Observed:
    done: frozenset[ActionId] = frozenset()
    while len(done) < len(transition.actions):
        action = chance.choice(transition.ready(done, done))
        observed = advance(observed, action, dict(transition.guest_nodes))
        done |= {action.id}
    return observed


def main() -> None:
    """Surprise each case with several seeds, and print what breaks."""
    os.environ["RECONCILER_SUITE"] = sys.argv[1]
    seeds = range(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for name, given in (*cases(), *random_cases(range(10 * len(seeds)))):
        for seed in seeds:
            for text in broken_after_a_surprise(given, f"{name} {seed}"):
                sys.stdout.write(f"{name} {seed}: {text}\n")


if __name__ == "__main__":
    main()
