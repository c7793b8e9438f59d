import logging
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_validate import WRONG


@pytest.fixture(autouse=True)
def same_logging() -> None:
    """Commands set logging up anew."""
    logging.getLogger().handlers = []


def test_an_option_that_all_commands_share_may_stand_before_the_command_or_after_it(
    cli: Run, repository: Path
) -> None:
    (repository / "wrong.yaml").write_text(WRONG % 1)
    before, after = cli("--worktree", "validate"), cli("validate", "--worktree")
    assert (after.code, after.out, after.err) == (before.code, before.out, before.err)
    assert after.code == 1
    assert cli("validate").code == 0


def test_what_stands_after_the_command_wins(cli: Run, repository: Path) -> None:
    assert cli("--revision", "nope", "validate").code == 1
    assert cli("--revision", "nope", "validate", "--revision", "HEAD").code == 0
    assert cli("-C", str(repository / "nowhere"), "validate", "-C", str(repository)).code == 0


def test_a_command_may_be_told_to_say_more(cli: Run) -> None:
    assert cli("validate").code == 0
    assert logging.getLogger("reconciler").level == logging.WARNING
    assert cli("validate", "-vv").code == 0
    assert logging.getLogger("reconciler").level == logging.DEBUG
