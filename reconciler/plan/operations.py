"""Turns decisions into actions, without their order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.model.constraint import Discovery, Location
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HostState, NodeState
from reconciler.model.resource import Resource
from reconciler.model.transition import Action, ActionKind, Reason
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.guests import Connections
from reconciler.plan.index import grouped
from reconciler.plan.monitors import add_monitors
from reconciler.plan.parameters import metadata_of
from reconciler.plan.place.scores import possible_nodes
from reconciler.plan.role_changes import add_role_changes
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps, action_id, resource_action
from reconciler.plan.unfencing import add_unfencing

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
                is_forced=node in links.revoked,
            )
        )
    coming = _coming(situation, decisions)
    _add_fences(situation, steps)
    _add_releases(situation, decisions, steps)
    for resource_id, decision in decisions.items():
        if decision.demotes or decision.promotes:
            add_role_changes(situation, steps, decision)
        if decision.stops:
            _add_disconnect(situation, steps, decision)
            _add_stops(situation, steps, decision)
        if len(situation.instances.get(resource_id, ())) > 1:
            _add_clearing(situation, steps, decision)
        if decision.starts:
            _add_start(situation, steps, decision)
        if decision.is_reloaded:
            _add_reload(situation, steps, decision)
        if decision.migrates:
            _add_migration(situation, steps, decision)
        if decision.resource.guest is None:
            add_monitors(situation, steps, decision, coming)
    if situation.intent.cluster.policy.searches_first:
        _add_probes(situation, decisions, steps, links)
    add_unfencing(situation, steps)
    return steps


def _coming(situation: Situation, decisions: Decisions) -> set[NodeName]:
    """Return the nodes that are not fenced, and whose connection starts."""
    found = situation.guests.keys() - situation.fences.keys()
    return {n for n in found if (c := situation.connection(n)) is not None and decisions[c.id].starts}


def _add_fences(situation: Situation, steps: Steps) -> None:
    """Fence what must be."""
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


def _add_releases(situation: Situation, decisions: Decisions, steps: Steps) -> None:
    """Let go what asked to leave, unless something is held there that would have to stop before."""
    held = {i.node for d in decisions.values() if d.active and d.fate is Fate.HOLD for i in d.active}
    for status in situation.observed.nodes.values():
        guest = situation.guests.get(status.name)
        stays = guest is not None and not decisions[guest.id].stops
        is_there = status.state is NodeState.ONLINE and (status.name in situation.intent.hosts or stays)
        if status.is_leaving and is_there and status.name not in held:
            name = action_id(ActionKind.RELEASE, status.name, status.name)
            steps.add(Action(id=name, kind=ActionKind.RELEASE, node=status.name))


def _add_disconnect(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Take leave of a guest's agent before the guest stops."""
    remote = decision.resource.remote_node
    if remote is None or decision.resource.agent.is_connection:
        return
    if situation.is_online(remote.name):
        name = action_id(ActionKind.DISCONNECT, remote.name, remote.name)
        steps.add(Action(id=name, kind=ActionKind.DISCONNECT, node=remote.name))


def _add_stops(situation: Situation, steps: Steps, decision: Decision) -> None:
    for instance in decision.active:
        status = situation.node(instance.node)
        if status is None or instance.node in decision.ends_with:
            continue
        uses = instance.started_as or situation.index.start_parameters(decision.resource, instance.node)
        kind = ActionKind.STOP
        stop = resource_action(kind, decision.resource, instance.node, uses, decision.reasons)
        steps.add(replace(stop, is_forced=True) if decision.is_forced else stop)


