"""Says which action waits for which.

The rules:

* On one resource: what is in flight, then stops everywhere, then probes, then the start, then its monitors.
* A node's connection, being made or to be made, comes before everything on that node.
* A guest: start, then connect, then everything in it; everything in it stops, then disconnect, then the guest stops.
* What ended with its guest starts elsewhere only after that guest has stopped.
* Declared orders: starts in order, stops in reverse; also against actions in flight.
* Before something is stopped because what it starts after is to start, that is probed: it may run already.
* A move into a guest leaves the old node only once the new one is connected, where that makes no circle: a boot that
  fails must not cost the service.
"""

from collections.abc import Iterable

from reconciler.model.constraint import Ordering, OrderKind
from reconciler.model.names import ActionId, ResourceId
from reconciler.model.transition import Action, ActionKind
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.dependencies import is_binding
from reconciler.plan.operations import Decisions
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps


def order_steps(situation: Situation, decisions: Decisions, steps: Steps) -> None:
    """Add all edges to a plan's actions."""
    for decision in decisions.values():
        _order_resource(situation, steps, decision)
        _order_guest(situation, steps, decision)
        _order_end_with_guest(situation, steps, decision)
    _order_hosts(situation, steps)
    for ordering in situation.intent.orderings:
        _order_pair(situation, decisions, steps, ordering)
    for ordering in situation.intent.orderings:
        _order_ends_with_guest(situation, decisions, steps, ordering)
    for decision in decisions.values():
        _order_move_into_guest(situation, steps, decision)
    for ordering in situation.intent.orderings:
        _order_probes_before_stops(steps, ordering)


def _order_resource(situation: Situation, steps: Steps, decision: Decision) -> None:
    resource = decision.resource.id
    own = [a for a in steps.actions.values() if a.resource == resource]
    for pending in situation.pending.get(resource, ()):
        for action in own:
            steps.order(pending.id, action.id)
    starts = [a for a in own if a.kind is ActionKind.START]
    for monitor in own:
        if monitor.kind is ActionKind.MONITOR:
            there = [a for a in own if a.node == monitor.node]
            started = [a for a in there if a.kind is ActionKind.START]
            cleared = [a for a in there if a.kind in {ActionKind.STOP, ActionKind.PROBE}]
            _all_before(steps, started or cleared, monitor.id)
    before = [a for a in own if a.kind in {ActionKind.STOP, ActionKind.PROBE}]
    for start in starts:
        _all_before(steps, before, start.id)
        _all_before(steps, [a for a in own if a.kind is ActionKind.CANCEL and a.node == start.node], start.id)
        _ids_before(steps, [p.id for p in situation.ending.get(resource, ())], start.id)


def _order_hosts(situation: Situation, steps: Steps) -> None:
    """Let what is done on a host wait for its connection; guests run without it."""
    connecting = [
        (p.node, p.id)
        for p in situation.observed.pending
        if p.resource is None and p.kind == ActionKind.CONNECT.value
    ]
    connects = [*connecting, *((a.node, a.id) for a in steps.of(ActionKind.CONNECT))]
    for node, connect in connects:
        if node not in situation.intent.hosts:
            continue
        for action in list(steps.actions.values()):
            is_guest = action.resource is not None and situation.resources[action.resource].guest is not None
            if action.node == node and action.resource is not None and not is_guest:
                steps.order(connect, action.id)


