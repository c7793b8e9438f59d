"""`reconcile simulate`."""

from pathlib import Path

import click

from reconciler.model.errors import SourceError
from reconciler.pacemaker.simulation import simulate_cib, simulation_document, simulation_text
from reconciler.report.document import to_text
from reconciler.world.clock import RealClock


@click.command(
    epilog="\b\nExamples:\n  reconcile simulate --cib cib.xml\n  reconcile simulate --cib cib.xml -o json --no-execute"
)
@click.option(
    "--cib",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="A Pacemaker CIB with its status, as `cibadmin -Q` prints it.",
)
@click.option("-o", "output", type=click.Choice(["text", "json"]), default="text", help="What to print.")
@click.option("--no-execute", is_flag=True, help="Plan only; do not carry the plan out on paper.")
def simulate(file: Path, output: str, *, no_execute: bool) -> None:
    """Plan for a Pacemaker cluster from its CIB, and carry the plan out on paper. Nothing is touched."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}") from error
    simulation = simulate_cib(data, str(file), RealClock().now(), is_executed=not no_execute)
    for note in simulation.given.unsupported:
        click.echo(f"not taken into account: {note}", err=True)
    for alarm in simulation.alarms:
        click.echo(f"left out: {alarm.action} would break {alarm.invariant}: {alarm.text}", err=True)
    if output == "json":
        click.echo(to_text(simulation_document(simulation)))
    else:
        click.echo(simulation_text(simulation))
