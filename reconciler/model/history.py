"""What cannot be observed and must be remembered: failures, and what an operator ordered."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from reconciler.model.attribute import NodeAttributes
from reconciler.model.names import NodeName, ResourceId, TicketName
from reconciler.model.node import Host, LinkReason
from reconciler.model.observed import StartedAs
from reconciler.model.resource import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCount:
    """Failures of one resource on one node since the last cleanup."""

    count: int = 0
    last_at: float = 0.0
    """Epoch seconds, by the controller's clock."""
    operation: str = ""
    text: str = ""
    is_fatal: bool = False
    """The node is banned whatever the limit says."""
    is_answered: bool = False
    """The resource was started there since: what is found to have failed has failed once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFailure:
    """Attempts to connect a node that failed in a row."""

    count: int
    last_at: float
    reason: LinkReason
    text: str


class MigrationPhase(Enum):
    """How far a live migration has come, by what is known for certain."""

    SENDING = "sending"
    """migrate_to was asked for; it may have had its effect, or not."""
    SENT = "sent"
    """migrate_to succeeded: the target is to take over."""
    TAKEN = "taken"
    """migrate_from succeeded: the source is to be cleared."""
    FAILED = "failed"
    """One of them failed, or nobody knows how it ended: it may run at both ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A live migration that was begun, until both its ends are in order: no agent can be asked for it again."""

    source: NodeName
    target: NodeName
    lives: Mapping[NodeName, str]
    """Of the ends that are not in order yet, the incarnation: when that ends, so does what was there."""
    uses: StartedAs
    phase: MigrationPhase = MigrationPhase.SENDING
    ends_at: float = 0.0
    """Epoch seconds, by the controller's clock, when migrate_to has run into its timeout at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketState:
    """Whether a cluster holds a ticket, by a person's or a ticket manager's word (Pacemaker's ticket_state)."""

    is_granted: bool = False
    is_standby: bool = False
    """It is to be used by nothing, as if it were not granted; but what needs it counts as given up in good order."""
    last_granted: float | None = None
    """Epoch seconds, by the controller's clock; None: never."""

    def describe(self) -> str:
        """Return the state in a few words."""
        return f"{'' if self.is_granted else 'not '}granted{', on standby' if self.is_standby else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The memory that planning needs; losing it may block, never mislead."""

    failures: Mapping[tuple[ResourceId, NodeName], FailureCount] = field(default_factory=dict)
    connections: Mapping[NodeName, ConnectionFailure] = field(default_factory=dict)
    restarts: frozenset[ResourceId] = frozenset()
    """Resources that an operator asked to be restarted, until they were stopped."""
    allowed_destroys: frozenset[ResourceId] = frozenset()
    """Guests whose removal an operator let through the gate."""
    adopted: frozenset[NodeName] = frozenset()
    """Nodes with a stock agent that an operator gave to us: nobody else is to be connected there."""
    former: Mapping[ResourceId, Resource] = field(default_factory=dict)
    """Guests as they were declared when they were started, while they may still run."""
    met: frozenset[NodeName] = frozenset()
    """Declared machines whose agent or hypervisor has ever answered us: on others nothing of ours can run."""
    former_hosts: Mapping[NodeName, Host] = field(default_factory=dict)
    """Machines that are no longer declared, while something of ours may still run there."""
    attributes: Mapping[NodeName, NodeAttributes] = field(default_factory=dict)
    """What programs on nodes have said of them; kept here, for a controller that starts anew cannot ask for it."""
    migrations: Mapping[ResourceId, Migration] = field(default_factory=dict)
    """Live migrations that are not over."""
    tickets: Mapping[TicketName, TicketState] = field(default_factory=dict)
    """Of the tickets that were ever granted or revoked here; all others are not granted."""

    def with_failure(self, key: tuple[ResourceId, NodeName], failure: FailureCount) -> "History":
        """Return a history in which a resource failed once more."""
        return replace(self, failures={**self.failures, key: failure})

    def without_failures(self, resource: ResourceId, node: NodeName | None = None) -> "History":
        """Return a history that forgets a resource's failures, on one node or on all."""
        kept = {k: f for k, f in self.failures.items() if not (k[0] == resource and node in {None, k[1]})}
        return replace(self, failures=kept)
