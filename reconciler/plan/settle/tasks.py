"""The nouns of settling: what a plan may do with resources and collectives, and how these tasks are related."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from reconciler.model.names import ResourceId, Where
from reconciler.model.record import record


class Verb(Enum):
    """What is done; the values are the names of Pacemaker's actions."""

    __hash__ = object.__hash__
    """Each is there once; tasks are looked up by it many times for each resource, and Enum's own is slow."""

    START = "start"
    STARTED = "running"
    """Of a collective: all of it that is to run does."""
    STOP = "stop"
    STOPPED = "stopped"
    """Of a collective: all of it that is to stop has."""
    PROMOTE = "promote"
    PROMOTED = "promoted"
    DEMOTE = "demote"
    DEMOTED = "demoted"


START, STOP = Verb.START, Verb.STOP
"""What is asked for several times for each resource: Python 3.11 takes ten times as long to find it in the Enum."""

TaskName = tuple[ResourceId, Verb]


class Blocking(Enum):
    """What it means for a task that one before it cannot be done."""

    NO = "no"
    IF_STARTING = "if-starting"
    """What does not run is not started; what runs goes on."""
    ALWAYS = "always"
    """What does not run is not started; what runs is stopped, if it is certain that it lacks what it needs."""


class Bond(Enum):
    """Where a relation comes from; decides what a person is told."""

    AFTER = "after"
    GUEST = "guest"
    WITH = "with"
    ALONE = "alone"
    """With the instance of another clone on the same node, which there is not."""
    OWN = "own"
    """Between the tasks of one resource."""
    TURN = "turn"
    """Between the tasks of one collective."""
    PART = "part"
    """Between a collective and what it consists of."""


@record(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a task can't be done."""

    text: str
    subject: str = ""
    """What it is that lacks, by name."""
    step: str = "start"
    """What could not be done with the subject, in Pacemaker's words."""
    where: Where | None = None
    retry_at: float | None = None
    """Epoch seconds at which it goes away by itself."""
    is_uncertain: bool = False
    """It may be that nothing lacks: nobody could look."""
    is_waiting: bool = False
    is_place: bool = False
    """It lacks not what comes before, but what it has to be placed with."""
    is_own: bool = True
    """It was there before anything was carried over."""
    is_alone: bool = False
    """There is nothing beside it that it could serve, so that it need not run."""


@dataclass(slots=True)
class Task:
    """One thing that a plan may do."""

    name: TaskName
    is_required: bool = False
    obstacle: Obstacle | None = None
    doubt: Obstacle | None = None
    """An obstacle that counts only if the task has to be done: what runs is not stopped for it."""
    is_live: bool = False
    """It is part of a live migration: it interrupts nothing, and so implies nothing."""
    is_frozen: bool = False
    """It is not done, whatever happens around it; only the end of its guest can make it."""
    least: int = 0
    """How many of the tasks that it counts must be possible; 0: it counts none, and needs each."""
    causes: tuple["Relation", ...] = ()
    """The relations that made it required, or impossible, in the order in which they did."""

    @property
    def hindrance(self) -> Obstacle | None:
        """Return why it can't be done, as far as that matters."""
        return self.obstacle or (self.doubt if self.is_required else None)

    @property
    def happens(self) -> bool:
        """Tell whether it is done in this plan."""
        is_free = self.obstacle is None and self.doubt is None and not self.is_frozen
        return self.is_required and is_free


class Relation(NamedTuple):
    """How one task depends on another. By itself it says nothing; each flag adds a rule.

    There are several for each resource: a tuple is made in a quarter of the time of a frozen dataclass.
    """

    first: TaskName
    then: TaskName
    bond: Bond
    where: Where | None = None
    is_order: bool = True
    """If both are done, `then` waits for `first`."""
    implies_then: bool = False
    """If `first` is done, `then` is too."""
    implies_first: bool = False
    """If `then` is done, `first` is too."""
    blocks: Blocking = Blocking.NO
    """What it means for `then` that `first` cannot be done."""
    holds: bool = False
    """Between stops: as long as `first` cannot be done, neither is `then`, unless that is urgent."""
    interrupts: bool = False
    """Between stops: while `then` is done for a restart, `first` is no part of a live migration."""
    is_beside: bool = False
    """Between instances of two clones on one node."""
    told_as: ResourceId | None = None
    """What people are told that the first task of it is about, where that is not its resource."""
    ends: bool = False
    """Between stops: `then` does away with what `first` would have to stop, so it can always be done."""


@dataclass(slots=True)
class Relations:
    """All relations, by either end."""

    by_first: defaultdict[TaskName, list[Relation]] = field(default_factory=lambda: defaultdict(list))
    by_then: defaultdict[TaskName, list[Relation]] = field(default_factory=lambda: defaultdict(list))

    def extend(self, relations: Iterable[Relation]) -> None:
        """Add relations."""
        by_first, by_then = self.by_first, self.by_then
        for relation in relations:
            by_first[relation.first].append(relation)
            by_then[relation.then].append(relation)

    def before(self, name: TaskName) -> Sequence[Relation]:
        """Return the relations in which a task comes second."""
        return self.by_then.get(name, ())

    def after(self, name: TaskName) -> Sequence[Relation]:
        """Return the relations in which a task comes first."""
        return self.by_first.get(name, ())

    def related(self) -> set[ResourceId]:
        """Return all that relations are about."""
        return {subject for names in (self.by_first, self.by_then) for subject, _ in names}
