"""Durations, sizes and scores as users write them: text to numbers, and the reasons why not.

A bare number is never a duration or a size: `timeout: 30` has been read as seconds by some and as milliseconds
by others, so the unit must be written.
"""

import re
from datetime import datetime

from reconciler.model.score import INFINITY

DURATION_PATTERN = r"^(0|[1-9][0-9]*)(ms|s|m|h|d)$"
POSITIVE_DURATION_PATTERN = r"^[1-9][0-9]*(ms|s|m|h|d)$"
SIZE_PATTERN = r"^([1-9][0-9]*)(Ki|Mi|Gi|Ti)$"
DATE_RANGE_PATTERN = r"^(-?[0-9]{1,4}|[0-9]{1,4}-[0-9]{0,4})$"
SCORE_WORDS = {"INFINITY": INFINITY, "+INFINITY": INFINITY, "-INFINITY": -INFINITY}

MIN_DETECTION_MS = 1000
MAX_DETECTION_MS = 300_000
MAX_DURATION_MS = 2**32 - 1
"""Pacemaker keeps intervals and timeouts as 32-bit unsigned milliseconds (guint), about 49 days."""
MAX_SIZE_BYTES = 2**62

_DURATION = re.compile(DURATION_PATTERN)
_SIZE = re.compile(SIZE_PATTERN)
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_BYTES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_MAX_DIGITS = 18


class UnitError(ValueError):
    """A text that is no duration, size or score."""

    def __init__(self, code: str, text: str, hint: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.hint = hint


def parse_duration(value: object) -> int:
    """Return a duration in milliseconds.

    Args:
        value: what stands in the YAML, such as ``30s``, ``5m`` or ``100ms``; 0 needs a unit too (``0s``).

    Raises:
        UnitError: it is not of that form, or over 49 days.
    """
    hint = "write a number and ms, s, m, h or d, such as 30s"
    if isinstance(value, int) and not isinstance(value, bool):
        raise UnitError("no-unit", f"{value} is a duration without a unit", f"write {value}s or {value}ms")
    match = _DURATION.fullmatch(value) if isinstance(value, str) and len(value) <= _MAX_DIGITS else None
    if match is None:
        raise UnitError("bad-duration", f"{_show(value)} is not a duration", hint)
    milliseconds = int(match[1]) * _MILLISECONDS[match[2]]
    if milliseconds > MAX_DURATION_MS:
        raise UnitError("bad-duration", f"{value} is too long", "at most 49d")
    return milliseconds


def parse_positive_duration(value: object) -> int:
    """Return a duration in milliseconds that is not 0.

    Raises:
        UnitError: it is no duration, or 0.
    """
    milliseconds = parse_duration(value)
    if milliseconds == 0:
        raise UnitError("bad-duration", f"{value} is no time at all", "it must be above 0")
    return milliseconds


def parse_detection_time(value: object) -> int:
    """Return a time within which a hung agent is known, in milliseconds.

    Raises:
        UnitError: it is no duration, or so short that a busy machine looks lost, or so long that it is no watch.
    """
    milliseconds = parse_duration(value)
    if not MIN_DETECTION_MS <= milliseconds <= MAX_DETECTION_MS:
        raise UnitError("bad-duration", f"{value} is not between 1s and 5m", "such as 5s")
    return milliseconds


def parse_size(value: object) -> int:
    """Return a size in bytes.

    Args:
        value: what stands in the YAML, such as ``4Gi`` or ``512Mi``.

    Raises:
        UnitError: it is not of that form.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        raise UnitError("no-unit", f"{value} is a size without a unit", f"write {value}Mi or {value}Gi")
    match = _SIZE.fullmatch(value) if isinstance(value, str) and len(value) <= _MAX_DIGITS else None
    if match is None:
        text = f"{_show(value)} is not a size"
        raise UnitError("bad-size", text, "write a whole number and Ki, Mi, Gi or Ti, such as 4Gi")
    size = int(match[1]) * _BYTES[match[2]]
    if size > MAX_SIZE_BYTES:
        raise UnitError("bad-size", f"{value} is too large", "at most 4 EiB")
    return size


def parse_amount(value: object) -> int:
    """Return an amount of some capacity: a whole number as it stands, a size in bytes.

    Raises:
        UnitError: it is neither, or below zero.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise UnitError("bad-value", f"{value} is below zero", "an amount is 0 or more")
        return value
    if isinstance(value, str) and _SIZE.fullmatch(value):
        return parse_size(value)
    raise UnitError(
        "bad-value", f"{_show(value)} is not an amount", "write a whole number, or a size such as 64Gi"
    )


def parse_time(value: object) -> int:
    """Return a time in epoch seconds.

    Args:
        value: what stands in the YAML, by ISO 8601, with its offset from UTC: ``2026-12-24T18:00:00Z``.

    Raises:
        UnitError: it is not of that form, or has no offset.
    """
    hint = "write it as 2026-12-24T18:00:00Z"
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise UnitError("bad-time", f"{_show(value)} is not a time", hint)
    if found.tzinfo is None:
        raise UnitError("bad-time", f"{_show(value)} could be in any time zone", f"{hint}, or +01:00 for Z")
    return int(found.timestamp())


def parse_score(value: object) -> int:
    """Return a score, saturated at plus and minus INFINITY.

    Args:
        value: a whole number, or the words INFINITY, +INFINITY or -INFINITY.

    Raises:
        UnitError: it is neither, or beyond INFINITY, which is 1,000,000.
    """
    hint = "write a whole number, INFINITY or -INFINITY"
    if isinstance(value, str) and value in SCORE_WORDS:
        return SCORE_WORDS[value]
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnitError("bad-score", f"{_show(value)} is not a score", hint)
    if abs(value) > INFINITY:
        raise UnitError("bad-score", f"{value} is beyond INFINITY, which is {INFINITY}", hint)
    return value


def parse_score_text(text: str) -> int:
    """Return a score that stands in a label, which is always text.

    Raises:
        UnitError: it is none.
    """
    is_number = text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) <= 9
    return parse_score(int(text) if is_number else text)


def _show(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}..."'
        case int():
            return str(value)
        case dict():
            return "a map"
        case list():
            return "a list"
        case _:
            return "this"
