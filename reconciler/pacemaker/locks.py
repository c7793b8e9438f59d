"""Reads shutdown locks: what a node ran when it shut down is kept for it, and runs nowhere else meanwhile.

The rules (Pacemaker Explained, "shutdown-lock"; lib/pacemaker/pcmk_sched_primitive.c, pcmk__primitive_shutdown_lock):

* What runs on one node alone, which is about to leave in good order, is locked to it. So is what runs nowhere, and was
  locked to a node by its history, until that is too long ago.
* Fencing devices, connections, and what is cloned are never locked.
"""

from collections.abc import Iterator

from reconciler.model.constraint import Location
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.resource import Resource, Role
from reconciler.model.score import INFINITY
from reconciler.pacemaker.nodes import Nodes
from reconciler.pacemaker.options import Options
from reconciler.pacemaker.resources import Resources
from reconciler.pacemaker.statuses import Statuses


def shutdown_locks(
    options: Options, nodes: Nodes, resources: Resources, statuses: Statuses, now: float
) -> list[Location]:
    """Return a ban from every other node for each resource that is locked to one.

    Args:
        options: the cluster options.
        nodes: all nodes.
        resources: all resources.
        statuses: what is known of them.
        now: epoch seconds.
    """
    if not options.has_shutdown_locks:
        return []
    remembered = _remembered(options, statuses, now)
    return [
        ban
        for resource in resources.known.values()
        if _can_be_locked(resources, resource)
        for ban in _bans(nodes, resource, _lock(nodes, statuses, resource, remembered.get(resource.id)))
    ]


def _can_be_locked(resources: Resources, resource: Resource) -> bool:
    return not (
        resource.agent.is_fencing or resource.agent.is_connection or resource.id in resources.clone_of
    )


def _remembered(options: Options, statuses: Statuses, now: float) -> dict[ResourceId, NodeName]:
    """Return the locks that histories tell of, and that have not expired."""
    limit_s = options.shutdown_lock_limit_ms / 1000
    return {
        sheet.name: sheet.node
        for sheet in statuses.sheets
        if sheet.locked_at and not (limit_s and now > sheet.locked_at + limit_s)
    }


def _lock(
    nodes: Nodes, statuses: Statuses, resource: Resource, remembered: NodeName | None
) -> NodeName | None:
    """Return the node that a resource is locked to; None if it is not."""
    active = [
        n for (r, n), i in statuses.instances.items() if r == resource.id and i.role is not Role.STOPPED
    ]
    if remembered is not None:
        return None if active else remembered
    if len(active) != 1:
        return None
    status = nodes.status.get(active[0])
    is_leaving = status is not None and status.is_leaving and status.state is not NodeState.UNCLEAN
    return active[0] if is_leaving else None


def _bans(nodes: Nodes, resource: Resource, locked_to: NodeName | None) -> Iterator[Location]:
    for node in nodes.places if locked_to is not None else ():
        if node != locked_to:
            yield Location(
                id=f"shutdown-lock-{resource.id}",
                resource=resource.id,
                node=node,
                score=-INFINITY,
                where=resource.where,
            )
