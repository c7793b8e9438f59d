"""`reconcile status`."""

import asyncio

import click

from reconciler.cli.observe import look_status
from reconciler.cli.options import Options, with_options
from reconciler.cli.show import show_status
from reconciler.cli.target import dirty_note, find_target
from reconciler.report.document import to_text


@click.command(epilog="\b\nExamples:\n  reconcile status\n  reconcile -C examples/quickstart status -o json")
@click.option("-o", "output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@with_options
def status(options: Options, output: str) -> None:
    """Show nodes, resources and problems, with a daemon running or not."""
    target = asyncio.run(find_target(options))
    document = asyncio.run(look_status(target))
    if output == "json":
        click.echo(to_text(document))
    else:
        show_status(document, dirty_note(target.tree))
