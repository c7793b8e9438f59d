"""Says what a plan does to each guest and resource, as a person would say it."""

from collections.abc import Mapping, Sequence

from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.resource import Resource, Role
from reconciler.model.transition import Action, ActionKind, Blocked, Change
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.operations import Decisions
from reconciler.plan.settle.orders import is_binding
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps

_LEADING_NOWHERE = (Fate.STOP, Fate.HOLD)
_VERBS = {Fate.MIGRATE: "migrate", Fate.MOVE: "move", Fate.RESTART: "restart"}


def address_of(resource: Resource) -> str:
    """Return how a plan names a guest or a resource."""
    return f"{'guest' if resource.guest is not None else 'resource'}/{resource.id}"


def describe_changes(situation: Situation, decisions: Decisions, steps: Steps) -> tuple[Change, ...]:
    """Return the changes of a plan in rank order; connections and probes are none."""
    changes = []
    changed = {name: address_of(d.resource) for name, d in decisions.items() if _is_changed(d)}
    guests = {node: changed[g.id] for node, g in situation.guests.items() if g.id in changed}
    for name, decision in decisions.items():
        if name in changed or decision.reloads:
            depends_on = _depends_on(situation, decision, changed, guests)
            address = changed.get(name) or address_of(decision.resource)
            changes.append(_change(situation, decision, address, depends_on))
        elif name in steps.by_subject and _is_update(decision, steps.by_subject[name]):
            changes.append(
                Change(address=address_of(decision.resource), action="update", target=decision.target)
            )
    return tuple(changes)


def describe_blocked(decisions: Decisions) -> tuple[Blocked, ...]:
    """Return what is not as declared and cannot be made so now."""
    return tuple(
        Blocked(
            address=address_of(d.resource),
            text=d.obstacle,
            where=_where(d),
            code=_code(d),
            change=_intended_change(d),
        )
        for d in decisions.values()
        if d.obstacle is not None
    )


def _intended_change(decision: Decision) -> Change | None:
    """Return what would be done with a resource that is held."""
    if decision.intended is None or decision.stops or decision.starts:
        return None
    if decision.intended is Fate.START and decision.target is None:
        return None
    return Change(
        address=address_of(decision.resource),
        action=decision.intended.value,
        source=decision.active[0].node if decision.active else None,
        target=None if decision.intended is Fate.STOP else decision.target,
        source_role=_source_role(decision),
        target_role=None if decision.intended is Fate.STOP else _target_role(decision),
        reasons=decision.reasons,
    )


def _code(decision: Decision) -> str:
    if decision.is_waiting:
        return "waiting"
    if decision.lacks_ticket:
        return "ticket"
    return "retry" if decision.retry_at is not None else "blocked"


def _is_update(decision: Decision, own: Sequence[Action]) -> bool:
    """Arming what is declared, on something that has monitors armed already, is a change of the declaration."""
    is_arming = any(a.kind is ActionKind.MONITOR or a.kind is ActionKind.CANCEL for a in own)
    return is_arming and any(instance.monitors for instance in decision.active)


def _change(situation: Situation, decision: Decision, address: str, depends_on: tuple[str, ...]) -> Change:
    action, active = _verb(situation, decision), decision.active
    # By position, for by name it takes twice as long.
    return Change(
        address,
        action,
        active[0].node if active else None,
        None if decision.fate in _LEADING_NOWHERE else decision.target,
        _source_role(decision) if active else None,
        _target_role(decision) if decision.has_roles else None,
        decision.reasons,
        depends_on,
        bool(active) and not (decision.migrates or decision.reloads),
        action == "destroy",
    )


def _source_role(decision: Decision) -> Role | None:
    if not decision.has_roles or not decision.active:
        return None
    return Role.PROMOTED if decision.was_promoted else Role.UNPROMOTED


def _target_role(decision: Decision) -> Role | None:
    return decision.role if decision.has_roles and decision.fate is not Fate.STOP else None


def _verb(situation: Situation, decision: Decision) -> str:
    is_guest = decision.resource.guest is not None
    if decision.reloads:
        return "reload"
    if decision.fate is Fate.STOP:
        is_removed = situation.is_removed(decision.resource.id)
        return "destroy" if is_guest and is_removed else "stop"
    if decision.is_failed and (decision.stops or decision.starts):
        return "recover"
    if decision.fate in _VERBS:
        return _VERBS[decision.fate]
    if not decision.starts and (decision.promotes or decision.demotes):
        return "promote" if decision.promotes and not decision.demotes else "demote"
    return "create" if is_guest else "start"


def _depends_on(
    situation: Situation,
    decision: Decision,
    changed: Mapping[ResourceId, str],
    guests: Mapping[NodeName, str],
) -> tuple[str, ...]:
    """Return the changes that this one waits for: its guest's, and those of what it starts after.

    Args:
        situation: what is planned from.
        decision: on what changes.
        changed: how all that changes is named.
        guests: how the guests that change are named, by the nodes that they make.
    """
    found, target = [], decision.target
    if decision.starts and guests:
        if target is not None and target in guests:
            found.append(guests[target])
        if decision.active:
            found += [guests[i.node] for i in decision.active if i.node in guests]
    orderings = situation.index.orderings
    for ordering in orderings.get(decision.resource.id, ()) if orderings else ():
        if ordering.first in changed and is_binding(ordering):
            found.append(changed[ordering.first])
    return tuple(sorted(set(found))) if len(found) > 1 else tuple(found)


def _is_changed(decision: Decision) -> bool:
    has_role_change = decision.promotes or decision.demotes
    return decision.starts or decision.stops or decision.migrates or has_role_change


def _where(decision: Decision) -> Where | None:
    where = decision.obstacle_at or decision.resource.where
    return where if where.file else None
