"""`reconcile import`."""

from pathlib import Path

import click

from reconciler.cli.exits import EXIT_ERROR
from reconciler.load.load import load
from reconciler.load.write import yaml_text
from reconciler.model.errors import SourceError
from reconciler.pacemaker.to_yaml import convert_cib
from reconciler.world.clock import RealClock


@click.command(
    name="import",
    epilog="\b\nExamples:\n  reconcile import --cib cib.xml > cluster.yaml\n"
    "  reconcile import --cib cib.xml --guests > cluster.yaml",
)
@click.option(
    "--cib",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="A Pacemaker CIB, as `cibadmin -Q` prints it.",
)
@click.option("--guests", is_flag=True, help="Make guests of VirtualDomain resources; their XML you copy.")
@click.pass_context
def import_cib(ctx: click.Context, file: Path, *, guests: bool) -> None:
    """Write the YAML that asks for what a Pacemaker CIB asks for, and list what has no equivalent.

    The YAML goes to stdout, the list to stderr. Exit code 1 says that the YAML has problems, which are listed too.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}") from error
    converted = convert_cib(data, str(file), RealClock().now(), makes_guests=guests)
    text = yaml_text(converted.documents)
    click.echo(text, nl=False)
    for loss in converted.lost:
        click.echo(f"no equivalent: {loss}", err=True)
    problems = load({"cluster.yaml": text.encode()}).problems
    for problem in problems:
        if problem.code != "no-file":
            click.echo(str(problem), err=True)
    if any(problem.severity == "error" and problem.code != "no-file" for problem in problems):
        ctx.exit(EXIT_ERROR)
