"""Nodes behind connections that are resources of their own, as Pacemaker's clusters have them.

The rules (Pacemaker lib/pacemaker/pcmk_sched_remote.c, lib/pengine/unpack.c):

* Such a node is there while its connection runs. What is done on it is done after the connection starts, and before
  it stops.
* A remote node whose connection cannot run anywhere, and on which something may run, is fenced; so is one whose
  connection failed in a way that asks for it. If the connection can run elsewhere, the node is not fenced.
* A guest node is not fenced by devices: what runs it is stopped, or its host is fenced, and then all in it has ended.
"""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.resource import Resource, Role
from reconciler.plan.fencing import can_fence
from reconciler.plan.place.placement import Placement
from reconciler.plan.situation import Situation

GUEST_IS_UNCLEAN = "guest is unclean"


def with_lost_nodes(situation: Situation) -> Situation:
    """Return a situation with the guests and remote nodes that are lost whatever is decided."""
    guests = [n for n in sorted(situation.guests) if situation.launcher(n) is not None]
    found = {node: _why_ended(situation, node) for node in guests}
    if can_fence(situation.intent, situation.observed):
        found |= {n: _why_lost(situation, n) for n in sorted(situation.guests) if n not in found}
    return _with(situation, found)


def with_forsaken_nodes(situation: Situation, placement: Placement) -> Situation:
    """Return a situation with the remote nodes that are lost because their connection is to run nowhere."""
    if not can_fence(situation.intent, situation.observed):
        return situation
    found = {
        node: _why_forsaken(situation, node, connection)
        for node in sorted(situation.guests)
        if (connection := situation.connection(node)) is not None
        and connection.container is None
        and placement.nodes.get(connection.id) is None
        and node not in situation.fences
    }
    return _with(situation, found)


def _with(situation: Situation, found: Mapping[NodeName, str | None]) -> Situation:
    lost = {node: why for node, why in found.items() if why is not None}
    return replace(situation, fences={**situation.fences, **lost}) if lost else situation


def _why_ended(situation: Situation, node: NodeName) -> str | None:
    """Return why all in a guest has ended, or will have when what runs it has stopped; None if it has not."""
    launcher = situation.launcher(node)
    active = situation.active(launcher.id) if launcher is not None else ()
    is_cut_off = not situation.is_online(node) and bool(_running_on(situation, node))
    is_broken = is_cut_off or any(i.failure is not None or i.node in situation.fences for i in active)
    can_stop = all(situation.is_online(i.node) or i.node in situation.fences for i in active)
    is_ended = is_broken if active else is_cut_off
    return GUEST_IS_UNCLEAN if is_ended and can_stop else None


def _why_lost(situation: Situation, node: NodeName) -> str | None:
    """Return why a remote node has to be fenced, wherever its connection goes; None if it need not."""
    connection = situation.connection(node)
    if connection is None:
        return None
    status = situation.node(node)
    if status is not None and status.state is NodeState.UNCLEAN and status.text:
        return status.text
    has_failed = any(i.failure is not None for i in situation.instances.get(connection.id, ()))
    running = _running_on(situation, node)
    if has_failed and running and not situation.is_online(node):
        return f"{running[0]} is thought to be active there"
    return None


def _why_forsaken(situation: Situation, node: NodeName, connection: Resource) -> str | None:
    status = situation.node(node)
    hosts = [i.node for i in situation.active(connection.id)]
    is_cut_off = any(host in situation.fences for host in hosts)
    if situation.is_online(node) and not is_cut_off:
        return None
    if status is not None and status.state is NodeState.UNCLEAN:
        return "node is unclean"
    running = _running_on(situation, node)
    text = "fencing will be revoked if remote connection can be re-established elsewhere"
    return f"{running[0]} is active there ({text})" if running else None


def _running_on(situation: Situation, node: NodeName) -> list[ResourceId]:
    """Return what is managed and may run on a node, in the order in which it is known."""
    found = []
    for instance in situation.index.instances_on(node):
        declared = situation.intent.resources.get(instance.resource)
        is_managed = declared is None or declared.is_managed
        if is_managed and instance.role not in {Role.STOPPED, Role.UNKNOWN}:
            found.append(instance.resource)
    return found
