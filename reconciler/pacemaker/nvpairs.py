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
    found: dict[str, str] = {}
    for block in by_precedence(cib, blocks, first):
        if all_hold(cib, block, subject):
            found = {**pairs_of(cib, block), **found}
    return found


def by_precedence(cib: Cib, blocks: Iterable[Element], first: str = "") -> list[Element]:
    """Return blocks, each as what it refers to, in the order in which they count, the strongest first."""
    resolved = [cib.resolve(block) for block in blocks]
    return sorted(resolved, key=lambda b: (b.get("id") != first or not first, -score(b.get("score"))))


def pairs_of(cib: Cib, block: Element) -> dict[str, str]:
    """Return the pairs of one block, whether its rules hold or not; of two with one name the first."""
    found: dict[str, str] = {}
    for pair in elements(block, "nvpair"):
        target = cib.resolve(pair)
        name, value = pair.get("name") or target.get("name"), target.get("value")
        if name is not None and value is not None:
            found.setdefault(name, value)
    return found
