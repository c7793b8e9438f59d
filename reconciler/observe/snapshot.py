"""Puts together one snapshot from what is known of hypervisors, agents, and actions in flight. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.model.agent_metadata import AgentMetadata
from reconciler.model.attribute import PROMOTION_PREFIX
from reconciler.model.constraint import Discovery, Location
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AgentFlavor, GuestType, NodeKind, NodeState
from reconciler.model.observed import Failure, Instance, NodeStatus, Observed, Pending
from reconciler.model.resource import Resource, Role
from reconciler.model.score import read_score
from reconciler.observe.domains import Hypervisors, guest_instance
from reconciler.observe.migrations import ends_of_migrations
from reconciler.observe.nodes import NodeView

_LEAVING = "leaving: its agent was asked to stop, and what runs here is stopped first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Everything that a snapshot is put together from."""

    intent: Intent
    history: History
    hypervisors: Hypervisors
    views: Mapping[NodeName, NodeView]
    pending: tuple[Pending, ...] = ()


def snapshot(known: Knowledge) -> Observed:
    """Return what is observed now."""
    guests = {**known.history.former, **known.intent.resources}
    guest_of = {r.remote_node.name: r for r in guests.values() if r.remote_node is not None}
    instances = _guest_instances(known)
    nodes: dict[NodeName, NodeStatus] = {}
    for host in sorted(known.intent.hosts):
        status = _host_status(known, host)
        if status is not None:
            nodes[host] = status
    failed: list[Instance] = []
    for node, guest in sorted(guest_of.items()):
        active = _active(known, guest, instances)
        guest_status = _guest_node_status(known, node, guest, active)
        if guest_status is not None:
            nodes[node] = guest_status
        for instance in active:
            failure = _connection_failure(known, node, guest_status)
            if failure is not None and instance.failure is None and instance.role is Role.STARTED:
                failed.append(replace(instance, failure=failure))
    for name, view in sorted(known.views.items()):
        if (name in nodes and nodes[name].state is not NodeState.OFFLINE) or (
            name in nodes and view.has_left
        ):
            for resource, instance in sorted(view.instances.items()):
                instances[(resource, name)] = instance
    instances |= {(instance.resource, instance.node): instance for instance in failed}
    instances |= ends_of_migrations(known.history.migrations, known.views, instances)
    nodes = {name: _with_attributes(known, status) for name, status in nodes.items()}
    agents, metadata = _metadata(known.views)
    return Observed(
        nodes=nodes,
        instances=instances,
        pending=known.pending,
        promotion_scores=_promotion_scores(nodes),
        agents=agents,
        metadata=metadata,
    )


def _metadata(
    views: Mapping[NodeName, NodeView],
) -> tuple[dict[tuple[NodeName, str], str], dict[str, AgentMetadata]]:
    """Return what resource agents say of themselves: by node and name its digest, and by digest what they say."""
    agents: dict[tuple[NodeName, str], str] = {}
    metadata: dict[str, AgentMetadata] = {}
    for name, view in sorted(views.items()):
        for agent, said in view.agents.items():
            agents[(name, str(agent))] = said.digest
            metadata[said.digest] = said
    return agents, metadata


def _with_attributes(known: Knowledge, status: NodeStatus) -> NodeStatus:
    """Return a node's status with its attributes; the transient ones are of this incarnation, or not at all."""
    kept, view = known.history.attributes.get(status.name), known.views.get(status.name)
    if kept is None:
        return status
    is_there = view is not None and status.state is not NodeState.OFFLINE
    present = (
        kept.in_incarnation(view.incarnation).merged() if view is not None and is_there else kept.permanent
    )
    return replace(status, attributes=present)


def _promotion_scores(nodes: Mapping[NodeName, NodeStatus]) -> dict[tuple[ResourceId, NodeName], int]:
    """Return the scores that resource agents have set, under the names that they were started by."""
    return {
        (ResourceId(attribute.removeprefix(PROMOTION_PREFIX)), name): read_score(value)
        for name, status in nodes.items()
        for attribute, value in status.attributes.items()
        if attribute.startswith(PROMOTION_PREFIX)
    }


