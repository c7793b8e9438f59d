"""Pacemaker's cases, written as YAML and loaded again, plan to the same: what is read of a CIB can be said."""

import os
import re
from pathlib import Path

import pytest

from reconciler.load.load import load
from reconciler.load.write import yaml_text
from reconciler.model.intent import Intent
from reconciler.pacemaker.read import CibInput, read_cib
from reconciler.pacemaker.to_yaml import convert_cib, without_connections
from tests.pacemaker.test_to_yaml import plan_of

NOW = 1_800_000_000.0
_OWN_IDS = re.compile(r"\s*due to .*|\s+")
"""Reasons name constraints, which have ids of their own in YAML; and columns are as wide as what is in them."""


@pytest.mark.slow
def test_imported_yaml_plans_to_the_same_as_its_cib() -> None:
    suite = os.environ.get("RECONCILER_SUITE")
    if not suite:
        pytest.skip("RECONCILER_SUITE names no folder with Pacemaker's scheduler cases")
    cases = sorted((Path(suite) / "xml").glob("*.xml"))
    assert [path.stem for path in cases if not _is_same(path)] == []


def _is_same(path: Path) -> bool:
    """Tell whether a case plans to the same as YAML."""
    text = path.read_bytes()
    given = read_cib(text, path.name, NOW)
    found = convert_cib(text, path.name, NOW, makes_guests=False)
    loaded = load({"cluster.yaml": yaml_text(found.documents).encode()})
    if loaded.intent is None or any(problem.severity == "error" for problem in loaded.problems):
        return False
    return _plan(loaded.intent, given) == _plan(without_connections(given.intent), given)


def _plan(intent: Intent, given: CibInput) -> tuple[object, ...]:
    placement, lines, actions = plan_of(intent, given)
    assert isinstance(lines, list)
    return placement, sorted(_OWN_IDS.sub(" ", line).strip() for line in lines), actions
