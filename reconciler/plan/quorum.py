"""What the loss of quorum does to decisions.

The rules (Pacemaker Explained, "no-quorum-policy"):

* stop: nothing is started, and what runs is stopped.
* freeze: what runs nowhere is not started; what runs goes on, and may move among the nodes that are left.
* ignore: all goes on.
* What requires nothing minds no quorum.
"""

from dataclasses import replace

from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import Requires
from reconciler.model.transition import Reason
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.situation import Situation

_NO_QUORUM = Reason("no-quorum", "the cluster has no quorum")
_FROZEN = Reason("quorum-freeze", "the cluster has no quorum, and is frozen")


def heed_quorum(situation: Situation, decisions: list[Decision]) -> list[Decision]:
    """Return the decisions as quorum lets them be."""
    if situation.observed.has_quorum:
        return decisions
    match situation.intent.cluster.policy.on_quorum_loss:
        case QuorumPolicy.IGNORE:
            return decisions
        case QuorumPolicy.FREEZE:
            return [_frozen(d) if _minds(d) else d for d in decisions]
        case QuorumPolicy.STOP | QuorumPolicy.DEMOTE | QuorumPolicy.FENCE:
            return [_stopped(situation, d) if _minds(d) else d for d in decisions]


def _minds(decision: Decision) -> bool:
    return decision.resource.requires is not Requires.NOTHING


def _frozen(decision: Decision) -> Decision:
    return _not_started(decision, _FROZEN) if decision.fate is Fate.START else decision


def _stopped(situation: Situation, decision: Decision) -> Decision:
    if decision.fate is Fate.START:
        return _not_started(decision, _NO_QUORUM)
    is_cut_off = any(not situation.is_online(i.node) for i in decision.active)
    if decision.fate is Fate.HOLD and is_cut_off and decision.target is not None:
        return replace(decision, intended=Fate.STOP, reasons=(_NO_QUORUM,))
    is_free = decision.runs_after and not decision.is_left_alone
    if not is_free:
        return decision
    return replace(decision, fate=Fate.STOP, reasons=(_NO_QUORUM,), obstacle=_NO_QUORUM.text)


def _not_started(decision: Decision, reason: Reason) -> Decision:
    return replace(decision, fate=Fate.HOLD, intended=Fate.START, reasons=(reason,), obstacle=reason.text)
