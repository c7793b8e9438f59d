import logging

import pytest

from reconciler.cli.logs_setup import set_up_logging


def test_records_go_to_stderr_with_the_values_they_carry(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(0)
    log = logging.getLogger("reconciler.somewhere")
    log.info("not shown")
    log.warning("lost", extra={"node": "guest1", "commit": "c0ffee", "secret": "never"})
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == (
        "",
        "WARNING reconciler.somewhere: lost node=guest1 commit=c0ffee\n",
    )


@pytest.mark.parametrize(
    ("verbosity", "level"), [(0, logging.WARNING), (1, logging.INFO), (2, logging.DEBUG), (9, logging.DEBUG)]
)
def test_more_is_shown_on_request_and_of_ours_alone(verbosity: int, level: int) -> None:
    set_up_logging(verbosity)
    assert logging.getLogger("reconciler").level == level
    assert logging.getLogger().level == logging.WARNING
