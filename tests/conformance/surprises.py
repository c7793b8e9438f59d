"""Carries a plan out until something unexpected happens, with actions in flight, and looks at the plan that follows."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.model.history import FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName
from reconciler.model.node import NodeState
from reconciler.model.observed import Failure, Instance, Observed
from reconciler.model.resource import Role
from reconciler.model.transition import Action, ActionKind, Transition
from reconciler.pacemaker.read import CibInput
from reconciler.plan.check import check
from reconciler.plan.effects import advance, advance_all, pending_from
from reconciler.plan.outlook import in_order
from reconciler.plan.schedule import schedule
from tests.conformance.summaries import base

MAX_ROUNDS = 12
"""Plans after which a world must have settled."""
_FAILING = {ActionKind.START, ActionKind.STOP, ActionKind.MONITOR, ActionKind.PROMOTE, ActionKind.DEMOTE}


@dataclass(frozen=True)
class _Moment:
    """The middle of a plan that is carried out."""

    intent: Intent
    history: History
    now: float
    transition: Transition
    observed: Observed
    in_flight: tuple[Action, ...] = ()
    what: str = "nothing happens"

    def plan(self) -> Transition:
        return schedule(self.intent, self.listed(), self.history, self.now)

    def listed(self) -> Observed:
        """Return the snapshot with what is in flight."""
        return replace(self.observed, pending=tuple(pending_from(action) for action in self.in_flight))

    def ended(self) -> Observed:
        """Return the world when what is in flight has ended as expected."""
        return advance_all(
            self.observed, sorted(self.in_flight, key=lambda a: a.id), self.transition.guest_nodes
        )


def all_left_alone(given: CibInput) -> Iterator[ActionId]:
    """Yield each action whose expected result changes more than what it is about, or what else is to do."""
    transition = schedule(given.intent, given.observed, given.history, given.now)
    observed, done = given.observed, frozenset[ActionId]()
    for action in in_order(transition):
        after = advance(observed, action, transition.guest_nodes)
        own = _own_nodes(transition, observed, action)
        ready = {a.id for a in transition.ready(done, done)} - {action.id}
        done |= {action.id}
        is_left = _rest(observed, transition, action, own) == _rest(after, transition, action, own)
        if not is_left or not ready <= {a.id for a in transition.ready(done, done)}:
            yield action.id
        observed = after


def broken_after_a_surprise(given: CibInput, seed: str) -> Iterator[str]:
    """Yield what is wrong with the plan after a surprise at a random point; the same for the same seed."""
    chance = random.Random(seed)
    moment = _surprised(_reached(given, chance), chance)
    planned, listed = moment.plan(), moment.listed()
    yield from (
        f"{moment.what}: {a.invariant} {a.text}" for a in check(planned, moment.intent, listed).alarms
    )
    yield from (f"{moment.what}: {text}" for text in _overtaking(moment, planned))
    calm = schedule(moment.intent, moment.ended(), moment.history, moment.now)
    now, then = _places(planned), _places(calm)
    moved = sorted(r for r in now.keys() | then.keys() if now.get(r) != then.get(r))
    yield from (f"{moment.what}: {r} goes to {then.get(r)} when what is in flight has ended" for r in moved)
    yield from _unsettled(moment, planned)


def _reached(given: CibInput, chance: random.Random) -> _Moment:
    """Return a random moment of a plan that is carried out."""
    transition = schedule(given.intent, given.observed, given.history, given.now)
    observed, done = given.observed, frozenset[ActionId]()
    for _ in range(chance.randint(0, len(transition.actions))):
        ready = transition.ready(done, done)
        if not ready:
            break
        action = chance.choice(ready)
        observed = advance(observed, action, transition.guest_nodes)
        done |= {action.id}
    flying: list[Action] = []
    for action in transition.ready(done, done):
        # A resource has one operation at a time.
        is_free = all((a.resource, a.node) != (action.resource, action.node) for a in flying)
        if is_free and chance.random() < 0.5:
            flying.append(action)
    return _Moment(given.intent, given.history, given.now, transition, observed, tuple(flying))


def _surprised(moment: _Moment, chance: random.Random) -> _Moment:
    failing = [a for a in moment.in_flight if a.kind in _FAILING and a.resource is not None]
    kinds = ["nothing", "commit", "lost node", *(["failure"] if failing else [])]
    match chance.choice(kinds):
        case "failure":
            return _with_failure(moment, chance.choice(failing))
        case "commit":
            return _with_commit(moment, chance)
        case "lost node":
            return _with_lost_node(moment, chance)
        case _:
            return moment


def _with_failure(moment: _Moment, action: Action) -> _Moment:
    assert action.resource is not None
    key = (action.resource, action.node)
    before = moment.observed.instances.get(key) or Instance(
        resource=action.resource, node=action.node, role=Role.STARTED, started_as=action.uses
    )
    operation = "monitor" if action.kind is ActionKind.MONITOR else action.kind.value
    failure = Failure(operation=operation, rc=1, text="failed", interval_ms=action.interval_ms)
    role = Role.STARTED if before.role is Role.STOPPED else before.role
    failed = replace(before, role=role, started_as=before.started_as or action.uses, failure=failure)
    count = FailureCount(count=1, last_at=moment.now, operation=operation, text="failed")
    return replace(
        moment,
        observed=replace(moment.observed, instances={**moment.observed.instances, key: failed}),
        history=moment.history.with_failure(key, count),
        in_flight=tuple(a for a in moment.in_flight if a is not action),
        what=f"{action.id} fails",
    )


def _with_commit(moment: _Moment, chance: random.Random) -> _Moment:
    if not moment.intent.resources:
        return moment
    resource = chance.choice(list(moment.intent.resources.values()))
    other = Role.STARTED if resource.state is Role.STOPPED else Role.STOPPED
    resources = {**moment.intent.resources, resource.id: replace(resource, state=other)}
    intent = replace(moment.intent, resources=resources)
    return replace(moment, intent=intent, what=f"{resource.id} is to be {other.value}")


def _with_lost_node(moment: _Moment, chance: random.Random) -> _Moment:
    nodes = moment.observed.nodes
    online = [n for n in moment.intent.hosts if n in nodes and nodes[n].state is NodeState.ONLINE]
    if len(online) < 2:
        return moment
    lost = chance.choice(online)
    has_fencing = moment.intent.cluster.policy.has_fencing
    state = NodeState.UNCLEAN if has_fencing else NodeState.OFFLINE
    observed = replace(moment.observed, nodes={**nodes, lost: replace(nodes[lost], state=state)})
    if not has_fencing:
        # Nothing can make sure of a node that is gone: what was there counts as ended (Pacemaker without fencing).
        observed = replace(observed, instances={k: i for k, i in observed.instances.items() if k[1] != lost})
    flying = tuple(a for a in moment.in_flight if a.node != lost)
    return replace(moment, observed=observed, in_flight=flying, what=f"{lost} is lost")


def _places(transition: Transition) -> dict[str, list[str]]:
    """Return where each resource will be; instances of a clone may have other numbers in another plan."""
    found: dict[str, list[str]] = {}
    for resource, node in transition.placement.items():
        if node is not None:
            found.setdefault(base(resource), []).append(node)
    return {resource: sorted(nodes) for resource, nodes in found.items()}


def _overtaking(moment: _Moment, planned: Transition) -> Iterator[str]:
    """Find operations that do not wait for the one in flight on the same resource and node."""
    busy = {(a.resource, a.node): a for a in moment.in_flight}
    for action in planned.actions.values():
        pending = busy.get((action.resource, action.node)) if action.resource is not None else None
        if pending is not None and pending.id not in action.after and not _waits(planned, action, pending.id):
            yield f"{action.id} does not wait for {pending.id}"


def _waits(planned: Transition, action: Action, before: ActionId) -> bool:
    open_ids, seen = list(action.after), set[ActionId]()
    while open_ids:
        name = open_ids.pop()
        if name == before:
            return True
        if name in planned.actions and name not in seen:
            seen.add(name)
            open_ids += planned.actions[name].after
    return False


def _unsettled(moment: _Moment, planned: Transition) -> Iterator[str]:
    """Carry the plan on, and what comes after it, until there is nothing left to do."""
    observed = advance_all(moment.ended(), in_order(_freed(moment, planned)), planned.guest_nodes)
    for _ in range(MAX_ROUNDS):
        planned = schedule(moment.intent, observed, moment.history, moment.now)
        if not planned.actions:
            return
        observed = advance_all(observed, in_order(planned), planned.guest_nodes)
    yield f"{moment.what}: there is always more to do: {', '.join(sorted(planned.actions)[:3])}"


def _freed(moment: _Moment, planned: Transition) -> Transition:
    """Return a plan in which what was in flight has ended."""
    over = {a.id for a in moment.in_flight}
    actions = {
        name: replace(action, after=tuple(a for a in action.after if a not in over))
        for name, action in planned.actions.items()
    }
    return replace(planned, actions=actions)


def _own_nodes(transition: Transition, observed: Observed, action: Action) -> set[NodeName]:
    """Return the nodes that an action is about as a whole: they begin, end, or are fenced with it."""
    if action.resource is not None:
        node = transition.guest_nodes.get(action.resource)
        return set() if node is None else {node}
    guests = [i.resource for i in observed.instances.values() if i.node == action.node]
    return {action.node, *(transition.guest_nodes[g] for g in guests if g in transition.guest_nodes)}


def _rest(
    observed: Observed, transition: Transition, action: Action, own: set[NodeName]
) -> tuple[object, object]:
    """Return all that an action is not about; a fenced node's connection begins anew with it."""
    # A live migration is about both its ends.
    keys = {(action.resource, node) for node in (action.node, action.peer)}
    fenced = action.node if action.kind is ActionKind.FENCE else None
    instances = {
        k: i
        for k, i in observed.instances.items()
        if k not in keys
        and k[1] not in own
        and (fenced is None or transition.guest_nodes.get(k[0]) != fenced)
    }
    return instances, {name: status for name, status in observed.nodes.items() if name not in own}
