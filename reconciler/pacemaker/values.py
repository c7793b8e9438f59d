"""Reads the values of attributes in a CIB: scores, durations, booleans.

What is no such value is answered with a default, as Pacemaker does: a CIB that is in force must be readable.
"""

import re

from reconciler.model.resource import Role
from reconciler.model.score import read_score

_DURATION = re.compile(r"\s*(\d{1,15})\s*([a-z]*)\s*\Z", re.IGNORECASE)
_ISO_DURATION = re.compile(
    r"P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})W)?(?:(\d{1,9})D)?T?(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?\Z"
)
_UNITS_MS = {
    "": 1000.0, "s": 1000.0, "sec": 1000.0, "ms": 1.0, "msec": 1.0, "us": 0.001, "usec": 0.001,
    "m": 60_000.0, "min": 60_000.0, "h": 3_600_000.0, "hr": 3_600_000.0,
}  # fmt: skip
_ISO_UNITS_S = (31_536_000, 2_592_000, 604_800, 86_400, 3600, 60, 1)
_ROLES = {
    "stopped": Role.STOPPED, "started": Role.STARTED, "unpromoted": Role.UNPROMOTED, "slave": Role.UNPROMOTED,
    "promoted": Role.PROMOTED, "master": Role.PROMOTED,
}  # fmt: skip
_INTEGER = re.compile(r"\s*([+-]?\d{1,18})(?!\d)")


def score(text: str | None, default: int = 0) -> int:
    """Return a score."""
    return read_score(text, default)


def integer(text: str | None, default: int = 0) -> int:
    """Return an integer, as far as the text begins with one; one that does not fit 64 bits is none."""
    found = _INTEGER.match(text) if text is not None else None
    return int(found.group(1)) if found else default


def boolean(text: str | None, *, default: bool = False) -> bool:
    """Return a boolean (Pacemaker takes true, on, yes, y and 1)."""
    return default if text is None else text.strip().lower() in {"true", "on", "yes", "y", "1"}


def duration_ms(text: str | None, default: int = 0) -> int:
    """Return a duration in milliseconds; a bare number counts seconds, and ISO 8601 is taken too."""
    if text is None:
        return default
    found = _DURATION.match(text)
    if found is not None and found.group(2).lower() in _UNITS_MS:
        return int(int(found.group(1)) * _UNITS_MS[found.group(2).lower()])
    iso = _ISO_DURATION.match(text.strip())
    if iso is not None:
        return 1000 * sum(int(n or 0) * unit for n, unit in zip(iso.groups(), _ISO_UNITS_S, strict=True))
    return default


def role_of(text: str | None) -> Role | None:
    """Return a role by its new or its old name; None for none."""
    return _ROLES.get((text or "").lower())
