"""Operators' orders: adopt, restart, cleanup, confirm-fenced, allow-destroy, stop-all; `ticket` has its own.

With a daemon running it is told. Without one, the order is carried out at the beginning of one pass.
"""

import asyncio

import click

from reconciler.cli.options import Options, with_options
from reconciler.cli.run import run_order, stop_all
from reconciler.cli.target import find_target
from reconciler.model.errors import StateError
from reconciler.world.control import ask


def give_order(options: Options, order: str, name: str, node: str | None = None) -> None:
    """Have an order carried out, and print what was done.

    Raises:
        UsageError: there is nothing of that name.
        StateError: the daemon ended before it answered.
    """
    request = {"command": "order", "order": order, "name": name, "node": node}
    target = asyncio.run(find_target(options))
    answers = ask(target.state.control_socket, request)
    if answers is None:
        raise click.exceptions.Exit(run_order(options, request))
    for message in answers:
        click.echo(message["result"])
        return
    raise StateError("the daemon ended before it answered")


@click.command(epilog="\b\nExamples:\n  reconcile adopt FAKE\n  reconcile adopt db1")
@click.argument("name")
@with_options
def adopt(options: Options, name: str) -> None:
    """Take a resource that runs with unknown parameters, or a node with a stock agent, as declared.

    A stock agent has one master: the cluster that had a node before must have let go of it. What runs there without
    a record of ours is taken as declared, too.
    """
    give_order(options, "adopt", name)


@click.command(epilog="\b\nExample:\n  reconcile restart web")
@click.argument("resource")
@with_options
def restart(options: Options, resource: str) -> None:
    """Stop a resource or guest and start it again, with all that depends on it."""
    give_order(options, "restart", resource)


@click.command(epilog="\b\nExamples:\n  reconcile cleanup web\n  reconcile cleanup web --node guest1")
@click.argument("resource")
@click.option("--node", help="Only the failures on this node.")
@with_options
def cleanup(options: Options, resource: str, node: str | None) -> None:
    """Forget a resource's failures, so that it is tried again where it was given up."""
    give_order(options, "cleanup", resource, node)


@click.command("confirm-fenced", epilog="\b\nExample:\n  reconcile confirm-fenced host2")
@click.argument("host")
@with_options
def confirm_fenced(options: Options, host: str) -> None:
    """Confirm that a host is dead: switched off, or cut off from disks and networks for good.

    What ran there is then started elsewhere. If the host still runs, things run twice: look before you say so.
    """
    give_order(options, "confirm-fenced", host)


@click.command("allow-destroy", epilog="\b\nExample:\n  reconcile allow-destroy vm-guest1")
@click.argument("guest")
@with_options
def allow_destroy(options: Options, guest: str) -> None:
    """Let the removal of a guest through, when a commit removes more of them than safety.maxDestroy."""
    give_order(options, "allow-destroy", guest)


@click.command("stop-all", epilog="\b\nExample:\n  reconcile -C examples/quickstart stop-all")
@with_options
def stop_everything(options: Options) -> None:
    """Stop everything that is declared, guests included, in order, until the next pass starts it again.

    Not beside a daemon: it would start everything again at once.
    """
    raise click.exceptions.Exit(stop_all(options))
