import pytest

from reconciler.model.score import INFINITY, add_scores, format_score, read_score


@pytest.mark.parametrize(
    ("left", "right", "want"),
    [
        (1, 2, 3),
        (-5, 5, 0),
        (INFINITY, -50, INFINITY),
        (-INFINITY, 50, -INFINITY),
        (INFINITY, -INFINITY, -INFINITY),
        (INFINITY, INFINITY, INFINITY),
        (INFINITY - 1, 2, INFINITY),
        (-INFINITY + 1, -2, -INFINITY),
        (2 * INFINITY, -INFINITY - 1, -INFINITY),
    ],
)
def test_scores_add_and_saturate_and_minus_infinity_wins(left: int, right: int, want: int) -> None:
    assert add_scores(left, right) == want
    assert add_scores(right, left) == want


@pytest.mark.parametrize(
    ("score", "want"),
    [(0, "0"), (-7, "-7"), (INFINITY, "INFINITY"), (INFINITY + 1, "INFINITY"), (-INFINITY, "-INFINITY")],
)
def test_scores_are_written_as_users_write_them(score: int, want: str) -> None:
    assert format_score(score) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("10", 10),
        ("-3", -3),
        (" 7x", 7),
        ("9" * 5000, INFINITY),
        ("INFINITY", INFINITY),
        ("-INFINITY", -INFINITY),
        ("", 5),
    ],
)
def test_a_score_is_what_a_text_begins_with(text: str, want: int) -> None:
    assert read_score(text, 5) == want
