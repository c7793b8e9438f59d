"""Tells the instances of a clone before and after others of it start, stop, or change roles.

The rules (Pacemaker Explained, "Clone Notifications"; lib/pengine/pe_notif.c):

* Before instances stop or are demoted, all that run are told. Before instances start or are promoted, all are told
  that are to run, but for those that are only being started.
* Afterwards the same are told, but for those that stopped; those that were started are told too.
* What is done waits for those that are told before it, and those that are told after it wait for it; the next step
  of the same clone waits for both. Recurring monitors wait for all.
* In a bundle that begins to start and cannot, for there is no container, nobody is told, and the steps are there.
* Where a fence does a stop, nobody is told on that node, and the others are told after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.model.collective import Clone
from reconciler.model.digest import start_parameters
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.resource import Role
from reconciler.model.transition import ActionKind, Milestone
from reconciler.plan.decision import Decision
from reconciler.plan.notify_meta import notify_meta
from reconciler.plan.settle.blocked import is_without_container
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps, resource_action

_DONE = {
    ActionKind.DEMOTE: "demoted",
    ActionKind.STOP: "stopped",
    ActionKind.START: "running",
    ActionKind.PROMOTE: "promoted",
}
"""What instances are told of, in the order in which a clone does it."""

_TOLD = (*_DONE, ActionKind.NOTIFY)

_DOWN = {ActionKind.STOP, ActionKind.DEMOTE}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One thing that instances of a clone do, and all of them are told of."""

    kind: ActionKind
    doing: tuple[ActionId, ...]
    """Fences that do it included."""
    before: tuple[ActionId, ...]
    after: tuple[ActionId, ...]


def add_notices(
    situation: Situation, decisions: Mapping[ResourceId, Decision], steps: Steps
) -> tuple[Milestone, ...]:
    """Add the actions that tell instances; return the steps that run nothing."""
    found: list[Milestone] = []
    for name, cloned in situation.clones.items():
        if cloned.clone.notifies:
            leaves = [decisions[leaf] for leaf in situation.leaves(name)]
            found += _tell(situation, cloned.clone, leaves, steps)
            _inform(situation, leaves, steps)
    return tuple(found)


def _tell(situation: Situation, clone: Clone, leaves: list[Decision], steps: Steps) -> Iterator[Milestone]:
    rounds: list[_Round] = []
    for kind, done in _DONE.items():
        doing = _doing(situation, leaves, steps, kind)
        if doing is None:
            continue
        before, after = [], []
        for leaf in leaves if not _is_in_vain(leaves, steps, kind) else ():
            for node in _told_before(leaf, kind):
                before += _notice(situation, steps, leaf, node, ("pre", kind))
            for node in _told_after(leaf, kind):
                after += _notice(situation, steps, leaf, node, ("post", kind))
        rounds.append(_Round(kind=kind, doing=doing, before=tuple(before), after=tuple(after)))
        first, then = f"notify_{kind.value}_0", f"notify_{done}_0"
        yield Milestone(name=f"{clone.id}_pre_{first}", subject=clone.id)
        yield Milestone(name=f"{clone.id}_confirmed-pre_{first}", subject=clone.id, after=tuple(before))
        yield Milestone(name=f"{clone.id}_post_{then}", subject=clone.id, after=doing)
        yield Milestone(name=f"{clone.id}_confirmed-post_{then}", subject=clone.id, after=tuple(after))
        if kind is ActionKind.STOP:
            yield from _after_fences(situation, leaves, steps, tuple(after))
    _order(leaves, steps, rounds)


def _inform(situation: Situation, leaves: list[Decision], steps: Steps) -> None:
    """Give the notices, and what they are about, the lists of who does what."""
    names = [a.id for leaf in leaves for kind in _TOLD for a in steps.of(kind, leaf.resource.id)]
    meta = notify_meta(situation, leaves, steps) if names else {}
    for name in names:
        action = steps.actions[name]
        steps.actions[name] = replace(action, meta={**meta, **action.meta})


def _doing(
    situation: Situation, leaves: list[Decision], steps: Steps, kind: ActionKind
) -> tuple[ActionId, ...] | None:
    """Return the actions by which instances do something; None if none of them does."""
    own = [a.id for leaf in leaves for a in steps.of(kind, leaf.resource.id)]
    fenced = [
        node
        for leaf in leaves
        if (leaf.stops if kind is ActionKind.STOP else leaf.demotes and kind is ActionKind.DEMOTE)
        for node in sorted(leaf.ends_with & situation.fences.keys())
        if kind is ActionKind.STOP or _is_promoted_on(leaf, node)
    ]
    fences = [a.id for node in dict.fromkeys(fenced) for a in steps.on(ActionKind.FENCE, node)]
    return (*own, *fences) if own or fenced or _is_in_vain(leaves, steps, kind) else None


