"""Starts and stops guests through their hypervisors."""

from reconciler.act.context import Context
from reconciler.act.outcome import Outcome
from reconciler.model.digest import guest_digest
from reconciler.model.errors import HypervisorError, HypervisorUnreachableError, KeyStoreError
from reconciler.model.node import GuestType
from reconciler.model.operation import OCF_ERR_GENERIC, OperationResult
from reconciler.model.resource import Guest, Resource
from reconciler.model.transition import Action, ActionKind
from reconciler.ports import GuestStart


async def run_guest_action(context: Context, action: Action, uid: str) -> Outcome:
    """Start or stop a guest; returns how it ended, never raises for what a hypervisor says."""
    assert action.resource is not None
    resource = context.resource(action.resource)
    host = context.intent.hosts.get(action.node)
    guest = resource.guest if resource is not None else _guest_of(action)
    if host is None or guest is None or (resource is None and action.kind is ActionKind.START):
        return _failed(action, uid, f"{action.resource} on {action.node} is no longer declared in any way")
    try:
        if action.kind is ActionKind.START:
            assert resource is not None
            await context.ports.hypervisor.start(host, _start(context, resource, uid))
        else:
            shutdown_ms = 0 if action.is_forced else guest.shutdown_ms
            await context.ports.hypervisor.stop(host, action.resource, guest.type, shutdown_ms)
    except HypervisorUnreachableError as error:
        return Outcome(action=action, uid=uid, text=str(error))
    except (HypervisorError, KeyStoreError) as error:
        return _failed(action, uid, str(error))
    return Outcome(action=action, uid=uid, result=_result(action, uid))


def _guest_of(action: Action) -> Guest | None:
    """Describe a guest of ours of which nothing but its mark is left, so that it can be stopped."""
    return Guest(type=GuestType(action.uses.agent.type)) if action.uses is not None else None


def _start(context: Context, resource: Resource, uid: str) -> GuestStart:
    remote = resource.remote_node
    key = None
    if remote is not None:
        key = context.ports.keys.key_of(context.intent.cluster, remote.name, remote.agent)
    return GuestStart(
        guest=resource,
        cluster=context.intent.cluster,
        uid=uid,
        digest=guest_digest(resource),
        commit=context.commit,
        key=key,
    )


def _result(action: Action, uid: str, rc: int = 0, reason: str = "") -> OperationResult:
    assert action.resource is not None
    return OperationResult(
        resource=action.resource, operation=action.kind.value, rc=rc, reason=reason, uid=uid
    )


def _failed(action: Action, uid: str, text: str) -> Outcome:
    return Outcome(action=action, uid=uid, result=_result(action, uid, OCF_ERR_GENERIC, text), text=text)
