"""What made up the scores of each resource, noted while it is assigned; for `reconcile why`.

Nothing is decided here, and without a trace nothing is noted.

Invariant: the steps of a resource, one after the other, lead from its first table of scores to the one that counted.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from reconciler.model.constraint import Colocation, Location
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.score import INFINITY, add_scores

Table = Mapping[NodeName, int]
T = TypeVar("T")


class Cause(Enum):
    """What changed scores."""

    LOCATION = "location"
    TICKET = "ticket"
    """A ticket is lacking."""
    HEALTH = "health"
    EXCLUSIVE = "exclusive"
    """Locations that name all nodes where it may run at all."""
    FAILURE = "failure"
    STICKINESS = "stickiness"
    PRIMARY = "primary"
    """Where a primary of one of its colocations was assigned."""
    DEPENDENT = "dependent"
    """What a dependent of one of its colocations would like, and those behind that."""
    CAPACITY = "capacity"
    CLONE_NODE = "clone-node"
    """Its clone may not be there, or has as many instances there as it may."""
    CLONE_MAX = "clone-max"
    """Its clone has all its instances."""
    PROMOTION = "promotion"
    """How well the node suits promotion."""
    STATE = "state"
    """It is declared stopped."""


class Rule(Enum):
    """What decided between nodes."""

    UNMANAGED = "unmanaged"
    STOPPED = "stopped"
    """Declared so."""
    PINNED = "pinned"
    """It cannot be moved now."""
    FAILED = "failed"
    """An operation failed whose on-fail keeps it stopped."""
    NO_INSTANCE = "no-instance"
    """It goes with an instance of an interleaved clone, and there is none for it."""
    NONE = "none"
    """No node is left."""
    BEST = "best"
    PREFERRED = "preferred"
    """None was better than the node that was preferred."""
    STAYS = "stays"
    """None was better than the node where it runs."""
    HELD = "held"
    """It stays until all that it is placed with has been seen."""
    RETURNS = "returns"
    """It stays: it would come back from any better node."""


_BY_SCORE = (Cause.LOCATION, Cause.TICKET)
"""What adds the score of a location."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of a resource's scores."""

    cause: Cause
    before: Table
    after: Table
    source: Location | Colocation | None = None

    def value(self, node: NodeName) -> int | None:
        """Return what it adds to a node's score, by infinity math; None: the score is replaced."""
        before, after = self.before.get(node, 0), self.after.get(node, 0)
        if isinstance(self.source, Location) and self.cause in _BY_SCORE and self.source.node == node:
            declared = self.source.score
            if add_scores(before, declared) == after:
                return declared
        if before == after:
            return 0
        if abs(after) >= INFINITY:
            return after
        return None if abs(before) >= INFINITY else after - before


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one node stood when a resource was assigned, but for its score."""

    obstacle: str | None
    """Why it could take nothing, whatever the score."""
    load: int
    """Resources that had been assigned to it."""
    left: Mapping[str, int]
    """Its capacity that was left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How one resource was assigned."""

    rule: Rule
    scores: Table
    """Those that counted."""
    current: NodeName | None
    """Where it runs."""
    standings: Mapping[NodeName, Standing]


@dataclass(slots=True)
class Trace:
    """Notes of one pass over all resources."""

    first: dict[ResourceId, Table] = field(default_factory=dict)
    """The scores that each began with."""
    steps: dict[ResourceId, list[Step]] = field(default_factory=dict)
    choices: dict[ResourceId, Choice] = field(default_factory=dict)

    def begin(self, name: ResourceId, table: Table) -> None:
        """Note the scores that a resource begins with: the nodes that are possible at all."""
        self.first[name] = table
        self.steps[name] = []

    def add(self, name: ResourceId, step: Step) -> None:
        """Note a change of scores."""
        self.steps[name].append(step)

    def add_wishes(self, name: ResourceId, wishes: Iterable[tuple[NodeName, int, Location | None]]) -> Table:
        """Note locations and health, each by itself; return what they come to."""
        table = self.last(name)
        for node, score, source in wishes:
            after = {**table, node: add_scores(table.get(node, 0), score)}
            self.add(name, Step(cause=_cause_of(source), before=table, after=after, source=source))
            table = after
        return table

    def ban(
        self, name: ResourceId, cause: Cause, nodes: Collection[NodeName], source: Location | None = None
    ) -> Table:
        """Note a ban of nodes; return what the scores come to."""
        before = self.last(name)
        after = {n: -INFINITY if n in nodes else score for n, score in before.items()}
        self.add(name, Step(cause=cause, before=before, after=after, source=source))
        return after

    def last(self, name: ResourceId) -> Table:
        """Return a resource's scores after all that was noted."""
        steps = self.steps[name]
        return steps[-1].after if steps else self.first[name]

    def replace_last(self, name: ResourceId, table: Table) -> None:
        """Put the very table that is used in the place of an equal one; `rewind` knows tables by identity."""
        steps = self.steps[name]
        if steps:
            steps[-1] = replace(steps[-1], after=table)

    def rewind(self, name: ResourceId, table: Table) -> None:
        """Forget the changes that led away from a table."""
        steps = self.steps[name]
        while steps and steps[-1].after is not table:
            steps.pop()

    def hold(self, names: Iterable[ResourceId]) -> None:
        """Note what would come back from where it was sent, and so does not go there."""
        for name in names:
            self.choices[name] = replace(self.choices[name], rule=Rule.RETURNS)

    def swap(self, name: ResourceId, other: ResourceId) -> None:
        """Let two resources have what was noted for the other one; where they run is their own."""
        swap(self.first, name, other)
        swap(self.steps, name, other)
        mine, others = self.choices.get(name), self.choices.get(other)
        if mine is not None and others is not None:
            self.choices[name] = replace(others, current=mine.current)
            self.choices[other] = replace(mine, current=others.current)


def _cause_of(source: Location | None) -> Cause:
    if source is None:
        return Cause.HEALTH
    return Cause.TICKET if source.lack else Cause.LOCATION


def swap(found: dict[ResourceId, T], name: ResourceId, other: ResourceId) -> None:
    """Swap what a table holds for two names, nothing included."""
    held = {new: found.pop(old) for old, new in ((name, other), (other, name)) if old in found}
    found.update(held)
