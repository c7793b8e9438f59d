"""Conditions on time: whether they hold, and when that may change next. All in UTC, in whole seconds."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from reconciler.model.rule import DateTest

UNITS: Mapping[str, Callable[[datetime], int]] = {
    "seconds": lambda now: now.second,
    "minutes": lambda now: now.minute,
    "hours": lambda now: now.hour,
    "monthdays": lambda now: now.day,
    "weekdays": lambda now: now.isoweekday(),
    "yeardays": lambda now: now.timetuple().tm_yday,
    "weeks": lambda now: now.isocalendar().week,
    "months": lambda now: now.month,
    "weekyears": lambda now: now.isocalendar().year,
    "years": lambda now: now.year,
}
"""Pacemaker's names; weekdays count from Monday, which is 1, and weeks are those of ISO 8601."""

_STEPS = {"seconds": timedelta(seconds=1), "minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}
_DAY = timedelta(days=1)
_MOST_STEPS = 400
"""How far ahead a change is looked for; if there is none, the plan is looked at again then, to no harm."""


def date_holds(test: DateTest, now: float) -> bool:
    """Tell whether it is such a time; `now` in epoch seconds."""
    if test.since is not None and now < test.since:
        return False
    return (test.before is None or now < test.before) and _is_in_calendar(test, _moment(now))


def next_change(test: DateTest, now: float) -> float | None:
    """Return the first moment after `now` when such a time may begin or end, epoch seconds; None: never."""
    if test.before is not None and now >= test.before:
        return None
    limits = [float(at) for at in (test.since, test.before) if at is not None and at > now]
    if test.calendar:
        limits.append(_next_in_calendar(test, _moment(now)))
    return min(limits, default=None)


def _moment(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)


def _is_in_calendar(test: DateTest, now: datetime) -> bool:
    return all(
        (r.low is None or r.low <= UNITS[r.unit](now)) and (r.high is None or UNITS[r.unit](now) <= r.high)
        for r in test.calendar
    )


def _next_in_calendar(test: DateTest, now: datetime) -> float:
    step = min(_STEPS.get(r.unit, _DAY) for r in test.calendar)
    # Days and all above begin at midnight, so that the epoch is a multiple of every step.
    length = int(step.total_seconds())
    at = _moment(int(now.timestamp()) // length * length)
    held = _is_in_calendar(test, now)
    for _ in range(_MOST_STEPS):
        at += step
        if _is_in_calendar(test, at) is not held:
            break
    return at.timestamp()
