"""What an action leads to when it ends as expected: pure, and the one definition of "expected".

The loop ticks actions off against it, plans over actions in flight with it, and `plan --against` runs plans to
their end with it. An effect touches only what its action is about; all else stays equal.
"""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.digest import own_digest
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Instance, NodeStatus, Observed, Pending, StartedAs
from reconciler.model.operation import Monitor
from reconciler.model.resource import Role
from reconciler.model.transition import Action, ActionKind
from reconciler.plan.becoming import Becoming, GuestNodes, Key, becoming


def advance(observed: Observed, action: Action, guest_nodes: GuestNodes) -> Observed:
    """Return what will be observed when an action has ended as expected.

    Args:
        observed: the snapshot before.
        action: the action.
        guest_nodes: the node that each guest becomes; a guest's stop ends that node.
    """
    return advance_all(observed, [action], guest_nodes)


def advance_all(observed: Observed, actions: Iterable[Action], guest_nodes: GuestNodes) -> Observed:
    """Return what will be observed when several actions have ended as expected, in the given order."""
    world = becoming(observed)
    for action in actions:
        _apply(world, action, guest_nodes)
    return world.observed()


def assume_done(observed: Observed, guest_nodes: GuestNodes) -> Observed:
    """Return what will be observed when all actions in flight have ended as expected, still listing them."""
    if not observed.pending:
        return observed
    pending = sorted((p for p in observed.pending if not _is_hopeful(observed, p)), key=lambda p: p.id)
    return advance_all(observed, map(_as_action, pending), guest_nodes)


def _is_hopeful(observed: Observed, pending: Pending) -> bool:
    """Tell whether a node is being connected that is known to be down: nothing moves there before it is back."""
    status = observed.nodes.get(pending.node)
    is_down = status is not None and status.state is NodeState.OFFLINE
    return pending.kind == ActionKind.CONNECT.value and is_down


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
        peer=action.peer,
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
        peer=pending.peer,
    )


def _apply(world: Becoming, action: Action, guest_nodes: GuestNodes) -> None:
    match action.kind:
        case ActionKind.CONNECT:
            world.set_state(action.node, NodeState.ONLINE)
        case ActionKind.DISCONNECT | ActionKind.RELEASE:
            world.set_state(action.node, NodeState.OFFLINE)
        case ActionKind.FENCE:
            _fence(world, action.node, guest_nodes)
        case ActionKind.UNFENCE:
            world.let_in(action.node)
        case ActionKind.NOTIFY:
            pass
        case ActionKind.MIGRATE_TO:
            _hand_over(world, action)
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
            _change(world, action, (action.resource, action.node))
            if action.kind is ActionKind.MIGRATE_FROM:
                _leave_behind(world, action)
            _change_node(world, action, action.resource, guest_nodes)


def _change(world: Becoming, action: Action, key: Key) -> None:
    """Change what is known of one resource on one node."""
    resource, node = key
    before = world.instances.get(key) or Instance(resource=resource, node=node, role=Role.STOPPED)
    match action.kind:
        case ActionKind.PROBE:
            after = before
        case ActionKind.START | ActionKind.MIGRATE_FROM:
            assert action.uses is not None
            after = started(before, action.uses)
        case ActionKind.STOP:
            after = Instance(resource=resource, node=node, role=Role.STOPPED)
        case ActionKind.PROMOTE:
            after = replace(before, role=Role.PROMOTED, failure=None)
        case ActionKind.DEMOTE:
            after = replace(before, role=Role.UNPROMOTED, failure=None)
        case ActionKind.RELOAD:
            after = replace(before, started_as=action.uses, needs_reload=False)
        case ActionKind.MONITOR:
            own = own_digest(action.params)
            monitor = Monitor(interval_ms=action.interval_ms, timeout_ms=action.timeout_ms, params=own)
            after = armed(before, monitor)
        case _:
            kept = frozenset(m for m in before.monitors if m.interval_ms != action.interval_ms)
            after = replace(before, monitors=kept)
    world.put(key, after)


