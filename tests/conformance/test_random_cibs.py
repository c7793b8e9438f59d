"""On random CIBs we come to the places of an installed crm_simulate at least as often as said here."""

import pytest
from lxml import etree

from tests.conformance.generator import random_cib
from tests.conformance.random_cibs import compare, is_installed, shrink

SEEDS = range(100)
FLOOR = 96.0
"""Of a hundred; it only rises. `random_cibs` says what differs."""
RICH_FLOOR = 98.0
"""Of those with promotable clones, guests and capacity."""


@pytest.mark.slow
@pytest.mark.parametrize(("is_rich", "floor", "least"), [(False, FLOOR, 95), (True, RICH_FLOOR, 85)])
def test_random_cibs_lead_to_the_same_places(is_rich: bool, floor: float, least: int) -> None:
    if not is_installed():
        pytest.skip("crm_simulate (pacemaker-cli-utils) is not installed")
    result = compare(SEEDS, is_rich=is_rich)
    assert (result.share >= floor, result.compared >= least) == (True, True), "\n".join(
        map(str, result.found)
    )


def test_a_seed_gives_the_same_cib() -> None:
    assert random_cib(7) == random_cib(7)
    assert random_cib(7, is_rich=True) == random_cib(7, is_rich=True) != random_cib(7)


def test_shrinking_drops_all_that_is_not_needed() -> None:
    cib = b"""<cib><resources>
        <group id="g"><primitive id="a"/><primitive id="b"/></group><primitive id="c"/></resources>
        <constraints><rsc_location id="l" rsc="c"/><rsc_location id="m" rsc="b"/></constraints></cib>"""
    small = etree.fromstring(shrink(cib, lambda text: b'"b"' in text))
    assert [(e.tag, e.get("id")) for e in small.iter() if e.get("id")] == [("group", "g"), ("primitive", "b")]
