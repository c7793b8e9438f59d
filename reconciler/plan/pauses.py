"""How long what failed is left alone before the next try: twice as long each time, up to a limit."""

_MAX_DOUBLINGS = 20
"""By then every limit is reached; Pacemaker counts failures to a million, and a host may be away for weeks."""


def doubled(first_s: float, doublings: int, longest_s: float) -> float:
    """Return the seconds of a pause after it was doubled so many times."""
    return min(first_s * 2.0 ** min(doublings, _MAX_DOUBLINGS), longest_s)


def end_of_pause(begun_at: float, pause_s: float, now: float) -> float | None:
    """Return when a pause ends, epoch seconds; None if it has ended.

    One that is to begin yet has ended too: the clock was set back, by who knows how much.
    """
    return begun_at + pause_s if begun_at <= now < begun_at + pause_s else None
