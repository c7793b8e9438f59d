"""`reconcile validate`."""

import asyncio
import json

import click

from reconciler.cli.options import Options, with_options
from reconciler.cli.target import count_problems
from reconciler.load.load import load
from reconciler.world.git import open_repository


@click.command(
    epilog="\b\nExamples:\n  reconcile validate\n  reconcile -C clusters/shop --worktree validate -o json"
)
@click.option("-o", "output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@with_options
def validate(options: Options, output: str) -> None:
    """Check the YAML, offline: every problem of every file, as file:line:col, with what would be right.

    In a git repository the commit is checked; --worktree checks the files as they are.
    """

    async def read() -> dict[str, bytes]:
        repository = await open_repository(
            options.folder, revision=options.revision, is_worktree=options.worktree
        )
        return dict((await repository.read()).files)

    loaded = load(asyncio.run(read()))
    if output == "json":
        problems = [
            {
                "file": p.where.file,
                "line": p.where.line,
                "column": p.where.column,
                "severity": p.severity,
                "code": p.code,
                "text": p.text,
                "hint": p.hint,
            }
            for p in loaded.problems
        ]
        click.echo(json.dumps({"valid": loaded.intent is not None, "problems": problems}, indent=2))
    else:
        for problem in loaded.problems:
            click.echo(str(problem))
    if loaded.intent is None:
        click.echo(count_problems(loaded.problems), err=True)
        raise click.exceptions.Exit(1)
    if output == "text":
        intent = loaded.intent
        guests = sum(r.guest is not None for r in intent.resources.values())
        resources = len(intent.resources) - guests
        click.echo(f"valid: {len(intent.hosts)} hosts, {guests} guests, {resources} resources")