def _order_guest(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Order a guest, its connection, and all that is done in it."""
    remote = decision.resource.remote_node
    if remote is None:
        return
    guest = decision.resource.id
    connects = steps.of(ActionKind.CONNECT, None, remote.name)
    disconnects = steps.of(ActionKind.DISCONNECT, None, remote.name)
    guest_starts = steps.of(ActionKind.START, guest)
    guest_stops = steps.of(ActionKind.STOP, guest)
    inside = [a for a in steps.actions.values() if a.node == remote.name and a.resource is not None]
    in_flight = [p for p in situation.observed.pending if p.node == remote.name]
    starting = [p.id for p in situation.pending.get(guest, ()) if p.kind == ActionKind.START.value]
    connecting = [p.id for p in in_flight if p.resource is None and p.kind == ActionKind.CONNECT.value]
    for connect in connects:
        _all_before(steps, guest_starts, connect.id)
        _ids_before(steps, starting, connect.id)
        for action in inside:
            is_left_behind = action.kind in {ActionKind.STOP, ActionKind.CANCEL} and bool(guest_stops)
            if not is_left_behind:
                steps.order(connect.id, action.id)
    for action in inside:
        _ids_before(steps, connecting, action.id)
    leaving = [a for a in inside if a.kind is ActionKind.STOP]
    for stop in guest_stops:
        if stop.is_forced:
            continue
        _all_before(steps, leaving, stop.id)
        _all_before(steps, disconnects, stop.id)
        _ids_before(steps, [p.id for p in in_flight], stop.id)
    for disconnect in disconnects:
        _all_before(steps, leaving, disconnect.id)
        _ids_before(steps, [p.id for p in in_flight], disconnect.id)


def _order_end_with_guest(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Let what ended with its guest start only once the guest is gone."""
    for node in sorted(decision.ends_with):
        for start in steps.of(ActionKind.START, decision.resource.id):
            _all_before(steps, steps.of(ActionKind.STOP, situation.guests[node].id), start.id)


def _order_pair(situation: Situation, decisions: Decisions, steps: Steps, ordering: Ordering) -> None:
    """Keep one declared order, against actions in flight too."""
    starts = _state_changes(situation, steps, ordering.first, ordering.first_action)
    first = decisions.get(ordering.first)
    if ordering.first_action == "start" and first is not None and first.fate is Fate.KEEP:
        # What is kept, and asked again how it is, may turn out not to run.
        starts += _state_changes(situation, steps, ordering.first, ActionKind.MONITOR.value)
    for then in steps.of(ActionKind(ordering.then_action), ordering.then):
        _ids_before(steps, starts, then.id)
    if not ordering.is_symmetrical or ordering.kind is OrderKind.SERIALIZE:
        return
    inverse = {"start": "stop", "stop": "start"}
    stops = _state_changes(situation, steps, ordering.then, inverse[ordering.then_action])
    for first_stop in steps.of(ActionKind(inverse[ordering.first_action]), ordering.first):
        _ids_before(steps, stops, first_stop.id)


def _order_ends_with_guest(
    situation: Situation, decisions: Decisions, steps: Steps, ordering: Ordering
) -> None:
    """Let what stops after something that ends with its guest wait for the guest, where that makes no circle."""
    then = decisions.get(ordering.then)
    if then is None or not is_binding(ordering):
        return
    for node in sorted(then.ends_with):
        for guest_stop in steps.of(ActionKind.STOP, situation.guests[node].id):
            for first_stop in steps.of(ActionKind.STOP, ordering.first):
                if not _reaches(steps, first_stop.id, guest_stop.id):
                    steps.order(guest_stop.id, first_stop.id)


def _state_changes(
    situation: Situation, steps: Steps, resource: ResourceId, operation: str
) -> list[ActionId]:
    planned = [a.id for a in steps.of(ActionKind(operation), resource)]
    pending = [p.id for p in situation.pending.get(resource, ()) if p.kind == operation]
    return [*planned, *pending]


def _order_move_into_guest(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Connect the guest that something moves into before it is stopped where it runs."""
    if decision.fate is not Fate.MOVE or decision.target not in situation.guests:
        return
    for connect in steps.of(ActionKind.CONNECT, None, decision.target):
        for stop in steps.of(ActionKind.STOP, decision.resource.id):
            if not _reaches(steps, stop.id, connect.id):
                steps.order(connect.id, stop.id)


def _order_probes_before_stops(steps: Steps, ordering: Ordering) -> None:
    """Look first whether `first` runs already, before `then` is stopped because `first` is to be started."""
    if not is_binding(ordering) or not steps.of(ActionKind.START, ordering.first):
        return
    for stop in steps.of(ActionKind.STOP, ordering.then):
        for probe in steps.of(ActionKind.PROBE, ordering.first):
            if not _reaches(steps, stop.id, probe.id):
                steps.order(probe.id, stop.id)


def _reaches(steps: Steps, first: ActionId, then: ActionId) -> bool:
    """Tell whether `then` waits, directly or not, for `first`."""
    seen: set[ActionId] = set()
    open_ids = [then]
    while open_ids:
        current = open_ids.pop()
        if current == first:
            return True
        if current not in seen:
            seen.add(current)
            open_ids.extend(steps.edges.get(current, ()))
    return False


def _all_before(steps: Steps, before: Iterable[Action], then: ActionId) -> None:
    _ids_before(steps, [a.id for a in before], then)


def _ids_before(steps: Steps, before: Iterable[ActionId], then: ActionId) -> None:
    for first in before:
        steps.order(first, then)
