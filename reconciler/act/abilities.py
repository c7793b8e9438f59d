"""What can be carried out of what can be declared: the rest is planned for by nobody until it can.

`load/not_yet.py` warns of the same things where they are declared.
"""

from dataclasses import replace

from reconciler.model.intent import Intent
from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import OnFail, Operation, Resource

_INSTEAD = {OnFail.FENCE: OnFail.BLOCK}
"""What is done about a failure when what is asked for cannot be done: nothing that could start a second copy."""


def feasible(intent: Intent) -> Intent:
    """Return an intent that asks only for what can be carried out.

    No host is fenced, and nothing is moved live: a host that is lost waits for a person who confirms that it is dead,
    and moves are stops and starts.
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
        resources={name: _feasible(resource) for name, resource in intent.resources.items()},
    )


def _feasible(resource: Resource) -> Resource:
    operations = tuple(_bearable(operation) for operation in resource.operations)
    if operations == resource.operations and not resource.allows_migration:
        return resource
    return replace(resource, operations=operations, allows_migration=False)


def _bearable(operation: Operation) -> Operation:
    instead = _INSTEAD.get(operation.on_fail)
    return operation if instead is None else replace(operation, on_fail=instead)
