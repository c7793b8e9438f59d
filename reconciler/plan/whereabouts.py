"""Where something may run without our knowing: on nodes, and under hypervisors, that were not heard of.

A guest can only be where its hypervisor could run it. Anything else may be on every node whose contents are not
known: today's constraints say nothing of what was started under yesterday's.
"""

from collections.abc import Iterable

from reconciler.model.names import NodeName
from reconciler.model.node import NodeState
from reconciler.model.observed import NodeStatus, Observed
from reconciler.model.resource import Resource
from reconciler.plan.place.scores import possible_nodes
from reconciler.plan.situation import Situation, Unheard


def unheard_of(situation: Situation, resource: Resource) -> Unheard | None:
    """Return a place where a resource that is known nowhere may run; None when it certainly runs nowhere."""
    if resource.guest is not None:
        return _unheard_hypervisor(situation, resource)
    if situation.unheard is not None or not situation.joining:
        return situation.unheard
    return _joining(situation, resource)


def _joining(situation: Situation, resource: Resource) -> Unheard | None:
    """Return a host that is about to join by itself, and can be asked only then.

    Source: Pacemaker lib/pacemaker/pcmk_sched_probes.c, probe_action: a probe that cannot be run keeps what does not
    run from being started.
    """
    for node in situation.joining:
        if situation.instance(resource.id, node) is None:
            return Unheard(node=node, text="which is about to join", is_waiting=False, is_joining=True)
    return None


def joining_hosts(situation: Situation) -> tuple[NodeName, ...]:
    """Return the hosts that are about to join by themselves; none where we connect them."""
    if situation.intent.cluster.policy.connects_hosts:
        return ()
    nodes = situation.observed.nodes
    return tuple(h for h in situation.intent.hosts if h in nodes and nodes[h].state is NodeState.PENDING)


def unheard_node(situation: Situation) -> Unheard | None:
    """Return a node where anything that is no guest may run; None when there is none.

    It is the same one for all of them, so that a plan looks for it once and keeps it in its situation.
    """
    unheard = _unheard_former(situation)
    if unheard is not None:
        return unheard
    for node in sorted([*situation.intent.hosts, *situation.guests]):
        guest = situation.guests.get(node)
        if guest is not None and guest.agent.is_connection:
            continue
        if guest is not None and not situation.active(guest.id):
            if _unheard_hypervisor(situation, guest) is None:
                continue
            text = f"whose guest {guest.id} may run on a host that cannot be asked"
            return Unheard(node=node, text=text, is_waiting=False)
        host = situation.intent.hosts.get(node)
        if host is not None and host.agent is None:
            continue
        unheard = _unheard_agent(situation, node)
        if unheard is not None:
            return unheard
    return None


def unheard_end(observed: Observed, ends: Iterable[NodeName]) -> Unheard | None:
    """Return one of the nodes that end, of which nobody knows what runs there until it has ended."""
    for node in sorted(ends):
        if not _is_heard(observed.nodes.get(node)):
            return Unheard(node=node, text="which was not heard of, and has not ended yet", is_waiting=True)
    return None


def _is_heard(status: NodeStatus | None) -> bool:
    """Tell whether what runs on a node is known, or that nothing does."""
    return status is not None and (status.is_known or status.state is NodeState.OFFLINE)


def _unheard_former(situation: Situation) -> Unheard | None:
    """Return the node of a guest that is no longer declared, and may still run where nobody could look."""
    for name, guest in sorted(situation.history.former.items()):
        remote = guest.remote_node
        if remote is not None and not situation.active(name) and _unheard_hypervisor(situation, guest):
            text = f"whose guest {name} is no longer declared, and may run on a host that cannot be asked"
            return Unheard(node=remote.name, text=text, is_waiting=False)
    return None


def _unheard_hypervisor(situation: Situation, guest: Resource) -> Unheard | None:
    if guest.guest is None:
        return None
    for node in possible_nodes(situation, guest):
        status = situation.node(node)
        known = situation.instance(guest.id, node)
        if known is None and (status is None or guest.guest.type not in status.hypervisors):
            return Unheard(node=node, text="whose hypervisor cannot be reached", is_waiting=status is None)
    return None


def _unheard_agent(situation: Situation, node: NodeName) -> Unheard | None:
    status = situation.node(node)
    failure = situation.history.connections.get(node)
    if _is_heard(status):
        return None
    if status is not None and status.needs_adoption:
        text = f"whose stock agent is not ours yet: see `reconcile adopt {node}`"
        return Unheard(node=node, text=text, is_waiting=True)
    if failure is not None:
        text = f"whose agent is not connected ({failure.reason.value}: {failure.text})"
        return Unheard(node=node, text=text, is_waiting=False)
    return Unheard(node=node, text="which was not heard of yet", is_waiting=True)
