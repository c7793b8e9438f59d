"""Turns decisions into actions, without their order."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.constraint import Discovery, Location
from reconciler.model.digest import start_parameters
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HostState, NodeState
from reconciler.model.resource import Resource
from reconciler.model.transition import Action, ActionKind, Reason
from reconciler.plan.decision import Decision
from reconciler.plan.guests import Connections
from reconciler.plan.monitors import add_monitors
from reconciler.plan.place.scores import locations_by_resource, possible_nodes
from reconciler.plan.role_changes import add_role_changes
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps, action_id, resource_action

Decisions = Mapping[ResourceId, Decision]


def create_steps(situation: Situation, decisions: Decisions, links: Connections) -> Steps:
    """Return the actions for all decisions and connections."""
    steps = Steps()
    for node, timeout_ms in sorted(links.now.items()):
        steps.add(
            Action(
                id=action_id(ActionKind.CONNECT, node, node),
                kind=ActionKind.CONNECT,
                node=node,
                timeout_ms=timeout_ms,
            )
        )
    _add_fences(situation, steps)
    for decision in decisions.values():
        _add_disconnect(situation, steps, decision)
        add_role_changes(situation, steps, decision)
        _add_stops(situation, steps, decision)
        _add_clearing(situation, steps, decision)
        _add_start(steps, decision)
        _add_migration(steps, decision)
        add_monitors(situation, steps, decision)
    _add_probes(situation, decisions, steps, links)
    return steps


def _add_fences(situation: Situation, steps: Steps) -> None:
    """Fence what must be, and let go what asked to leave."""
    policy = situation.intent.cluster.policy
    for node, why in sorted(situation.fences.items()):
        if situation.launcher(node) is not None:
            continue
        steps.add(
            Action(
                id=action_id(ActionKind.FENCE, node, node),
                kind=ActionKind.FENCE,
                node=node,
                timeout_ms=policy.fence_timeout_ms,
                fencing=policy.fence_action,
                reasons=(Reason("unclean", why),),
            )
        )
    for status in situation.observed.nodes.values():
        if status.is_leaving and status.state is NodeState.ONLINE and status.name in situation.intent.hosts:
            name = action_id(ActionKind.RELEASE, status.name, status.name)
            steps.add(Action(id=name, kind=ActionKind.RELEASE, node=status.name))


def _add_disconnect(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Take leave of a guest's agent before the guest stops."""
    remote = decision.resource.remote_node
    if remote is None or decision.resource.agent.is_connection:
        return
    if decision.stops and situation.is_online(remote.name):
        name = action_id(ActionKind.DISCONNECT, remote.name, remote.name)
        steps.add(Action(id=name, kind=ActionKind.DISCONNECT, node=remote.name))


def _add_stops(situation: Situation, steps: Steps, decision: Decision) -> None:
    if not decision.stops:
        return
    for instance in decision.active:
        status = situation.node(instance.node)
        if status is None or instance.node in decision.ends_with:
            continue
        uses = instance.started_as or start_parameters(decision.resource)
        kind = ActionKind.STOP
        stop = resource_action(kind, decision.resource, instance.node, uses, decision.reasons)
        steps.add(replace(stop, is_forced=decision.is_forced))