def _is_in_vain(leaves: list[Decision], steps: Steps, kind: ActionKind) -> bool:
    """Tell whether a clone in a bundle begins to start, and no instance of it does."""
    is_begun = kind is ActionKind.START and any(is_without_container(leaf) for leaf in leaves)
    return is_begun and not any(steps.of(kind, leaf.resource.id) for leaf in leaves)


def _is_promoted_on(leaf: Decision, node: NodeName) -> bool:
    return any(i.node == node and i.role is Role.PROMOTED for i in leaf.active)


def _told_before(leaf: Decision, kind: ActionKind) -> list[NodeName]:
    if kind in _DOWN:
        return [i.node for i in leaf.active if i.node not in leaf.ends_with]
    node = _final_node(leaf)
    return [node] if node is not None and not (kind is ActionKind.START and leaf.starts) else []


def _told_after(leaf: Decision, kind: ActionKind) -> list[NodeName]:
    if kind is ActionKind.STOP and leaf.stops:
        return []
    if kind in _DOWN:
        return [i.node for i in leaf.active if i.node not in leaf.ends_with]
    node = _final_node(leaf)
    return [node] if node is not None else []


def _final_node(leaf: Decision) -> NodeName | None:
    """Return where an instance runs in the end, whether that is as it should be or not."""
    if leaf.starts or leaf.migrates:
        return leaf.target
    return leaf.active[0].node if leaf.active and not leaf.stops else None


def _notice(
    situation: Situation, steps: Steps, leaf: Decision, node: NodeName, what: tuple[str, ActionKind]
) -> list[ActionId]:
    """Add the action that tells one instance; none where nobody is there to be told."""
    if not (leaf.starts or _is_there(situation, steps, node)):
        return []
    resource = leaf.resource
    here = next((i for i in leaf.active if i.node == node), None)
    known = here.started_as if here is not None and not leaf.starts else None
    uses = known or start_parameters(resource, node)
    action = resource_action(ActionKind.NOTIFY, resource, node, uses)
    when, kind = what
    name = ActionId(f"{resource.known_as}_{when}_notify_{kind.value}_0@{node}")
    meta = {"notify_type": when, "notify_operation": kind.value}
    steps.add(replace(action, id=name, meta=meta))
    return [name]


def _is_there(situation: Situation, steps: Steps, node: NodeName) -> bool:
    guest = situation.guests.get(node)
    comes = guest is not None and bool(steps.of(ActionKind.START, guest.id))
    return situation.is_online(node) or comes


def _after_fences(
    situation: Situation, leaves: list[Decision], steps: Steps, after: tuple[ActionId, ...]
) -> Iterator[Milestone]:
    """Return the steps at which the stops are told of that fences do."""
    for leaf in leaves:
        name = leaf.resource.id
        for node in sorted(leaf.ends_with & situation.fences.keys()):
            fences = tuple(a.id for a in steps.on(ActionKind.FENCE, node))
            yield Milestone(name=f"{name}_post_notify_stop_0", subject=name, node=node, after=fences)
            yield Milestone(name=f"{name}_notified_0", subject=name, node=node, after=after)


def _order(leaves: list[Decision], steps: Steps, rounds: list[_Round]) -> None:
    """Add the edges, where that makes no circle."""
    for number, one in enumerate(rounds):
        planned = [a for a in one.doing if a in steps.actions]
        fences = {a for a in planned if steps.actions[a].kind is ActionKind.FENCE}
        _all_before(steps, one.before, [a for a in planned if a not in fences])
        _all_before(steps, planned, one.after)
        for later in rounds[number + 1 :]:
            _all_before(steps, one.after, later.before)
    told = [name for one in rounds for name in one.after]
    monitors = [a.id for leaf in leaves for a in steps.of(ActionKind.MONITOR, leaf.resource.id)]
    _all_before(steps, told, monitors)


def _all_before(steps: Steps, firsts: Sequence[ActionId], thens: Sequence[ActionId]) -> None:
    for first in firsts:
        for then in thens:
            if not steps.reaches(then, first):
                steps.order(first, then)
