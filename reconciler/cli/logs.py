"""`reconcile logs`."""

import asyncio
import json
from contextlib import closing

import click

from reconciler.cli.options import Options, with_options
from reconciler.cli.target import find_target
from reconciler.loop.orders import match_name
from reconciler.model.names import ResourceId
from reconciler.report.logs import log_entry, logs_text
from reconciler.world.journal import SqliteJournal


@click.command(epilog="\b\nExamples:\n  reconcile logs web\n  reconcile logs web -n 3 -o json")
@click.argument("resource")
@click.option("-n", "limit", type=click.IntRange(1, 50), default=10, help="How many results.")
@click.option("-o", "output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@with_options
def logs(options: Options, resource: str, limit: int, output: str) -> None:
    """Show a resource's last results, newest first, with what its resource agent printed."""
    target = asyncio.run(find_target(options))
    with closing(SqliteJournal(target.state.journal, is_read_only=True)) as journal:
        declared = target.loaded.intent.resources if target.loaded.intent else {}
        name = match_name(resource, [*declared, *journal.logged_resources()], "resource")
        entries = [log_entry(e) for e in journal.logs(ResourceId(name), limit)]
    click.echo(json.dumps(entries, indent=2) if output == "json" else logs_text(entries))
