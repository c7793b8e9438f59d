"""What an action leads to when it ends as expected: pure, and the one definition of "expected".

The loop ticks actions off against it, plans over actions in flight with it, and `plan --against` runs plans to
their end with it. An effect touches only what its action is about; all else stays equal.
"""

from dataclasses import replace

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Instance, NodeStatus, Observed, Pending, StartedAs
from reconciler.model.operation import Monitor
from reconciler.model.resource import Role
from reconciler.model.transition import Action, ActionKind


def advance(observed: Observed, action: Action, guest_nodes: dict[ResourceId, NodeName]) -> Observed:
    """Return what will be observed when an action has ended as expected.

    Args:
        observed: the snapshot before.
        action: the action.
        guest_nodes: the node that each guest becomes; a guest's stop ends that node.
    """
    match action.kind:
        case ActionKind.CONNECT:
            return _with_node(observed, action.node, NodeState.ONLINE)
        case ActionKind.DISCONNECT:
            return _with_node(observed, action.node, NodeState.OFFLINE)
        case ActionKind.FENCE:
            return _fenced(observed, action.node, guest_nodes)
        case ActionKind.UNFENCE:
            return _let_in(observed, action.node)
        case ActionKind.RELEASE:
            return _with_node(observed, action.node, NodeState.OFFLINE)
        case ActionKind.MIGRATE_TO | ActionKind.NOTIFY:
            return observed
        case (
            ActionKind.MIGRATE_FROM
            | ActionKind.PROBE
            | ActionKind.START
            | ActionKind.STOP
            | ActionKind.PROMOTE
            | ActionKind.DEMOTE
            | ActionKind.RELOAD
            | ActionKind.MONITOR
            | ActionKind.CANCEL
        ):
            assert action.resource is not None
            return _with_instance(observed, action, action.resource, guest_nodes)


def assume_done(observed: Observed, guest_nodes: dict[ResourceId, NodeName]) -> Observed:
    """Return what will be observed when all actions in flight have ended as expected, still listing them."""
    result = observed
    for pending in sorted(observed.pending, key=lambda p: p.id):
        result = advance(result, _as_action(pending), guest_nodes)
    return replace(result, pending=observed.pending)


def pending_from(action: Action) -> Pending:
    """Return an action as it is listed while it is in flight."""
    return Pending(
        id=action.id,
        kind=action.kind.value,
        node=action.node,
        resource=action.resource,
        interval_ms=action.interval_ms,
        timeout_ms=action.timeout_ms,
        started_as=action.uses,
    )


def _as_action(pending: Pending) -> Action:
    return Action(
        id=ActionId(pending.id),
        kind=ActionKind(pending.kind),
        node=pending.node,
        resource=pending.resource,
        interval_ms=pending.interval_ms,
        timeout_ms=pending.timeout_ms,
        uses=pending.started_as,
    )


def _with_node(observed: Observed, node: NodeName, state: NodeState) -> Observed:
    before = observed.nodes.get(node)
    kind = before.kind if before else NodeKind.GUEST
    after = NodeStatus(
        name=node,
        kind=kind,
        state=state,
        hypervisors=before.hypervisors if before else frozenset(),
        is_known=before.is_known if before else False,
    )
    return replace(observed, nodes={**observed.nodes, node: after})


def _with_instance(
    observed: Observed, action: Action, resource: ResourceId, guest_nodes: dict[ResourceId, NodeName]
) -> Observed:
    key = (resource, action.node)
    before = observed.instances.get(key) or Instance(resource=resource, node=action.node, role=Role.STOPPED)
    instances = dict(observed.instances)
    match action.kind:
        case ActionKind.PROBE:
            instances[key] = before
        case ActionKind.START | ActionKind.MIGRATE_FROM:
            assert action.uses is not None
            instances[key] = started(before, action.uses)
        case ActionKind.STOP:
            instances[key] = Instance(resource=resource, node=action.node, role=Role.STOPPED)
        case ActionKind.PROMOTE:
            instances[key] = replace(before, role=Role.PROMOTED, failure=None)
        case ActionKind.DEMOTE:
            instances[key] = replace(before, role=Role.UNPROMOTED, failure=None)
        case ActionKind.RELOAD:
            instances[key] = replace(before, started_as=action.uses, needs_reload=False)
        case ActionKind.MONITOR:
            instances[key] = armed(
                before, Monitor(interval_ms=action.interval_ms, timeout_ms=action.timeout_ms)
            )
        case _:
            kept = frozenset(m for m in before.monitors if m.interval_ms != action.interval_ms)
            instances[key] = replace(before, monitors=kept)
    result = replace(observed, instances=instances)
    if resource in guest_nodes and action.uses is not None and action.uses.agent.is_connection:
        return _with_connection(result, action, guest_nodes[resource])
    if action.kind is ActionKind.STOP and result.active_on(resource):
        # The other half of a migration: it goes on elsewhere.
        return result
    if resource in guest_nodes and action.kind in {ActionKind.START, ActionKind.STOP}:
        return _with_guest(result, guest_nodes[resource], is_running=action.kind is ActionKind.START)
    return result


def _with_connection(observed: Observed, action: Action, node: NodeName) -> Observed:
    """Let a node come and go with its connection; what is on it stays as it is."""
    if action.kind in {ActionKind.START, ActionKind.MIGRATE_FROM}:
        return _with_node(observed, node, NodeState.ONLINE)
    if action.kind is ActionKind.STOP and not observed.active_on(action.resource or ResourceId("")):
        return _with_node(observed, node, NodeState.OFFLINE)
    return observed


def _let_in(observed: Observed, node: NodeName) -> Observed:
    status = replace(observed.nodes[node], needs_unfencing=False)
    return replace(observed, nodes={**observed.nodes, node: status})


def _fenced(observed: Observed, node: NodeName, guest_nodes: dict[ResourceId, NodeName]) -> Observed:
    """End all that is on a node, guests and what is in them included."""
    result = _with_node(observed, node, NodeState.OFFLINE)
    gone = [key for key, i in observed.instances.items() if key[1] == node and i.role is not Role.STOPPED]
    for resource, _ in sorted(gone):
        if resource in guest_nodes:
            result = _with_guest(result, guest_nodes[resource], is_running=False)
    stopped = {key: Instance(resource=key[0], node=node, role=Role.STOPPED) for key in gone}
    kept = {key: i for key, i in result.instances.items() if key not in stopped}
    return replace(result, instances={**kept, **stopped})


def started(before: Instance, uses: StartedAs) -> Instance:
    """Return an instance right after its start succeeded."""
    return Instance(resource=before.resource, node=before.node, role=Role.STARTED, started_as=uses)


def armed(before: Instance, monitor: Monitor) -> Instance:
    """Return an instance with one more recurring monitor, which takes the place of one of the same interval."""
    others = frozenset(m for m in before.monitors if m.interval_ms != monitor.interval_ms)
    return replace(before, monitors=others | {monitor})


def _with_guest(observed: Observed, node: NodeName, *, is_running: bool) -> Observed:
    """Begin or end a guest node's incarnation: either way nothing of the old one is left on it."""
    state = NodeState.PENDING if is_running else NodeState.OFFLINE
    status = NodeStatus(name=node, kind=NodeKind.GUEST, state=state, is_known=True)
    instances = {key: i for key, i in observed.instances.items() if key[1] != node}
    return replace(observed, nodes={**observed.nodes, node: status}, instances=instances)
