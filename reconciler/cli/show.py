"""Prints results to stdout; on a terminal in colour, with rich, which is loaded only then."""

import os
import sys

import click

from reconciler.cli.exits import EXIT_ERROR, EXIT_REFUSED
from reconciler.report.document import Document
from reconciler.report.status import is_gated, needs_attention
from reconciler.report.text import status_text

_STYLES = {
    r"\b(online|Started|Promoted|Unpromoted)\b": "green",
    r"\b(offline|unclean|unknown|FAILED|Unknown)\b": "red",
    r"\b(pending|standby|maintenance|unmanaged|removed|failures: \d+)": "yellow",
    r"(?m)^(Nodes|Resources|Problems|Cluster)\b": "bold",
    r"(?m)^note: .*$": "yellow",
}


def show_status(document: Document, notes: tuple[str, ...] = ()) -> None:
    """Print a status as one screen."""
    text = status_text(document, notes)
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        click.echo(text)
        return
    from rich.console import Console  # noqa: PLC0415  only a terminal needs it
    from rich.text import Text  # noqa: PLC0415

    coloured = Text(text)
    for pattern, style in _STYLES.items():
        coloured.highlight_regex(pattern, style)
    Console().print(coloured, soft_wrap=True)


def finish(document: Document, notes: tuple[str, ...] = ()) -> int:
    """Print the status after one pass and return its exit code."""
    show_status(document, notes)
    if needs_attention(document):
        return EXIT_ERROR
    return EXIT_REFUSED if is_gated(document) else 0
