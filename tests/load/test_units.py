from collections.abc import Callable

import pytest

from reconciler.load import units
from reconciler.load.units import UnitError
from reconciler.model.score import INFINITY


@pytest.mark.parametrize(
    ("parse", "written", "want"),
    [
        (units.parse_duration, "100ms", 100),
        (units.parse_duration, "30s", 30_000),
        (units.parse_duration, "5m", 300_000),
        (units.parse_duration, "2h", 7_200_000),
        (units.parse_duration, "1d", 86_400_000),
        (units.parse_duration, "0s", 0),
        (units.parse_positive_duration, "1ms", 1),
        (units.parse_detection_time, "1s", 1000),
        (units.parse_detection_time, "5m", 300_000),
        (units.parse_size, "1Ki", 1024),
        (units.parse_size, "512Mi", 536_870_912),
        (units.parse_size, "4Gi", 4_294_967_296),
        (units.parse_size, "1Ti", 2**40),
        (units.parse_amount, 16, 16),
        (units.parse_amount, 0, 0),
        (units.parse_amount, "64Gi", 64 * 2**30),
        (units.parse_score, -5, -5),
        (units.parse_score, "INFINITY", INFINITY),
        (units.parse_score, "+INFINITY", INFINITY),
        (units.parse_score, "-INFINITY", -INFINITY),
        (units.parse_score, 1_000_000, INFINITY),
    ],
)
def test_what_is_well_written_becomes_a_number(
    parse: Callable[[object], int], written: object, want: int
) -> None:
    assert parse(written) == want


@pytest.mark.parametrize(
    ("parse", "written", "want"),
    [
        (units.parse_duration, 30, "30 is a duration without a unit; write 30s or 30ms"),
        (
            units.parse_duration,
            "30",
            '"30" is not a duration; write a number and ms, s, m, h or d, such as 30s',
        ),
        (
            units.parse_duration,
            "1.5s",
            '"1.5s" is not a duration; write a number and ms, s, m, h or d, such as 30s',
        ),
        (
            units.parse_duration,
            "30s\n",
            '"30s\n" is not a duration; write a number and ms, s, m, h or d, such as 30s',
        ),
        (
            units.parse_duration,
            "030s",
            '"030s" is not a duration; write a number and ms, s, m, h or d, such as 30s',
        ),
        (
            units.parse_duration,
            "٣s",
            '"٣s" is not a duration; write a number and ms, s, m, h or d, such as 30s',
        ),
        (
            units.parse_duration,
            "-1s",
            '"-1s" is not a duration; write a number and ms, s, m, h or d, such as 30s',
        ),
        (
            units.parse_duration,
            True,
            "true is not a duration; write a number and ms, s, m, h or d, such as 30s",
        ),
        (
            units.parse_duration,
            [],
            "a list is not a duration; write a number and ms, s, m, h or d, such as 30s",
        ),
        (
            units.parse_duration,
            {},
            "a map is not a duration; write a number and ms, s, m, h or d, such as 30s",
        ),
        (units.parse_duration, "50d", "50d is too long; at most 49d"),
        (units.parse_positive_duration, "0s", "0s is no time at all; it must be above 0"),
        (units.parse_detection_time, "999ms", "999ms is not between 1s and 5m; such as 5s"),
        (units.parse_detection_time, "301s", "301s is not between 1s and 5m; such as 5s"),
        (units.parse_size, 4, "4 is a size without a unit; write 4Mi or 4Gi"),
        (
            units.parse_size,
            "4G",
            '"4G" is not a size; write a whole number and Ki, Mi, Gi or Ti, such as 4Gi',
        ),
        (
            units.parse_size,
            "0Gi",
            '"0Gi" is not a size; write a whole number and Ki, Mi, Gi or Ti, such as 4Gi',
        ),
        (units.parse_size, "9999999999Ti", "9999999999Ti is too large; at most 4 EiB"),
        (units.parse_amount, -1, "-1 is below zero; an amount is 0 or more"),
        (units.parse_amount, "5G", '"5G" is not an amount; write a whole number, or a size such as 64Gi'),
        (units.parse_score, "5", '"5" is not a score; write a whole number, INFINITY or -INFINITY'),
        (units.parse_score, True, "true is not a score; write a whole number, INFINITY or -INFINITY"),
        (
            units.parse_score,
            1_000_001,
            "1000001 is beyond INFINITY, which is 1000000; write a whole number, INFINITY or -INFINITY",
        ),
    ],
)
def test_what_is_not_says_what_would_be_right(
    parse: Callable[[object], int], written: object, want: str
) -> None:
    with pytest.raises(UnitError) as caught:
        parse(written)
    assert f"{caught.value.text}; {caught.value.hint}" == want
