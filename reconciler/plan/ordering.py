"""Says which action waits for which.

The rules:

* One instance of a clone leaves a node before another starts there.
* On one resource: what is in flight, then demotions, stops everywhere, probes, the start or reload, the promotion, then
  its monitors.
* A node's connection, being made or to be made, comes before everything on that node; monitors follow their starts.
* A guest: start, then connect, then everything in it; everything in it stops, then disconnect, then the guest stops.
* What ended with its guest starts elsewhere only after that guest has stopped.
* The relations between tasks, declared or within groups and clones: see `settle/edges.py`.
* A move into a guest leaves the old node only once the new one is connected, where that makes no circle: a boot that
  fails must not cost the service.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set

from reconciler.model.names import ActionId, NodeName
from reconciler.model.resource import Requires
from reconciler.model.transition import Action, ActionKind
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.replicas import order_replicas
from reconciler.plan.settle.edges import order_by_relations, order_by_surprises
from reconciler.plan.settle.settle import Settled
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps

_BEGINNING = frozenset({
    ActionKind.START, ActionKind.MIGRATE_FROM, ActionKind.RELOAD, ActionKind.PROMOTE, ActionKind.DEMOTE,
})  # fmt: skip
_CLEARING = frozenset({ActionKind.STOP, ActionKind.PROBE})
_BEFORE_PROMOTION = frozenset({
    ActionKind.DEMOTE, ActionKind.STOP, ActionKind.START, ActionKind.MIGRATE_FROM, ActionKind.RELOAD,
})  # fmt: skip
_LOOKING = frozenset({ActionKind.PROBE, ActionKind.CANCEL})
_LEAVING = frozenset({ActionKind.DEMOTE, ActionKind.STOP, ActionKind.CANCEL, ActionKind.MIGRATE_TO})
_START, _MONITOR, _CANCEL, _PROBE = ActionKind.START, ActionKind.MONITOR, ActionKind.CANCEL, ActionKind.PROBE
"""What is asked for several times for each action: Python 3.11 takes ten times as long to find it in the Enum."""


def order_steps(situation: Situation, settled: Settled, steps: Steps) -> None:
    """Add all edges to a plan's actions."""
    decisions = settled.decisions.values()
    for resource, decision in settled.decisions.items():
        if resource in steps.by_subject:
            _order_resource(situation, steps, decision, steps.by_subject[resource])
    for decision in [d for d in decisions if d.resource.remote_node is not None]:
        if decision.resource.agent.is_connection:
            _order_connection(situation, steps, decision)
        else:
            _order_guest(situation, steps, decision)
    for decision in [d for d in decisions if d.ends_with]:
        _order_end_with_guest(situation, steps, decision)
    _order_hosts(situation, steps)
    _order_fences(situation, settled, steps)
    order_by_relations(situation, settled, steps)
    for decision in [d for d in decisions if d.active and d.fate is Fate.MOVE]:
        _order_move_into_guest(situation, steps, decision)
    order_by_surprises(situation, settled, steps)
    order_replicas(situation, steps)


def order_operations(situation: Situation, steps: Steps) -> None:
    """Let each operation wait for the one in flight on the same resource and node: a node does one at a time.

    Instances of a clone that do not differ are one resource there, whatever number they have in this plan.
    """
    for pending in situation.observed.pending:
        for action in steps.by_node.get(pending.node, ()):
            if pending.resource is not None and action.resource == pending.resource:
                steps.order(pending.id, action.id)


def _order_resource(situation: Situation, steps: Steps, decision: Decision, own: Sequence[Action]) -> None:
    """Order the actions on one resource, in the order in which they were added."""
    resource = decision.resource.id
    for pending in situation.pending.get(resource, ()):
        for action in own:
            steps.order(pending.id, action.id)
    if decision.migrates:
        _order_migration(situation, steps, decision, own)
    if decision.promotes or decision.demotes:
        _order_roles(steps, own)
    begun: defaultdict[NodeName, list[ActionId]] = defaultdict(list)
    before: list[Action] = []
    watching: list[Action] = []
    for action in own:
        kind = action.kind
        if kind is _MONITOR:
            watching.append(action)
        elif kind in _BEGINNING:
            begun[action.node].append(action.id)
        else:
            before.append(action)
    if before or situation.ending or decision.resource.instance_of is not None:
        for start in steps.of(_START, resource):
            _order_start(situation, steps, start, before)
    for action in watching:
        steps.order_all(begun[action.node] or _of_kinds(before, _CLEARING, action.node), action.id)


