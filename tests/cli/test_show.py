import sys
from typing import Any

import pytest

from reconciler.cli.show import finish, show_status
from reconciler.report.text import status_text
from tests.report.test_text import document, node, resource


def gated() -> dict[str, Any]:
    gate = {"severity": "warning", "code": "max-destroy", "text": "2 guests", "address": "guest/vm1"}
    return document(problems=[gate])


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (document(), 0),
        (gated(), 3),
        (document(nodes=[node("host1", "unclean")]), 1),
        ({**gated(), "resources": [resource("a", "Unknown")]}, 1),
    ],
    ids=["fine", "gated", "a lost host", "unknown and gated"],
)
def test_one_pass_ends_with_the_first_code_that_applies(
    capsys: pytest.CaptureFixture[str], shown: dict[str, Any], code: int
) -> None:
    assert finish(shown, ("a note",)) == code
    assert capsys.readouterr().out == status_text(shown, ("a note",)) + "\n"


@pytest.mark.parametrize(
    ("no_color", "is_terminal", "has_colour"), [("", True, True), ("1", True, False), ("", False, False)]
)
def test_colours_are_for_terminals_whose_users_want_them(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    no_color: str,
    is_terminal: bool,
    has_colour: bool,
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    show_status(document())
    assert ("\x1b[32m" in capsys.readouterr().out) is has_colour
