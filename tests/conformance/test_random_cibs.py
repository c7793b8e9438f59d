"""On random CIBs we come to the places of an installed crm_simulate at least as often as said here."""

import pytest

from tests.conformance.generator import random_cib
from tests.conformance.random_cibs import compare, is_installed, shrink

SEEDS = range(100)
FLOOR = 90.0
"""Of a hundred; it only rises. README of the classes that differ: `random_cibs`."""


@pytest.mark.slow
def test_random_cibs_lead_to_the_same_places() -> None:
    if not is_installed():
        pytest.skip("crm_simulate (pacemaker-cli-utils) is not installed")
    result = compare(SEEDS)
    assert (result.share >= FLOOR, result.compared >= 95) == (True, True), "\n".join(map(str, result.found))


def test_a_seed_gives_the_same_cib() -> None:
    assert random_cib(7) == random_cib(7)


def test_shrinking_drops_all_that_is_not_needed() -> None:
    cib = b"<cib><resources><a><b/></a><c/></resources><constraints><d/></constraints></cib>"
    small = shrink(cib, lambda text: b"<b" in text)
    assert small.split() == b"<cib> <resources> <a> <b/> </a> </resources> <constraints/> </cib>".split()
