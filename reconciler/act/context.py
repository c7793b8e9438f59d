"""What actions are carried out with."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.act.metadata import Inquiry
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Observed
from reconciler.model.resource import Resource
from reconciler.ports import AgentLink, LinkListener, Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The state of the world that one action is launched in."""

    ports: Ports
    intent: Intent
    observed: Observed
    history: History
    links: Mapping[NodeName, AgentLink]
    """To the agents that are connected."""
    inquiries: dict[NodeName, Inquiry]
    """What was asked of resource agents, through each node's link; added to by whoever asks first."""
    incarnations: Mapping[NodeName, str]
    """Of the nodes that were heard of."""
    guest_incarnations: Mapping[NodeName, str]
    """Of guest nodes, by their hypervisors: the uid of the start of each running guest."""
    guest_hosts: Mapping[NodeName, NodeName]
    """Where the guests of guest nodes run."""
    listener: LinkListener
    epoch: int
    commit: str

    def resource(self, name: ResourceId) -> Resource | None:
        """Return a resource as it is declared, or as a removed guest was."""
        return self.intent.resources.get(name) or self.history.former.get(name)

    def inquiry(self, node: NodeName, link: AgentLink) -> Inquiry:
        """Return what was asked of resource agents through a link: another one to the same node begins anew."""
        found = self.inquiries.get(node)
        if found is None or found.link is not link:
            found = self.inquiries[node] = Inquiry(link)
        return found

    def guest_of(self, node: NodeName) -> Resource | None:
        """Return the guest that is a node."""
        known = {**self.history.former, **self.intent.resources}
        for resource in known.values():
            if resource.remote_node is not None and resource.remote_node.name == node:
                return resource
        return None
