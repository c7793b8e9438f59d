"""Counts failures. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.act.outcome import Outcome
from reconciler.model.history import ConnectionFailure, FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Failure, Instance
from reconciler.model.operation import HARD_ERRORS, OperationResult
from reconciler.model.resource import Resource
from reconciler.model.transition import ActionKind
from reconciler.observe.domains import Hypervisors


def with_operation_failure(
    history: History, intent: Intent | None, node: NodeName, result: OperationResult, now: float
) -> History:
    """Return a history in which an operation of a resource has failed on a node once more."""
    failure = Failure(
        operation=result.operation, rc=result.rc, text=result.describe(), is_hard=result.rc in HARD_ERRORS
    )
    return _failed(history, intent, (result.resource, node), failure, now)


def with_found_failures(
    history: History,
    intent: Intent | None,
    before: Mapping[ResourceId, Instance],
    found: Iterable[Instance],
    now: float,
) -> History:
    """Return a history with the failures that were found on connecting a node, without those known before.

    A controller that has just begun knows of none; one that its predecessor has counted, and had no time to answer,
    is the same.
    """
    for instance in found:
        failure, known = instance.failure, before.get(instance.resource)
        if failure is None or (known is not None and known.failure == failure):
            continue
        counted = history.failures.get((instance.resource, instance.node))
        is_counted = counted is not None and (counted.operation, counted.is_answered) == (
            failure.operation,
            False,
        )
        if known is None and is_counted:
            continue
        history = _failed(history, intent, (instance.resource, instance.node), failure, now)
    return history


def with_answer(history: History, outcome: Outcome) -> History:
    """Return a history in which a start that succeeded has answered what failed there before."""
    action = outcome.action
    key = (action.resource, action.node) if action.resource is not None else None
    failure = history.failures.get(key) if key is not None else None
    is_start = action.kind in {ActionKind.START, ActionKind.MIGRATE_FROM} and outcome.is_ok
    if key is None or failure is None or not is_start:
        return history
    return history.with_failure(key, replace(failure, is_answered=True))


def with_connection_failure(
    history: History, guest: Resource | None, hypervisors: Hypervisors, outcome: Outcome, now: float
) -> History:
    """Return a history in which connecting a node has failed once more.

    An agent that stays away is a failure of its guest. One that cannot be trusted is not: somebody is there.
    """
    node, reason = outcome.action.node, outcome.reason
    assert reason is not None
    before = history.connections.get(node)
    failure = ConnectionFailure(
        count=(before.count if before else 0) + 1, last_at=now, reason=reason, text=outcome.text
    )
    after = replace(history, connections={**history.connections, node: failure})
    place = hypervisors.domain_of(guest.id) if guest is not None else None
    if guest is None or place is None or not reason.is_failure:
        return after
    return _counted(after, (guest.id, place[0]), "connect", f"{reason.value}: {outcome.text}", now)


def _failed(
    history: History, intent: Intent | None, key: tuple[ResourceId, NodeName], failure: Failure, now: float
) -> History:
    resource = intent.resources.get(key[0]) if intent else None
    is_declared = failure.operation == "start" and resource is not None and resource.start_failure_is_fatal
    # Kept here, for the instance's own record ends with the stop that follows.
    is_fatal = failure.is_hard or is_declared
    return _counted(history, key, failure.operation, failure.text, now, is_fatal=is_fatal)


def _counted(
    history: History,
    key: tuple[ResourceId, NodeName],
    operation: str,
    text: str,
    now: float,
    *,
    is_fatal: bool = False,
) -> History:
    before = history.failures.get(key)
    failure = FailureCount(
        count=(before.count if before else 0) + 1,
        last_at=now,
        operation=operation,
        text=text,
        is_fatal=is_fatal,
    )
    return history.with_failure(key, failure)
