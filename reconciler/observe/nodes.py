"""What is known of each node's agent, kept between snapshots: the wire cannot be asked for it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.agent_metadata import AgentMetadata
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AddressFinding, LinkReason
from reconciler.model.observed import Instance, StartedAs
from reconciler.model.operation import StartRecord
from reconciler.model.resource import ResourceAgent, Role
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
    is_leaving: bool = False
    """It was asked to stop, and waits until it is let go."""
    has_left: bool = False
    """We took leave of its agent, to stop its guest or because it asked to leave: nothing runs there."""
    reason: LinkReason | None = None
    text: str = ""
    instances: Mapping[ResourceId, Instance] = field(default_factory=dict)
    key_epoch: int | None = None
    """Of the derived key that the connection was made with."""
    address: AddressFinding | None = None
    """Whose the address of the connection is; None for what is no guest."""
    agents: Mapping[ResourceAgent, AgentMetadata] = field(default_factory=dict)
    """What its resource agents said of themselves, those that were asked."""

    def with_instance(self, instance: Instance) -> "NodeView":
        """Return a view that knows one instance better."""
        return replace(self, instances={**self.instances, instance.resource: instance})

    def left(self) -> "NodeView":
        """Return a view of a node that left in order, with nothing running there."""
        text = "its agent was asked to stop, and left in order"
        gone = replace(self, is_connected=False, is_leaving=False, link=None)
        return replace(gone, has_left=True, reason=LinkReason.LEFT, text=text)

    def lost(self, reason: LinkReason, text: str) -> "NodeView":
        """Return a view without a connection; what was known stays known, and what has left has left."""
        if self.reason is LinkReason.LEFT and reason.is_failure:
            return self
        return replace(self, is_connected=False, is_leaving=False, link=None, reason=reason, text=text)


def links_of(views: Mapping[NodeName, NodeView]) -> dict[NodeName, AgentLink]:
    """Return the links to the nodes that have one."""
    return {name: view.link for name, view in views.items() if view.link is not None}


def recorded_instance(record: StartRecord, node: NodeName) -> Instance:
    """Return what the journal alone tells of a resource: how it was started, if that had ended at all."""
    uses = StartedAs(agent=record.agent, params=record.params)
    if record.phase in {"started", "adopted"}:
        return Instance(resource=record.resource, node=node, role=Role.STARTED, started_as=uses)
    what = (
        "its last operation on {} had failed" if record.phase == "failed" else "its start on {} was under way"
    )
    note = f"{what.format(node)} when the controller ended"
    return Instance(resource=record.resource, node=node, role=Role.UNKNOWN, started_as=uses, note=note)
