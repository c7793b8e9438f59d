"""Runs Pacemaker's scheduler cases through our planner and compares. No case is treated in a way of its own."""

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.model.collective import Group
from reconciler.model.errors import ReconcilerError
from reconciler.pacemaker.simulation import executed_lines, simulate_cib, simulation_document
from tests.conformance.summaries import Outcome, base, plain, read_summary, with_members

ASPECTS = ("places", "lines", "actions")


@dataclass
class Verdict:
    case: str
    level: str
    right: frozenset[str]
    """The aspects in which we agree."""
    why: str = ""


@dataclass
class Tally:
    cases: int = 0
    right: Counter[str] = field(default_factory=Counter)


def run_suite(suite: Path) -> list[Verdict]:
    """Compare every case of a suite: xml/NAME.xml, summary/NAME.summary and levels.json."""
    levels = json.loads((suite / "levels.json").read_text())
    return [_run(suite, case, level.split()[0]) for case, level in sorted(levels.items())]


def tallies(verdicts: list[Verdict]) -> dict[str, Tally]:
    """Count by level."""
    found: dict[str, Tally] = defaultdict(Tally)
    for verdict in verdicts:
        found[verdict.level].cases += 1
        found[verdict.level].right.update(verdict.right)
    return dict(sorted(found.items()))


def outcome_of(path: Path) -> tuple[Outcome, str, dict[str, tuple[str, ...]]]:
    """Return what our planner makes of a CIB, what in it is not supported, and the members of its groups."""
    simulation = simulate_cib(path.read_bytes(), path.name, time.time(), is_executed=True)
    document = simulation_document(simulation)
    outcome = Outcome()
    placement, transition = document["placement"], document["transition"]
    assert isinstance(placement, dict)
    assert isinstance(transition, list)
    for resource, found in placement.items():
        if found:
            outcome.places.setdefault(base(resource), []).extend((p["node"], p["role"]) for p in found)
    outcome.places = {name: sorted(places) for name, places in outcome.places.items()}
    outcome.lines = sorted(plain(line) for line in transition)
    outcome.actions = {plain(line) for line in executed_lines(simulation)}
    features = sorted({note.feature for note in simulation.given.unsupported})
    groups = {
        str(c.id): tuple(str(m) for m in c.members)
        for c in simulation.given.intent.collectives.values()
        if isinstance(c, Group)
    }
    return outcome, ", ".join(features), groups


def _run(suite: Path, case: str, level: str) -> Verdict:
    wanted = read_summary((suite / "summary" / f"{case}.summary").read_text())
    try:
        got, unsupported, groups = outcome_of(suite / "xml" / f"{case}.xml")
    except (ReconcilerError, RuntimeError, AssertionError, KeyError, ValueError) as error:
        return Verdict(case, level, frozenset(), f"{type(error).__name__}: {error}")
    wanted.places = with_members(wanted.places, groups)
    right = frozenset(aspect for aspect in ASPECTS if getattr(got, aspect) == getattr(wanted, aspect))
    why = "" if len(right) == len(ASPECTS) else _why(got, wanted, unsupported)
    return Verdict(case, level, right, why)


def _why(got: Outcome, wanted: Outcome, unsupported: str) -> str:
    """Say in one line which features are missing, and what differs."""
    parts = [f"not supported: {unsupported}"] if unsupported else []
    parts += [
        f"{name} is at {got.places.get(name)}, not {wanted.places.get(name)}"
        for name in sorted({*got.places, *wanted.places})
        if got.places.get(name) != wanted.places.get(name)
    ]
    parts += _difference(Counter(got.lines), Counter(wanted.lines))
    parts += _difference(Counter(got.actions), Counter(wanted.actions))
    return "; ".join(parts)


def _difference(got: Counter[str], wanted: Counter[str]) -> list[str]:
    more = [f"+ {line}" for line in sorted((got - wanted).elements())]
    return more + [f"- {line}" for line in sorted((wanted - got).elements())]
