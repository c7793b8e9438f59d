"""What can be carried out of what can be declared: the rest is planned for by nobody until it can.

`load/not_yet.py` warns of the same things where they are declared.
"""

from dataclasses import replace

from reconciler.model.intent import Intent
from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import OnFail, Operation, Resource
from reconciler.plan.migration import is_carried_out

_INSTEAD = {OnFail.FENCE: OnFail.BLOCK}
"""What is done about a failure when what is asked for cannot be done: nothing that could start a second copy."""


def feasible(intent: Intent) -> Intent:
    """Return an intent that asks only for what can be carried out.

    No host is fenced: one that is lost waits for a person who confirms that it is dead. What cannot be moved live is
    stopped and started.
    """
    policy = intent.cluster.policy
    on_loss = policy.on_quorum_loss
    policy = replace(
        policy,
        has_fencing=False,
        on_quorum_loss=QuorumPolicy.STOP if on_loss is QuorumPolicy.FENCE else on_loss,
    )
    return replace(
        intent,
        cluster=replace(intent.cluster, policy=policy),
        resources={name: _feasible(intent, resource) for name, resource in intent.resources.items()},
    )


def _feasible(intent: Intent, resource: Resource) -> Resource:
    operations = tuple(_bearable(operation) for operation in resource.operations)
    migrates = resource.allows_migration and is_carried_out(intent, resource)
    if operations == resource.operations and migrates == resource.allows_migration:
        return resource
    return replace(resource, operations=operations, allows_migration=migrates)


def _bearable(operation: Operation) -> Operation:
    instead = _INSTEAD.get(operation.on_fail)
    return operation if instead is None else replace(operation, on_fail=instead)
