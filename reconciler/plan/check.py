"""Guards a finished transition: an action that would break an invariant is dropped, with all that depends on it.

Does not trust the planner: it looks at the snapshot and the graph only.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Observed
from reconciler.model.resource import Role
from reconciler.model.transition import ActionKind, Transition


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
    """Find actions that wait for themselves."""
    waiting = {
        name: {a for a in action.after if a in transition.actions}
        for name, action in transition.actions.items()
    }
    while True:
        free = [name for name, after in waiting.items() if not after]
        if not free:
            break
        for name in free:
            del waiting[name]
        for after in waiting.values():
            after.difference_update(free)
    return [Alarm(action=name, invariant="I6", text=f"{name} waits for itself") for name in sorted(waiting)]


def _second_copies(transition: Transition, intent: Intent, observed: Observed) -> list[Alarm]:
    """Find starts of what may still run (I1), and recoveries from nodes not known dead (I2).

    What is cloned may run elsewhere too, but only once on a node.
    """
    alarms = []
    cloned, gone = intent.cloned(), _gone_guests(intent, observed)
    for name, action in transition.actions.items():
        if action.kind is not ActionKind.START or action.resource is None:
            continue
        before = ancestors(transition, name)
        for place in _active_places(observed, action.resource):
            if place in gone or (action.resource in cloned and place != action.node):
                continue
            if not _ends(transition, before, action.resource, place, observed):
                status = observed.nodes.get(place)
                lost = status is not None and status.state in {NodeState.UNCLEAN, NodeState.UNKNOWN}
                text = f"{action.resource} may still run on {place}"
                alarms.append(Alarm(action=name, invariant="I2" if lost else "I1", text=text))
        others = [
            other.id
            for other in transition.actions.values()
            if other.kind is ActionKind.START
            and other.resource == action.resource
            and other.id < name
            and (other.node == action.node or action.resource not in cloned)
        ]
        alarms += [Alarm(action=name, invariant="I1", text=f"{other} starts it too") for other in others]
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


def _active_places(observed: Observed, resource: ResourceId) -> Iterable[NodeName]:
    for instance in observed.instances_of(resource):
        if instance.role is not Role.STOPPED:
            yield instance.node
    for pending in observed.pending:
        if pending.resource == resource and pending.kind == ActionKind.START.value:
            yield pending.node


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
    result = set(dropped)
    grew = True
    while grew:
        more = {
            name
            for name, action in transition.actions.items()
            if name not in result and any(a in result for a in action.after)
        }
        result |= more
        grew = bool(more)
    return result