def _add_clearing(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Stop what a live migration has left behind."""
    active = situation.active(decision.resource.id)
    places = {i.node for i in active}
    for instance in active:
        if instance.migrated_to in places and situation.is_online(instance.node):
            uses = instance.started_as or start_parameters(decision.resource)
            steps.add(resource_action(ActionKind.STOP, decision.resource, instance.node, uses))


def _add_start(steps: Steps, decision: Decision) -> None:
    if decision.starts:
        assert decision.target is not None
        uses = start_parameters(decision.resource)
        steps.add(
            resource_action(ActionKind.START, decision.resource, decision.target, uses, decision.reasons)
        )


def _add_migration(steps: Steps, decision: Decision) -> None:
    """Move something live: the old node hands over, the new one takes over, the old one is cleared."""
    if not decision.migrates:
        return
    (instance,) = decision.active
    assert decision.target is not None
    uses = instance.started_as or start_parameters(decision.resource)
    for kind, node, peer in (
        (ActionKind.MIGRATE_TO, instance.node, decision.target),
        (ActionKind.MIGRATE_FROM, decision.target, instance.node),
    ):
        action = resource_action(kind, decision.resource, node, uses, decision.reasons)
        steps.add(replace(action, peer=peer))
    steps.add(resource_action(ActionKind.STOP, decision.resource, instance.node, uses, decision.reasons))


def _add_probes(situation: Situation, decisions: Decisions, steps: Steps, links: Connections) -> None:
    """Ask on every node that may run a resource, was not asked, and stays, whether it runs there already."""
    grouped = locations_by_resource(situation)
    started = {a.subject for a in steps.of(ActionKind.START)}
    stopped = {a.subject for a in steps.of(ActionKind.STOP)} - started
    leaving = {
        node
        for node, guest in situation.guests.items()
        if guest.id in stopped and not (guest.agent.is_connection and guest.container is None)
    }
    for instances in _kin(situation):
        resource = instances[0]
        locations = _locations_of(situation, grouped, resource)
        never = {c.node for c in locations if c.discovery is Discovery.NEVER}
        allowed = {c.node for c in locations if c.discovery is Discovery.EXCLUSIVE}
        for node in possible_nodes(situation, resource):
            is_told = node in leaving or node in never or (bool(allowed) and node not in allowed)
            if is_told or not _can_probe(situation, node, links, started):
                continue
            guest = situation.guests.get(node)
            is_fresh = guest is not None and guest.guest is not None and guest.id in started
            if is_fresh or situation.instance(resource.id, node) is None:
                asked = _asked_on(decisions, instances, node)
                steps.add(resource_action(ActionKind.PROBE, asked, node, start_parameters(asked)))


def _locations_of(
    situation: Situation, grouped: Mapping[ResourceId, tuple[Location, ...]], resource: Resource
) -> tuple[Location, ...]:
    """Return the location constraints on a resource, and on the clone that it is an instance of."""
    whole = next((c for c in situation.clones if resource.id in situation.leaves(c)), None)
    return (*grouped.get(resource.id, ()), *(grouped.get(whole, ()) if whole is not None else ()))


def _kin(situation: Situation) -> list[list[Resource]]:
    """Return what can be probed, with all instances that nodes know by one name together."""
    found: dict[ResourceId, list[Resource]] = {}
    for resource in situation.resources.values():
        is_inside = resource.container is not None and not resource.agent.is_connection
        if resource.guest is None and not is_inside and not situation.is_removed(resource.id):
            found.setdefault(resource.known_as, []).append(resource)
    return list(found.values())


def _asked_on(decisions: Decisions, instances: list[Resource], node: NodeName) -> Resource:
    """Return the instance that a node is asked for: the one that is to run there, else one that runs nowhere."""
    there = [r for r in instances if decisions[r.id].target == node]
    nowhere = [r for r in instances if decisions[r.id].target is None]
    return (there or nowhere or instances)[0]


def _can_probe(
    situation: Situation, node: NodeName, links: Connections, started: set[ResourceId | None]
) -> bool:
    """Tell whether a node can be asked in this transition: it is there and known, or it begins anew."""
    host = situation.intent.hosts.get(node)
    if host is not None and host.state is HostState.MAINTENANCE:
        return False
    guest = situation.guests.get(node)
    if guest is not None and guest.remote_node is not None and not guest.remote_node.is_searched:
        return False
    if guest is not None and guest.agent.is_connection:
        return node not in situation.fences and (situation.is_online(node) or guest.id in started)
    if guest is not None and guest.id in started:
        return node in links.now
    status = situation.node(node)
    return status is not None and status.is_known and (situation.is_online(node) or node in links.now)
