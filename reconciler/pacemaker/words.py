"""Says a transition in Pacemaker's words, as its crm_simulate does."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Observed
from reconciler.model.resource import Role
from reconciler.model.transition import Action, ActionKind, Change, Reason, Transition
from reconciler.plan.nodes import FORMER
from reconciler.plan.remote import GUEST_IS_UNCLEAN

_VERBS = {
    "create": "Start",
    "start": "Start",
    "stop": "Stop",
    "destroy": "Stop",
    "move": "Move",
    "migrate": "Migrate",
    "restart": "Restart",
    "reload": "Reload",
    "recover": "Recover",
    "promote": "Promote",
    "demote": "Demote",
}
_FENCING = {ActionKind.FENCE, ActionKind.UNFENCE}
_OPERATIONS = {
    ActionKind.PROBE: "monitor",
    ActionKind.MONITOR: "monitor",
    ActionKind.CANCEL: "cancel",
    ActionKind.START: "start",
    ActionKind.STOP: "stop",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    verb: str
    resource: str
    details: str
    ending: str = ""


def transition_lines(transition: Transition) -> list[str]:
    """Return the lines of the section Transition Summary, in rank order."""
    lines: list[_Line] = []
    for change in transition.changes:
        if change.action in _VERBS:
            lines += _lines(transition, change)
    for blocked in transition.blocked:
        if blocked.change is not None:
            lines += [_blocked(line) for line in _lines(transition, _as_far(blocked.change))]
    name_width = max((len(line.resource) for line in lines), default=0)
    details_width = max((len(line.details) for line in lines), default=0)
    return _fence_lines(transition) + [
        f"* {line.verb:<10} {line.resource:<{name_width}}   ( {line.details:>{details_width}} ){line.ending}"
        for line in lines
    ]


def _fence_lines(transition: Transition) -> list[str]:
    fenced = [
        f"* Fence ({_fencing(action)}) {action.node} '{action.reasons[0].text}'"
        for action in transition.actions.values()
        if action.kind in _FENCING
    ]
    ended = [
        f"* Fence ({step.how}) {step.ends} (resource: {step.subject}) '{GUEST_IS_UNCLEAN}'"
        for step in transition.milestones
        if step.ends is not None
    ]
    return [*fenced, *ended]


def _fencing(action: Action) -> str:
    """Return what fencing devices are told to do."""
    return "on" if action.kind is ActionKind.UNFENCE else action.fencing


def operation_of(action: Action) -> str:
    """Return what Pacemaker calls an action's operation."""
    return _OPERATIONS.get(action.kind, action.kind.value)


def action_line(action: Action, name: str) -> str:
    """Return the line of the section Executing Cluster Transition for an action on what Pacemaker calls so."""
    if action.kind in _FENCING:
        return f"* Fencing {action.node} ({_fencing(action)})"
    if action.kind is ActionKind.RELEASE:
        return f"* Cluster action:  do_shutdown on {action.node}"
    interval = f"={action.interval_ms}" if action.interval_ms else ""
    return f"* Resource action: {name:<15} {operation_of(action)}{interval} on {action.node}"


def pseudo_line(name: str) -> str:
    """Return the line for a step that runs nothing."""
    return f"* Pseudo action:   {name}"


def places(
    observed: Observed, resources: Iterable[ResourceId]
) -> dict[ResourceId, list[tuple[NodeName, Role]]]:
    """Return where each resource runs, or may run, and in which role."""
    return {
        resource: [(i.node, i.role) for i in observed.instances_of(resource) if i.role is not Role.STOPPED]
        for resource in resources
    }


def _lines(transition: Transition, change: Change) -> list[_Line]:
    """Return one line, or for a stop at several places one for each."""
    resource = change.address.partition("/")[2].removesuffix(FORMER)
    verb = _verb(change)
    if verb == "Stop":
        stops = [
            a.node
            for a in transition.actions.values()
            if a.kind is ActionKind.STOP and a.resource == resource
        ]
        sources = stops or [NodeName(change.source or "")]
        return [
            _Line(
                verb=verb,
                resource=resource,
                details=_with_role(change, str(node)),
                ending=_due(change.reasons, verb),
            )
            for node in sources
        ]
    return [_Line(verb=verb, resource=resource, details=_details(change), ending=_due(change.reasons, verb))]


def _with_role(change: Change, node: str) -> str:
    return node if change.source_role is None else f"{change.source_role.value} {node}"


def _details(change: Change) -> str:
    """Return where something goes from and to, with roles if it had one, or gets promoted.

    Source: Pacemaker lib/pacemaker/pcmk_output.c, rsc_action_item.
    """
    old, new = change.source_role, change.target_role
    has_roles = old is not None or new is Role.PROMOTED
    is_move = change.source is not None and change.target not in {None, change.source}
    way = f"{change.source} -> {change.target}" if is_move else str(change.target)
    if not has_roles or new is None:
        return way
    if old is new:
        return f"{way} {new.value}" if is_move else f"{new.value} {change.source}"
    before = Role.STOPPED.value if old is None else old.value
    if is_move:
        return f"{before} {change.source} -> {new.value} {change.target}"
    return f"{before} -> {new.value} {change.target}"


def _verb(change: Change) -> str:
    """Return Pacemaker's word: what does not run is started, whatever failed before."""
    if change.source is None:
        return "Promote" if change.target_role is Role.PROMOTED else "Start"
    if change.action == "demote" and change.source_role is change.target_role:
        return "Re-promote"
    return _VERBS[change.action]


def _as_far(change: Change) -> Change:
    """Return a change that is blocked as Pacemaker speaks of it: what runs would be stopped, and no more."""
    return change if change.source is None else replace(change, action="stop", target=None)


def _blocked(line: _Line) -> _Line:
    ending = f"{line.ending} (blocked)" if line.ending else "  blocked"
    return _Line(verb=line.verb, resource=line.resource, details=line.details, ending=ending)


def _due(reasons: tuple[Reason, ...], verb: str) -> str:
    """Return the reason, for those kinds of reason that Pacemaker names; a promotion is told without."""
    if verb == "Promote":
        return ""
    for reason in reasons if verb != "Recover" else ():
        if reason.code == "alone":
            return ""
        if reason.code == "no-node" and verb == "Stop":
            break
        cause = _cause(reason, verb)
        if cause is not None:
            return f"  due to {cause}"
    return "  due to node availability" if verb == "Stop" else ""


def _cause(reason: Reason, verb: str) -> str | None:
    """Return what something is due to; None for a reason that is not named."""
    match reason.code:
        case "after" if verb in {"Restart", "Stop"}:
            return f"required {reason.subject} {reason.step}"
        case "unrunnable" if "one-or-more:" in reason.subject:
            return f"unrunnable {reason.subject}"
        case "unrunnable" if reason.subject:
            return f"unrunnable {reason.subject} {reason.step}"
        case "colocated":
            return f"colocation with {reason.subject}"
        case "no-quorum":
            return "no quorum"
        case "quorum-freeze":
            return "quorum freeze"
        case "param-changed" if verb == "Restart":
            return "resource definition change"
        case _:
            return None
