"""`reconcile key init|show`."""

import asyncio
import sys

import click

from reconciler.cli.options import Options
from reconciler.cli.target import find_target
from reconciler.model.errors import KeyStoreError, UsageError
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress
from reconciler.world.keys import NodeKeys, fingerprint, make_root_key, show_key


@click.group()
def key() -> None:
    """Make and show keys.

    Each node's key is derived from one root key, which stays in the state folder and is never in git.
    """


@key.command(epilog="\b\nExample:\n  reconcile key init")
@click.pass_obj
def init(options: Options) -> None:
    """Make the root key unless it is there, and print its fingerprint."""
    target = asyncio.run(find_target(options))
    target.state.create()
    click.echo(fingerprint(make_root_key(target.state.path / "keys")))


@key.command(
    epilog="\b\nExample:\n  reconcile key show guest1 > authkey    # for an agent that we do not deliver to"
)
@click.argument("node")
@click.option("--binary", is_flag=True, help="Print the raw key, as an authkey file holds it.")
@click.pass_obj
def show(options: Options, node: str, binary: bool) -> None:
    """Print the key of a node, for delivery by hand. Whoever has it can act as the controller towards that node."""
    target = asyncio.run(find_target(options))
    if target.loaded.intent is None:
        raise UsageError("the declaration has errors; see `reconcile validate`")
    address, epoch = _agent_of(target.loaded.intent, node)
    found = NodeKeys(target.state.path / "keys").key_of(
        target.loaded.intent.cluster, NodeName(node), address, epoch
    )
    if found is None:
        raise KeyStoreError(f"{node}'s agent is local, and needs no key")
    if binary:
        sys.stdout.buffer.write(bytes(found))
    else:
        click.echo(show_key(found))


def _agent_of(intent: Intent, node: str) -> tuple[AgentAddress, int]:
    host = intent.hosts.get(NodeName(node))
    if host is not None and host.agent is not None:
        return host.agent, host.epoch
    remote = intent.remote_nodes().get(NodeName(node))
    if remote is None:
        nodes = sorted([*intent.hosts, *intent.remote_nodes()])
        raise UsageError(f"there is no node {node!r} with an agent; there is {', '.join(nodes) or 'none'}")
    return remote.agent, remote.epoch
