"""`python -m reconciler.sim [--world NAME] SEED`: run one seed and show what happened, line by line."""

import argparse
import sys

from reconciler.sim.faults import WORLDS
from reconciler.sim.runner import run_seed


def main(arguments: list[str]) -> int:
    """Run one seed, or FIRST-LAST; returns 1 if one of them broke an invariant."""
    parser = argparse.ArgumentParser(prog="python -m reconciler.sim")
    parser.add_argument(
        "--world", choices=sorted(WORLDS), default="usual", help="what is there, and what goes wrong"
    )
    parser.add_argument("seeds", metavar="SEED | FIRST-LAST")
    options = parser.parse_args(arguments)
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    failed = 0
    for seed in seeds:
        outcome = run_seed(seed, WORLDS[options.world])
        if len(seeds) == 1:
            sys.stdout.writelines(f"{line}\n" for line in outcome.ledger)
        failed += bool(outcome.violations)
        for text in outcome.violations[:3]:
            sys.stdout.write(f"seed {seed}: {text}\n")
    sys.stdout.write(f"{len(seeds)} seeds, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
