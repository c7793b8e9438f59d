"""Assigns every resource to a node, or to none.

Order: what becomes a node comes first, so that there are nodes to place on; then by priority, then by rank. Before
a resource is assigned, the primaries that it is colocated with are. What runs on a node with the best score stays
there if that score is above 0; otherwise the node with fewer resources wins, then the one where it runs, then the
name: the same inputs give the same places.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.constraint import Colocation
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HostState, NodeState
from reconciler.model.resource import OnFail, Resource, Role
from reconciler.model.score import INFINITY
from reconciler.plan.place.colocation import Wishes, add_dependents, all_wishes, follow_primary
from reconciler.plan.place.scores import Scores, ban_of
from reconciler.plan.situation import Situation, hypervisor_type, is_serving
from reconciler.plan.whereabouts import unheard_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where each resource is to run."""

    nodes: Mapping[ResourceId, NodeName | None]
    """None: nowhere, by declaration or because no node will do."""
    obstacles: Mapping[ResourceId, str]
    """For those that should run and find no node: why, in a sentence."""


@dataclass(slots=True)
class _Assignment:
    """The state of one pass over the resources."""

    situation: Situation
    wishes: Wishes
    nodes: dict[ResourceId, NodeName | None] = field(default_factory=dict)
    obstacles: dict[ResourceId, str] = field(default_factory=dict)
    load: Counter[NodeName] = field(default_factory=Counter)
    begun: set[ResourceId] = field(default_factory=set)


def place(situation: Situation) -> Placement:
    """Assign all resources of a situation."""
    assignment = _Assignment(situation, all_wishes(situation))
    ordered = sorted(situation.intent.resources.values(), key=lambda r: (-r.priority, r.rank, r.id))
    for resource in [r for r in ordered if r.remote_node] + [r for r in ordered if not r.remote_node]:
        _assign(assignment, resource)
    for resource_id in situation.resources:
        assignment.nodes.setdefault(resource_id, None)
    return Placement(nodes=assignment.nodes, obstacles=assignment.obstacles)


def _assign(assignment: _Assignment, resource: Resource) -> None:
    """Assign a resource after its primaries; a circle of colocations is cut where it closes."""
    if resource.id in assignment.nodes or resource.id in assignment.begun:
        return
    assignment.begun.add(resource.id)
    obstacles = {
        node: text
        for node in assignment.wishes.scores.get(resource.id, ())
        if (text := _unavailable(assignment, resource, node))
    }
    for colocation in assignment.wishes.primaries.get(resource.id, ()):
        primary = assignment.situation.intent.resources.get(colocation.primary)
        if primary is not None:
            _assign(assignment, primary)
        if colocation.primary in assignment.nodes and not _is_free_of(assignment, resource, colocation):
            node = assignment.nodes[colocation.primary]
            follow_primary(assignment.wishes, colocation, node, frozenset(obstacles))
    add_dependents(assignment.wishes, resource.id, frozenset(assignment.nodes), frozenset(obstacles))
    node, obstacle = _choose(assignment, resource, obstacles)
    assignment.nodes[resource.id] = node
    if node is not None:
        assignment.load[node] += 1
    if obstacle:
        assignment.obstacles[resource.id] = obstacle


def _is_free_of(assignment: _Assignment, resource: Resource, colocation: Colocation) -> bool:
    """Tell whether a colocation is disregarded: what runs stays where it is until the primary's place is known."""
    return bool(assignment.situation.active(resource.id)) and _is_lost(assignment, colocation.primary)


def _has_lost_neighbour(assignment: _Assignment, resource: Resource) -> bool:
    """Tell whether something colocated may be anywhere: nothing moves towards, or away from, what nobody has seen."""
    wishes = assignment.wishes
    names = [c.dependent for c in wishes.dependents.get(resource.id, ())]
    names += [c.primary for c in wishes.primaries.get(resource.id, ())]
    return any(_is_lost(assignment, name) for name in names)


def _is_lost(assignment: _Assignment, name: ResourceId) -> bool:
    """Tell whether something should run, and nobody knows whether and where it does."""
    situation = assignment.situation
    resource = situation.intent.resources.get(name)
    if resource is None or resource.state is Role.STOPPED or situation.active(name):
        return False
    return unheard_of(situation, resource) is not None


