"""From a CIB to the documents that ask for the same: plain values, which `load/write.py` turns into YAML.

Everything that has another default in Pacemaker than here is written out, and so are ranks, for the order in a CIB
decides ties. What cannot be said is listed, never left out silently. Rules that YAML has no words or no place for are
written as what they say at the time of the CIB.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.collective import Bundle, Clone, Group
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, is_legal_name
from reconciler.model.node import AgentAddress, FencingLevel, Host, HostState, NodeKind
from reconciler.model.resource import Resource
from reconciler.model.rule import NodeOverride, PolicyOverride
from reconciler.pacemaker.document import Unsupported, open_cib
from reconciler.pacemaker.read import CibInput, read_cib
from reconciler.pacemaker.to_yaml_bundles import (
    Bundles,
    bundle_spec,
    content_of,
    own_settings,
    with_wishes_of_bundles,
    without_silent_bundles,
)
from reconciler.pacemaker.to_yaml_cluster import policy_options, written_policy_override
from reconciler.pacemaker.to_yaml_connections import note_connections, without_connections
from reconciler.pacemaker.to_yaml_constraints import Wishes, wishes_of
from reconciler.pacemaker.to_yaml_notes import note_ticket_states, note_what_is_of_now
from reconciler.pacemaker.to_yaml_resources import clone_spec, guest_spec, resource_spec, stock_agent
from reconciler.pacemaker.to_yaml_rules import (
    can_be_said,
    is_sayable,
    node_overrides,
    written_override,
)
from reconciler.pacemaker.to_yaml_values import Losses, Map, amounts, health, is_agent, own_labels, score
from reconciler.plan.rules import in_force, judged, with_nodes_in_force

_API_VERSION = "reconciler/v1alpha1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """The documents that say what a CIB says."""

    given: CibInput
    documents: tuple[Map, ...]
    lost: tuple[Unsupported, ...]
    """What of the CIB they do not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conversion:
    intent: Intent
    wishes: Wishes
    losses: Losses
    makes_guests: bool
    names: frozenset[ResourceId]
    """Of resources, groups and clones that can be declared."""
    bundles: Bundles
    clones: Mapping[ResourceId, Clone] = field(default_factory=dict)
    """By what they are made from; without those in bundles."""


def convert_cib(data: bytes, file: str, now: float, *, makes_guests: bool) -> Converted:
    """Return the documents that ask for what a CIB asks for.

    Args:
        data: the XML.
        file: how messages name it.
        now: epoch seconds at which rules are judged, if the CIB does not say it.
        makes_guests: whether VirtualDomain resources become guests.

    Raises:
        SourceError: it is no CIB.
    """
    given = read_cib(data, file, now)
    losses = Losses(found=list(given.unsupported))
    cib = open_cib(data, file, now)
    note_what_is_of_now(cib, losses)
    note_ticket_states(cib, {need.ticket for need in given.intent.tickets}, losses)
    sayable = without_silent_bundles(without_connections(given.intent), given.bundles, losses)
    bundles = Bundles.of(sayable, given.bundles)
    intent = with_rules_that_can_be_said(sayable, losses, given.now)
    note_connections(given.intent, losses)
    names = _usable_names(intent, bundles, losses)
    conversion = _Conversion(
        intent=intent,
        wishes=wishes_of(with_wishes_of_bundles(intent), names, losses),
        losses=losses,
        makes_guests=makes_guests,
        names=names,
        bundles=bundles,
        clones={c.member: c for c in intent.collectives.values() if isinstance(c, Clone) and c.id in names},
    )
    documents = [_cluster(conversion), *(_host(conversion, host) for host in intent.hosts.values())]
    documents += _groups_and_resources(conversion)
    documents += conversion.wishes.documents
    return Converted(
        given=given,
        documents=tuple(_document(kind, meta, spec) for kind, meta, spec in documents),
        lost=tuple(losses.found),
    )


def with_rules_that_can_be_said(intent: Intent, losses: Losses, now: float) -> Intent:
    """Return an intent in which rules that YAML has no words for are what they come to now."""
    intent = _with_times_that_can_be_said(_with_overrides_that_can_be_said(intent, losses, now), losses, now)
    silent = [rule for rule in intent.location_rules if not can_be_said(rule)]
    for rule in silent:
        text = f"the rule of {rule.id} is written as what it says of these nodes"
        losses.add(rule.where, "rule", text)
    locations = judged(intent, silent, {}, now)
    return replace(
        intent,
        location_rules=tuple(rule for rule in intent.location_rules if rule not in silent),
        locations=(*intent.locations, *locations),
    )


def _with_overrides_that_can_be_said(intent: Intent, losses: Losses, now: float) -> Intent:
    silent = [override for override in intent.overrides if not is_sayable(override.when)]
    if not silent:
        return intent
    for override in silent:
        text = f"the rules of settings of {override.resource} are written as what they say at the time of the CIB"
        losses.add(override.where, "rule", text)
    lost = {override.resource for override in silent}
    now_as = in_force(intent, {}, now)
    return replace(
        intent,
        resources={name: now_as[name] if name in lost else r for name, r in intent.resources.items()},
        overrides=tuple(override for override in intent.overrides if override.resource not in lost),
    )


