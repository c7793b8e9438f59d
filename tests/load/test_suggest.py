import pytest

from reconciler.load.suggest import did_you_mean, suggest

KNOWN = ("failureLimit", "state", "remoteNode", "stickiness", "params")


@pytest.mark.parametrize(
    ("word", "want"),
    [
        ("stickness", "stickiness"),
        ("FAILURELIMIT", "failureLimit"),
        ("failure_limit", "failureLimit"),
        ("migration-threshold", "failureLimit"),
        ("remote-addr", "remoteNode.address"),
        ("target-role", "state"),
        ("parameters", "params"),
        ("elephant", None),
        ("", None),
    ],
)
def test_the_word_that_was_meant(word: str, want: str | None) -> None:
    assert suggest(word, KNOWN) == want


@pytest.mark.parametrize(
    ("word", "known", "want"),
    [
        ("hots", ["host1", "hosts"], "did you mean hosts?"),
        ("elephant", ["b", "a"], "known are a, b"),
        ("elephant", [], ""),
        ("elephant", [str(n) for n in range(50)], ""),
    ],
)
def test_the_hint_lists_what_is_known_if_it_is_little(word: str, known: list[str], want: str) -> None:
    assert did_you_mean(word, known) == want
