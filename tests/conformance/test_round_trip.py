"""Pacemaker's cases, written as YAML and loaded again, plan to the same: what is read of a CIB can be said."""

import os
import re
from pathlib import Path

import pytest

from reconciler.load.load import load
from reconciler.load.write import yaml_text
from reconciler.model.collective import Bundle, Clone
from reconciler.model.intent import Intent
from reconciler.pacemaker.read import CibInput, read_cib
from reconciler.pacemaker.to_yaml import convert_cib
from reconciler.pacemaker.to_yaml_connections import without_connections
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
    differing = {path.stem: lost for path in cases if (lost := _lost_of(path)) is not None}
    assert differing == {}


def test_what_belongs_to_bundles_is_where_it_is_with_connections_that_are_resources() -> None:
    suite = os.environ.get("RECONCILER_SUITE")
    if not suite:
        pytest.skip("RECONCILER_SUITE names no folder with Pacemaker's scheduler cases")
    texts = {path.name: path.read_bytes() for path in sorted((Path(suite) / "xml").glob("*.xml"))}
    cases = {name: read_cib(text, name, NOW) for name, text in texts.items() if b"<bundle" in text}
    assert len(cases) == 12
    for name, given in cases.items():
        wanted, got = (
            _plan(intent, given)[0] for intent in (given.intent, without_connections(given.intent))
        )
        assert isinstance(wanted, dict)
        assert isinstance(got, dict)
        mine = _in_bundles(given.intent)
        assert {r: n for r, n in got.items() if r in mine} == {
            r: n for r, n in wanted.items() if r in mine
        }, name


def _in_bundles(intent: Intent) -> set[str]:
    """Return the containers and addresses of bundles, and the instances of what is in them."""
    found: set[str] = set()
    for bundle in (c for c in intent.collectives.values() if isinstance(c, Bundle)):
        inner = intent.collectives.get(bundle.inner) if bundle.inner is not None else None
        for number, replica in enumerate(bundle.replicas):
            found |= {replica.container, str(replica.address)}
            found |= {f"{inner.member}:{number}"} if isinstance(inner, Clone) else set()
    return found


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
