"""`reconcile key init|show|backup|rotate|revoke`."""

import asyncio
import sys
from pathlib import Path

import click

from reconciler.cli.key_rotate import rotate
from reconciler.cli.options import Options, with_options
from reconciler.cli.target import find_target
from reconciler.model.errors import KeyStoreError, UsageError
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress
from reconciler.world.atomic_file import create_atomically
from reconciler.world.keys import NodeKeys, delivery_of, fingerprint, make_root_key, read_root_key, show_key


@click.group()
def key() -> None:
    """Make, show, change and revoke keys.

    Each node's key is derived from one root key, which stays in the state folder and is never in git, and from
    its keyEpoch, which is: another epoch is another key. `reconcile status` shows which one is in use.
    """


@key.command(epilog="\b\nExample:\n  reconcile key init")
@with_options
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
@click.option("--delivery", is_flag=True, help="Print it as a running agent takes it, in authkey.next.")
@with_options
def show(options: Options, node: str, binary: bool, delivery: bool) -> None:
    """Print the key of a node, for delivery by hand. Whoever has it can act as the controller towards that node."""
    target = asyncio.run(find_target(options))
    if target.loaded.intent is None:
        raise UsageError("the declaration has errors; see `reconcile validate`")
    agent = _agent_of(target.loaded.intent, node)
    keys = NodeKeys(target.state.path / "keys")
    found = keys.key_of(target.loaded.intent.cluster, NodeName(node), agent)
    if found is None:
        raise KeyStoreError(f"{node}'s agent is local, and needs no key")
    if delivery:
        sys.stdout.buffer.write(delivery_of(found, agent))
    elif binary:
        sys.stdout.buffer.write(bytes(found))
    else:
        click.echo(show_key(found))


@key.command(
    epilog="\b\nExample:\n  reconcile key backup /mnt/safe/shop-root.key\n\n"
    "To restore it, copy it to keys/root.key in the state folder, with mode 0600, before the daemon starts."
)
@click.argument("file", type=click.Path(path_type=Path))
@with_options
def backup(options: Options, file: Path) -> None:
    """Copy the root key to a new file, 0600. Without it, all nodes need new keys: keep it, and keep it safe."""
    target = asyncio.run(find_target(options))
    root = read_root_key(target.state.path / "keys")
    try:
        create_atomically(file, bytes(root), 0o600)
    except OSError as error:
        raise KeyStoreError(f"{file} cannot be written: {error.strerror}") from error
    click.echo(fingerprint(root))


@key.command(
    name="rotate",
    epilog="\b\nExamples:\n  reconcile key rotate guest1       # then commit\n"
    "  reconcile key rotate --dry-run    # of all nodes: what would be changed",
)
@click.argument("nodes", metavar="[NODE]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Change no file.")
@with_options
def rotate_command(options: Options, nodes: tuple[str, ...], dry_run: bool) -> None:
    """Give nodes, or all of them, new keys: raise keyEpoch in the YAML files.

    Once that is committed, running guests get their new key and go on running. The old one opens them until the
    new one was used.
    """
    rotate(options, nodes, is_revoked=False, is_dry=dry_run)


@key.command(epilog="\b\nExample:\n  reconcile key revoke guest1    # its key was stolen; then commit")
@click.argument("nodes", metavar="NODE...", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Change no file.")
@with_options
def revoke(options: Options, nodes: tuple[str, ...], dry_run: bool) -> None:
    """Give nodes new keys, and make the old ones worthless at once: raise keyEpoch and minKeyEpoch.

    Once that is committed, the old key opens nothing any more, and connections that were made with it end.
    """
    rotate(options, nodes, is_revoked=True, is_dry=dry_run)


def _agent_of(intent: Intent, node: str) -> AgentAddress:
    host = intent.hosts.get(NodeName(node))
    if host is not None and host.agent is not None:
        return host.agent
    remote = intent.remote_nodes().get(NodeName(node))
    if remote is None:
        nodes = sorted([*intent.hosts, *intent.remote_nodes()])
        raise UsageError(f"there is no node {node!r} with an agent; there is {', '.join(nodes) or 'none'}")
    return remote.agent
