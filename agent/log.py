"""One line on stderr for each thing worth knowing. Must never be given a parameter's value or a key.

The standard library's logging costs 1 MB and 15 ms; the journal or the init that reads our stderr adds the
time.
"""

from __future__ import annotations

import sys


def log(message: str, **facts: object) -> None:
    """Write a constant message and what it is about, as `message key=value ...`, never more than one line."""
    words = [message, *(f"{name}={_quote(value)}" for name, value in facts.items())]
    try:
        sys.stderr.write(f"reconciler-agent: {' '.join(words)}\n")
        sys.stderr.flush()
    except OSError:
        return  # nobody reads it any more; that must not stop an operation


def _quote(value: object) -> str:
    """Make a value from outside harmless: no line ends, no control characters, no end of a quote."""
    text = str(value)[:300]
    return text if text.isascii() and text.replace("-", "_").isidentifier() else ascii(text)
