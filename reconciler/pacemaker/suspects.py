"""Finds the nodes that are gone in good order, as they say, and on which something may run all the same."""

from dataclasses import replace

from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId
from reconciler.model.node import HostState, NodeState
from reconciler.model.observed import Observed
from reconciler.model.resource import Role
from reconciler.plan.collectives import take_apart


def with_suspects(intent: Intent, observed: Observed) -> Observed:
    """Return the world with every node unclean that is gone while something managed is thought to run there.

    Source: Pacemaker lib/pengine/unpack.c, process_rsc_state. Nodes in maintenance are left alone.
    """
    numbers = take_apart(intent, observed).numbers
    nodes = dict(observed.nodes)
    for (name, node), instance in observed.instances.items():
        status, host = nodes.get(node), intent.hosts.get(node)
        if status is None or status.state is not NodeState.OFFLINE or instance.role is Role.STOPPED:
            continue
        if host is None or host.state is HostState.MAINTENANCE or not _is_managed(intent, name):
            continue
        called = numbers.get((name, node), name)
        text = f"{called} is thought to be active there"
        nodes[node] = replace(status, state=NodeState.UNCLEAN, text=text)
    return replace(observed, nodes=nodes)


def _is_managed(intent: Intent, name: ResourceId) -> bool:
    base, _, _ = name.rpartition(":")
    resource = intent.resources.get(name) or intent.resources.get(ResourceId(base))
    return resource.is_managed if resource is not None else intent.cluster.policy.stops_removed
