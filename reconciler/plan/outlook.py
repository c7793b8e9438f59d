"""Runs plans to their end on paper: every action ends as expected. For plans of commits, and for tests."""

from dataclasses import replace

from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId
from reconciler.model.node import GuestType, NodeKind, NodeState
from reconciler.model.observed import NodeStatus, Observed
from reconciler.model.transition import Action, Transition
from reconciler.plan.effects import advance
from reconciler.plan.schedule import schedule

MAX_TRANSITIONS = 50
"""A world that is not at rest after so many is going round in circles."""


def ideal_world(*intents: Intent) -> Observed:
    """Return a world in which every declared host is up, reachable and empty."""
    hosts = sorted({name for intent in intents for name in intent.hosts})
    return Observed(
        nodes={
            name: NodeStatus(
                name=name,
                kind=NodeKind.HOST,
                state=NodeState.ONLINE,
                hypervisors=frozenset(GuestType),
                is_known=True,
            )
            for name in hosts
        }
    )


def settled(intent: Intent, observed: Observed, history: History, now: float) -> Observed:
    """Return the world after all plans have been carried out.

    Raises:
        RuntimeError: the plans never end; a defect of the planner.
    """
    for _ in range(MAX_TRANSITIONS):
        transition = schedule(intent, observed, history, now)
        if not transition.actions:
            return observed
        observed = carried_out(transition, observed)
    raise RuntimeError(f"after {MAX_TRANSITIONS} transitions there is still something to do")


def carried_out(transition: Transition, observed: Observed) -> Observed:
    """Return the world after all actions of a transition, in the first allowed order."""
    for action in in_order(transition):
        observed = advance(observed, action, dict(transition.guest_nodes))
    return observed


def in_order(transition: Transition) -> list[Action]:
    """Return all actions of a transition in the first allowed order.

    Raises:
        RuntimeError: actions wait for each other; a defect of the planner.
    """
    ordered: list[Action] = []
    done: set[ActionId] = set()
    while len(done) < len(transition.actions):
        ready = transition.ready(frozenset(done), frozenset(done))
        if not ready:
            raise RuntimeError("actions wait for each other in a circle")
        ordered += ready
        done |= {action.id for action in ready}
    return ordered


def carried_over(history: History, before: Intent | None, after: Intent) -> History:
    """Return a history that remembers the guests which one declaration has and the next has not."""
    known = dict(history.former)
    if before is not None:
        known |= {r.id: r for r in before.resources.values() if r.guest is not None}
    return replace(history, former={name: r for name, r in known.items() if name not in after.resources})
