"""Turns connections, which are resources in a CIB, into the nodes that our controller connects by itself."""

from dataclasses import replace

from reconciler.model.collective import Bundle
from reconciler.model.intent import Intent
from reconciler.model.node import Host, NodeKind, RemoteNode
from reconciler.model.resource import Resource
from reconciler.pacemaker.to_yaml_values import Losses


def without_connections(intent: Intent) -> Intent:
    """Return an intent in which connections are no resources, for our controller makes them.

    What runs a guest, or a bundle's container, makes the node itself, and a remote node is a machine that is there.
    """
    resources, hosts, collectives = dict(intent.resources), dict(intent.hosts), dict(intent.collectives)
    for connection in intent.resources.values():
        node = connection.remote_node
        if not connection.agent.is_connection:
            continue
        launcher = resources.get(connection.container) if connection.container is not None else None
        if launcher is not None:
            resources[launcher.id] = replace(launcher, remote_node=node)
        elif node is not None:
            hosts[node.name] = _machine(node, connection)
        del resources[connection.id]
    for bundle in intent.collectives.values():
        if isinstance(bundle, Bundle):
            replicas = tuple(replace(replica, connection=None) for replica in bundle.replicas)
            collectives[bundle.id] = replace(bundle, replicas=replicas)
    return replace(intent, resources=resources, hosts=hosts, collectives=collectives)


def _machine(node: RemoteNode, connection: Resource) -> Host:
    return Host(
        name=node.name,
        where=connection.where,
        kind=NodeKind.REMOTE,
        agent=node.agent,
        labels=node.labels,
        capacity=node.capacity,
    )


def note_connections(intent: Intent, losses: Losses) -> None:
    """Say of each remote node what has to be done before our controller can have it."""
    for connection in intent.resources.values():
        if connection.agent.is_connection and connection.container is None:
            text = (
                f"{connection.id} is connected by our controller, wherever that runs: let Pacemaker release it, "
                f"then `reconcile adopt {connection.id}`"
            )
            losses.add(connection.where, "remote", text)
