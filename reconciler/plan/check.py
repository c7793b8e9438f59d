"""Guards a finished transition: an action that would break an invariant is dropped, with all that depends on it.

Does not trust the planner: it looks at the snapshot and the graph only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Observed
from reconciler.model.resource import Role
from reconciler.model.transition import ActionKind, Transition
from reconciler.plan.index import grouped


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An action that must not be carried out, and the invariant that it would break."""

    action: ActionId
    invariant: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What may be carried out of a transition."""

    transition: Transition
    alarms: tuple[Alarm, ...]


def check(transition: Transition, intent: Intent, observed: Observed) -> Checked:
    """Return a transition without the actions that would break an invariant, and an alarm for each."""
    alarms = [
        *_circles(transition),
        *_second_copies(transition, intent, observed),
        *_strangers(transition, intent, observed),
    ]
    dropped = _with_dependants(transition, {alarm.action for alarm in alarms})
    kept = {name: action for name, action in transition.actions.items() if name not in dropped}
    return Checked(transition=replace(transition, actions=kept), alarms=tuple(alarms))


def ancestors(transition: Transition, action: ActionId) -> frozenset[ActionId]:
    """Return all that an action waits for, directly or not."""
    seen: set[ActionId] = set()
    open_ids = list(transition.actions[action].after)
    while open_ids:
        name = open_ids.pop()
        if name not in seen:
            seen.add(name)
            if name in transition.actions:
                open_ids.extend(transition.actions[name].after)
    return frozenset(seen)


def _circles(transition: Transition) -> list[Alarm]:
    """Find actions that wait for themselves, or for such."""
    actions = transition.actions
    waiting = {name: sum(before in actions for before in action.after) for name, action in actions.items()}
    followers = _followers(transition)
    free = [name for name, count in waiting.items() if not count]
    while free:
        name = free.pop()
        del waiting[name]
        for then in followers.get(name, ()):
            waiting[then] -= 1
            if not waiting[then]:
                free.append(then)
    return [Alarm(action=name, invariant="I6", text=f"{name} waits for itself") for name in sorted(waiting)]


def _second_copies(transition: Transition, intent: Intent, observed: Observed) -> list[Alarm]:
    """Find starts of what may still run (I1), and recoveries from nodes not known dead (I2).

    What is cloned may run elsewhere too, but only once on a node; what is moved live, at both its ends, and where an
    earlier move has left it to be cleared.
    """
    alarms = []
    cloned, gone = intent.cloned(), _gone_guests(intent, observed)
    starts = [
        (a.resource, a)
        for a in transition.actions.values()
        if a.kind in {ActionKind.START, ActionKind.MIGRATE_FROM} and a.resource is not None
    ]
    rivals = grouped(starts)
    places = _active_places(observed)
    for resource, action in starts:
        is_move = action.kind is ActionKind.MIGRATE_FROM
        ends = (
            {action.node, action.peer, *_left_behind(observed, resource, places.get(resource, ()))}
            if is_move
            else set()
        )
        there = [p for p in places.get(resource, ()) if p not in gone | ends]
        doubted = [p for p in there if resource not in cloned or p == action.node]
        before = ancestors(transition, action.id) if doubted else frozenset()
        for place in doubted:
            if not _ends(transition, before, resource, place, observed):
                status = observed.nodes.get(place)
                lost = status is not None and status.state in {NodeState.UNCLEAN, NodeState.UNKNOWN}
                text = f"{resource} may still run on {place}"
                alarms.append(Alarm(action=action.id, invariant="I2" if lost else "I1", text=text))
        others = [
            other.id
            for other in rivals[resource]
            if other.id < action.id and (other.node == action.node or resource not in cloned)
        ]
        alarms += [Alarm(action=action.id, invariant="I1", text=f"{o} starts it too") for o in others]
    return alarms


def _gone_guests(intent: Intent, observed: Observed) -> set[NodeName]:
    """Return the guest nodes that ended with what ran them: it is not known to run anywhere.

    What starts there waits for the guest to be started, and that for every node to be asked.
    """
    return {
        node
        for node, connection in intent.guest_nodes().items()
        if connection.container is not None and not observed.active_on(connection.container)
    }


def _active_places(observed: Observed) -> Mapping[ResourceId, Sequence[NodeName]]:
    """Return where each resource runs, or may run, by node name; then where it is being started."""
    active = sorted((i.node, i.resource) for i in observed.instances.values() if i.role is not Role.STOPPED)
    starting = [
        (p.resource, p.node)
        for p in observed.pending
        if p.resource is not None and p.kind == ActionKind.START.value
    ]
    return grouped([*((resource, node) for node, resource in active), *starting])


def _left_behind(observed: Observed, resource: ResourceId, active: Sequence[NodeName]) -> list[NodeName]:
    """Return the nodes that something was moved away from live: it is only to be cleared there."""
    found = [i for node in active if (i := observed.instances.get((resource, node))) is not None]
    return [i.node for i in found if i.migrated_to in active]


def _ends(
    transition: Transition,
    before: frozenset[ActionId],
    resource: ResourceId,
    place: NodeName,
    observed: Observed,
) -> bool:
    """Tell whether a resource is stopped at a place, or the guest that the place is, before an action.

    A guest's stop ends everything in it; its node is told by the actions that the stop precedes.
    """
    for pending in observed.pending:
        is_stop = pending.kind == ActionKind.STOP.value and pending.id in before
        if is_stop and pending.resource == resource and pending.node == place:
            return True
        is_fence = pending.kind == ActionKind.FENCE.value and pending.id in before
        if is_fence and place in {pending.node, *_guests_on(transition, observed, pending.node)}:
            return True
    for name in before:
        action = transition.actions.get(name)
        if action is None:
            continue
        is_fence = action.kind is ActionKind.FENCE
        if is_fence and place in {action.node, *_guests_on(transition, observed, action.node)}:
            return True
        if action.kind is not ActionKind.STOP:
            continue
        if action.resource == resource and action.node == place:
            return True
        if action.resource is not None and transition.guest_nodes.get(action.resource) == place:
            return True
    return any(
        p.kind == ActionKind.STOP.value
        and p.id in before
        and p.resource is not None
        and transition.guest_nodes.get(p.resource) == place
        for p in observed.pending
    )


def _guests_on(transition: Transition, observed: Observed, host: NodeName) -> set[NodeName]:
    """Return the guest nodes that end with a host."""
    return {
        guest
        for resource, guest in transition.guest_nodes.items()
        if (instance := observed.instances.get((resource, host))) and instance.role is not Role.STOPPED
    }


def _strangers(transition: Transition, intent: Intent, observed: Observed) -> list[Alarm]:
    """Find actions on what is neither declared nor seen with our mark (I7)."""
    ours = {resource for resource, _ in observed.instances} | set(intent.resources)
    cloned = intent.cloned()
    return [
        Alarm(action=name, invariant="I7", text=f"{action.resource} is neither declared nor ours")
        for name, action in transition.actions.items()
        if action.resource is not None
        and action.resource not in ours
        and action.resource.rpartition(":")[0] not in cloned
    ]


def _with_dependants(transition: Transition, dropped: set[ActionId]) -> set[ActionId]:
    """Return actions with everything that waits for them."""
    followers = _followers(transition) if dropped else {}
    result: set[ActionId] = set()
    open_names = sorted(dropped)
    while open_names:
        name = open_names.pop()
        if name not in result:
            result.add(name)
            open_names += followers.get(name, ())
    return result


def _followers(transition: Transition) -> Mapping[ActionId, Sequence[ActionId]]:
    """Return the actions that wait for each one directly."""
    return grouped((before, name) for name, action in transition.actions.items() for before in action.after)