def _add_clearing(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Stop what a live migration has left behind."""
    for instance in situation.leftovers(decision.resource.id):
        if situation.is_online(instance.node):
            uses = instance.started_as or situation.index.start_parameters(decision.resource, instance.node)
            steps.add(resource_action(ActionKind.STOP, decision.resource, instance.node, uses))


def _add_start(situation: Situation, steps: Steps, decision: Decision) -> None:
    resource, target = decision.resource, decision.target
    assert target is not None
    uses = situation.index.start_parameters(resource, target)
    steps.add(resource_action(ActionKind.START, resource, target, uses, decision.reasons))


def _add_reload(situation: Situation, steps: Steps, decision: Decision) -> None:
    if decision.reloads:
        for instance in decision.active:
            uses = situation.index.start_parameters(decision.resource, instance.node)
            kind, metadata = ActionKind.RELOAD, metadata_of(situation.observed, instance.node, uses.agent)
            action = resource_action(kind, decision.resource, instance.node, uses, decision.reasons)
            steps.add(replace(action, operation=metadata.reload) if metadata is not None else action)


def _add_migration(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Move something live: the old node hands over, the new one takes over, the old one is cleared."""
    (instance,) = decision.active
    assert decision.target is not None
    resource, reasons, index = decision.resource, decision.reasons, situation.index
    here = instance.started_as or index.start_parameters(resource, instance.node)
    there = index.start_parameters(resource, decision.target)
    if not decision.is_handed_over:
        action = resource_action(ActionKind.MIGRATE_TO, resource, instance.node, here, reasons)
        steps.add(replace(action, peer=decision.target))
    action = resource_action(ActionKind.MIGRATE_FROM, resource, decision.target, there, reasons)
    steps.add(replace(action, peer=instance.node))
    steps.add(resource_action(ActionKind.STOP, resource, instance.node, here, reasons))


def _add_probes(situation: Situation, decisions: Decisions, steps: Steps, links: Connections) -> None:
    """Ask on every node that may run a resource, was not asked, and stays, whether it runs there already."""
    started = {a.subject for a in steps.of(ActionKind.START)}
    stopped = {a.subject for a in steps.of(ActionKind.STOP)} - started
    leaving = {
        node
        for node, guest in situation.guests.items()
        if (guest.id in stopped and not (guest.agent.is_connection and guest.container is None))
        or (guest.agent.is_connection and _ends(decisions, guest.container))
    }
    nodes = {*situation.intent.hosts, *situation.guests} - leaving
    askable = {node for node in nodes if _can_probe(situation, node, links, started)}
    fresh = {n for n, guest in situation.guests.items() if guest.guest is not None and guest.id in started}
    known = situation.observed.instances
    wholes = _wholes(situation)
    for instances in _kin(situation):
        resource = instances[0]
        name = resource.known_as
        locations = _locations_of(situation, resource, wholes)
        allowed = {c.node for c in locations if c.discovery is Discovery.EXCLUSIVE}
        never = {c.node for c in locations if c.discovery is Discovery.NEVER} - allowed
        there = {decisions[r.id].target: r for r in reversed(instances)}
        if _awaits_container(situation, resource, started):
            continue
        # Of what is in a bundle each instance has a node of its own.
        own = [node for one in instances for node in one.only_on]
        for node in own or possible_nodes(situation, resource):
            is_told = node not in askable or node in never or (bool(allowed) and node not in allowed)
            if not is_told and (node in fresh or (name, node) not in known):
                # Of a clone: the instance that is to run there, else the first (Pacemaker probe_anonymous_clone).
                asked = there.get(node, resource)
                uses = situation.index.start_parameters(asked, node)
                steps.add(resource_action(ActionKind.PROBE, asked, node, uses))


def _ends(decisions: Decisions, container: ResourceId | None) -> bool:
    """Tell whether a guest is stopped for good, moves, or has failed and stops: it is not asked what is in it.

    Source: Pacemaker lib/pacemaker/pcmk_sched_probes.c, guest_resource_will_stop.
    """
    launcher = decisions.get(container) if container is not None else None
    return (
        launcher is not None and launcher.stops and (launcher.fate is not Fate.RESTART or launcher.is_failed)
    )


def _awaits_container(situation: Situation, resource: Resource, started: set[ResourceId | None]) -> bool:
    """Tell whether a connection to a bundle's node is not asked for yet: its container does not run, nor starts.

    Source: Pacemaker lib/pacemaker/pcmk_sched_bundle.c, create_replica_probes.
    """
    remote, container = resource.remote_node, resource.container
    if remote is None or container is None or not remote.is_reserved:
        return False
    return container not in started and not situation.active(container)


def _wholes(situation: Situation) -> Mapping[ResourceId, Sequence[ResourceId]]:
    """Return the groups and clones that each resource is a part of."""
    wholes = (*situation.groups, *situation.clones)
    return grouped((leaf, whole) for whole in wholes for leaf in situation.leaves(whole))


def _locations_of(
    situation: Situation, resource: Resource, wholes: Mapping[ResourceId, Sequence[ResourceId]]
) -> tuple[Location, ...]:
    """Return the location constraints on a resource, and on the group and the clone that it is a part of."""
    names, locations = (resource.id, *wholes.get(resource.id, ())), situation.index.locations
    return tuple(location for name in names for location in locations.get(name, ()))


def _kin(situation: Situation) -> list[list[Resource]]:
    """Return what can be probed, with all instances that nodes know by one name together."""
    found: dict[ResourceId, list[Resource]] = {}
    for resource in situation.resources.values():
        is_inside = resource.container is not None and not resource.agent.is_connection
        is_probed = resource.named is None and not is_inside and not situation.is_removed(resource.id)
        if resource.guest is None and is_probed:
            found.setdefault(resource.known_as, []).append(resource)
    return list(found.values())


def _can_probe(
    situation: Situation, node: NodeName, links: Connections, started: set[ResourceId | None]
) -> bool:
    """Tell whether a node can be asked in this transition: it is there and known, or it begins anew."""
    if situation.state_of(node) is HostState.MAINTENANCE:
        return False
    guest = situation.guests.get(node)
    if guest is not None and guest.remote_node is not None and not guest.remote_node.is_searched:
        return False
    if guest is not None and guest.agent.is_connection:
        launcher = situation.launcher(node)
        # A guest that does not run yet holds nothing when it comes up.
        is_fresh = launcher is not None and not situation.active(launcher.id)
        is_coming = guest.id in started and not is_fresh
        return node not in situation.fences and (situation.is_online(node) or is_coming)
    if guest is not None and guest.id in started:
        return node in links.now
    status = situation.node(node)
    return status is not None and status.is_known and (situation.is_online(node) or node in links.now)
