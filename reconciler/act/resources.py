"""Runs operations of resources on the node's agent: routing an action is choosing the link."""

from collections.abc import Mapping

from reconciler.act.context import Context
from reconciler.act.meta import meta_of
from reconciler.act.outcome import Outcome
from reconciler.model.agent_metadata import AgentMetadata
from reconciler.model.errors import LinkError, OutcomeUnknownError
from reconciler.model.node import LinkReason
from reconciler.model.operation import STATUS_CANCELLED, OperationRequest, OperationResult, StartRecord
from reconciler.model.resource import ResourceAgent
from reconciler.model.transition import Action, ActionKind
from reconciler.ports import AgentLink

_BEGINS = {ActionKind.START, ActionKind.MIGRATE_FROM}
"""What makes something run on a node."""


async def run_resource_action(context: Context, action: Action, uid: str) -> Outcome:
    """Run one operation, or cancel a recurring one, on a node's agent; returns how it ended."""
    assert action.resource is not None
    link = context.links.get(action.node)
    if link is None:
        return _unsent(action, uid, LinkError(LinkReason.LOST, f"{action.node} is not connected"))
    if action.kind is ActionKind.CANCEL:
        return await _cancel(link, action, uid)
    request = _request(context, action, uid)
    said: Mapping[ResourceAgent, AgentMetadata] = {}
    if action.kind in _BEGINS:
        _remember(context, action, request, "starting")
    try:
        if action.kind is ActionKind.MIGRATE_TO:
            await _disarm(context, link, action)
        if action.kind is ActionKind.PROBE:
            inquiry = context.inquiry(action.node, link)
            said = await inquiry.describe(action.resource, request.agent, context.ports.clock.new_id())
        result = await (arm(link, request) if request.interval_ms else link.execute(request))
    except LinkError as error:
        if not isinstance(error, OutcomeUnknownError):
            if action.kind in _BEGINS:
                context.ports.journal.drop_record(action.node, action.resource)
            return _unsent(action, uid, error)
        return Outcome(action=action, uid=uid, request=request, reason=error.reason, text=str(error))
    _note_result(context, action, request, result)
    return Outcome(
        action=action, uid=uid, request=request, result=result, agents=said, text=result.describe()
    )


async def arm(link: AgentLink, request: OperationRequest) -> OperationResult:
    """Begin a recurring operation in place of one of the same name and interval; returns its first result.

    A stock agent that has one keeps that with the old parameters, so it is cancelled first, as Pacemaker does; and what
    is under way meanwhile takes the new one with it (daemons/execd/execd_commands.c, merge_recurring_duplicate).

    Raises:
        LinkError: as `AgentLink.execute`.
    """
    await link.cancel(request.resource, request.operation, request.interval_ms)
    result = await link.execute(request)
    return await link.execute(request) if result.status == STATUS_CANCELLED else result


def _unsent(action: Action, uid: str, error: LinkError) -> Outcome:
    return Outcome(action=action, uid=uid, reason=error.reason, text=str(error), is_unsent=True)


async def _disarm(context: Context, link: AgentLink, action: Action) -> None:
    """Cancel what is armed for something that leaves its node, as Pacemaker's controller does (controld_execd.c).

    Raises:
        LinkError: the link was lost; what it leaves has not been asked for.
    """
    assert action.resource is not None
    instance = context.observed.instances.get((action.resource, action.node))
    armed = instance.monitors if instance is not None else frozenset()
    try:
        for monitor in sorted(armed, key=lambda m: m.interval_ms):
            await link.cancel(action.resource, monitor.name, monitor.interval_ms)
    except OutcomeUnknownError as error:
        raise LinkError(error.reason, str(error)) from error


async def _cancel(link: AgentLink, action: Action, uid: str) -> Outcome:
    assert action.resource is not None
    try:
        await link.cancel(action.resource, "monitor", action.interval_ms)
    except OutcomeUnknownError as error:
        return Outcome(action=action, uid=uid, reason=error.reason, text=str(error))
    except LinkError as error:
        return _unsent(action, uid, error)
    result = OperationResult(
        resource=action.resource, operation="cancel", interval_ms=action.interval_ms, uid=uid
    )
    return Outcome(action=action, uid=uid, result=result)


def _request(context: Context, action: Action, uid: str) -> OperationRequest:
    assert action.resource is not None
    assert action.uses is not None
    is_monitor = action.kind in {ActionKind.PROBE, ActionKind.MONITOR}
    name = "monitor" if is_monitor else action.operation or action.kind.value
    return OperationRequest(
        resource=action.resource,
        agent=action.uses.agent,
        operation=name,
        interval_ms=action.interval_ms,
        timeout_ms=action.timeout_ms,
        params=action.uses.params,
        own_params=action.params,
        meta=meta_of(context.intent, action),
        uid="" if action.interval_ms else uid,
        commit=context.commit,
        peer=action.peer,
    )


def _note_result(
    context: Context, action: Action, request: OperationRequest, result: OperationResult
) -> None:
    """Keep what an operation leaves; a stop that failed too, for the next controller is not to count on the rest."""
    if action.kind in _BEGINS:
        _remember(context, action, request, "started" if result.is_ok else "failed")
    elif action.kind is ActionKind.RELOAD and result.is_ok:
        _remember(context, action, request, "started")
    elif action.kind is ActionKind.STOP and result.is_ok:
        assert action.resource is not None
        context.ports.journal.drop_record(action.node, action.resource)
    elif action.kind is ActionKind.STOP:
        _remember(context, action, request, "failed")


def _remember(context: Context, action: Action, request: OperationRequest, phase: str) -> None:
    """Keep the start record in the journal too: for stock agents it is the only one."""
    assert action.resource is not None
    record = StartRecord(
        resource=action.resource,
        agent=request.agent,
        params=request.params,
        cluster=context.intent.cluster.name,
        uid=request.uid,
        commit=request.commit,
        since=context.ports.clock.now(),
        phase=phase,
    )
    context.ports.journal.save_record(action.node, context.incarnations[action.node], record)
