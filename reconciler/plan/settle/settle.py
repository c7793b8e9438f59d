"""Carries decisions over to what depends on them, until nothing changes any more.

Every resource has two tasks, to start and to stop; groups and clones have tasks of their own. A task may become
required, or impossible, and neither is ever taken back: so it ends, in time proportional to the relations.

The rules beside those of the relations:

* What runs and has to start, for something it starts after does, is restarted. What stops starts again where it may.
* What runs and could not start now, for something that it needs is certainly not there, is stopped.
* What migrates interrupts nothing that depends on it. It stops and starts instead, if something that it depends on
  is stopped; of a clone, only if an instance is restarted, on whatever node: what just stops is there till the
  migration has ended.
* What cannot be stopped, or must be left alone, stays as it is; it holds what may stop only after it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.model.names import ResourceId
from reconciler.model.transition import Reason
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.settle.board import Board, lay_out
from reconciler.plan.settle.collectives import DOWN, collective_relations
from reconciler.plan.settle.conclude import conclude
from reconciler.plan.settle.hold import hold_stops
from reconciler.plan.settle.orders import order_relations
from reconciler.plan.settle.places import (
    colocation_relations,
    container_relations,
    remote_relations,
)
from reconciler.plan.settle.promotion import promotion_relations
from reconciler.plan.settle.tasks import (
    START,
    STOP,
    Blocking,
    Bond,
    Obstacle,
    Relation,
    Relations,
    Task,
    TaskName,
)
from reconciler.plan.settle.ties import Ties
from reconciler.plan.settle.words import obstacle_after
from reconciler.plan.situation import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Decisions with all consequences, and what led to them."""

    decisions: dict[ResourceId, Decision]
    relations: Relations
    ties: Ties
    """Of guests from whose tasks nothing has followed for what is in them."""
    milestones: tuple[TaskName, ...]
    """Tasks of groups, clones and alternatives that are done in this plan; they run nothing."""


def settle(situation: Situation, decided: Iterable[Decision]) -> Settled:
    """Return the decisions with all consequences."""
    decisions = {d.resource.id: d for d in decided}
    relations = Relations()
    relations.extend(collective_relations(situation))
    relations.extend(order_relations(situation, decisions))
    relations.extend(colocation_relations(situation))
    relations.extend(container_relations(situation))
    relations.extend(remote_relations(situation, decisions))
    roled = [r for r, d in decisions.items() if d.has_roles]
    relations.extend(promotion_relations(situation, [decisions[r] for r in roled]))
    held = hold_stops(situation, decisions, relations)
    for resource, why in held.items():
        before = decisions[resource]
        if before.stops or before.migrates:
            held_back = replace(before, fate=Fate.HOLD, intended=before.fate, obstacle=why.text)
            reason = Reason("unrunnable", why.text, subject=why.subject, step=why.step)
            reasons = before.reasons if before.fate is Fate.STOP else (reason,)
            decisions[resource] = replace(held_back, reasons=reasons, is_waiting=why.is_waiting)
    running = {r for r, d in decisions.items() if d.active}
    ties = Ties(situation, decisions)
    board = Board(situation, decisions, relations, ties, held, running, clone_of=_clones(situation))
    lay_out(board, roled)
    _find_hindrances(board)
    _run(board)
    settled = {**decisions}
    for resource in board.laid_out:
        settled[resource] = conclude(situation, decisions, board.tasks, decisions[resource])
    milestones = [name for name, task in board.tasks.items() if name[0] not in decisions and task.happens]
    return Settled(
        decisions=settled,
        relations=relations,
        ties=ties,
        milestones=tuple(sorted(milestones, key=str)),
    )


def _clones(situation: Situation) -> dict[ResourceId, ResourceId]:
    found: dict[ResourceId, ResourceId] = {}
    for clone, cloned in situation.clones.items():
        parts = [clone, *cloned.instances, *situation.leaves(clone)]
        found |= dict.fromkeys(parts, clone)
    return found


def _find_hindrances(board: Board) -> None:
    """Find all that cannot be done, before anything is done for the sake of what is."""
    board.changed.extend([name for name, task in board.tasks.items() if task.obstacle is not None])
    while board.changed:
        task = board.task(board.changed.popleft())
        board.untie(task)
        for relation in board.relations.after(task.name) if task.hindrance is not None else ():
            if relation.blocks is not Blocking.NO:
                _hinder(board, board.task(relation.then), task, relation)


