"""Logging to stderr: warnings by default, more on request."""

import logging
import sys

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_EXTRA = ("node", "resource", "domain", "action", "transition", "commit")


class _WithExtra(logging.Formatter):
    """Appends the values that a record carries as extra keys."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        extra = [f"{key}={getattr(record, key)}" for key in _EXTRA if hasattr(record, key)]
        return " ".join([text, *extra])


def set_up_logging(verbosity: int) -> None:
    """Send log records to stderr; 0 shows warnings, 1 information, 2 everything of ours."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(_WithExtra("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [stream]
    root.setLevel(logging.WARNING)
    logging.getLogger("reconciler").setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])
