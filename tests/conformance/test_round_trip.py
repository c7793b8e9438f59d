"""Pacemaker's cases, written as YAML and loaded again, plan to the same; what does not was listed as lost.

Outside of what can be said: bundles.
"""

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

LOST = {
    "bundle": {"bundle-connection-with-container"},
}
"""The cases that plan to something else, by what is lost of them."""


@pytest.mark.slow
def test_imported_yaml_plans_to_the_same_as_its_cib() -> None:
    suite = os.environ.get("RECONCILER_SUITE")
    if not suite:
        pytest.skip("RECONCILER_SUITE names no folder with Pacemaker's scheduler cases")
    got: dict[str, set[str]] = {kind: set() for kind in LOST}
    unsaid = []
    for path in sorted((Path(suite) / "xml").glob("*.xml")):
        lost = _lost_of(path)
        if lost is None:
            continue
        kind = next((kind for kind in LOST if kind in lost), None)
        if kind is None:
            unsaid.append(path.stem)
        else:
            got[kind].add(path.stem)
    assert (unsaid, got) == ([], LOST)


def _lost_of(path: Path) -> set[str] | None:
    """Return what was listed as lost of a case that plans to something else as YAML; None: it plans to the same."""
    text = path.read_bytes()
    given = read_cib(text, path.name, NOW)
    found = convert_cib(text, path.name, NOW, makes_guests=False)
    loaded = load({"cluster.yaml": yaml_text(found.documents).encode()})
    is_sound = loaded.intent is not None and not any(p.severity == "error" for p in loaded.problems)
    wanted = _plan(without_connections(given.intent), given)
    if is_sound and loaded.intent is not None and _plan(loaded.intent, given) == wanted:
        return None
    return {loss.feature for loss in found.lost}


def _plan(intent: Intent, given: CibInput) -> tuple[object, ...]:
    placement, lines, actions = plan_of(intent, given)
    assert isinstance(lines, list)
    return placement, sorted(_OWN_IDS.sub(" ", line).strip() for line in lines), actions
