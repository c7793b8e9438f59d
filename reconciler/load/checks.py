"""What an intent as a whole must fulfil: hosts that can run the guests, and no wish that contradicts itself."""

from collections.abc import Mapping

from reconciler.load.problems import Problems
from reconciler.load.relations import check_colocations, check_cycles, containers
from reconciler.model.collective import parts_of
from reconciler.model.constraint import Colocation, Discovery, Ordering
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import HOST_OF_CONTAINER, GuestType, Host
from reconciler.model.resource import Resource
from reconciler.model.score import INFINITY
from reconciler.plan.rules import facts_of, holds, is_fixed


def check_intent(intent: Intent, *, is_complete: bool, problems: Problems) -> None:
    """Add what is wrong with the intent as a whole.

    Args:
        intent: all that could be read.
        is_complete: False when documents are broken, so that what is missing is no mistake.
        problems: takes the findings.
    """
    allowed = allowed_nodes(intent)
    _check_local_hosts(intent, problems)
    _check_addresses(intent, problems)
    _check_agents(intent, problems)
    if is_complete:
        for resource in intent.resources.values():
            if resource.guest is not None:
                _check_guest_hosts(intent, resource, allowed[resource.id], problems)
            elif resource.remote_node is None:
                _check_has_agent(intent, resource, allowed[resource.id], problems)
        _check_overrides_hold(intent, problems)
        _check_tickets(intent, problems)
    inside = _only_inside(intent, allowed)
    refused = _check_own_guest(intent, inside, problems)
    check_cycles([o for o in intent.orderings if o.id not in refused], inside, intent.collectives, problems)
    if is_complete:
        check_colocations(intent, [c for c in intent.colocations if c.id not in refused], allowed, problems)


def allowed_nodes(intent: Intent) -> Mapping[ResourceId, frozenset[NodeName]]:
    """Return the nodes that constraints leave to each resource, group and clone; guests have hosts only."""
    hosts = frozenset(intent.hosts)
    everywhere = hosts | {name for name, node in intent.remote_nodes().items() if not node.is_reserved}
    exclusive: dict[ResourceId, set[NodeName]] = {}
    named: dict[ResourceId, set[NodeName]] = {}
    banned: dict[ResourceId, set[NodeName]] = {}
    for location in intent.locations:
        if location.discovery is Discovery.EXCLUSIVE:
            exclusive.setdefault(location.resource, set()).add(location.node)
        named.setdefault(location.resource, set()).add(location.node)
        if location.score <= -INFINITY:
            banned.setdefault(location.resource, set()).add(location.node)
    allowed: dict[ResourceId, frozenset[NodeName]] = {}
    around = containers(intent.collectives)
    for name in (*intent.resources, *intent.collectives):
        resource = intent.resources.get(name)
        is_guest = resource is not None and (resource.guest is not None or resource.remote_node is not None)
        if resource is not None and resource.only_on:
            allowed[name] = frozenset(resource.only_on)
            continue
        nodes = hosts if is_guest else everywhere
        # What is said of a group or a clone holds for all that it consists of.
        lines = (name, *around.get(name, ()))
        if not intent.cluster.policy.is_symmetric:
            nodes &= frozenset(node for line in lines for node in named.get(line, ()))
        for line in lines:
            nodes = nodes & frozenset(exclusive.get(line, everywhere)) - banned.get(line, set())
        allowed[name] = nodes
    return allowed


def _check_tickets(intent: Intent, problems: Problems) -> None:
    """Warn of tickets for promotion on what is never promoted."""
    promotable = intent.promotable()
    for need in intent.tickets:
        found = intent.collectives.get(need.resource)
        parts = (need.resource,) if found is None else (need.resource, *parts_of(found))
        if need.role is not None and promotable.isdisjoint(parts):
            text = f"{need.resource} is never promoted, and so needs no ticket for it"
            problems.warn(need.where, "no-effect", text, "add clone: {promotable: {}}, or remove role:")


def _check_overrides_hold(intent: Intent, problems: Problems) -> None:
    """Warn of parameters for nodes that there are none of, as a mistyped label makes them."""
    nodes = facts_of(intent, {}, 0.0).values()
    for override in intent.overrides:
        if is_fixed(override.when) and not any(holds(override.when, facts) for facts in nodes):
            text = f"no node is as this override of {override.resource} asks, so that it changes nothing"
            hint = "compare it with the labels and names of nodes"
            problems.warn(override.where, "holds-nowhere", text, hint)


def _check_local_hosts(intent: Intent, problems: Problems) -> None:
    local = [host for host in intent.hosts.values() if _is_local(host)]
    for host in local[1:]:
        where = host.fields.get("spec.agent", host.where)
        hint = f"{local[0].name} is that machine already; write agent: {{address: ...}}"
        problems.add(where, "two-local-hosts", "only one host can be the controller's own machine", hint)


