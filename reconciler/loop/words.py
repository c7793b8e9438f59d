"""Says what the loop does, one line an action."""

from reconciler.act.outcome import Outcome
from reconciler.model.event import Event, Severity
from reconciler.model.transition import Action, ActionKind

_VERBS = {
    ActionKind.START: ("starting", "started"),
    ActionKind.STOP: ("stopping", "stopped"),
    ActionKind.RELOAD: ("reloading", "reloaded"),
    ActionKind.CONNECT: ("connecting", "connected"),
    ActionKind.PROMOTE: ("promoting", "promoted"),
    ActionKind.DEMOTE: ("demoting", "demoted"),
    ActionKind.FENCE: ("fencing", "fenced"),
    ActionKind.UNFENCE: ("unfencing", "unfenced"),
    ActionKind.RELEASE: ("letting go", "let go"),
    ActionKind.MIGRATE_TO: ("handing over", "handed over"),
    ActionKind.MIGRATE_FROM: ("taking over", "took over"),
}
_OTHER_VERBS = {
    ActionKind.PROBE: "looking for",
    ActionKind.MONITOR: "monitoring",
    ActionKind.CANCEL: "no longer monitoring",
    ActionKind.NOTIFY: "telling",
    ActionKind.DISCONNECT: "leaving",
}


def describe_launch(action: Action) -> Event | None:
    """Return the line for an action that begins; None for those that nobody waits for."""
    if action.kind not in _VERBS:
        return None
    why = f" ({action.reasons[0].text})" if action.reasons else ""
    return Event(
        code=f"{action.kind.value}-begun",
        text=f"{_VERBS[action.kind][0]} {_place(action)}{why}",
        subject=action.resource or action.node,
    )


def describe_doing(action: Action) -> str:
    """Return what is being done while an action is under way."""
    verb = _VERBS[action.kind][0] if action.kind in _VERBS else _OTHER_VERBS[action.kind]
    return f"{verb} {_place(action)}"


def describe_outcome(outcome: Outcome) -> Event | None:
    """Return the line for an action that ended; None for successes that nobody waits for."""
    action = outcome.action
    if outcome.is_unknown:
        text = f"{action.kind.value} of {_place(action)}: outcome unknown, {outcome.text}"
        return Event(
            code="outcome-unknown", text=text, severity=Severity.WARNING, subject=action.resource or ""
        )
    if not outcome.is_ok:
        text = f"{action.kind.value} of {_place(action)} failed: {outcome.text}"
        return Event(
            code="action-failed", text=text, severity=Severity.WARNING, subject=action.resource or action.node
        )
    if action.kind not in _VERBS:
        return None
    return Event(
        code=f"{action.kind.value}-done",
        text=f"{_VERBS[action.kind][1]} {_place(action)}",
        subject=action.resource or action.node,
    )


def _place(action: Action) -> str:
    return f"{action.resource} on {action.node}" if action.resource else action.node


def warning(code: str, text: str, subject: str) -> Event:
    """Return what a person should look at soon."""
    return Event(code=code, text=text, severity=Severity.WARNING, subject=subject)
