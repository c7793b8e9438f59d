"""What is known of each node's agent, kept between snapshots: the wire cannot be asked for it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.agent_metadata import AgentMetadata
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import LinkReason
from reconciler.model.observed import Instance
from reconciler.model.resource import ResourceAgent
from reconciler.ports import AgentLink


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One node's agent as it was last heard, in one incarnation of the node."""

    name: NodeName
    incarnation: str = ""
    """Of the guest's start, or the host's boot; another one ends all that was known."""
    link: AgentLink | None = None
    is_connected: bool = False
    is_known: bool = False
    """Everything we started in this incarnation is among the instances."""
    is_adopted: bool = False
    """An operator said that what runs there, without a record, was started as declared."""
    has_left: bool = False
    """We took leave of its agent, to stop its guest."""
    reason: LinkReason | None = None
    text: str = ""
    instances: Mapping[ResourceId, Instance] = field(default_factory=dict)
    key_epoch: int | None = None
    """Of the derived key that the connection was made with."""
    agents: Mapping[ResourceAgent, AgentMetadata] = field(default_factory=dict)
    """What its resource agents said of themselves, those that were asked."""

    def with_instance(self, instance: Instance) -> "NodeView":
        """Return a view that knows one instance better."""
        return replace(self, instances={**self.instances, instance.resource: instance})

    def lost(self, reason: LinkReason, text: str) -> "NodeView":
        """Return a view without a connection; what was known stays known."""
        return replace(self, is_connected=False, link=None, reason=reason, text=text)