def _guest_instances(known: Knowledge) -> dict[tuple[ResourceId, NodeName], Instance]:
    return {
        (resource, host): guest_instance(resource, host, fact)
        for (resource, host), fact in sorted(known.hypervisors.facts.items())
    }


def _active(
    known: Knowledge, guest: Resource, seen: Mapping[tuple[ResourceId, NodeName], Instance]
) -> list[Instance]:
    """Return where a guest runs or may run: hypervisors have seen it, or the agents that started a container tell."""
    found = [i for (resource, _), i in seen.items() if resource == guest.id]
    if guest.guest is None:
        found = [v.instances[guest.id] for _, v in sorted(known.views.items()) if guest.id in v.instances]
    return [instance for instance in found if instance.role is not Role.STOPPED]


def _host_status(known: Knowledge, name: NodeName) -> NodeStatus | None:
    """Return a host's status; None while nothing was heard of it at all."""
    host = known.intent.hosts[name]
    view = known.views.get(name)
    needs_adoption = is_stranger(known.intent, known.history, name)
    readable = frozenset(t for h, t in known.hypervisors.readable if h == name)
    heard = frozenset(t for h, t in known.hypervisors.heard if h == name)
    if host.agent is None:
        if not heard:
            return None
        state = NodeState.ONLINE if readable else NodeState.UNKNOWN
        return NodeStatus(
            name=name,
            kind=host.kind,
            state=state,
            hypervisors=readable,
            text=_errors(known, name),
            is_known=True,
        )
    failure = known.history.connections.get(name)
    if view is None and failure is None and not heard and not needs_adoption:
        return None
    base = NodeStatus(
        name=name,
        kind=host.kind,
        state=NodeState.UNKNOWN,
        reason=failure.reason if failure else None,
        text=failure.text if failure else _errors(known, name),
        hypervisors=readable,
        needs_adoption=needs_adoption,
    )
    if view is None:
        return base
    if view.is_connected:
        return _online(base, view, _errors(known, name))
    return replace(
        base,
        state=_host_state(view),
        reason=view.reason or base.reason,
        text=view.text or base.text,
        is_known=view.is_known,
    )


def is_stranger(intent: Intent, history: History, node: NodeName) -> bool:
    """Tell whether a machine's stock agent may be another cluster's: no operator gave it to us."""
    host = intent.hosts.get(node)
    is_stock = host is not None and host.agent is not None and host.agent.flavor is AgentFlavor.STOCK
    return is_stock and node not in history.adopted


def _host_state(view: NodeView) -> NodeState:
    if view.has_left:
        return NodeState.OFFLINE
    return NodeState.UNCLEAN if view.is_known else NodeState.UNKNOWN


def _errors(known: Knowledge, host: NodeName) -> str:
    found = {f"{t.value}: {text}" for (h, t), text in known.hypervisors.errors.items() if h == host}
    return "; ".join(sorted(found))


def _guest_node_status(
    known: Knowledge, node: NodeName, guest: Resource, active: list[Instance]
) -> NodeStatus | None:
    """Return a guest node's status; None while its guest runs and its agent was never asked."""
    view = known.views.get(node)
    failure = known.history.connections.get(node)
    base = NodeStatus(
        name=node,
        kind=NodeKind.GUEST,
        state=NodeState.OFFLINE,
        reason=failure.reason if failure else None,
        text=failure.text if failure else "",
    )
    if not active:
        return replace(base, is_known=True) if _is_known_stopped(known, guest) else None
    if view is None:
        needs_adoption = guest.remote_node is not None and guest.remote_node.agent.flavor is AgentFlavor.STOCK
        return replace(base, state=NodeState.UNKNOWN, needs_adoption=needs_adoption)
    if view.is_connected:
        return _online(base, view, "")
    if view.has_left:
        reason, text = view.reason or base.reason, view.text or base.text
        return replace(base, reason=reason, text=text, is_known=view.is_known)
    reason = view.reason or base.reason
    return replace(
        base, state=NodeState.PENDING, reason=reason, text=view.text or base.text, is_known=view.is_known
    )


