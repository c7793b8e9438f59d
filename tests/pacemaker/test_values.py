"""Values of attributes are read as Pacemaker reads them, and what is no value is the default."""

import pytest

from reconciler.pacemaker.values import duration_ms, integer


@pytest.mark.parametrize(
    ("text", "want"),
    [(None, 5), ("", 5), ("12", 12), ("-3x", -3), ("9" * 18, 10**18 - 1), ("9" * 19, 5), ("9" * 5000, 5)],
)
def test_an_integer_is_what_the_text_begins_with_if_it_fits(text: str | None, want: int) -> None:
    assert integer(text, 5) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (None, 7),
        ("", 7),
        ("10", 10_000),
        ("10ms", 10),
        ("2min", 120_000),
        ("1h", 3_600_000),
        ("PT1M30S", 90_000),
        ("P1D", 86_400_000),
        ("1e3", 7),
        ("9" * 5000, 7),
        (f"PT{'9' * 5000}S", 7),
    ],
)
def test_a_duration_has_a_unit_or_counts_seconds(text: str | None, want: int) -> None:
    assert duration_ms(text, 7) == want
