"""Where the guests are that are declared, or were and may still run."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.act.outcome import Outcome
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AgentFlavor
from reconciler.model.resource import Resource
from reconciler.observe.domains import Hypervisors, removed_node
from reconciler.plan.situation import hypervisor_type
from reconciler.ports import Domain


def places_of(
    declared: Mapping[ResourceId, Resource], hypervisors: Hypervisors
) -> dict[NodeName, tuple[NodeName, Domain]]:
    """Return the host and the domain of each running guest that is a node, by that node."""
    found = {}
    for resource in declared.values():
        place = hypervisors.domain_of(resource.id) if resource.remote_node else None
        if resource.remote_node is not None and place is not None:
            found[resource.remote_node.name] = place
    return found


def is_place_known(node: Resource, intent: Intent | None, hypervisors: Hypervisors) -> bool:
    """Tell whether it is known of what becomes a node whether it runs, and where."""
    facts = [f for (name, _), f in hypervisors.facts.items() if name == node.id]
    if facts or node.guest is None:
        return all(f.is_certain for f in facts)
    hosts = intent.hosts.values() if intent else ()
    keys = {(h.name, node.guest.type) for h in hosts if hypervisor_type(h, node) is not None}
    return keys <= hypervisors.readable


def removed_nodes(
    declared: Mapping[ResourceId, Resource], hypervisors: Hypervisors, host: NodeName
) -> dict[ResourceId, Resource]:
    """Return the guests on a host that are nodes by their marks, and that nobody declares or remembers."""
    return {
        r: guest
        for (r, h), fact in hypervisors.facts.items()
        if h == host and fact.domain is not None and r not in declared
        if (guest := removed_node(fact.domain, fact.guest_type)) is not None
    }


def having_met(history: History, intent: Intent | None, node: NodeName) -> History:
    """Return a history in which a declared machine has answered."""
    is_machine = intent is not None and node in intent.hosts
    return replace(history, met=history.met | {node}) if is_machine else history


def is_stock(guest: Resource | None) -> bool:
    """Tell whether a guest is a node with the distribution's own agent."""
    remote = guest.remote_node if guest is not None else None
    return remote is not None and remote.agent.flavor is AgentFlavor.STOCK


def started_domain(outcome: Outcome, guest: Resource | None, intent: Intent | None) -> Domain:
    """Return the domain that a start has made, before any reading shows it."""
    assert outcome.action.resource is not None
    assert outcome.action.uses is not None
    return Domain(
        resource=outcome.action.resource,
        cluster=intent.cluster.name if intent else "",
        digest=outcome.action.uses.params["digest"],
        uid=outcome.uid,
        is_running=True,
        node=guest.remote_node.name if guest is not None and guest.remote_node else None,
    )
