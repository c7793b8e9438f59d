"""Launches ready actions, each in a task of its own, and hands on how they ended.

One broken action never cancels another. An action is written down before it is carried out.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from reconciler.act.connections import run_connection_action
from reconciler.act.context import Context
from reconciler.act.guests import run_guest_action
from reconciler.act.metadata import Inquiry
from reconciler.act.outcome import Outcome
from reconciler.act.resources import run_resource_action
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.operation import OCF_ERR_GENERIC, STATUS_NOT_CONNECTED, OperationResult
from reconciler.model.transition import Action, ActionKind
from reconciler.ports import AgentLink, IntentRecord, LogEntry

log = logging.getLogger(__name__)


class Runner:
    """Carries out actions in a task group that outlives each of them.

    An action is in flight until its outcome is taken in, not only until its task ends: in between, what is known
    does not have its effect yet, and without it in the list it would look as if it had never been.
    """

    def __init__(self, group: asyncio.TaskGroup, finished: Callable[[Outcome], None]) -> None:
        self._group = group
        self._finished = finished
        self.in_flight: dict[ActionId, Action] = {}
        self.inquiries: dict[NodeName, Inquiry] = {}

    def launch(self, context: Context, actions: Sequence[Action]) -> None:
        """Start actions; each ends with one call of `finished`."""
        batch = [(action, context.ports.clock.new_id()) for action in actions]
        recorded = {
            uid: _intent_record(context, action, uid) for action, uid in batch if action.resource is not None
        }
        if recorded:
            context.ports.journal.begin(list(recorded.values()))
        for action, uid in batch:
            self.in_flight[action.id] = action
            self._group.create_task(self._run(context, action, uid, recorded.get(uid)), name=action.id)

    def take_in(self, outcome: Outcome) -> None:
        """Take an action out of flight: from here on, what is known has its effect."""
        del self.in_flight[outcome.action.id]

    def is_connecting(self, node: NodeName) -> bool:
        """Tell whether a node's agent is being connected."""
        return any(a.node == node and a.kind is ActionKind.CONNECT for a in self.in_flight.values())

    def about_to_change(
        self, guest_nodes: Mapping[ResourceId, NodeName]
    ) -> frozenset[tuple[ResourceId | None, NodeName | None]]:
        """Return what actions in flight are about to change, as `observe.snapshot.is_same` takes it.

        Args:
            guest_nodes: the node that each guest becomes.
        """
        changing: set[tuple[ResourceId | None, NodeName | None]] = set()
        for action in self.in_flight.values():
            if action.resource is None:
                changing.add((None, action.node))
                continue
            changing.add((action.resource, None))
            node = guest_nodes.get(action.resource)
            if node is not None and action.kind in {ActionKind.START, ActionKind.STOP}:
                changing.add((None, node))
        return frozenset(changing)

    def discard(self, link: AgentLink) -> None:
        """Close a link that is not needed any more."""
        self._group.create_task(link.close())

    async def _run(self, context: Context, action: Action, uid: str, written: IntentRecord | None) -> None:
        try:
            outcome = await _carry_out(context, action, uid)
        except Exception as error:
            log.exception("action broke", extra={"action": action.id, "node": action.node})
            outcome = _broken(action, uid, error)
        if action.resource is not None:
            context.ports.journal.finish(uid, _log_entry(context, outcome))
        self._finished(replace(outcome, written=written))


_NOT_YET = {
    ActionKind.FENCE,
    ActionKind.UNFENCE,
}


async def _carry_out(context: Context, action: Action, uid: str) -> Outcome:
    if action.kind in {ActionKind.CONNECT, ActionKind.DISCONNECT, ActionKind.RELEASE}:
        return await run_connection_action(context, action, uid)
    if action.kind in _NOT_YET:
        # They are planned for Pacemaker's clusters only, and for nothing that is carried out: see abilities.py.
        raise NotImplementedError(f"{action.kind.value} is not carried out yet")
    assert action.resource is not None
    if action.uses is not None and action.uses.agent.standard == "guest":
        return await run_guest_action(context, action, uid)
    return await run_resource_action(context, action, uid)


def _broken(action: Action, uid: str, error: Exception) -> Outcome:
    """Return the outcome of an action that ended in an error of our own: a failure that is shown."""
    text = f"internal error: {type(error).__name__}: {error}"
    resource = action.resource or ResourceId(action.node)
    result = OperationResult(
        resource=resource,
        operation=action.kind.value,
        interval_ms=action.interval_ms,
        rc=OCF_ERR_GENERIC,
        reason=text,
    )
    return Outcome(action=action, uid=uid, result=result, text=text)


def _intent_record(context: Context, action: Action, uid: str) -> IntentRecord:
    return IntentRecord(
        uid=uid,
        action=action.id,
        kind=action.kind.value,
        node=action.node,
        resource=action.resource,
        incarnation=context.incarnations.get(action.node, ""),
        commit=context.commit,
        started_at=context.ports.clock.now(),
    )


def _log_entry(context: Context, outcome: Outcome) -> LogEntry | None:
    result = _not_sent(outcome) if outcome.is_unsent else outcome.result
    if result is None:
        return None
    return LogEntry(
        node=outcome.action.node,
        result=result,
        finished_at=context.ports.clock.now(),
        commit=context.commit,
    )


def _not_sent(outcome: Outcome) -> OperationResult:
    """Return what is kept of an operation that never left."""
    action = outcome.action
    assert action.resource is not None
    return OperationResult(
        resource=action.resource,
        operation=action.kind.value,
        interval_ms=action.interval_ms,
        rc=OCF_ERR_GENERIC,
        status=STATUS_NOT_CONNECTED,
        reason=outcome.text,
        uid=outcome.uid,
    )
