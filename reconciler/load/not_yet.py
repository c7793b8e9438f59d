"""What can be declared, and is planned or remembered, but not carried out yet: warnings, until it is."""

from collections.abc import Iterator

from reconciler.load.problems import Problems
from reconciler.model.collective import Bundle
from reconciler.model.constraint import LossPolicy
from reconciler.model.intent import Intent
from reconciler.model.names import Where
from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import OnFail, Resource
from reconciler.plan.migration import is_carried_out

CODE = "not-yet"


def warn_of_what_is_not_carried_out(intent: Intent, problems: Problems) -> None:
    """Add a warning for each thing that is asked for in vain."""
    for where, text, hint in _found(intent):
        problems.warn(where, CODE, text, hint)


def _found(intent: Intent) -> Iterator[tuple[Where, str, str]]:
    cluster = intent.cluster
    confirm = "a person confirms that a host is dead: reconcile confirm-fenced HOST"
    asks = cluster.policy.has_fencing or cluster.policy.on_quorum_loss is QuorumPolicy.FENCE
    if asks and cluster.where is not None:
        yield cluster.where, "no host is fenced yet", confirm
    for resource in intent.resources.values():
        yield from _of_resource(intent, resource)
    for need in intent.tickets:
        if need.on_loss is LossPolicy.FENCE:
            yield need.where, "no host is fenced yet", "what runs is stopped: write onLoss: stop"
    for bundle in intent.collectives.values():
        if isinstance(bundle, Bundle) and bundle.inner is not None:
            text = f"what runs in {bundle.id} is started and stopped, and not recovered yet when a container dies"
            yield bundle.where, text, "without resource: the containers are"
    for override in intent.overrides:
        if any(operation.on_fail is OnFail.FENCE for operation in override.operations):
            yield override.where, "no host is fenced yet", "write onFail: block"
    for time in intent.policy_overrides:
        is_asked = time.policy.has_fencing and "has_fencing" in time.fields
        if is_asked or (time.policy.on_quorum_loss is QuorumPolicy.FENCE and "on_quorum_loss" in time.fields):
            yield time.where, "no host is fenced yet", confirm


def _of_resource(intent: Intent, resource: Resource) -> Iterator[tuple[Where, str, str]]:
    if resource.agent.standard == "stonith":
        where = resource.at("spec", "agent")
        yield where, f"fence agents are not run yet, so {resource.id} cannot start", "write state: stopped"
    if resource.allows_migration and not is_carried_out(intent, resource):
        where = resource.at("spec", "allowMigration")
        yield where, f"{resource.id} is not moved live yet", "leave it out, and it is stopped and started"
    if any(operation.on_fail is OnFail.FENCE for operation in resource.operations):
        yield resource.at("spec", "op"), "no host is fenced yet", "write onFail: block"