def _run(board: Board) -> None:
    """Follow the relations from every task that is done, or cannot be, and from every one that changes."""
    acting = [n for n, task in board.tasks.items() if task.is_required or task.obstacle is not None]
    board.changed.extend(acting)
    by_first, by_then = board.relations.by_first, board.relations.by_then
    while board.changed:
        name = board.changed.popleft()
        task = board.task(name)
        board.untie(task)
        for relation in by_first.get(name, ()):
            if relation.implies_then and task.happens:
                _require(board, board.task(relation.then), relation, task)
            if task.hindrance is not None and relation.blocks is not Blocking.NO:
                _hinder(board, board.task(relation.then), task, relation)
        for relation in by_then.get(name, ()):
            # What goes down does so as soon as it is required: what is to be done before it, is.
            if relation.implies_first and (task.happens or (task.is_required and name[1] in DOWN)):
                _require(board, board.task(relation.first), relation, task)
            elif relation.interrupts and task.is_required and not task.is_live:
                _interrupt(board, board.task(relation.first), relation, task)
        if name[0] in board.running:
            _couple(board, task)


def _require(board: Board, task: Task, relation: Relation, cause: Task) -> None:
    """Do a task because another one is done; a live migration matters only to the wholes that it is a part of."""
    if relation.bond is not Bond.PART:
        if cause.is_live:
            return
        if task.name[1] is STOP:
            _interrupt(board, task, relation, cause)
    elif task.is_live and not cause.is_live:
        task.is_live = False
        board.changed.append(task.name)
    if task.is_required:
        return
    if task.is_frozen:
        if relation.ends:
            _release(board, task, relation)
        return
    task.is_required = True
    task.is_live = cause.is_live
    task.causes = (*task.causes, relation)
    board.changed.append(task.name)


def _is_interrupting(board: Board, stop: Task) -> bool:
    clone = board.clone_of.get(stop.name[0])
    if clone is None or stop.name[1] is not STOP:
        return True
    leaves = board.situation.leaves(clone)
    return any(board.task((i, STOP)).is_required and board.task((i, START)).is_required for i in leaves)


def _interrupt(board: Board, stop: Task, relation: Relation, cause: Task) -> None:
    """Stop and start what would have been migrated: something that it cannot be without for a moment is stopped."""
    if not stop.is_live or not _is_interrupting(board, cause):
        return
    start = board.task((stop.name[0], START))
    start.is_live = stop.is_live = False
    stop.causes = (*stop.causes, relation)
    board.changed.extend([stop.name, start.name])


def _release(board: Board, stop: Task, relation: Relation) -> None:
    """Let go of what was held, or left alone: its guest's end settles it."""
    resource = stop.name[0]
    decision = board.decisions[resource]
    start = board.task((resource, START))
    is_unwanted = decision.is_left_alone or board.situation.is_removed(resource)
    stop.is_frozen = start.is_frozen = False
    stop.is_required = True
    stop.causes = (*stop.causes, relation)
    start.obstacle = Obstacle(text=decision.obstacle or "it is stopped") if is_unwanted else None
    if decision.target is None and start.obstacle is None:
        start.obstacle = Obstacle(text=decision.obstacle or "no node will do")
    board.changed.extend([stop.name, start.name])


def _hinder(board: Board, then: Task, first: Task, relation: Relation) -> None:
    """Take note that something cannot be done, for something before it cannot."""
    assert first.hindrance is not None
    if then.least and board.possible(then) >= then.least:
        return
    is_running = _is_running(board, then)
    # The end of its guest may release what is held where it runs, and take its own obstacle away, but not this one.
    is_held = is_running and then.is_frozen
    if then.obstacle is not None and not is_held:
        return
    obstacle = obstacle_after(first, relation, board.decisions)
    is_doubt = obstacle.is_uncertain or relation.blocks is Blocking.IF_STARTING
    if is_held or (is_running and is_doubt):
        if then.doubt is None:
            then.doubt = obstacle
            then.causes = (*then.causes, relation)
            board.changed.append(then.name)
        return
    then.obstacle = obstacle
    then.causes = (*then.causes, relation)
    board.changed.append(then.name)


def _is_running(board: Board, task: Task) -> bool:
    """Tell whether a task is the start of something that runs already."""
    decision = board.decisions.get(task.name[0])
    return decision is not None and bool(decision.active) and task.name[1] is START


def _couple(board: Board, task: Task) -> None:
    """Tie the start and the stop of what runs to each other."""
    if task.is_frozen:
        return
    start = board.task((task.name[0], START))
    stop = board.task((task.name[0], STOP))
    if start.hindrance is not None and stop.is_live:
        # It arrives nowhere, so it only stops, with what depends on it.
        start.is_live = stop.is_live = False
        board.changed.append(stop.name)
    if (start.is_required or start.obstacle is not None) and not stop.is_required:
        stop.is_required = True
        board.changed.append(stop.name)
    if stop.is_required and not start.is_required and start.obstacle is None:
        start.is_required = True
        board.changed.append(start.name)
        clone = board.clone_of.get(start.name[0])
        if clone is not None:
            # That it is restarted may interrupt migrations that it did not so far.
            board.changed.extend((i, STOP) for i in (clone, *board.situation.leaves(clone)))
