"""Compares our final places with those of an installed crm_simulate, on random CIBs.

`python -m tests.conformance.random_cibs COUNT [FIRST_SEED] [FOLDER]` prints how often they agree; with a folder, each
disagreement is shrunk, and written there.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from reconciler.pacemaker.simulation import simulate_cib, simulation_document
from tests.conformance.generator import random_cib
from tests.conformance.summaries import Places, base, read_summary, with_members

NOW = 1_800_000_000.0
TIMEOUT_S = 30


class RefusedError(Exception):
    """crm_simulate could not carry out its own transition."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A CIB that leads elsewhere with us."""

    seed: int
    cib: bytes
    ours: Places
    theirs: Places

    def __str__(self) -> str:
        parts = [
            f"{name} is at {self.ours.get(name)}, not {self.theirs.get(name)}"
            for name in sorted({*self.ours, *self.theirs})
            if self.ours.get(name) != self.theirs.get(name)
        ]
        return f"seed {self.seed}: {'; '.join(parts)}"


def is_installed() -> bool:
    """Tell whether crm_simulate is there to compare with."""
    return shutil.which("crm_simulate") is not None


@dataclass(slots=True)
class Result:
    """What a comparison of many came to."""

    compared: int = 0
    refused: int = 0
    """CIBs whose transition crm_simulate itself could not carry out, such as orders in a circle."""
    found: list[Disagreement] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Return how many of a hundred agree."""
        return 100 * (1 - len(self.found) / max(1, self.compared))


def compare(seeds: range) -> Result:
    """Compare random CIBs."""
    result = Result()
    with ThreadPoolExecutor(2) as pool:
        for places, seed, cib in pool.map(_compare, seeds):
            if places is None:
                result.refused += 1
                continue
            result.compared += 1
            if places[0] != places[1]:
                result.found.append(Disagreement(seed, cib, *places))
    return result


def shrink(cib: bytes, is_interesting: Callable[[bytes], bool]) -> bytes:
    """Return a CIB with all elements dropped that are not needed for it to be of interest."""
    root = etree.fromstring(cib)
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for element in [e for e in root.iter() if e.tag not in _FRAME][::-1]:
            parent = element.getparent()
            if parent is None:
                continue
            at = parent.index(element)
            parent.remove(element)
            if is_interesting(etree.tostring(root)):
                is_smaller = True
            else:
                parent.insert(at, element)
    etree.indent(root)
    return bytes(etree.tostring(root))


_FRAME = {"cib", "configuration", "crm_config", "nodes", "resources", "constraints", "status"}


def differs(cib: bytes) -> bool:
    """Tell whether a CIB is valid for both, and leads to different places."""
    try:
        places = _both(cib)
    except (RefusedError, RuntimeError, AssertionError, KeyError, ValueError):
        return False
    return places[0] != places[1]


def _compare(seed: int) -> tuple[tuple[Places, Places] | None, int, bytes]:
    cib = random_cib(seed)
    try:
        return _both(cib), seed, cib
    except RefusedError:
        return None, seed, cib


def _both(cib: bytes) -> tuple[Places, Places]:
    simulation = simulate_cib(cib, "random.xml", NOW, is_executed=True)
    groups = {
        str(c.id): tuple(str(m) for m in getattr(c, "members", ()))
        for c in simulation.given.intent.collectives.values()
        if hasattr(c, "members")
    }
    placement = simulation_document(simulation)["placement"]
    assert isinstance(placement, dict)
    ours: Places = {}
    for resource, found in placement.items():
        if found:
            ours.setdefault(base(resource), []).extend((p["node"], p["role"]) for p in found)
    return {name: sorted(places) for name, places in ours.items()}, with_members(_theirs(cib), groups)


def _theirs(cib: bytes) -> Places:
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(cib)
        file.flush()
        command = ["crm_simulate", "-x", file.name, "-S"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RefusedError(f"crm_simulate ended with {done.returncode}: {done.stderr[-500:]}")
    return read_summary(done.stdout).places


def main() -> None:
    """Compare, print, and shrink."""
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    result = compare(range(first, first + count))
    for disagreement in result.found:
        sys.stdout.write(f"{disagreement}\n")
    if len(sys.argv) > 3:
        folder = Path(sys.argv[3])
        folder.mkdir(parents=True, exist_ok=True)
        for disagreement in result.found:
            (folder / f"{disagreement.seed}.xml").write_bytes(shrink(disagreement.cib, differs))
    agreed = result.compared - len(result.found)
    sys.stdout.write(
        f"{agreed} of {result.compared} agree ({result.share:.1f} %); {result.refused} refused\n"
    )


if __name__ == "__main__":
    main()
