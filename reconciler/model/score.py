"""Scores: integers that saturate at plus and minus INFINITY, as Pacemaker's do."""

INFINITY = 1_000_000
"""Pacemaker's own value (Pacemaker Explained, "Scores")."""


def add_scores(left: int, right: int) -> int:
    """Add two scores; -INFINITY wins over everything, then +INFINITY.

    Source: Pacemaker Explained, "Infinity Math".
    """
    if left <= -INFINITY or right <= -INFINITY:
        return -INFINITY
    if left >= INFINITY or right >= INFINITY:
        return INFINITY
    return max(-INFINITY, min(INFINITY, left + right))


def format_score(score: int) -> str:
    """Write a score as users write it."""
    if score >= INFINITY:
        return "INFINITY"
    if score <= -INFINITY:
        return "-INFINITY"
    return str(score)
