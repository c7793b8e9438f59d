"""What is known of a node once its agent, and its resource agents, have told of themselves."""

from collections.abc import Mapping

from reconciler.act.outcome import Connected
from reconciler.model.agent_metadata import AgentMetadata
from reconciler.model.digest import start_parameters
from reconciler.model.intent import Intent
from reconciler.model.node import LinkReason
from reconciler.model.resource import ResourceAgent
from reconciler.observe.nodes import NodeView
from reconciler.plan.parameters import matters


def met_view(known: NodeView, connected: Connected, *, is_adopted: bool) -> NodeView:
    """Return the view of a node whose agent was connected: what it said stands for all that was known before.

    Args:
        known: what was known of the node.
        connected: what its agent said.
        is_adopted: somebody has said that a stock agent there is ours.
    """
    is_up = connected.link.is_connected
    return NodeView(
        name=known.name,
        incarnation=connected.incarnation,
        link=connected.link,
        is_connected=is_up,
        is_known=connected.is_known,
        is_adopted=is_adopted or known.is_adopted,
        reason=None if is_up else LinkReason.LOST,
        instances=connected.instances,
        key_epoch=connected.key_epoch,
        address=connected.address,
        agents=connected.agents,
    )


def is_news(intent: Intent, view: NodeView, agents: Mapping[ResourceAgent, AgentMetadata]) -> bool:
    """Tell whether what resource agents of a node say of themselves may change a plan."""
    varied = {override.resource for override in intent.overrides}
    return any(
        r.id in varied
        or matters(r, start_parameters(r, view.name), agents[r.agent], view.instances.get(r.id))
        for r in intent.resources.values()
        if r.agent in agents
    )
