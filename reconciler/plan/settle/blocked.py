"""How far groups, and clones in bundles, come of which a part should be started or stopped, and cannot be.

The rules (Pacemaker lib/pacemaker/pcmk_sched_group.c; pcmk_sched_ordering.c):

* A group begins to stop when any part of it should, whether or not that can be done. Likewise it begins to start again
  after parts of it stopped, if nothing outside of it keeps them from starting.
* A clone in a bundle begins to start when any instance should, though its container cannot be started, and has started
  when nothing more can be; and so has the bundle.
* A group has stopped only when nothing is held that should have been stopped too.
"""

from collections.abc import Mapping

from reconciler.model.collective import Group
from reconciler.model.names import ResourceId
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.settle.tasks import TaskName, Verb
from reconciler.plan.situation import Situation

_AGAIN = {Fate.MOVE, Fate.RESTART}
Decisions = Mapping[ResourceId, Decision]


def begun_in_vain(situation: Situation, decisions: Decisions) -> set[TaskName]:
    """Return the tasks with which groups begin, for parts of which nothing is done."""
    found: set[TaskName] = set()
    for name, group in situation.groups.items():
        parts = [decisions[m] for m in group.members]
        if any(_should_start(p) for p in parts) and not any(_is_kept_from_outside(group, p) for p in parts):
            found.add((name, Verb.START))
        if any(part.fate is Fate.HOLD and part.active and part.intended is not None for part in parts):
            found.add((name, Verb.STOP))
    for cloned in situation.clones.values():
        inner = cloned.bundle.inner if cloned.bundle is not None else None
        if inner is not None and any(is_without_container(decisions[r]) for r in situation.leaves(inner)):
            found |= {
                (whole, verb) for whole in (inner, cloned.clone.id) for verb in (Verb.START, Verb.STARTED)
            }
    return found


def is_without_container(decision: Decision) -> bool:
    """Tell whether something in a bundle is to run, and does not start for its container cannot.

    Pacemaker has decided that its clone starts before it finds that out.
    """
    if not decision.resource.only_on:
        return False
    is_kept = decision.fate is Fate.STOP or (decision.fate is Fate.HOLD and decision.intended is Fate.START)
    return is_kept and decision.target is not None and any(r.code == "unrunnable" for r in decision.reasons)


def never_done(situation: Situation, decisions: Decisions) -> set[TaskName]:
    """Return the tasks with which groups have stopped, where some part stays that should not."""
    return {
        (name, Verb.STOPPED)
        for name, group in situation.groups.items()
        if any(_should_leave(situation, decisions[m]) for m in group.members)
    }


def _should_start(decision: Decision) -> bool:
    """Tell whether something runs that should be started again, and is not."""
    stops = decision.fate is Fate.STOP or (decision.fate is Fate.HOLD and decision.intended in _AGAIN)
    return stops and decision.target is not None and bool(decision.active)


def _is_kept_from_outside(group: Group, decision: Decision) -> bool:
    return any(
        reason.code in {"after", "unrunnable"} and reason.subject not in {"", *group.members}
        for reason in decision.reasons
    )


def _should_leave(situation: Situation, decision: Decision) -> bool:
    """Tell whether something is held where it is not to run."""
    leaving = {n for n, status in situation.observed.nodes.items() if status.is_leaving}
    return decision.fate is Fate.HOLD and any(
        i.node != decision.target or i.node in leaving for i in decision.active
    )
