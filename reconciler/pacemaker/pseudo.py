"""Pacemaker's pseudo-actions: steps that run nothing, and stand in its transitions as meeting points."""

from dataclasses import dataclass

from reconciler.model.intent import Intent
from reconciler.model.names import ActionId
from reconciler.model.transition import ActionKind, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoAction:
    """One step that runs nothing."""

    name: str
    after: tuple[ActionId, ...]


def meeting_points(intent: Intent, transition: Transition) -> list[PseudoAction]:
    """Return a step for each set of alternatives of which one starts, and something starts after it."""
    starts = {a.resource: a.id for a in transition.actions.values() if a.kind is ActionKind.START}
    firsts: dict[str, set[ActionId]] = {}
    for ordering in intent.orderings:
        if ordering.alternatives and ordering.then in starts:
            found = firsts.setdefault(ordering.alternatives, set())
            if ordering.first in starts:
                found.add(starts[ordering.first])
    return [
        PseudoAction(name=f"one-or-more:{name}", after=tuple(sorted(after)))
        for name, after in sorted(firsts.items())
        if after
    ]
