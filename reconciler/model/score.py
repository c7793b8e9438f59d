"""Scores: integers that saturate at plus and minus INFINITY, as Pacemaker's do."""

import re

INFINITY = 1_000_000
"""Pacemaker's own value (Pacemaker Explained, "Scores")."""

_WORDS = {"INFINITY": INFINITY, "+INFINITY": INFINITY, "-INFINITY": -INFINITY, "red": -INFINITY}
_INTEGER = re.compile(r"\s*([+-]?\d+)")


def add_scores(left: int, right: int) -> int:
    """Add two scores; -INFINITY wins over everything, then +INFINITY.

    Source: Pacemaker Explained, "Infinity Math".
    """
    if left <= -INFINITY or right <= -INFINITY:
        return -INFINITY
    if left >= INFINITY or right >= INFINITY:
        return INFINITY
    return max(-INFINITY, min(INFINITY, left + right))


def read_score(text: str | None, default: int = 0) -> int:
    """Return the score that a text begins with, else `default`; red, which nodes' health may be, is the least.

    Source: Pacemaker Explained, "Scores".
    """
    if text is None:
        return default
    if text.strip() in _WORDS:
        return _WORDS[text.strip()]
    found = _INTEGER.match(text)
    # Python refuses to read thousands of digits, and forty are beyond all bounds already.
    return max(-INFINITY, min(INFINITY, int(found.group(1)[:40]))) if found else default


def format_score(score: int) -> str:
    """Write a score as users write it."""
    if score >= INFINITY:
        return "INFINITY"
    if score <= -INFINITY:
        return "-INFINITY"
    return str(score)
