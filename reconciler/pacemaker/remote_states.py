"""Judges whether remote and guest nodes are there: by their connections, and by what their guests run in.

Source: Pacemaker lib/pengine/unpack.c, determine_remote_online_status. Their own <node_state> says only that they
were seen. A guest that failed ends its node, and so does a host that is lost while it runs the guest.
"""

from collections.abc import Iterable, Mapping

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Instance, NodeStatus
from reconciler.model.resource import Role
from reconciler.pacemaker.nodes import Nodes
from reconciler.pacemaker.options import Options
from reconciler.pacemaker.remotes import Declared
from reconciler.plan.remote import GUEST_IS_UNCLEAN


def remote_statuses(
    options: Options,
    nodes: Nodes,
    declared: Mapping[NodeName, Declared],
    instances: Iterable[Instance],
) -> dict[NodeName, NodeStatus]:
    """Return the status of each remote and guest node, by what runs on cluster nodes."""
    known: dict[ResourceId, list[Instance]] = {}
    for instance in instances:
        known.setdefault(instance.resource, []).append(instance)
    found = {}
    for name, one in declared.items():
        connection = known.get(ResourceId(name), [])
        container = known.get(one.resource, []) if one.is_guest else None
        is_seen = name in nodes.states
        state, text = _judge(options, nodes, connection, container, is_seen=is_seen)
        found[name] = NodeStatus(
            name=name,
            kind=NodeKind.GUEST if one.is_guest else NodeKind.REMOTE,
            state=state,
            text=text,
            is_known=True,
        )
    return found


def _judge(
    options: Options,
    nodes: Nodes,
    connection: list[Instance],
    container: list[Instance] | None,
    *,
    is_seen: bool,
) -> tuple[NodeState, str]:
    up = [i for i in connection if i.role is not Role.STOPPED]
    if container is not None:
        held = [i for i in container if i.role is not Role.STOPPED]
        if any(i.failure is not None for i in held):
            return NodeState.UNCLEAN, GUEST_IS_UNCLEAN
        if any(i.failure is not None for i in up) or not up or not held:
            return NodeState.OFFLINE, ""
        hosts = [nodes.status[i.node] for i in up if i.node in nodes.status]
        if any(h.state in {NodeState.UNCLEAN, NodeState.OFFLINE} for h in hosts):
            return NodeState.UNCLEAN, GUEST_IS_UNCLEAN
        return NodeState.ONLINE, ""
    if up and all(i.failure is None for i in up):
        return NodeState.ONLINE, ""
    is_unseen = options.has_fencing and options.has_startup_fencing and not is_seen
    return NodeState.UNCLEAN if is_unseen else NodeState.OFFLINE, ""
