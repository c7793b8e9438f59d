"""How an action ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.names import ResourceId
from reconciler.model.node import LinkReason
from reconciler.model.observed import Instance
from reconciler.model.operation import OperationRequest, OperationResult
from reconciler.model.transition import Action
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
    reason: LinkReason | None = None
    """Why a connection failed, or was lost in the middle."""
    is_unsent: bool = False
    """It never left: nothing on its node has changed, and nothing is in doubt."""
    text: str = ""
    written: IntentRecord | None = None
    """What was written down before; None for connections."""

    @property
    def is_ok(self) -> bool:
        """Tell whether the action did what it is for; a probe that finds nothing running did."""
        if self.result is None:
            return self.reason is None and self.action.resource is None
        return self.result.is_ok or (self.action.kind.value == "probe" and self.result.is_not_running)

    @property
    def is_unknown(self) -> bool:
        """Tell whether the action may have had its effect or not."""
        return self.result is None and self.action.resource is not None and not self.is_unsent
