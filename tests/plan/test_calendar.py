"""Times hold or do not, and say when that changes."""

from datetime import UTC, datetime

import pytest

from reconciler.model.rule import CalendarRange, DateTest
from reconciler.plan.calendar import date_holds, next_change


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def within(unit: str, low: int | None, high: int | None) -> CalendarRange:
    return CalendarRange(unit=unit, low=low, high=high)


NOW = at("2026-11-22 17:30")
"""A Sunday."""
OFFICE_HOURS = DateTest(calendar=(within("hours", 9, 16), within("weekdays", 1, 5)))


@pytest.mark.parametrize(
    ("test", "holds", "changes"),
    [
        (DateTest(since=int(NOW)), True, None),
        (DateTest(since=int(NOW) + 5), False, NOW + 5),
        (DateTest(before=int(NOW)), False, None),
        (DateTest(before=int(NOW) + 5), True, NOW + 5),
        (DateTest(since=int(NOW) + 5, before=int(NOW) + 9), False, NOW + 5),
        (DateTest(since=int(NOW) - 5, before=int(NOW) + 9), True, NOW + 9),
        (DateTest(calendar=(within("hours", 17, 17),)), True, at("2026-11-22 18:00")),
        (DateTest(calendar=(within("minutes", None, 29),)), False, at("2026-11-22 18:00")),
        (DateTest(calendar=(within("weekdays", 7, None),)), True, at("2026-11-23 00:00")),
        (DateTest(calendar=(within("months", 12, 12),)), False, at("2026-12-01 00:00")),
        (DateTest(before=int(NOW) + 5, calendar=(within("years", 2026, None),)), True, NOW + 5),
        (OFFICE_HOURS, False, at("2026-11-23 09:00")),
    ],
)
def test_a_time_holds_and_changes_at(test: DateTest, holds: bool, changes: float | None) -> None:
    assert (date_holds(test, NOW), next_change(test, NOW)) == (holds, changes)


def test_between_its_changes_a_time_does_not_change() -> None:
    now = at("2026-11-20 12:00:00")
    found = []
    for _ in range(4):
        later = next_change(OFFICE_HOURS, now)
        assert later is not None
        states = {date_holds(OFFICE_HOURS, now + step * (later - now) / 50) for step in range(50)}
        found.append((datetime.fromtimestamp(now, UTC).strftime("%a %H"), states))
        now = later
    assert found == [("Fri 12", {True}), ("Fri 17", {False}), ("Mon 09", {True}), ("Mon 17", {False})]
