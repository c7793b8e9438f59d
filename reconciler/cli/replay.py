"""`reconcile replay`."""

import asyncio
from contextlib import closing
from pathlib import Path

import click

from reconciler.cli.options import Options, with_options
from reconciler.cli.target import find_target
from reconciler.load.record import load_plan_input
from reconciler.model.errors import UsageError
from reconciler.plan.schedule import schedule
from reconciler.report.document import to_text
from reconciler.report.plan import plan_document, plan_text
from reconciler.world.journal import SqliteJournal

MAX_INPUT_BYTES = 500 * 1024 * 1024


@click.command(
    epilog="\b\nExamples:\n  reconcile replay --list\n  reconcile replay saved.json\n  reconcile replay -o input"
)
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path), required=False
)
@click.option("--list", "is_list", is_flag=True, help="List the saved inputs of this state.")
@click.option("-n", "number", type=click.IntRange(1), default=1, help="The how manieth newest saved input.")
@click.option(
    "-o", "output", type=click.Choice(["text", "json", "input"]), default="text", help="What to print."
)
@with_options
def replay(options: Options, file: Path | None, is_list: bool, number: int, output: str) -> None:
    """Run the planner again on an input that was saved: the same input gives the same plan.

    Without FILE, on the newest input that the state has kept. `-o input` prints the input itself, for a bug report.
    """
    if file is not None:
        text = _read(file)
    else:
        target = asyncio.run(find_target(options))
        with closing(SqliteJournal(target.state.journal, is_read_only=True)) as journal:
            kept = journal.plan_inputs()
        if is_list:
            for position, (name, saved) in enumerate(kept, 1):
                click.echo(f"{position}  {name}  {len(saved)} bytes")
            return
        if len(kept) < number:
            raise UsageError(f"there are {len(kept)} saved inputs; every plan that does something adds one")
        text = kept[number - 1][1]
    if output == "input":
        click.echo(text)
        return
    intent, observed, history, now = load_plan_input(text)
    document = plan_document(schedule(intent, observed, history, now), None)
    click.echo(to_text(document) if output == "json" else plan_text(document))


def _read(file: Path) -> str:
    """Return a saved input from a file, - standing for stdin.

    Raises:
        UsageError: it cannot be one.
    """
    try:
        with click.open_file(str(file), "rb") as stream:
            content = stream.read(MAX_INPUT_BYTES + 1)
        if len(content) <= MAX_INPUT_BYTES:
            return str(content, "utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no saved planner input: {error}") from error
    raise UsageError(f"{file} is no saved planner input: it is larger than {MAX_INPUT_BYTES} bytes")
