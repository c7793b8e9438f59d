"""Whether a node is emptied when its agent is asked to stop. Pure."""

from reconciler.model.event import Event, Severity
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.node import HostState, NodeKind
from reconciler.plan.rules import with_nodes_in_force


def is_drained(intent: Intent, node: NodeName, now: float) -> bool:
    """Tell whether all on a node is stopped or moved before its agent is let go at a time (epoch seconds).

    So it is with guest and remote nodes that are not in maintenance (Pacemaker daemons/controld/controld_remote_ra.c).
    Not with hosts: what runs there outlives the agent, and guests are their hypervisors'.
    """
    host = with_nodes_in_force(intent, now).hosts.get(node)
    return host is None or (host.kind is NodeKind.REMOTE and host.state is not HostState.MAINTENANCE)


def describe_leaving(node: NodeName, *, drains: bool) -> Event:
    """Tell people that a node's agent was asked to stop."""
    text = f"{node}'s agent was asked to stop" + ("; what runs there moves away first" if drains else "")
    return Event(code="agent-leaving", text=text, severity=Severity.WARNING, subject=node)
