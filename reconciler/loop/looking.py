"""What a command that only looks may do: ask, and wait no longer for an answer than a person would."""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.intent import Intent
from reconciler.model.node import AgentFlavor
from reconciler.model.transition import Action, ActionKind
from reconciler.settings import Settings


def harmless(intent: Intent, actions: Iterable[Action], settings: Settings) -> list[Action]:
    """Return the actions that change nothing.

    A stock agent is left alone: a second client would make its owner lose it. A node that does not answer soon is
    told as such; the patience of `connectTimeout` is for guests that boot, and none does for a look.
    """
    limit_ms = int(settings.look_connect_s * 1000)
    found = []
    for action in actions:
        agent = intent.agent_of(action.node)
        is_stock = agent is not None and agent.flavor is AgentFlavor.STOCK
        if is_stock or action.kind not in {ActionKind.CONNECT, ActionKind.PROBE}:
            continue
        is_hasty = action.kind is ActionKind.CONNECT and action.timeout_ms > limit_ms
        found.append(replace(action, timeout_ms=limit_ms) if is_hasty else action)
    return found
