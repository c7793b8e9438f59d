"""Constraints between resources and nodes; every shorthand in YAML becomes one of these."""

from dataclasses import dataclass
from enum import Enum

from reconciler.model.names import NodeName, ResourceId, TicketName, Where
from reconciler.model.resource import Role


class Discovery(Enum):
    """Where a resource is looked for (Pacemaker's resource-discovery)."""

    ALWAYS = "always"
    NEVER = "never"
    EXCLUSIVE = "exclusive"
    """Only on the nodes that say so, which also bans it from all others."""


class OrderKind(Enum):
    """How binding an order is (Pacemaker's kind)."""

    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    SERIALIZE = "serialize"


class LossPolicy(Enum):
    """What becomes of what runs when its ticket is revoked (Pacemaker's loss-policy)."""

    STOP = "stop"
    DEMOTE = "demote"
    """It is not promoted any more, and runs on."""
    FENCE = "fence"
    """The nodes where it runs are fenced."""
    FREEZE = "freeze"
    """It is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A resource's score on one node."""

    id: str
    resource: ResourceId
    node: NodeName
    score: int
    where: Where
    role: Role | None = None
    """It counts only for an instance that is to have this role; None: for all."""
    discovery: Discovery = Discovery.ALWAYS
    lack: str = ""
    """Which ticket is lacking, in a sentence, where that is what it comes from; "" for what is declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colocation:
    """The dependent is placed with (or, below zero, apart from) the primary, which is placed first."""

    id: str
    dependent: ResourceId
    primary: ResourceId
    score: int
    where: Where
    dependent_role: Role | None = None
    primary_role: Role | None = None
    node_attribute: str | None = None
    """With: on a node whose label of this name has the same value; None: on the same node."""
    has_influence: bool = True
    """False: a primary that is active is not moved for the dependent's sake (Pacemaker's influence)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """`first` starts before `then`, and stops after it unless asymmetrical."""

    id: str
    first: ResourceId
    then: ResourceId
    where: Where
    kind: OrderKind = OrderKind.MANDATORY
    first_action: str = "start"
    then_action: str = "start"
    is_symmetrical: bool = True
    needs_all: bool = True
    """False: of a clone that comes first, one instance is enough (Pacemaker's require-all)."""
    alternatives: str = ""
    """Orderings of one `then` with the same name here: one `first` of them is enough (require-all=false)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketConstraint:
    """A resource runs, or is promoted, only where its cluster holds a ticket (Pacemaker's rsc_ticket)."""

    id: str
    resource: ResourceId
    ticket: TicketName
    where: Where
    role: Role | None = None
    """Promoted: only promotion needs the ticket; None: all of it does."""
    on_loss: LossPolicy = LossPolicy.STOP
    """Demote goes with the promoted role alone."""
