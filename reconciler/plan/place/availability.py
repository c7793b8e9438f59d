"""Which nodes can take resources now, whatever the scores, and why the others cannot."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import GuestType, HostState, LinkReason
from reconciler.model.observed import NodeStatus
from reconciler.model.resource import Resource
from reconciler.plan.situation import Situation, hypervisor_type


@dataclass(slots=True)
class Availability:
    """The obstacles on nodes. Nodes of guests count once their guest is assigned somewhere."""

    situation: Situation
    assigned: Mapping[ResourceId, NodeName | None]
    """Where resources were assigned so far; grows while we look at it."""
    known: dict[NodeName | tuple[GuestType, NodeName], str | None] = field(default_factory=dict)
    """What was found out already, and stays: on nodes, and for guests by their type too."""
    awaited: dict[NodeName | tuple[GuestType, NodeName], str | None] = field(default_factory=dict)
    """The same on nodes whose guest is not assigned yet; until it is."""

    def is_available(self, resource: Resource, node: NodeName) -> bool:
        """Tell whether a node can take a resource now."""
        return self.obstacle(resource, node) is None

    def obstacle(self, resource: Resource, node: NodeName) -> str | None:
        """Return why a node cannot take a resource now; None when it can."""
        key = node if resource.guest is None else (resource.guest.type, node)
        if key in self.known:
            return self.known[key]
        guest = self.situation.guests.get(node)
        is_settled = guest is None or node in self.situation.intent.hosts or guest.id in self.assigned
        found = self.known if is_settled else self.awaited
        if key not in found:
            found[key] = self._obstacle(resource, node)
        return found[key]

    def is_any(self, resource: Resource, scores: Mapping[NodeName, int]) -> bool:
        """Tell whether any node is left to a resource by its scores."""
        return any(score >= 0 and self.obstacle(resource, node) is None for node, score in scores.items())

    def _obstacle(self, resource: Resource, node: NodeName) -> str | None:
        situation = self.situation
        status = situation.node(node)
        if resource.guest is None and status is not None and is_away(status):
            return f"{node}: {status.text or 'it leaves'}"
        state = situation.state_of(node)
        if state is not HostState.ONLINE:
            return f"{node} is in {state.value}"
        if node not in situation.intent.hosts:
            return self._guest_obstacle(node)
        if resource.guest is not None:
            return _hypervisor_obstacle(situation, resource, node)
        return None if situation.is_online(node) else _link_obstacle(situation, node)

    def _guest_obstacle(self, node: NodeName) -> str | None:
        situation = self.situation
        guest = situation.guests.get(node)
        if guest is None:
            return f"{node} is not declared"
        if node in situation.fences and guest.agent.is_connection and guest.container is None:
            return f"{node} may still run something and cannot be asked"
        if self.assigned.get(guest.id) is None:
            return f"{node} is not there: its guest {guest.id} does not run"
        if situation.is_online(node):
            return None
        failure = situation.history.connections.get(node)
        if failure is not None and failure.reason.is_authentication:
            return f"{node} cannot be trusted ({failure.reason.value}): {failure.text}"
        return None


def is_away(status: NodeStatus) -> bool:
    """Tell whether a node's agent was asked to stop, and leaves or has left."""
    return status.is_leaving or status.reason is LinkReason.LEFT


def _hypervisor_obstacle(situation: Situation, resource: Resource, node: NodeName) -> str | None:
    host = situation.intent.hosts[node]
    guest_type = hypervisor_type(host, resource)
    status = situation.node(node)
    if status is None or guest_type not in status.hypervisors:
        return f"{node}'s hypervisor cannot be reached" + (
            f": {status.text}" if status and status.text else ""
        )
    return None


def _link_obstacle(situation: Situation, node: NodeName) -> str:
    failure = situation.history.connections.get(node)
    if failure is not None:
        return f"{node}'s agent is not connected ({failure.reason.value}): {failure.text}"
    return f"{node}'s agent is not connected yet"
