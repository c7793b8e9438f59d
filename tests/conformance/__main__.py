"""Prints how far our planner agrees with Pacemaker's: `python -m tests.conformance SUITE [LEVEL]`."""

import sys
from pathlib import Path

from tests.conformance.cases import ASPECTS, run_suite, tallies
from tests.conformance.differences import DIFFERENCES


def show(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> None:
    if len(sys.argv) not in {2, 3} or not (Path(sys.argv[1]) / "levels.json").is_file():
        sys.exit("usage: python -m tests.conformance SUITE [LEVEL]; SUITE has xml/, summary/ and levels.json")
    verdicts = run_suite(Path(sys.argv[1]))
    shown = sys.argv[2] if len(sys.argv) == 3 else None
    for verdict in verdicts:
        if verdict.why and shown in {None, verdict.level}:
            missing = ",".join(a for a in ASPECTS if a not in verdict.right)
            show(f"{verdict.level} {verdict.case} [{missing}]: {verdict.why}")
            if verdict.case in DIFFERENCES:
                show(f"   because {DIFFERENCES[verdict.case]}")
    show(f"\n{'level':<7}{'cases':>7}" + "".join(f"{aspect:>16}" for aspect in ASPECTS))
    for level, tally in tallies(verdicts).items():
        shares = (f"{tally.right[a]} ({100 * tally.right[a] // tally.cases} %)" for a in ASPECTS)
        show(f"{level:<7}{tally.cases:>7}" + "".join(f"{share:>16}" for share in shares))


if __name__ == "__main__":
    main()