def _choose(
    assignment: _Assignment, resource: Resource, obstacles: Mapping[NodeName, str]
) -> tuple[NodeName | None, str]:
    """Return the node for a resource, or None and, if it should run, why there is none."""
    situation = assignment.situation
    if not resource.is_managed:
        active = situation.active(resource.id)
        return (active[0].node if active else None), ""
    if resource.state is Role.STOPPED:
        return None, ""
    pinned = _pinned_to(situation, resource)
    if pinned is not None:
        return pinned, ""
    stopping = _stopped_by_failure(situation, resource)
    if stopping is not None:
        return None, stopping
    scores = assignment.wishes.scores[resource.id]
    usable = {node: score for node, score in scores.items() if score >= 0 and node not in obstacles}
    if not usable:
        return None, _explain_none(assignment, resource, scores, obstacles)
    current = {i.node for i in situation.active(resource.id)}
    best = min(usable, key=lambda n: (-usable[n], assignment.load[n], n not in current, n))
    if len(current) == 1:
        (here,) = current
        is_as_good = usable[best] > 0 and usable.get(here) == usable[best]
        if is_as_good or (here in usable and _has_lost_neighbour(assignment, resource)):
            best = here
    return best, ""


def _stopped_by_failure(situation: Situation, resource: Resource) -> str | None:
    """Return why a resource is to stay stopped: an operation failed whose on-fail says so; None if it is not."""
    for instance in situation.instances.get(resource.id, ()):
        failure = instance.failure
        if failure is not None:
            on_fail = resource.operation(failure.operation, failure.interval_ms).on_fail
            if on_fail is OnFail.STOP:
                return f"{failure.operation} failed on {instance.node}: {failure.text}; onFail is stop"
    return None


def _pinned_to(situation: Situation, resource: Resource) -> NodeName | None:
    """Return the node of a resource that must not be moved now.

    Its node is in maintenance, or out of reach and not known dead: it cannot be stopped there.
    """
    active = situation.active(resource.id)
    if len(active) != 1:
        return None
    node = active[0].node
    host = situation.intent.hosts.get(node)
    if host is not None and host.state is HostState.MAINTENANCE:
        return node
    status = situation.node(node)
    if resource.guest is not None:
        is_readable = status is not None and resource.guest.type in status.hypervisors
        return None if is_readable else node
    if status is None or status.state is NodeState.OFFLINE or situation.is_online(node):
        return None
    return node


def _unavailable(assignment: _Assignment, resource: Resource, node: NodeName) -> str | None:
    """Return why a node cannot take a resource now, whatever its score; None when it can."""
    situation = assignment.situation
    host = situation.intent.hosts.get(node)
    if host is not None:
        if not is_serving(host):
            return f"{node} is in {host.state.value}"
        if resource.guest is not None:
            return _hypervisor_obstacle(situation, resource, node)
        return None if situation.is_online(node) else _link_obstacle(situation, node)
    guest = situation.guests[node]
    if assignment.nodes.get(guest.id) is None:
        return f"{node} is not there: its guest {guest.id} does not run"
    if situation.is_online(node):
        return None
    failure = situation.history.connections.get(node)
    if failure is not None and failure.reason.is_authentication:
        return f"{node} cannot be trusted ({failure.reason.value}): {failure.text}"
    return None


def _hypervisor_obstacle(situation: Situation, resource: Resource, node: NodeName) -> str | None:
    host = situation.intent.hosts[node]
    guest_type = hypervisor_type(host, resource)
    status = situation.node(node)
    if status is None or guest_type not in status.hypervisors:
        return f"{node}'s hypervisor cannot be reached" + (
            f": {status.text}" if status and status.text else ""
        )
    return None


def _link_obstacle(situation: Situation, node: NodeName) -> str:
    failure = situation.history.connections.get(node)
    if failure is not None:
        return f"{node}'s agent is not connected ({failure.reason.value}): {failure.text}"
    return f"{node}'s agent is not connected yet"


def _explain_none(
    assignment: _Assignment, resource: Resource, scores: Scores, obstacles: Mapping[NodeName, str]
) -> str:
    """Say in one sentence why no node will do."""
    if not scores:
        kind = f"a {resource.guest.type.value} guest" if resource.guest else "it"
        return f"no host can run {kind} by its declaration"
    bans = [text for node in scores if (text := ban_of(assignment.situation, resource, node))]
    allowed = [text for node, text in obstacles.items() if scores[node] > -INFINITY]
    unplaced = [
        c.primary
        for c in assignment.wishes.primaries.get(resource.id, ())
        if c.score >= INFINITY and assignment.nodes.get(c.primary) is None
    ]
    if unplaced:
        return f"it must run with {unplaced[0]}, which runs nowhere"
    parts = sorted({*bans, *allowed})
    return "; ".join(parts) if parts else "its constraints leave no node"
