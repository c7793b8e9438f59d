"""Our decisions agree with Pacemaker's at least as often as floors.json says; floors only ever rise.

The suite is not part of the project: RECONCILER_SUITE names its folder, and CI sets it.
"""

import json
import os
from pathlib import Path

import pytest

from tests.conformance.cases import ASPECTS, run_suite, tallies
from tests.conformance.differences import DIFFERENCES
from tests.conformance.summaries import Outcome, read_summary

FLOORS = Path(__file__).with_name("floors.json")


@pytest.mark.slow
def test_no_level_falls_below_its_floor() -> None:
    suite = os.environ.get("RECONCILER_SUITE")
    if not suite:
        pytest.skip("RECONCILER_SUITE names no folder with Pacemaker's scheduler cases")
    verdicts = run_suite(Path(suite))
    got = {level: [tally.right[a] for a in ASPECTS] for level, tally in tallies(verdicts).items()}
    floors = json.loads(FLOORS.read_text())
    fallen = {
        level: f"{dict(zip(ASPECTS, got[level], strict=True))}, and the floors are {floor}"
        for level, floor in floors.items()
        if any(g < f for g, f in zip(got[level], floor, strict=True))
    }
    assert fallen == {}
    assert sorted(v.case for v in verdicts if v.why) == sorted(DIFFERENCES)
    crashes = [v for v in verdicts if v.why.startswith(("AssertionError", "KeyError", "ValueError"))]
    assert crashes == []


def test_a_summary_is_read_into_places_lines_and_actions() -> None:
    text = """Current cluster status:
  * Full List of Resources:
    * a	(ocf:x:Y):	 Stopped

Transition Summary:
  * Start      a    ( n1 )

Executing Cluster Transition:
  * Resource action: a            start on n1

Revised Cluster Status:
  * Full List of Resources:
    * a	(ocf:x:Y):	 Started n1
    * b	(ocf:x:Y):	 FAILED (disabled, unmanaged) [ n1 n2 ]
    * c	(ocf:x:Y):	 Stopped (disabled)
    * Clone Set: d-clone [d] (promotable):
      * Promoted: [ n1 ]
      * Unpromoted: [ n2 ]
    * Container bundle set: e [image]:
      * e-0 (10.0.0.1)	(ocf:x:Y):	 Promoted n1
      * e-1	(ocf:x:Y):	 Stopped n2
"""
    assert read_summary(text) == Outcome(
        places={
            "a": [("n1", "Started")],
            "b": [("n1", "Started"), ("n2", "Started")],
            "d": [("n1", "Promoted"), ("n2", "Unpromoted")],
            "e-0": [("n1", "Promoted")],
        },
        lines=["* Start a ( n1 )"],
        actions={"* Resource action: a start on n1"},
    )
