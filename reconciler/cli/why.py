"""`reconcile why`."""

import asyncio
from pathlib import Path

import click

from reconciler.cli.observe import Sight, look
from reconciler.cli.options import Options, with_options
from reconciler.cli.target import find_target, valid_intent
from reconciler.load.suggest import did_you_mean
from reconciler.model.errors import SourceError, UsageError
from reconciler.model.names import NodeName, ResourceId
from reconciler.pacemaker.read import read_cib
from reconciler.plan.former import carried_over, in_force
from reconciler.plan.why import Explained, explain_all
from reconciler.report.document import to_text
from reconciler.report.why import why_document, why_text
from reconciler.world.clock import RealClock

_EPILOG = """\b
Examples:
  reconcile why web                   each node's score by its terms, and why the others lost
  reconcile why web host2             why not there
  reconcile why web -o json           the same for tools; `reconcile schema why` describes it
  reconcile why --cib cib.xml web     the same for a Pacemaker cluster
\b
Terms add up by infinity math: -INFINITY wins over all, then INFINITY. `*` marks the chosen node. Exit
codes: 0 explained, 1 it could not be looked, 64 there is no such resource or node.
"""


@click.command(epilog=_EPILOG)
@click.argument("resource")
@click.argument("node", required=False)
@click.option("-o", "output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@click.option(
    "--cib",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Explain what is planned for a Pacemaker CIB instead of the declaration.",
)
@with_options
def why(options: Options, resource: str, node: str | None, output: str, file: Path | None) -> None:
    """Say why a resource is where it is, or will be: each node's score by its terms.

    RESOURCE is a guest, a resource, a group, a clone, or an instance of a clone (web:0). With NODE, that one alone.
    It looks at the world as `reconcile plan` does, and changes nothing.
    """
    explained = asyncio.run(_explained(options)) if file is None else _explained_cib(file)
    name = ResourceId(_known(resource, "resource", explained.names()))
    place = None if node is None else NodeName(_known(node, "node", explained.nodes()))
    document = why_document(explained.explain(name, place))
    click.echo(to_text(document) if output == "json" else why_text(document))


def _known(name: str, kind: str, known: list[ResourceId] | list[NodeName]) -> str:
    if name not in known:
        hint = did_you_mean(name, [str(k) for k in known])
        raise UsageError(f"there is no {kind} {name}" + (f"; {hint}" if hint else ""))
    return name


async def _explained(options: Options) -> Explained:
    target = await find_target(options)
    intent = valid_intent(target.loaded)
    sight: Sight = await look(target)
    history = carried_over(sight.history, sight.intent, intent)
    return explain_all(in_force(intent, history), sight.observed, history, sight.now)


def _explained_cib(file: Path) -> Explained:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}") from error
    given = read_cib(data, str(file), RealClock().now())
    return explain_all(given.intent, given.observed, given.history, given.now)
