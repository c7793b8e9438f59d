import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.load.scalars import ScalarError, resolve


@pytest.mark.parametrize(
    ("written", "want"),
    [
        ("running", "running"),
        ("0", 0),
        ("17", 17),
        ("-1", -1),
        ("true", True),
        ("false", False),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("22:22", "22:22"),
        ("1_000", "1_000"),
        ("1.2.3.4", "1.2.3.4"),
        ("2024-01-01", "2024-01-01"),
        ("10s", "10s"),
        ("-INFINITY", "-INFINITY"),
        ("<<", "<<"),
        ("None", "None"),
    ],
)
def test_unquoted_words_mean_one_thing(written: str, want: object) -> None:
    got = resolve(written)
    assert (got, type(got)) == (want, type(want))


@pytest.mark.parametrize(
    ("written", "code"),
    [
        *((text, "null") for text in ("", "~", "null", "Null", "NULL")),
        *((text, "ambiguous") for text in ("True", "TRUE", "False", "FALSE", "0755", "08", "-0", "+5", "00")),
        *((text, "ambiguous") for text in ("0o17", "0x1F", "9" * 19, "9" * 5000)),
        *((text, "float") for text in ("1.10", "1.", ".5", "1e3", "12e4567", "1e400", "-1.5E-3")),
        *((text, "float") for text in (".inf", "-.INF", "+.Inf", ".nan", ".NaN", ".NAN")),
    ],
)
def test_spellings_that_would_be_lost_are_refused(written: str, code: str) -> None:
    with pytest.raises(ScalarError) as caught:
        resolve(written)
    assert caught.value.code == code


@given(st.text(alphabet="0123456789+-.eEoxXabnNtT_~:", max_size=12))
def test_what_is_accepted_can_be_written_back_as_it_was(text: str) -> None:
    try:
        value = resolve(text)
    except ScalarError:
        return
    assert (str(value).lower() if isinstance(value, bool) else str(value)) == text
