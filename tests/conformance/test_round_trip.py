"""Pacemaker's cases, written as YAML and loaded again, plan to the same: what is read of a CIB can be said.

But for bundles, which are listed as lost.
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

WITH_BUNDLES = {
    "bundle-connection-with-container", "bundle-order-partial", "bundle-order-stop-clone", "bundle-probe-order-3",
    "bundle-replicas-change", "guest-host-not-fenceable", "notifs-for-unrunnable", "notify-behind-stopping-remote",
    "on_fail_demote1", "on_fail_demote4", "remote-connection-shutdown", "stop-all-resources",
}  # fmt: skip
"""The cases with bundles, which YAML has no words for: they are listed as lost, and plan to something else."""


@pytest.mark.slow
def test_imported_yaml_plans_to_the_same_as_its_cib() -> None:
    suite = os.environ.get("RECONCILER_SUITE")
    if not suite:
        pytest.skip("RECONCILER_SUITE names no folder with Pacemaker's scheduler cases")
    cases = sorted((Path(suite) / "xml").glob("*.xml"))
    differing = {path.stem: lost for path in cases if (lost := _lost_of(path)) is not None}
    assert {name for name, lost in differing.items() if "bundle" in lost} == WITH_BUNDLES
    assert set(differing) == WITH_BUNDLES


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
