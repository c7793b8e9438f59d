"""Remembers live migrations from before they are asked for until both ends are in order. Pure.

An end is in order when nothing is left there, by a stop or by the end of its node's life; the target also when it has
taken over, or is found without it when nothing can arrive any more: what is not managed is never stopped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.act.outcome import Outcome
from reconciler.model.history import History, Migration, MigrationPhase
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Instance
from reconciler.model.resource import Role
from reconciler.model.transition import Action, ActionKind


def with_begun(
    history: History, actions: Iterable[Action], incarnations: Mapping[NodeName, str], now: float
) -> History:
    """Return a history that knows of the migrations which actions are about to begin.

    Args:
        history: before.
        actions: what is launched.
        incarnations: of the nodes that were heard of.
        now: epoch seconds.
    """
    begun = {}
    for action in actions:
        if action.kind is ActionKind.MIGRATE_TO:
            assert action.resource is not None
            assert action.peer is not None
            assert action.uses is not None
            begun[action.resource] = Migration(
                source=action.node,
                target=action.peer,
                lives={node: incarnations.get(node, "") for node in (action.node, action.peer)},
                uses=action.uses,
                ends_at=now + action.timeout_ms / 1000,
            )
    return replace(history, migrations={**history.migrations, **begun}) if begun else history


def with_outcome(history: History, outcome: Outcome, now: float) -> History:
    """Return a history after an action has ended at `now`, which may be a step of a migration."""
    action, result = outcome.action, outcome.result
    migration = history.migrations.get(action.resource) if action.resource is not None else None
    if migration is None or action.resource is None:
        return history
    match action.kind:
        case ActionKind.MIGRATE_TO if outcome.is_unsent:
            return _with(history, action.resource, None)
        case ActionKind.MIGRATE_TO if result is not None:
            phase = MigrationPhase.SENT if result.is_ok else MigrationPhase.FAILED
            return _with(history, action.resource, replace(migration, phase=phase))
        case ActionKind.MIGRATE_FROM if result is not None:
            return _with(history, action.resource, _arrived(migration, is_ok=result.is_ok))
        case ActionKind.STOP if outcome.is_ok:
            return _with(history, action.resource, _without(migration, action.node))
        case ActionKind.MONITOR | ActionKind.PROBE if result is not None and result.is_not_running:
            # Once a hand-over that failed has certainly ended, nothing arrives any more.
            is_over = migration.phase is MigrationPhase.FAILED and now >= migration.ends_at
            is_cleared = is_over and action.node == migration.target
            return (
                _with(history, action.resource, _without(migration, action.node)) if is_cleared else history
            )
        case _:
            return history


def with_ends_met(
    history: History, node: NodeName, incarnation: str, instances: Mapping[ResourceId, Instance]
) -> History:
    """Return a history after a node was connected, and what runs there is known.

    Args:
        history: before.
        node: that was connected.
        incarnation: in which it is now.
        instances: what is known to run there; nothing else does that was started there.
    """
    for resource, migration in list(history.migrations.items()):
        if node not in migration.lives:
            continue
        known = instances.get(resource)
        is_gone = _is_over(migration.lives[node], incarnation)
        if node == migration.target:
            after = _without(migration, node) if is_gone else _target_met(migration, known)
        else:
            after = _without(migration, node) if is_gone or known is None else _source_met(migration, known)
        history = _with(history, resource, after)
    return history


def without_ended_lives(
    history: History, running: Mapping[NodeName, str], unsure: frozenset[NodeName]
) -> History:
    """Return a history in which nothing is left of migrations where nodes have ended.

    Args:
        history: before.
        running: the life, by the uid of its guest's start, of each guest node that runs.
        unsure: the nodes that this says nothing about: hosts, and guests that nobody knows of whether they run.
    """
    for resource, migration in list(history.migrations.items()):
        for node, life in migration.lives.items():
            if node not in unsure and (node not in running or _is_over(life, running[node])):
                history = _with(history, resource, _without(history.migrations[resource], node))
    return history


def without_node(history: History, node: NodeName) -> History:
    """Return a history in which a node is dead."""
    for resource, migration in list(history.migrations.items()):
        history = _with(history, resource, _without(migration, node))
    return history


def _is_over(life: str, now: str) -> bool:
    """Tell whether a node is in another life than when the move began; nobody knows of one not heard of then."""
    return life not in {"", now}


def _source_met(migration: Migration, known: Instance) -> Migration:
    if known.role is Role.STOPPED:
        return _without(migration, migration.source)
    if migration.phase is not MigrationPhase.SENDING:
        return migration
    is_sent = known.migrating_to == migration.target and known.failure is None
    return replace(migration, phase=MigrationPhase.SENT if is_sent else MigrationPhase.FAILED)


def _target_met(migration: Migration, known: Instance | None) -> Migration:
    """Return what a target's own record of it tells; one that has none has not taken over."""
    if migration.phase is not MigrationPhase.SENT or known is None or known.role is Role.UNKNOWN:
        return migration
    if known.role is Role.STOPPED:
        return _without(migration, migration.target)
    return _arrived(migration, is_ok=known.failure is None)


def _arrived(migration: Migration, *, is_ok: bool) -> Migration:
    if not is_ok:
        return replace(migration, phase=MigrationPhase.FAILED)
    return replace(_without(migration, migration.target), phase=MigrationPhase.TAKEN)


def _without(migration: Migration, node: NodeName) -> Migration:
    return replace(migration, lives={n: life for n, life in migration.lives.items() if n != node})


def _with(history: History, resource: ResourceId, migration: Migration | None) -> History:
    """Return a history with a migration as it is now; one without an end that is not in order is over."""
    migrations = {r: m for r, m in history.migrations.items() if r != resource}
    if migration is not None and migration.lives:
        # In its old place, for the order of what is observed follows from it.
        migrations = {r: migration if r == resource else m for r, m in history.migrations.items()}
    return replace(history, migrations=migrations)
