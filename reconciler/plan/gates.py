"""Holds back what a person must let through: the removal of more guests than one commit may remove.

A gate concerns removals only, never recovery, and never what else the commit changes.
"""

from dataclasses import replace

from reconciler.model.transition import Blocked
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.situation import Situation


def hold_back(situation: Situation, decisions: list[Decision]) -> tuple[list[Decision], tuple[Blocked, ...]]:
    """Return the decisions with removals over the limit held, and the gates they wait at."""
    removals = [
        d
        for d in decisions
        if d.resource.guest is not None and situation.is_removed(d.resource.id) and d.fate is Fate.STOP
    ]
    waiting = [d for d in removals if d.resource.id not in situation.history.allowed_destroys]
    limit = situation.intent.cluster.max_destroy
    if len(waiting) <= limit:
        return decisions, ()
    names = {d.resource.id for d in waiting}
    text = (
        f"this would remove {len(waiting)} guests and safety.maxDestroy is {limit}; "
        "let it through with `reconcile allow-destroy NAME`, or declare it again"
    )
    held = [
        replace(d, fate=Fate.HOLD, obstacle=text, is_waiting=True) if d.resource.id in names else d
        for d in decisions
    ]
    where = situation.intent.cluster.where
    gates = [
        Blocked(address=f"guest/{name}", text=text, where=where, code="max-destroy") for name in sorted(names)
    ]
    return held, tuple(gates)
