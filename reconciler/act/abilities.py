"""What can be carried out of what can be declared: the rest is planned for by nobody until it can.

`load/not_yet.py` warns of the same things where they are declared.
"""

from dataclasses import replace
from typing import TypeVar

from reconciler.model.intent import Intent
from reconciler.model.policy import Policy, QuorumPolicy
from reconciler.model.resource import OnFail, Operation, Resource
from reconciler.model.rule import OperationOverride
from reconciler.plan.migration import is_carried_out

_Settings = TypeVar("_Settings", bound=Operation | OperationOverride)

_INSTEAD = {OnFail.FENCE: OnFail.BLOCK}
"""What is done about a failure when what is asked for cannot be done: nothing that could start a second copy."""


def feasible(intent: Intent) -> Intent:
    """Return an intent that asks only for what can be carried out.

    No host is fenced: one that is lost waits for a person who confirms that it is dead. What cannot be moved live is
    stopped and started.
    """
    return replace(
        intent,
        cluster=replace(intent.cluster, policy=_without_fencing(intent.cluster.policy)),
        resources={name: _feasible(intent, resource) for name, resource in intent.resources.items()},
        overrides=tuple(
            replace(o, operations=tuple(_bearable(operation) for operation in o.operations))
            for o in intent.overrides
        ),
        policy_overrides=tuple(
            replace(o, policy=_without_fencing(o.policy)) for o in intent.policy_overrides
        ),
    )


def _without_fencing(policy: Policy) -> Policy:
    on_loss = policy.on_quorum_loss
    return replace(
        policy,
        has_fencing=False,
        on_quorum_loss=QuorumPolicy.STOP if on_loss is QuorumPolicy.FENCE else on_loss,
    )


def _feasible(intent: Intent, resource: Resource) -> Resource:
    operations = tuple(_bearable(operation) for operation in resource.operations)
    migrates = resource.allows_migration and is_carried_out(intent, resource)
    if operations == resource.operations and migrates == resource.allows_migration:
        return resource
    return replace(resource, operations=operations, allows_migration=migrates)


def _bearable(operation: _Settings) -> _Settings:
    instead = None if operation.on_fail is None else _INSTEAD.get(operation.on_fail)
    return operation if instead is None else replace(operation, on_fail=instead)
