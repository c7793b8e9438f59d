"""Nodes behind connections that are resources of their own, as Pacemaker's clusters have them.

The rules (Pacemaker lib/pacemaker/pcmk_sched_remote.c, lib/pengine/unpack.c):

* Such a node is there while its connection runs. What is done on it is done after the connection starts, and before
  it stops.
* A remote node whose connection cannot run anywhere, and on which something may run, is fenced; so is one whose
  connection failed in a way that asks for it. If the connection can run elsewhere, the node is not fenced.
* A guest node is not fenced by devices: what runs it is stopped, or its host is fenced, and then all in it has ended.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Instance
from reconciler.model.resource import OnFail, Resource, Role
from reconciler.plan.fencing import can_fence
from reconciler.plan.place.placement import Placement
from reconciler.plan.situation import Situation

GUEST_IS_UNCLEAN = "guest is unclean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A node behind a connection, once it is known where that is to run."""

    node: NodeName
    connection: Resource
    host: NodeName | None
    """Where the connection runs now."""
    target: NodeName | None
    """Where it is to run."""
    is_up: bool
    """It can be asked now, and until the connection stops."""


def nodes_behind(situation: Situation, placement: Placement) -> Iterator[Behind]:
    """Return all nodes behind connections."""
    for node in sorted(situation.guests):
        connection = situation.connection(node)
        if connection is None:
            continue
        active = situation.active(connection.id)
        host = active[0].node if active else None
        is_sound = host is not None and situation.is_online(host) and host not in situation.fences
        yield Behind(
            node=node,
            connection=connection,
            host=host,
            target=placement.nodes.get(connection.id),
            is_up=is_sound and situation.is_online(node),
        )


def with_lost_nodes(situation: Situation, placement: Placement) -> Situation:
    """Return a situation with the nodes behind connections that are fenced, or end with what runs them."""
    fences = dict(situation.fences)
    if not can_fence(situation.intent, situation.observed):
        return situation
    for behind in nodes_behind(situation, placement):
        if behind.connection.container is not None:
            why = _why_guest(situation, behind)
        else:
            why = _why_remote(situation, behind)
        if why is not None:
            fences[behind.node] = why
    return replace(situation, fences=fences) if fences != situation.fences else situation


def _why_guest(situation: Situation, behind: Behind) -> str | None:
    """Return why all in a guest has ended, or will have when what runs it has stopped; None if it has not."""
    assert behind.connection.container is not None
    active = situation.active(behind.connection.container)
    is_broken = any(i.failure is not None or i.node in situation.fences for i in active)
    return GUEST_IS_UNCLEAN if is_broken else None


def _why_remote(situation: Situation, behind: Behind) -> str | None:
    status = situation.node(behind.node)
    if status is not None and status.state is NodeState.UNCLEAN:
        return status.text or "node is unclean"
    failure = _failure(situation, behind.connection)
    if situation.is_online(behind.node) and not (behind.target is None and _is_on_fenced(situation, behind)):
        return None
    running = sorted(i.resource for i in _on(situation, behind.node) if _is_managed(situation, i.resource))
    if not running or behind.target is not None:
        return None
    if failure is not None:
        return f"{running[-1]} is thought to be active there"
    text = "fencing will be revoked if remote connection can be re-established elsewhere"
    return f"{running[-1]} is active there ({text})"


def _is_on_fenced(situation: Situation, behind: Behind) -> bool:
    return behind.host is not None and behind.host in situation.fences


def _failure(situation: Situation, connection: Resource) -> OnFail | None:
    for instance in situation.instances.get(connection.id, ()):
        failure = instance.failure
        if failure is not None:
            return connection.operation(failure.operation, failure.interval_ms).on_fail
    return None


def _on(situation: Situation, node: NodeName) -> list[Instance]:
    return [
        i
        for i in situation.observed.instances.values()
        if i.node == node and i.role not in {Role.STOPPED, Role.UNKNOWN}
    ]


def _is_managed(situation: Situation, name: ResourceId) -> bool:
    declared = situation.intent.resources.get(name)
    return declared is None or declared.is_managed