def _order_start(situation: Situation, steps: Steps, start: Action, before: Sequence[Action]) -> None:
    """Start after all that is done before on the same resource, after other instances, and after what ends it."""
    clearing = [a.id for a in before if a.kind in _CLEARING or (a.kind is _CANCEL and a.node == start.node)]
    steps.order_all(clearing, start.id)
    if start.instance is not None:
        _all_before(steps, _stops_of_others(steps, start), start.id)
    assert start.subject is not None
    steps.order_all([p.id for p in situation.ending.get(start.subject, ())], start.id)


def _of_kinds(own: Iterable[Action], kinds: Set[ActionKind], node: NodeName | None = None) -> list[ActionId]:
    """Return the actions of some kinds on a resource, on one node if named."""
    return [a.id for a in own if a.kind in kinds and (node is None or a.node == node)]


def _order_roles(steps: Steps, own: Sequence[Action]) -> None:
    """Look first; then demote, stop, start and promote; and end the monitors of a role before it changes."""
    for action in own:
        if action.kind is ActionKind.PROMOTE:
            steps.order_all(_of_kinds(own, _LOOKING, action.node), action.id)
            steps.order_all(_of_kinds(own, _BEFORE_PROMOTION), action.id)
        elif action.kind is ActionKind.DEMOTE:
            steps.order_all(_of_kinds(own, _LOOKING, action.node), action.id)
        elif action.kind is ActionKind.STOP:
            steps.order_all(_of_kinds(own, {ActionKind.DEMOTE}), action.id)


def _stops_of_others(steps: Steps, start: Action) -> list[Action]:
    """Return the stops of other instances of a clone on the same node, where both have one name."""
    there = steps.on(ActionKind.STOP, start.node)
    return [a for a in there if a.resource == start.resource and a.instance != start.instance]


def _order_migration(situation: Situation, steps: Steps, decision: Decision, own: Sequence[Action]) -> None:
    """Look first, then hand over, take over, and clear what was left; what an earlier migration has left, before."""
    probes, handed = _of_kinds(own, {ActionKind.PROBE}), _of_kinds(own, {ActionKind.MIGRATE_TO})
    for to in handed:
        steps.order_all(probes, to)
    ending = [p.id for p in situation.ending.get(decision.resource.id, ())]
    for taken in [a for a in own if a.kind is ActionKind.MIGRATE_FROM]:
        steps.order_all([*(handed or probes), *ending], taken.id)
        for stop in [a for a in own if a.kind is ActionKind.STOP]:
            if stop.node == taken.peer:
                steps.order(taken.id, stop.id)
            else:
                for begun in handed or (taken.id,):
                    steps.order(stop.id, begun)


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
        for action in steps.by_node.get(node, []):
            is_guest = action.subject is not None and situation.resources[action.subject].guest is not None
            if action.subject is not None and not is_guest:
                steps.order(connect, action.id)


def _order_fences(situation: Situation, settled: Settled, steps: Steps) -> None:
    """Fence before what must not run twice starts anywhere, and let a node go once all that runs there has stopped."""
    fences = [a.id for a in steps.of(ActionKind.FENCE)]
    fences += [p.id for p in situation.observed.pending if p.kind == ActionKind.FENCE.value]
    for start in steps.of(ActionKind.START) if fences else ():
        assert start.subject is not None
        resource = situation.resources[start.subject]
        needs = {Requires.FENCING, Requires.UNFENCING}
        if resource.requires in needs or settled.decisions[resource.id].ends_with & situation.fences.keys():
            steps.order_all(fences, start.id)
    for release in steps.of(ActionKind.RELEASE):
        _all_before(steps, [a for a in steps.by_node[release.node] if a is not release], release.id)
        steps.order_all([p.id for p in situation.index.pending_on.get(release.node, ())], release.id)


