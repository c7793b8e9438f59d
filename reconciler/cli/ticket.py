"""`reconcile ticket grant|revoke|standby|activate|list`."""

import asyncio
from contextlib import closing

import click

from reconciler.cli.observe import ask_daemon
from reconciler.cli.options import Options, with_options
from reconciler.cli.orders import give_order
from reconciler.cli.target import Target, find_target, valid_intent
from reconciler.loop.tickets import TicketOrder
from reconciler.report.document import Document, listed, to_text
from reconciler.report.tickets import ticket_documents, ticket_lines
from reconciler.world.journal import SqliteJournal


@click.group()
def ticket() -> None:
    """Grant and revoke tickets, which say at which of several sites something may run.

    What needs a ticket declares it (`tickets:`); whether this cluster holds it is kept in its state, as long as
    something declared needs it. A ticket that nobody has granted is not held.
    """


@ticket.command(epilog="\b\nExample:\n  reconcile ticket grant shop")
@click.argument("name")
@with_options
def grant(options: Options, name: str) -> None:
    """Let what needs a ticket run here.

    Nobody looks whether another site has it: revoke it there first, and wait until what needs it has stopped.
    """
    give_order(options, TicketOrder.GRANT.value, name)


@ticket.command(epilog="\b\nExample:\n  reconcile ticket revoke shop")
@click.argument("name")
@with_options
def revoke(options: Options, name: str) -> None:
    """Take a ticket from this cluster: what needs it is stopped, demoted, fenced or frozen, as its onLoss says."""
    give_order(options, TicketOrder.REVOKE.value, name)


@ticket.command(
    epilog="\b\nExample:\n  reconcile ticket standby shop    # then, once all has stopped, revoke it"
)
@click.argument("name")
@with_options
def standby(options: Options, name: str) -> None:
    """Have what needs a ticket stopped or demoted in good order, whatever its onLoss, and keep the ticket."""
    give_order(options, TicketOrder.STANDBY.value, name)


@ticket.command(epilog="\b\nExample:\n  reconcile ticket activate shop")
@click.argument("name")
@with_options
def activate(options: Options, name: str) -> None:
    """Put an end to a ticket's standby."""
    give_order(options, TicketOrder.ACTIVATE.value, name)


@ticket.command(name="list", epilog="\b\nExamples:\n  reconcile ticket list\n  reconcile ticket list -o json")
@click.option("-o", "output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@with_options
def list_tickets(options: Options, output: str) -> None:
    """List the tickets that are declared, whether this cluster holds them, and what needs them."""
    target = asyncio.run(find_target(options))
    status = ask_daemon(target, "status")
    tickets = listed(status, "tickets") if isinstance(status, dict) else _kept(target)
    if output == "json":
        click.echo(to_text({"tickets": tickets}))
    elif tickets:
        click.echo("\n".join(ticket_lines(tickets)))
    else:
        click.echo("nothing that is declared needs a ticket", err=True)


def _kept(target: Target) -> list[Document]:
    """Return the tickets as the journal has them, for want of a daemon."""
    with closing(SqliteJournal(target.state.journal, is_read_only=True)) as journal:
        return ticket_documents(valid_intent(target.loaded), journal.load_history())
