"""The tasks of a plan while they are settled, as the decisions on each resource by itself lay them out.

The rule: only what is related to something else, or is not simply kept or started, has its tasks laid out at once; of
all else when something comes to depend on it. Most of what runs in guests never gets any.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field

from reconciler.model.names import ResourceId
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.migration import uncleared
from reconciler.plan.settle.orders import least_tasks
from reconciler.plan.settle.promotion import lay_out_roles
from reconciler.plan.settle.tasks import START, STOP, Blocking, Bond, Obstacle, Relations, Task, TaskName
from reconciler.plan.settle.ties import Ties
from reconciler.plan.situation import Situation
from reconciler.plan.whereabouts import unheard_of

_PLAIN = (Fate.KEEP, Fate.START)


@dataclass(slots=True)
class Board:
    """The tasks of a plan while they are settled."""

    situation: Situation
    decisions: Mapping[ResourceId, Decision]
    relations: Relations
    ties: Ties
    held: Collection[ResourceId]
    """What must not be stopped."""
    running: Set[ResourceId]
    """The resources that are active: their starts and stops are tied to each other."""
    clone_of: Mapping[ResourceId, ResourceId]
    """The clone that instances, and what they consist of, are in."""
    tasks: dict[TaskName, Task] = field(default_factory=dict)
    laid_out: list[ResourceId] = field(default_factory=list)
    """The resources that have tasks to start and to stop."""
    changed: deque[TaskName] = field(default_factory=deque)

    def task(self, name: TaskName) -> Task:
        """Return a task, laid out if it was not yet."""
        found = self.tasks.get(name)
        if found is None:
            resource, verb = name
            if verb in (START, STOP) and resource in self.decisions:
                self.lay_out(resource, self.decisions[resource])
                return self.tasks[name]
            found = self.tasks[name] = Task(name)
        return found

    def possible(self, task: Task) -> int:
        """Return how many of the tasks that one counts can still be done."""
        counted = [r for r in self.relations.before(task.name) if r.blocks is not Blocking.NO]
        return sum(self.task(r.first).hindrance is None for r in counted)

    def untie(self, task: Task) -> None:
        """Make relations of the ties to a task, if something follows from them now."""
        for tie in self.ties.take(task):
            self.relations.extend(tie.relations())

    def lay_out(self, resource: ResourceId, decision: Decision) -> None:
        """Put down what a decision asks for by itself."""
        self.laid_out.append(resource)
        start_name, stop_name = (resource, START), (resource, STOP)
        start, stop = self.tasks[start_name], self.tasks[stop_name] = Task(start_name), Task(stop_name)
        if decision.migrates:
            start.is_required = start.is_live = stop.is_required = stop.is_live = True
        elif decision.starts:
            start.is_required, stop.is_required = True, decision.stops
        else:
            stop.is_required = decision.stops
            start.obstacle = _obstacle(self.situation, decision)
            left = uncleared(self.situation, resource) if decision.active else None
            start.doubt = None if left is None else Obstacle(text=left)
        is_held = bool(decision.active) and (resource in self.held or decision.fate is Fate.HOLD)
        if decision.is_left_alone or is_held:
            start.is_frozen = stop.is_frozen = True


def lay_out(board: Board, roled: Iterable[ResourceId]) -> None:
    """Put down what each decision asks for by itself; of some, what it asks for of their roles too."""
    situation, relations = board.situation, board.relations
    for name, least in least_tasks(situation).items():
        task = board.tasks[name] = Task(name, least=least)
        if sum(r.blocks is not Blocking.NO for r in relations.before(name)) < least:
            task.obstacle = Obstacle(text="there are too few instances of it")
    for missing, found in relations.by_first.items():
        if found[0].bond is Bond.ALONE:
            board.task(missing).obstacle = Obstacle(is_alone=True, text="there is none")
    related = relations.related().union(board.ties.tied, board.held)
    for resource, decision in board.decisions.items():
        is_plain = decision.fate in _PLAIN and not (decision.is_left_alone or decision.has_roles)
        if not is_plain or resource in related:
            board.lay_out(resource, decision)
    for resource in roled:
        lay_out_roles(
            board.tasks, board.decisions[resource], is_frozen=board.tasks[resource, START].is_frozen
        )


def _obstacle(situation: Situation, decision: Decision) -> Obstacle | None:
    """Return why something will not have been started, or go on running, by its own decision."""
    if decision.runs_after:
        return None
    is_down = not decision.active and not decision.is_uncertain
    is_certain = decision.fate is Fate.STOP or (is_down and unheard_of(situation, decision.resource) is None)
    return Obstacle(
        text=decision.obstacle or "it is stopped",
        retry_at=decision.retry_at,
        is_uncertain=not is_certain,
        is_waiting=decision.is_waiting,
    )
