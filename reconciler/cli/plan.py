"""`reconcile plan`."""

import asyncio
from dataclasses import dataclass

import click

from reconciler.cli.exits import EXIT_CHANGES, EXIT_REFUSED
from reconciler.cli.observe import Sight, look
from reconciler.cli.options import Options, with_options
from reconciler.cli.target import Target, dirty_note, find_target, valid_intent
from reconciler.load.load import load
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.transition import Transition
from reconciler.plan.former import carried_over, in_force
from reconciler.plan.outlook import ideal_world, settled
from reconciler.plan.schedule import schedule
from reconciler.plan.tickets import all_granted
from reconciler.report.document import Document, to_text
from reconciler.report.plan import ACTIONS, has_changes, matching, plan_document, plan_markdown, plan_text
from reconciler.world.clock import RealClock

_EPILOG = """\b
Examples:
  reconcile plan
  reconcile plan -o json --detailed-exitcode
  reconcile plan --against origin/main -o markdown     for a comment on a pull request
  reconcile plan --fail-on destroy --fail-on move
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    fail_on: tuple[str, ...]
    is_detailed: bool

    def code(self, document: Document) -> int:
        """Return the exit code for a plan that could be made."""
        refused = matching(document, set(self.fail_on))
        if refused:
            click.echo(f"refused by --fail-on: {', '.join(refused)}", err=True)
            return EXIT_REFUSED
        if document["gates"]:
            click.echo("refused by a gate: " + ", ".join(g["address"] for g in document["gates"]), err=True)
            return EXIT_REFUSED
        return EXIT_CHANGES if self.is_detailed and has_changes(document) else 0


@click.command(epilog=_EPILOG)
@click.option(
    "-o", "output", type=click.Choice(["text", "json", "markdown"]), default="text", help="How to print it."
)
@click.option(
    "--against", metavar="REV", help="What changes against this revision, with no look at the world."
)
@click.option("--detailed-exitcode", "is_detailed", is_flag=True, help="Exit with 2 when there are changes.")
@click.option(
    "--fail-on",
    multiple=True,
    metavar="ACTION",
    type=click.Choice([*sorted(ACTIONS), "disruptive", "destructive"]),
    help="Exit with 3 when the plan has such a change; may be repeated.",
)
@with_options
def plan(
    options: Options,
    output: str = "text",
    against: str | None = None,
    is_detailed: bool = False,
    fail_on: tuple[str, ...] = (),
) -> None:
    """Show what would be done, in what order, and why, without doing it."""
    target, transition = asyncio.run(_plan(options, against))
    document = plan_document(transition, target.tree.source)
    notes = dirty_note(target.tree)
    match output:
        case "json":
            click.echo(to_text(document))
        case "markdown":
            click.echo(plan_markdown(document, notes))
        case _:
            click.echo(plan_text(document, notes))
    raise click.exceptions.Exit(_Verdict(fail_on=fail_on, is_detailed=is_detailed).code(document))


async def _plan(options: Options, against: str | None) -> tuple[Target, Transition]:
    target = await find_target(options)
    intent = valid_intent(target.loaded)
    if against is not None:
        base = valid_intent(load((await target.repository.read_revision(against)).files), f"{against}: ")
        return target, _plan_against(intent, base)
    sight: Sight = await look(target)
    history = carried_over(sight.history, sight.intent, intent)
    return target, schedule(in_force(intent, history), sight.observed, history, sight.now)


def _plan_against(intent: Intent, base: Intent) -> Transition:
    """Return what changes when a world that is as `base` declares comes to be as `intent` declares.

    All tickets of `base` are granted; one that is new is not, as it would be.
    """
    now = RealClock().now()  # rules with dates are judged as of today on both sides
    granted = all_granted(base)
    world = settled(base, ideal_world(base, intent), History(tickets=granted), now)
    history = carried_over(History(met=frozenset(base.hosts), tickets=granted), base, intent)
    return schedule(in_force(intent, history), world, history, now)