def _hand_over(world: Becoming, action: Action) -> None:
    """Let something be on its way: it may run at both ends until the other one has taken it up."""
    assert action.resource is not None
    source = world.instances.get((action.resource, action.node))
    if source is None or action.peer is None:
        return
    left = replace(source, migrating_to=action.peer, monitors=frozenset())
    world.put((action.resource, action.node), left)
    world.put((action.resource, action.peer), arriving(left, action.peer))


def _leave_behind(world: Becoming, action: Action) -> None:
    """Let nothing be left of something at the end that it came from but what is to be cleared."""
    assert action.resource is not None
    source = world.instances.get((action.resource, action.peer)) if action.peer is not None else None
    if source is not None and source.role is not Role.STOPPED:
        gone = replace(source, migrating_to=None, migrated_to=action.node)
        world.put((source.resource, source.node), gone)


def _change_node(world: Becoming, action: Action, resource: ResourceId, guest_nodes: GuestNodes) -> None:
    """Let the node that a guest, or a connection, makes come and go with it."""
    node = guest_nodes.get(resource)
    if node is None or action.kind not in {ActionKind.START, ActionKind.STOP, ActionKind.MIGRATE_FROM}:
        return
    is_stop = action.kind is ActionKind.STOP
    if is_stop and world.is_active(resource):
        # The other half of a migration: it goes on elsewhere.
        return
    if action.uses is not None and action.uses.agent.is_connection:
        world.set_state(node, NodeState.OFFLINE if is_stop else NodeState.ONLINE)
    elif action.kind is not ActionKind.MIGRATE_FROM:
        _begin_or_end(world, node, is_running=not is_stop)


def _fence(world: Becoming, node: NodeName, guest_nodes: GuestNodes) -> None:
    """End all that is on a node, guests and what is in them included; its connection begins anew."""
    world.set_state(node, NodeState.OFFLINE)
    for key, instance in list(world.instances.items()):
        if instance.failure is not None and guest_nodes.get(key[0]) == node:
            world.put(key, replace(instance, failure=None))
    gone = [key for key in world.keys_on(node) if world.instances[key].role is not Role.STOPPED]
    for resource, _ in sorted(gone):
        uses = world.instances[(resource, node)].started_as
        if resource in guest_nodes and uses is not None and uses.agent.is_connection:
            # What it leads to is another machine, or ends with what runs it.
            world.set_state(guest_nodes[resource], NodeState.OFFLINE)
        elif resource in guest_nodes:
            _begin_or_end(world, guest_nodes[resource], is_running=False)
    for key in gone:
        world.put_last(key, Instance(resource=key[0], node=node, role=Role.STOPPED))


def started(before: Instance, uses: StartedAs) -> Instance:
    """Return an instance right after its start succeeded."""
    return Instance(resource=before.resource, node=before.node, role=Role.STARTED, started_as=uses)


def arriving(source: Instance, target: NodeName) -> Instance:
    """Return what is on its way by a live migration, where it is to be taken up."""
    return Instance(
        resource=source.resource,
        node=target,
        role=Role.STARTED,
        started_as=source.started_as,
        migrating_from=source.node,
    )


def armed(before: Instance, monitor: Monitor) -> Instance:
    """Return an instance with one more recurring monitor, which takes the place of one of the same interval."""
    others = frozenset(m for m in before.monitors if m.interval_ms != monitor.interval_ms)
    return replace(before, monitors=others | {monitor})


def _begin_or_end(world: Becoming, node: NodeName, *, is_running: bool) -> None:
    """Begin or end a guest node's incarnation: either way nothing of the old one is left on it."""
    state = NodeState.PENDING if is_running else NodeState.OFFLINE
    before = world.nodes.get(node)
    # While it is not there only its permanent attributes are known, and they last.
    kept = before.attributes if before is not None and is_running else {}
    world.nodes[node] = NodeStatus(
        name=node, kind=NodeKind.GUEST, state=state, is_known=True, attributes=kept
    )
    world.empty(node)
