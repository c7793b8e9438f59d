"""How an action ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.agent_metadata import AgentMetadata
from reconciler.model.names import ResourceId
from reconciler.model.node import AddressFinding, LinkReason
from reconciler.model.observed import Instance
from reconciler.model.operation import OperationRequest, OperationResult
from reconciler.model.resource import ResourceAgent
from reconciler.model.transition import Action, ActionKind
from reconciler.ports import AgentLink, IntentRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """What a connection brought."""

    link: AgentLink
    incarnation: str
    is_known: bool
    """Everything that we started on the node is among the instances."""
    instances: Mapping[ResourceId, Instance] = field(default_factory=dict)
    key_epoch: int | None = None
    """Of the key that was proved, if it is a derived one."""
    address: AddressFinding | None = None
    """Whose the address is; None for what is no guest."""
    agents: Mapping[ResourceAgent, AgentMetadata] = field(default_factory=dict)
    """What the resource agents of those said of themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One finished action."""

    action: Action
    uid: str
    result: OperationResult | None = None
    """None when the outcome is unknown, and of connections."""
    request: OperationRequest | None = None
    """What was sent to an agent."""
    connected: Connected | None = None
    agents: Mapping[ResourceAgent, AgentMetadata] = field(default_factory=dict)
    """What resource agents said of themselves by the way."""
    reason: LinkReason | None = None
    """Why a connection failed, or was lost in the middle."""
    is_unsent: bool = False
    """It never left: nothing on its node has changed, and nothing is in doubt."""
    text: str = ""
    written: IntentRecord | None = None
    """What was written down before; None for connections."""

    @property
    def is_ok(self) -> bool:
        """Tell whether the action did what it is for.

        A monitor did if it found the resource well in any role, a probe also if it found nothing; whether that is as
        it should be, what becomes known tells. Nobody waits for what the told make of a notice
        (Pacemaker Explained, "Clone Notifications").
        """
        if self.result is None:
            return self.reason is None and self.action.resource is None
        match self.action.kind:
            case ActionKind.PROBE:
                return self.result.is_ok or self.result.is_promoted or self.result.is_not_running
            case ActionKind.MONITOR:
                return self.result.is_ok or self.result.is_promoted
            case ActionKind.NOTIFY:
                return True
            case _:
                return self.result.is_ok

    @property
    def is_unknown(self) -> bool:
        """Tell whether the action may have had its effect or not."""
        return self.result is None and self.action.resource is not None and not self.is_unsent
