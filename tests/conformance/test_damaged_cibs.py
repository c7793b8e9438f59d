"""A CIB that cannot be planned is refused in words, or planned without what it spoils; nothing crashes.

`python -m tests.conformance.test_damaged_cibs SUITE [COUNT [SEED]]` damages the suite's cases many times, and prints
what breaks.
"""

import os
import sys
from pathlib import Path
from random import Random

import pytest

from reconciler.load.load import load
from reconciler.load.write import yaml_text
from reconciler.model.errors import SourceError
from reconciler.pacemaker.simulation import simulate_cib, simulation_document, simulation_text
from reconciler.pacemaker.to_yaml import convert_cib
from tests.conformance.damage import damaged
from tests.conformance.generator import content_of, random_cib

NOW = 1_800_000_000.0
COUNT = 120
STEP = 8
"""Each so manieth case of the suite is damaged once; more by hand."""
LARGEST = 100_000
"""Bytes of a case: the damage is to be found, not the size."""


def refusal(cib: bytes) -> str | None:
    """Simulate, show and import a CIB; return in which words it was refused, None if it was understood."""
    try:
        simulation = simulate_cib(cib, "cib.xml", NOW, is_executed=True)
        simulation_text(simulation)
        simulation_document(simulation)
        load(
            {
                "cluster.yaml": yaml_text(
                    convert_cib(cib, "cib.xml", NOW, makes_guests=False).documents
                ).encode()
            }
        )
    except SourceError as error:
        return str(error)
    return None


def test_a_damaged_cib_is_understood_or_refused() -> None:
    refusals = [refusal(damaged(random_cib(seed, content_of(seed)), Random(seed))) for seed in range(COUNT)]
    said = [text for text in refusals if text is not None]
    assert 0 < len(said) < COUNT // 3
    assert [text for text in said if not text.startswith("cib.xml")] == []


@pytest.mark.slow
def test_a_damaged_case_of_the_suite_is_understood_or_refused() -> None:
    suite = os.environ.get("RECONCILER_SUITE")
    if not suite:
        pytest.skip("RECONCILER_SUITE names no folder with Pacemaker's scheduler cases")
    cases = _cases(Path(suite))[::STEP]
    refusals = [refusal(damaged(case, Random(seed))) for seed, case in enumerate(cases)]
    assert refusals.count(None) > len(cases) * 2 // 3


def _cases(suite: Path) -> list[bytes]:
    found = [path.read_bytes() for path in sorted((suite / "xml").glob("*.xml"))]
    return [cib for cib in found if len(cib) <= LARGEST]


def main() -> None:
    """Damage the suite's cases, and print each that breaks something with its traceback's end."""
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    cases = _cases(Path(sys.argv[1]))
    broken: dict[str, int] = {}
    for seed in range(first, first + count):
        chance = Random(seed)
        cib = damaged(chance.choice(cases), chance)
        try:
            refusal(cib)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            trace = error.__traceback__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            place = trace.tb_frame.f_code.co_qualname if trace is not None else "?"
            if broken.setdefault(f"{type(error).__name__} in {place}", seed) == seed:
                sys.stdout.write(f"seed {seed}: {type(error).__name__} in {place}: {error}\n")


if __name__ == "__main__":
    main()
