"""Lets nodes in again that fencing devices keep out until they do (unfencing), before what needs that.

The rules (Pacemaker Explained, "Unfencing"; lib/pacemaker/pcmk_sched_fencing.c, pcmk__order_vs_unfencing):

* A node that is out until it is let in is let in before anything that requires it is looked for, or started, there.
* The devices themselves count as well: many can say nothing of a node that is out.
* What requires it and is on a node that is let in only now stops before, and starts after.
"""

from reconciler.model.names import NodeName
from reconciler.model.resource import Requires, Resource
from reconciler.model.transition import Action, ActionKind, Reason
from reconciler.plan.fencing import can_fence
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps, action_id

_NAMES = {ActionKind.PROBE: "monitor", ActionKind.START: "start"}
_UNFENCING = Requires.UNFENCING
"""What is asked for each resource: Python 3.11 takes ten times as long to find it in its Enum."""


def is_let_in_first(situation: Situation, resource: Resource, node: NodeName) -> bool:
    """Tell whether a node has to be let in before a resource is started there, and can be."""
    if resource.requires is not _UNFENCING:
        return False
    status = situation.node(node)
    is_out = status is not None and status.needs_unfencing and node not in situation.fences
    return is_out and can_fence(situation.intent, situation.observed, node)


def add_unfencing(situation: Situation, steps: Steps) -> None:
    """Add what lets nodes in, for the first that asks for it, ordered before and after all that is done there."""
    if not any(status.needs_unfencing for status in situation.observed.nodes.values()):
        return
    for kind in (ActionKind.PROBE, ActionKind.START):
        for action in list(steps.of(kind)):
            if action.subject is None or not _needs(situation, action):
                continue
            unfence = action_id(ActionKind.UNFENCE, action.node, action.node)
            text = f"required by {action.subject} {_NAMES[kind]}"
            steps.add(
                Action(
                    id=unfence,
                    kind=ActionKind.UNFENCE,
                    node=action.node,
                    timeout_ms=situation.intent.cluster.policy.fence_timeout_ms,
                    reasons=(Reason("unfencing", text),),
                )
            )
            steps.order(unfence, action.id)
    for action in steps.of(ActionKind.UNFENCE):
        for stop in steps.on(ActionKind.STOP, action.node):
            subject = situation.resources.get(stop.subject) if stop.subject is not None else None
            if subject is not None and subject.requires is Requires.UNFENCING:
                steps.order(stop.id, action.id)


def _needs(situation: Situation, action: Action) -> bool:
    """Tell whether an action is for something that minds whether the node is let in."""
    assert action.subject is not None
    resource = situation.resources[action.subject]
    status = situation.node(action.node)
    if status is None or not status.needs_unfencing or action.node in situation.fences:
        return False
    minds = resource.agent.is_fencing or resource.requires is Requires.UNFENCING
    return minds and can_fence(situation.intent, situation.observed, action.node)