def _order_connection(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Do what is done on a node behind a connection after that starts, and before it stops."""
    remote, connection = decision.resource.remote_node, decision.resource.id
    assert remote is not None
    starts = [*steps.of(ActionKind.START, connection), *steps.of(ActionKind.MIGRATE_FROM, connection)]
    stops = steps.of(ActionKind.STOP, connection)
    begun = [a.id for a in starts]
    for fence in steps.on(ActionKind.FENCE, remote.name):
        for start in starts:
            steps.order(fence.id, start.id)
    is_there = situation.is_online(remote.name)
    here = steps.by_node.get(remote.name, ())
    starting = {a.instance or a.resource for a in here if a.kind is _START}
    for action in here:
        subject = action.instance or action.resource
        if subject is None or (action.kind is _MONITOR and subject in starting):
            continue
        is_last = action.kind in _LEAVING or (action.kind is _PROBE and not starts)
        if is_there and is_last:
            for stop in stops:
                steps.order(action.id, stop.id)
        else:
            steps.order_all(begun, action.id)


def _order_guest(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Order a guest, its connection, and all that is done in it."""
    remote = decision.resource.remote_node
    assert remote is not None
    guest = decision.resource.id
    connects = steps.on(ActionKind.CONNECT, remote.name)
    disconnects = steps.on(ActionKind.DISCONNECT, remote.name)
    guest_starts = steps.of(ActionKind.START, guest)
    guest_stops = steps.of(ActionKind.STOP, guest)
    inside = [a for a in steps.by_node.get(remote.name, []) if a.subject is not None]
    begun = {a.subject for a in inside if a.kind is _START}
    in_flight = situation.index.pending_on.get(remote.name, ())
    starting = [p.id for p in situation.pending.get(guest, ()) if p.kind == ActionKind.START.value]
    connecting = [p.id for p in in_flight if p.resource is None and p.kind == ActionKind.CONNECT.value]
    for connect in connects:
        _all_before(steps, guest_starts, connect.id)
        steps.order_all(starting, connect.id)
        for action in inside:
            is_left_behind = action.kind in _LEAVING and bool(guest_stops)
            is_after_start = action.kind is _MONITOR and action.subject in begun
            if not (is_left_behind or is_after_start):
                steps.order(connect.id, action.id)
    for action in inside:
        steps.order_all(connecting, action.id)
    leaving = [a for a in inside if a.kind in {ActionKind.STOP, ActionKind.DEMOTE}]
    for stop in guest_stops:
        if stop.is_forced:
            continue
        _all_before(steps, leaving, stop.id)
        _all_before(steps, disconnects, stop.id)
        steps.order_all([p.id for p in in_flight], stop.id)
    for disconnect in disconnects:
        _all_before(steps, leaving, disconnect.id)
        steps.order_all([p.id for p in in_flight], disconnect.id)


def _order_end_with_guest(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Let what ended with its guest start only once the guest is gone."""
    for node in sorted(n for n in decision.ends_with if n in situation.guests):
        ended_by = situation.launcher(node) or situation.guests[node]
        if ended_by.agent.is_connection:
            continue
        for start in steps.of(ActionKind.START, decision.resource.id):
            _all_before(steps, steps.of(ActionKind.STOP, ended_by.id), start.id)


def _order_move_into_guest(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Connect the guest that something moves into before it is stopped where it runs."""
    if decision.target is None or decision.target not in situation.guests:
        return
    for connect in steps.on(ActionKind.CONNECT, decision.target):
        for stop in steps.of(ActionKind.STOP, decision.resource.id):
            if not steps.reaches(stop.id, connect.id):
                steps.order(connect.id, stop.id)


def _all_before(steps: Steps, before: Iterable[Action], then: ActionId) -> None:
    steps.order_all([a.id for a in before], then)
