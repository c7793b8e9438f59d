"""`reconcile simulate`."""

from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import Options, with_options
from reconciler.model.errors import SourceError, UsageError
from reconciler.pacemaker.simulation import simulate_cib, simulation_document, simulation_text
from reconciler.report.document import to_text
from reconciler.world.clock import RealClock

_EPILOG = """\b
Examples:
  reconcile simulate --fail host1                    what moves, and what cannot run
  reconcile simulate --fail host1 --standby host2    both at once
  reconcile simulate --fail-resource web
  reconcile simulate --all-single-failures           each host and guest in turn, for CI
  reconcile simulate --at 2026-12-24T18:00:00Z       what rules with dates come to then
  reconcile simulate --cib cib.xml                   a Pacemaker cluster's next transition
  reconcile simulate --cib cib.xml -o json --no-execute
\b
Exit codes: 0 all that should run goes on or starts again, 1 something that should run cannot, or a node is
overloaded, 64 there is no such name. With --cib: 0 planned, 1 it is no CIB.
"""


@click.command(epilog=_EPILOG)
@click.option("--fail", multiple=True, metavar="NODE", help="This host or guest fails; may be repeated.")
@click.option(
    "--fail-resource", multiple=True, metavar="NAME", help="This resource fails once where it runs."
)
@click.option("--standby", multiple=True, metavar="HOST", help="This host is asked to run nothing.")
@click.option("--all-single-failures", is_flag=True, help="Each host and each guest fails, one at a time.")
@click.option("--may-stop", multiple=True, metavar="NAME", help="It is no failure if this cannot run.")
@click.option("--live", is_flag=True, help="Begin with the world as it is, not with one as declared.")
@click.option("--at", metavar="TIME", help="Judge rules with dates as of then, such as 2026-12-24T18:00:00Z.")
@click.option(
    "--cib",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Plan for a Pacemaker CIB with its status instead, as `cibadmin -Q` prints it.",
)
@click.option("-o", "output", type=click.Choice(["text", "json"]), default="text", help="What to print.")
@click.option("--no-execute", is_flag=True, help="With --cib: plan only; do not carry the plan out on paper.")
@with_options
def simulate(
    options: Options,
    /,
    file: Path | None,
    output: str,
    *,
    no_execute: bool,
    **given: Any,  # noqa: ANN401  click's
) -> None:
    """Let things fail on paper, and say what becomes of the rest. Nothing is touched.

    A failed host counts as fenced. With --cib, plan for a Pacemaker cluster, and carry the plan out on paper.
    """
    if file is None:
        if no_execute:
            raise UsageError("--no-execute goes with --cib")
        from reconciler.cli.what_if import Asked, simulate_faults  # noqa: PLC0415  a CIB needs none of it

        raise click.exceptions.Exit(simulate_faults(options, Asked(**given), output))
    if any(given.values()):
        raise UsageError("--cib goes with -o and --no-execute only")
    _simulate_cib(file, output, is_executed=not no_execute)


def _simulate_cib(file: Path, output: str, *, is_executed: bool) -> None:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}") from error
    simulation = simulate_cib(data, str(file), RealClock().now(), is_executed=is_executed)
    for note in simulation.given.unsupported:
        click.echo(f"not taken into account: {note}", err=True)
    for alarm in simulation.alarms:
        click.echo(f"left out: {alarm.action} would break {alarm.invariant}: {alarm.text}", err=True)
    if output == "json":
        click.echo(to_text(simulation_document(simulation)))
    else:
        click.echo(simulation_text(simulation))