def _online(status: NodeStatus, view: NodeView, text: str) -> NodeStatus:
    """Return the status of a node whose agent is connected."""
    return replace(
        status,
        state=NodeState.ONLINE,
        reason=None,
        text=_LEAVING if view.is_leaving else text,
        is_known=view.is_known,
        is_leaving=view.is_leaving,
        key_epoch=view.key_epoch,
        address=view.address,
    )


def _is_known_stopped(known: Knowledge, guest: Resource) -> bool:
    """Tell whether a guest that is active nowhere was looked for, or every hypervisor that could run it answers.

    What a resource agent runs, such as a container, was asked for on every host that may have it.
    """
    if guest.guest is None:
        only = {c.node for c in known.intent.locations if _is_limit(c, guest)}
        able = {h.name for h in known.intent.hosts.values() if h.agent is not None}
        views = [known.views.get(host) for host in sorted(able & only if only else able)]
        return all(v is not None and v.is_connected and guest.id in v.instances for v in views)
    if any(r == guest.id for r, _ in known.hypervisors.facts):
        return True
    kind = guest.guest.type
    hypervisors = {(h, kind) for h in known.intent.hosts if kind in types_of(known.intent, h)}
    return bool(hypervisors) and hypervisors <= known.hypervisors.readable


def _is_limit(location: Location, guest: Resource) -> bool:
    return location.resource == guest.id and location.discovery is Discovery.EXCLUSIVE


def _connection_failure(known: Knowledge, node: NodeName, status: NodeStatus | None) -> Failure | None:
    """Return the failure of a guest whose agent stayed away; an agent that cannot be trusted is none."""
    failure = known.history.connections.get(node)
    if failure is None or not failure.reason.is_failure or (status and status.state is NodeState.ONLINE):
        return None
    return Failure(operation="connect", rc=1, text=failure.text)


def is_same(
    left: Observed, right: Observed, masked: frozenset[tuple[ResourceId | None, NodeName | None]]
) -> bool:
    """Tell whether two snapshots say the same, leaving out what actions in flight are about to change.

    Args:
        left: one snapshot.
        right: the other.
        masked: (resource, None) leaves out a resource everywhere, (None, node) a node with all on it.
    """
    resources = {r for r, _ in masked if r is not None}
    places = {n for _, n in masked if n is not None}

    def is_seen(key: tuple[ResourceId, NodeName]) -> bool:
        return key[0] not in resources and key[1] not in places

    def nodes_of(observed: Observed) -> dict[NodeName, NodeStatus]:
        return {n: _as_it_counts(status) for n, status in observed.nodes.items() if n not in places}

    def instances_of(observed: Observed) -> dict[tuple[ResourceId, NodeName], Instance]:
        return {k: i for k, i in observed.instances.items() if is_seen(k)}

    return nodes_of(left) == nodes_of(right) and instances_of(left) == instances_of(right)


def _as_it_counts(status: NodeStatus) -> NodeStatus:
    """Return a node's status without the attributes of a node that is not there: nothing is judged by them."""
    return (
        status
        if status.state is NodeState.ONLINE or not status.attributes
        else replace(status, attributes={})
    )


def types_of(known: Intent, host: NodeName) -> tuple[GuestType, ...]:
    """Return the guest types whose hypervisors a host has."""
    declared = known.hosts[host]
    types = set(declared.libvirt)
    if declared.agent is not None and declared.agent.address is None:
        types.add(GuestType.PROCESS)
    return tuple(sorted(types, key=lambda t: t.value))
