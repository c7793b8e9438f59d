"""The nouns between placement and actions: what is to become of one resource, and why."""

from dataclasses import field
from enum import Enum

from reconciler.model.names import NodeName, Where
from reconciler.model.observed import Instance
from reconciler.model.record import record
from reconciler.model.resource import Resource, Role
from reconciler.model.transition import Reason


class Fate(Enum):
    """What a plan does with a resource as a whole."""

    __hash__ = object.__hash__
    """Each is there once, and Enum's own is slow."""

    KEEP = "keep"
    """Stays as it is: running where it should, or stopped."""
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    """Stops, and starts on the same node."""
    MOVE = "move"
    """Stops, and starts on another node."""
    MIGRATE = "migrate"
    """Moves to another node without stopping."""
    HOLD = "hold"
    """Nothing can be done now; the decision's obstacle says why."""


_STOPPING = (Fate.STOP, Fate.RESTART, Fate.MOVE)
_STARTING = (Fate.START, Fate.RESTART, Fate.MOVE)
_MIGRATING = Fate.MIGRATE
_KEEPING = Fate.KEEP
_PROMOTED = Role.PROMOTED
"""Members that are asked for several times for each resource: Python 3.11 takes ten times as long to find them in their
Enum.
"""


@record(frozen=True, slots=True)
class Decision:
    """What is to become of one resource."""

    resource: Resource
    fate: Fate
    active: tuple[Instance, ...] = ()
    """Where it runs, or may run, now."""
    target: NodeName | None = None
    """Where it is to run."""
    reasons: tuple[Reason, ...] = ()
    obstacle: str | None = None
    """Why it is not, or not yet, as declared."""
    role: Role = Role.STARTED
    """In which role, if it runs: promoted or not for what can be promoted."""
    promotes: bool = False
    """It is promoted in this plan."""
    demotes: bool = False
    """It is demoted in this plan, to stay or to stop so, or to be promoted again."""
    is_failed: bool = False
    """It is recovered from a failure, not changed by a declaration."""
    is_forced: bool = False
    """A guest that can't be shut down in order: its agent or its domain has failed."""
    ends_with: frozenset[NodeName] = frozenset()
    """Guest nodes on which it ends with the guest: nothing has to be stopped there, or can be."""
    obstacle_at: Where | None = None
    """Where in the YAML the obstacle stands, if it is not the resource as a whole."""
    is_reloaded: bool = False
    """What it is kept with is not what is declared, and it can take that up while it runs."""
    is_handed_over: bool = False
    """A live migration of it has begun: it only remains to be taken over, and cleared where it was."""
    is_left_alone: bool = False
    """It is kept whatever happens around it: it is not managed, or its host is in maintenance."""
    retry_at: float | None = None
    """Epoch seconds at which the obstacle goes away by itself."""
    intended: Fate | None = None
    """What would be done if nothing hindered it, where that is known."""
    is_uncertain: bool = False
    """It may run already where nobody could look: nothing is concluded from its not running."""
    is_waiting: bool = False
    """The obstacle is only that something has not been heard of yet; no person need look."""
    lacks_ticket: bool = False
    """The obstacle is a ticket that the cluster does not hold: it may well be another site's turn."""
    is_frozen: bool = False
    """It is left alone for the loss of a ticket, so that what would have to stop after it is not stopped either."""
    stops: bool = field(init=False, repr=False, compare=False)
    """It is stopped where it runs."""
    starts: bool = field(init=False, repr=False, compare=False)
    migrates: bool = field(init=False, repr=False, compare=False)
    """It is moved live."""
    has_roles: bool = field(init=False, repr=False, compare=False)
    """It can be promoted, or is though it no longer could."""

    def __post_init__(self) -> None:
        """Say what follows from the fate, once: each phase asks for it, and a property takes ten times as long."""
        fate, is_active = self.fate, bool(self.active)
        # Frozen for all others: `record`.
        self.stops = is_active and fate in _STOPPING  # type: ignore[misc]
        self.starts = fate in _STARTING  # type: ignore[misc]
        self.migrates = fate is _MIGRATING  # type: ignore[misc]
        self.has_roles = self.resource.is_promotable or (is_active and self.was_promoted)  # type: ignore[misc]

    @property
    def was_promoted(self) -> bool:
        """Tell whether it is promoted anywhere now."""
        return _PROMOTED in [i.role for i in self.active]

    @property
    def reloads(self) -> bool:
        """Tell whether it takes up new values of parameters while it runs; a restart makes that needless."""
        return self.is_reloaded and self.fate is _KEEPING

    @property
    def runs_after(self) -> bool:
        """Tell whether it runs when the plan has been carried out."""
        if self.fate is not _KEEPING:
            return self.starts or self.migrates
        is_down = self.is_left_alone and any(i.failure is not None for i in self.active)
        return bool(self.active) and not is_down
