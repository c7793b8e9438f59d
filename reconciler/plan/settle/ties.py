"""What is in guests, and what that depends on.

The rules:

* What runs in a guest ends with it: when the guest stops, it stops before, or with it if its agent is out of reach.
* Nothing starts on a node that will not be there.
* What is in a guest of a Pacemaker cluster starts again when what runs the guest does.

Guests hold most of what there is, and in most plans nothing follows from these rules. So their relations are made only
where something does.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.names import NodeName, ResourceId
from reconciler.plan.decision import Decision
from reconciler.plan.settle.tasks import START, STOP, Blocking, Bond, Relation, Task, TaskName
from reconciler.plan.situation import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """How one task of a guest, or of what connects or runs one, and all that is in it depend on each other."""

    task: TaskName
    contents: Sequence[ResourceId]
    bond: Bond
    blocks: Blocking = Blocking.NO
    is_any_active: bool = False
    """Something that is to be there runs now, there or elsewhere."""

    @property
    def is_followed(self) -> bool:
        """Tell whether the contents start when and after the task is done, again if they run."""
        return self.bond is Bond.AFTER

    def matters(self, task: Task) -> bool:
        """Tell whether anything follows from it; what only starts would start all the same."""
        if task.name[1] is STOP:
            return task.is_required
        is_restarting = self.is_followed and self.is_any_active and task.happens
        return is_restarting or task.hindrance is not None

    def relations(self) -> Iterator[Relation]:
        """Return a relation for each of the contents."""
        task, bond, blocks, is_followed = self.task, self.bond, self.blocks, self.is_followed
        for name in self.contents:
            if task[1] is STOP:
                yield Relation((name, STOP), task, bond, is_order=False, implies_first=True, ends=True)
            else:
                yield Relation(
                    task, (name, START), bond, is_order=is_followed, implies_then=is_followed, blocks=blocks
                )


@dataclass(slots=True)
class Ties:
    """The ties of all guests; what is in which is found out when it is first asked for."""

    situation: Situation
    decisions: Mapping[ResourceId, Decision]
    tied: set[ResourceId] = field(init=False)
    """All guests, and what connects or runs them."""
    found: dict[TaskName, list[Tie]] | None = None

    def __post_init__(self) -> None:
        """Name what contents may be tied to."""
        guests = self.situation.guests
        launchers = {launcher.id for node in guests if (launcher := self.situation.launcher(node))}
        self.tied = launchers.union([guest.id for guest in guests.values()])

    def of(self, name: TaskName) -> Sequence[Tie]:
        """Return the ties to a task from which nothing has followed so far."""
        if name[0] not in self.tied:
            return ()
        if self.found is None:
            self.found = _by_task(self.situation, self.decisions)
        return self.found.get(name, ())

    def take(self, task: Task) -> Sequence[Tie]:
        """Return the ties to a task if something follows from them now; they are not found again."""
        name, is_stop = task.name, task.name[1] is STOP
        if name[0] not in self.tied or not (task.is_required if is_stop else self._may_matter(task)):
            return ()
        found = self.of(name)
        if not any(tie.matters(task) for tie in found):
            return ()
        assert self.found is not None
        return self.found.pop(name)

    def _may_matter(self, start: Task) -> bool:
        return start.hindrance is not None or (bool(self.situation.running) and start.happens)


def _by_task(situation: Situation, decisions: Mapping[ResourceId, Decision]) -> dict[TaskName, list[Tie]]:
    coming: defaultdict[NodeName, list[ResourceId]] = defaultdict(list)
    running: defaultdict[NodeName, list[ResourceId]] = defaultdict(list)
    guests, kept = situation.guests, set()
    for name, decision in decisions.items():
        if decision.resource.guest is None:
            target, active = decision.target, decision.active
            if target is not None and target in guests:
                coming[target].append(name)
                if active:
                    kept.add(target)
            for instance in active:
                if instance.node in guests:
                    running[instance.node].append(name)
    found: defaultdict[TaskName, list[Tie]] = defaultdict(list)
    for node, names in coming.items():
        for tie in _before_start(situation, node, names, is_any_active=node in kept):
            found[tie.task].append(tie)
    for node, names in running.items():
        guest = guests[node]
        if guest.id in decisions and not guest.agent.is_connection:
            found[guest.id, STOP].append(Tie(task=(guest.id, STOP), contents=names, bond=Bond.GUEST))
    return found


def _before_start(
    situation: Situation, node: NodeName, contents: Sequence[ResourceId], *, is_any_active: bool
) -> Iterator[Tie]:
    """Return what has to be there for something to start in a guest."""
    guest, launcher = situation.guests[node], situation.launcher(node)
    blocks = Blocking.ALWAYS if guest.agent.is_connection else Blocking.IF_STARTING
    yield Tie(task=(guest.id, START), contents=contents, bond=Bond.GUEST, blocks=blocks)
    if launcher is not None:
        task, blocks = (launcher.id, START), Blocking.ALWAYS
        yield Tie(task=task, contents=contents, bond=Bond.AFTER, blocks=blocks, is_any_active=is_any_active)