def _with_times_that_can_be_said(intent: Intent, losses: Losses, now: float) -> Intent:
    """Return an intent in which the cluster and its nodes are as now if YAML has no words for some of their rules."""
    overrides: tuple[PolicyOverride | NodeOverride, ...] = (*intent.policy_overrides, *intent.node_overrides)
    silent = [override for override in overrides if not is_sayable(override.when)]
    if not silent:
        return intent
    for override in silent:
        text = "the rules of the cluster and its nodes are written as what they say at the time of the CIB"
        losses.add(override.where, "rule", text)
    return replace(with_nodes_in_force(intent, now), policy_overrides=(), node_overrides=())


_Written = tuple[str, Map, Map]
"""Kind, metadata and spec of a document."""


def _document(kind: str, metadata: Map, spec: Map) -> Map:
    return {"apiVersion": _API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _usable_names(intent: Intent, bundles: Bundles, losses: Losses) -> frozenset[ResourceId]:
    """Return the names that can be given here: legal, and unlike each other without case.

    What bundles stand for is not named.
    """
    unnamed = {*bundles.by_part, *(bundle.inner for bundle in bundles.by_content.values())}
    taken = {name.lower() for name in intent.hosts}
    found: set[ResourceId] = set()
    for name in (*intent.resources, *intent.collectives):
        what = intent.resources.get(name) or intent.collectives[name]
        if name in unnamed:
            continue
        if not is_legal_name(name) or name.lower() in taken:
            losses.add(what.where, "name", f"{name} is left out: its name is taken, or not legal here")
            continue
        if isinstance(what, Resource) and not is_agent(what.agent):
            losses.add(
                what.where, "agent", f"{name} is left out: no resource agent is called {what.agent} here"
            )
            continue
        node = what.remote_node.name if isinstance(what, Resource) and what.remote_node else None
        if node is not None and (not is_legal_name(node) or node.lower() in {*taken, name.lower()}):
            losses.add(
                what.where, "name", f"{name} is left out: the name of its node is taken, or not legal here"
            )
            continue
        taken |= {name.lower()} if node is None else {name.lower(), node.lower()}
        found.add(name)
    return frozenset(found)


def _cluster(conversion: _Conversion) -> _Written:
    intent = conversion.intent
    name = intent.cluster.name if is_legal_name(intent.cluster.name) else "default"
    spec = policy_options(intent.cluster.policy)
    fencing = spec["fencing"]
    assert isinstance(fencing, dict), "it is always written"
    spec["fencing"] = fencing | _levels_of_many(conversion)
    overrides = [written_policy_override(override) for override in intent.policy_overrides]
    spec |= {"overrides": overrides} if overrides else {}
    return "Cluster", {"name": name}, spec


def _host(conversion: _Conversion, host: Host) -> _Written:
    metadata: Map = {"name": str(host.name)}
    labels = own_labels(host.labels)
    if labels:
        metadata["labels"] = labels
    is_remote = host.kind is NodeKind.REMOTE
    spec: Map = stock_agent(host.agent, host.name) if is_remote else {"agent": _host_agent(conversion, host)}
    if conversion.makes_guests and not is_remote:
        spec["libvirt"] = {"vm": f"qemu+ssh://root@{host.name}/system"}
    if host.state is not HostState.ONLINE:
        spec["state"] = host.state.value
    parts: Map = {
        "capacity": amounts(host.capacity),
        "health": health(host.labels),
        "overrides": node_overrides(conversion.intent, host.name),
    }
    spec |= {word: part for word, part in parts.items() if part}
    levels = _levels(conversion, (x for x in conversion.intent.fencing_levels if _is_for(x, host.name)))
    spec |= {"fencing": {"levels": levels}} if levels else {}
    return "RemoteNode" if is_remote else "Host", metadata, spec


def _host_agent(conversion: _Conversion, host: Host) -> Map:
    """Return where the agent of a cluster node is to be, of which a CIB says nothing: no remote node's is there."""
    intent = conversion.intent
    remotes = [h.agent for h in intent.hosts.values() if h.kind is NodeKind.REMOTE]
    agents = [*remotes, *(node.agent for node in intent.remote_nodes().values())]
    taken = {a.port for a in agents if a is not None and (a.address or "").lower() == host.name.lower()}
    port = usual = AgentAddress().port
    while port in taken:
        port += 1
    if port == usual:
        return {"address": str(host.name)}
    text = f"the machine of {host.name} has the agent of another node too: its own is expected at port {port}"
    conversion.losses.add(host.where, "port", text)
    return {"address": str(host.name), "port": port}


def _levels_of_many(conversion: _Conversion) -> Map:
    """Return the levels for nodes by a pattern or a label."""
    targets: dict[tuple[str, object], list[FencingLevel]] = {}
    for level in conversion.intent.fencing_levels:
        if level.pattern is not None:
            targets.setdefault(("pattern", level.pattern), []).append(level)
        elif level.label is not None:
            name, value = level.label
            targets.setdefault(("labels", (name, value)), []).append(level)
    found: list[object] = []
    for (word, target), mine in targets.items():
        written = dict([target]) if isinstance(target, tuple) else target
        levels = _levels(conversion, mine)
        if levels:
            found.append({word: written, "levels": levels})
    return {"nodes": found} if found else {}


def _levels(conversion: _Conversion, mine: Iterable[FencingLevel]) -> list[object]:
    """Return the devices of each level."""
    found: list[object] = []
    for level in sorted(mine, key=lambda level: level.index):
        devices = [device for device in level.devices if ResourceId(device) in conversion.names]
        if len(devices) != len(level.devices):
            conversion.losses.add(
                level.where, "fencing-level", f"{level.id} names devices that are not there"
            )
        if devices:
            found.append(devices)
    return found


def _is_for(level: FencingLevel, node: NodeName) -> bool:
    return level.node is not None and level.node.lower() == node.lower()


def _groups_and_resources(conversion: _Conversion) -> Iterable[_Written]:
    """Yield the documents in rank order, a group before its members."""
    intent = conversion.intent
    group_of = {
        member: group
        for group in intent.collectives.values()
        if isinstance(group, Group)
        for member in group.members
    }
    written: set[ResourceId] = set()
    for resource in intent.resources.values():
        group = group_of.get(resource.id)
        if group is not None and group.id in conversion.names and group.id not in written:
            written.add(group.id)
            yield _group(conversion, group, resource.rank)
        bundle = conversion.bundles.by_part.get(resource.id)
        if bundle is not None and bundle.id in conversion.names and bundle.id not in written:
            written.add(bundle.id)
            yield _bundle(conversion, bundle)
        if resource.id in conversion.names:
            yield _resource(conversion, resource)


def _group(conversion: _Conversion, group: Group, rank: int) -> _Written:
    spec: Map = {"members": [str(m) for m in group.members if m in conversion.names]}
    spec |= {} if group.is_ordered else {"ordered": False}
    spec |= {} if group.is_colocated else {"colocated": False}
    members = [conversion.intent.resources[m] for m in group.members]
    if group.priority is not None and any(m.priority != group.priority for m in members):
        spec |= {"priority": score(group.priority)}
    spec["rank"] = rank
    return "Group", {"name": str(group.id)}, _wished(conversion, spec, group.id)


def _bundle(conversion: _Conversion, bundle: Bundle) -> _Written:
    spec = bundle_spec(conversion.intent, bundle, conversion.bundles.declared[bundle.id], conversion.losses)
    container = conversion.intent.resources[bundle.replicas[0].container]
    spec |= _overrides(conversion, container, takes_params=False)
    return "Bundle", {"name": str(bundle.id)}, _wished(conversion, spec, bundle.id)


def _resource(conversion: _Conversion, resource: Resource) -> _Written:
    around = conversion.bundles.by_content.get(resource.id)
    if around is not None:
        resource = content_of(conversion.intent, around, resource)
    is_guest = conversion.makes_guests and resource.agent.type == "VirtualDomain"
    make = guest_spec if is_guest else resource_spec
    spec = make(resource, conversion.losses)
    remote = spec.get("remoteNode")
    if resource.remote_node is not None and isinstance(remote, dict):
        times = node_overrides(conversion.intent, resource.remote_node.name)
        remote |= {"overrides": times} if times else {}
    if around is not None:
        spec |= own_settings(conversion.intent, around, spec)
    spec |= _overrides(conversion, resource, takes_params=not is_guest)
    return (
        "Guest" if is_guest else "Resource",
        {"name": str(resource.id)},
        _wished(conversion, spec, resource.id),
    )


def _overrides(conversion: _Conversion, resource: Resource, *, takes_params: bool) -> Map:
    """Return what holds at times, or on nodes; a guest has no parameters."""
    intent = conversion.intent
    machines = [host.name for host in intent.hosts.values()]
    nodes = {str(name) for name in (*machines, *intent.remote_nodes())}
    mine = [override for override in intent.overrides if override.resource == resource.id]
    written: list[object] = []
    for override in mine:
        if override.params and not takes_params:
            text = f"the parameters with rules of {resource.id} mean nothing for a guest"
            conversion.losses.add(override.where, "param", text)
        else:
            written.append(written_override(override, nodes))
    return {"overrides": written} if written else {}


def _wished(conversion: _Conversion, spec: Map, name: ResourceId) -> Map:
    """Return a spec with its clone, and with what is asked of it, or of its clone."""
    clone = conversion.clones.get(name)
    if clone is not None:
        spec["clone"] = clone_spec(clone, conversion.losses)
        _note_priority(conversion, clone)
    return {**spec, **conversion.wishes.of(name if clone is None else clone.id)}


def _note_priority(conversion: _Conversion, clone: Clone) -> None:
    """Note that a clone has another priority than what it clones: in YAML both are one."""
    intent = conversion.intent
    inner = intent.collectives.get(clone.member) or intent.resources[clone.member]
    if clone.priority is not None and clone.priority != inner.priority:
        text = f"{clone.id} gets the priority of {clone.member}, which it clones"
        conversion.losses.add(clone.where, "priority", text)
