"""Runs plans to their end on paper: every action ends as expected. For plans of commits, and for tests."""

from collections import Counter

from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.node import GuestType, NodeState
from reconciler.model.observed import NodeStatus, Observed
from reconciler.model.transition import Action, Transition
from reconciler.plan.effects import advance_all
from reconciler.plan.index import grouped
from reconciler.plan.schedule import schedule

MAX_TRANSITIONS = 50
"""A world that is not at rest after so many is going round in circles."""


def ideal_world(*intents: Intent) -> Observed:
    """Return a world in which every declared host is up, reachable and empty."""
    hosts = {name: host.kind for intent in intents for name, host in intent.hosts.items()}
    return Observed(
        nodes={
            name: NodeStatus(
                name=name,
                kind=kind,
                state=NodeState.ONLINE,
                hypervisors=frozenset(GuestType),
                is_known=True,
            )
            for name, kind in sorted(hosts.items())
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
    return advance_all(observed, in_order(transition), transition.guest_nodes)


def in_order(transition: Transition) -> list[Action]:
    """Return all actions of a transition in the first allowed order.

    Raises:
        RuntimeError: actions wait for each other; a defect of the planner.
    """
    waiting = {name: len(action.after) for name, action in transition.actions.items()}
    followers = grouped(
        (before, name) for name, action in transition.actions.items() for before in action.after
    )
    numbers = {name: number for number, name in enumerate(waiting)}
    ready = [name for name, count in waiting.items() if not count]
    ordered: list[Action] = []
    while ready:
        ordered += [transition.actions[name] for name in ready]
        freed = Counter(then for name in ready for then in followers.get(name, ()))
        for then, count in freed.items():
            waiting[then] -= count
        ready = sorted((then for then in freed if not waiting[then]), key=numbers.__getitem__)
    if len(ordered) < len(transition.actions):
        raise RuntimeError("actions wait for each other in a circle")
    return ordered
