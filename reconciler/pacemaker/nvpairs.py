"""Gathers name-value pairs from blocks of them: the block with the higher score wins (Pacemaker Explained)."""

from collections.abc import Iterable

from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.rules import Subject, all_hold
from reconciler.pacemaker.values import score


def pairs(cib: Cib, blocks: Iterable[Element], subject: Subject, first: str = "") -> dict[str, str]:
    """Return the pairs of all blocks whose rules hold.

    Args:
        cib: where references are looked up.
        blocks: in document order; of two with the same score the earlier one wins.
        subject: what their rules are judged for.
        first: the id of a block that goes before all others.
    """
    resolved = [cib.resolve(block) for block in blocks]
    ordered = sorted(resolved, key=lambda b: (b.get("id") != first or not first, -score(b.get("score"))))
    found: dict[str, str] = {}
    for block in ordered:
        if not all_hold(cib, block, subject):
            continue
        for pair in elements(block, "nvpair"):
            target = cib.resolve(pair)
            name, value = pair.get("name") or target.get("name"), target.get("value")
            if name is not None and value is not None:
                found.setdefault(name, value)
    return found
