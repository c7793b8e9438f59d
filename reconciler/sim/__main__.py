"""`python -m reconciler.sim [--at-once] SEED`: run one seed and show what happened, line by line."""

import sys

from reconciler.sim.faults import Faults
from reconciler.sim.runner import run_seed


def main(arguments: list[str]) -> int:
    """Run seeds, given one by one or as FIRST-LAST; returns 1 if one of them broke an invariant.

    With --at-once first, meta-data takes no time, as for the first seeds that found something.
    """
    faults = Faults(meta_data_at_once=arguments[:1] == ["--at-once"])
    arguments = arguments[faults.meta_data_at_once :]
    if not arguments:
        sys.stderr.write("usage: python -m reconciler.sim [--at-once] SEED | FIRST-LAST\n")
        return 64
    first, _, last = arguments[0].partition("-")
    seeds = range(int(first), int(last or first) + 1)
    failed = 0
    for seed in seeds:
        outcome = run_seed(seed, faults)
        if len(seeds) == 1:
            sys.stdout.writelines(f"{line}\n" for line in outcome.ledger)
        failed += bool(outcome.violations)
        for text in outcome.violations[:3]:
            sys.stdout.write(f"seed {seed}: {text}\n")
    sys.stdout.write(f"{len(seeds)} seeds, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