def _check_addresses(intent: Intent, problems: Problems) -> None:
    places: list[tuple[str, int, NodeName, Where]] = []
    for host in intent.hosts.values():
        if host.agent is not None and host.agent.address is not None:
            fields = ("spec.agent.port", "spec.agent", "spec.port", "spec.address")
            where = next((host.fields[f] for f in fields if f in host.fields), host.where)
            places.append((host.agent.address.lower(), host.agent.port, host.name, where))
    for resource in intent.resources.values():
        remote = resource.remote_node
        if remote is not None and remote.agent.address not in {None, HOST_OF_CONTAINER}:
            where = resource.at("spec", "remoteNode", "port")
            places.append((remote.agent.address.lower(), remote.agent.port, remote.name, where))
    seen: dict[tuple[str, int], NodeName] = {}
    for address, port, name, where in places:
        other = seen.setdefault((address, port), name)
        if other != name:
            text = f"the agent of {name} has the address and port of {other}, {address}:{port}"
            problems.add(where, "same-address", text, "give each node another address or port")


def _check_agents(intent: Intent, problems: Problems) -> None:
    """Warn of OCF resource agents by path, as CIBs of old have them: they are looked for by name only."""
    for resource in intent.resources.values():
        agent = resource.agent
        if agent.standard == "ocf" and "/" in agent.type:
            text = f"no node finds {agent}: resource agents of ocf are files in the folder of their provider"
            name = f"ocf:{agent.provider}:{agent.type.rpartition('/')[2]}"
            problems.warn(
                resource.at("spec", "agent"), "found-nowhere", text, f"put it there, and write {name}"
            )


def _check_guest_hosts(
    intent: Intent, resource: Resource, allowed: frozenset[NodeName], problems: Problems
) -> None:
    assert resource.guest is not None, "only guests need a hypervisor"
    guest_type = resource.guest.type
    where = resource.at("spec", "placement", "on")
    hosts = [intent.hosts[name] for name in sorted(allowed)]
    if guest_type is GuestType.PROCESS:
        _check_process_hosts(intent, resource, problems)
        if not any(_is_local(host) for host in hosts):
            hint = "write agent: local for the host that is this machine"
            text = f"{resource.id} has no host: type process runs on the controller's own machine only"
            problems.add(where if "spec.placement.on" in resource.fields else resource.at("spec", "type"),
                         "no-host", text, hint)  # fmt: skip
        return
    if not any(guest_type in host.libvirt for host in hosts):
        text = f"no host that {resource.id} may run on has a libvirt URI for type {guest_type.value}"
        hint = f"add libvirt: {{{guest_type.value}: URI}} to a host"
        if "spec.placement.on" not in resource.fields:
            where = resource.at("spec", "type")
        problems.add(where, "no-host", text, hint)


def _check_process_hosts(intent: Intent, resource: Resource, problems: Problems) -> None:
    for location in intent.locations:
        if location.resource != resource.id or location.discovery is not Discovery.EXCLUSIVE:
            continue
        if not _is_local(intent.hosts[location.node]):
            text = (
                f"{location.node} is not the controller's own machine, and {resource.id} is of type process"
            )
            problems.add(location.where, "not-local", text, "name the host with agent: local")


def _check_has_agent(
    intent: Intent, resource: Resource, allowed: frozenset[NodeName], problems: Problems
) -> None:
    if "spec.placement.on" not in resource.fields or not allowed:
        return
    if all(name in intent.hosts and intent.hosts[name].agent is None for name in allowed):
        text = f"none of the hosts that {resource.id} may run on has an agent"
        hint = "add agent: to a host, or name nodes that have one"
        problems.add(resource.at("spec", "placement", "on"), "no-agent", text, hint)


def _only_inside(
    intent: Intent, allowed: Mapping[ResourceId, frozenset[NodeName]]
) -> dict[ResourceId, ResourceId]:
    """Return the guest of each resource that can run in one guest only."""
    guests = intent.guest_nodes()
    inside = {}
    for resource in intent.resources.values():
        nodes = allowed[resource.id]
        if len(nodes) == 1 and (guest := guests.get(next(iter(nodes)))) is not None:
            inside[resource.id] = guest.id
    return inside


def _check_own_guest(
    intent: Intent, inside: Mapping[ResourceId, ResourceId], problems: Problems
) -> frozenset[str]:
    """Refuse constraints between a guest and what can run in it only; returns their ids."""
    refused = set()
    constraints: list[tuple[Ordering | Colocation, ResourceId, ResourceId]] = []
    constraints += [(o, o.first, o.then) for o in intent.orderings]
    constraints += [(c, c.primary, c.dependent) for c in intent.colocations]
    for constraint, one, other in constraints:
        if inside.get(other) != one and inside.get(one) != other:
            continue
        guest, resource = (one, other) if inside.get(other) == one else (other, one)
        text, hint = f"{resource} can run in the guest {guest} only, and is not placed beside it", "remove it"
        if isinstance(constraint, Ordering) and constraint.first == guest:
            text = f"{resource} can run in the guest {guest} only"
            hint = "remove it: the guest is started before, and stopped after, what runs in it"
        elif isinstance(constraint, Ordering):
            text = f"{guest} can't wait for {resource}, which can run in this guest only"
        problems.add(constraint.where, "own-guest", text, hint)
        refused.add(constraint.id)
    return frozenset(refused)


def _is_local(host: Host) -> bool:
    return host.agent is not None and host.agent.address is None
