"""Reads resources: primitives, and the groups and clones that they are in, with all that these hand down to them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.bundle import BundleDeclaration
from reconciler.model.collective import Clone, Collective, Group
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HOST_OF_CONTAINER, RemoteNode
from reconciler.model.observed import Instance
from reconciler.model.policy import QuorumPolicy
from reconciler.model.resource import MultipleActive, Requires, Resource, ResourceAgent, Role
from reconciler.model.rule import Override
from reconciler.model.score import INFINITY
from reconciler.pacemaker.bundles import (
    BundleElement,
    bundle_element,
    clone_element,
    container_element,
    part_element,
)
from reconciler.pacemaker.collectives import read_bundle, read_clone, read_group
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.lineage import Lineage
from reconciler.pacemaker.node_states import is_leaving
from reconciler.pacemaker.nodes import Nodes, whole_numbers
from reconciler.pacemaker.operation_settings import FailurePolicy, operation_overrides, read_operations
from reconciler.pacemaker.options import Options
from reconciler.pacemaker.overrides import (
    VARIABLE,
    Settings,
    meta_of,
    overrides_of,
    params_of,
    settings_of,
)
from reconciler.pacemaker.remotes import Declared, connection_element
from reconciler.pacemaker.rules import Subject
from reconciler.pacemaker.values import boolean, duration_ms, role_of, score


@dataclass(slots=True)
class Resources:
    """All resources of a CIB."""

    known: dict[ResourceId, Resource] = field(default_factory=dict)
    """In document order, which is their rank."""
    collectives: dict[ResourceId, Collective] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    """Ids of resources that are not supported: nothing must be concluded from their status."""
    meta: dict[ResourceId, Mapping[str, str]] = field(default_factory=dict)
    """Of primitives, groups and clones."""
    declared_with: dict[ResourceId, Resource] = field(default_factory=dict)
    """Of those that have rules: what is declared of them whatever their rules say."""
    overrides: list[Override] = field(default_factory=list)
    """What the rules of settings say; `known` has it as it is at the time of the CIB, where it is so everywhere."""
    with_unclear_operations: set[ResourceId] = field(default_factory=set)
    """Those whose operations have parameters that depend on rules, and so may differ from node to node."""
    lineages: dict[ResourceId, Lineage] = field(default_factory=dict)
    clone_of: dict[ResourceId, ResourceId] = field(default_factory=dict)
    """The clone that a primitive, or a group, is in."""
    bundles: dict[ResourceId, BundleDeclaration] = field(default_factory=dict)
    bundle_of: dict[ResourceId, ResourceId] = field(default_factory=dict)
    """The bundle that a clone is in."""
    nodes_of: dict[ResourceId, tuple[NodeName, ...]] = field(default_factory=dict)
    """Of primitives in bundles: the nodes that the containers make."""
    hosts: Collection[NodeName] = ()
    roots: list[ResourceId] = field(default_factory=list)
    """Those that are in no other."""
    remotes: Mapping[NodeName, RemoteNode] = field(default_factory=dict)
    """The nodes that resources make."""

    def named(self, name: str) -> ResourceId | None:
        """Return what a constraint means by a name; None for what is not known.

        For what is cloned, that is its clone, and for what is in a bundle, the bundle.
        """
        resource = ResourceId(name)
        resource = self.clone_of.get(resource, resource)
        resource = self.bundle_of.get(resource, resource)
        return resource if resource in self.known or resource in self.collectives else None

    def params_on(self, name: ResourceId, attributes: Mapping[str, str]) -> Mapping[str, str]:
        """Return a resource's parameters on a node with these attributes; a group or a clone has none."""
        declared = self.known.get(name)
        if declared is None or name not in self.declared_with:
            return {} if declared is None else declared.params_at(NodeName(attributes.get("#uname", "")))
        lineage = self.lineages[name]
        return lineage.inherited("instance_attributes", Subject(now=lineage.cib.now, attributes=attributes))

    def known_as(self, name: str) -> ResourceId:
        """Return the name under which an entry of a node's history is observed.

        Instances of a clone that do not differ share the name without a number, which old histories have.
        """
        base, _, number = name.rpartition(":")
        clone = self.collectives.get(self.clone_of.get(ResourceId(base), ResourceId("")))
        is_anonymous = number.isdigit() and isinstance(clone, Clone) and not clone.is_unique
        return ResourceId(base if is_anonymous else name)

    def declared(self, name: ResourceId) -> Resource | None:
        """Return what is declared of what is observed under a name; None if it is not declared.

        Instances of a unique clone are known by numbers alone.
        """
        clone = self.collectives.get(self.clone_of.get(name, ResourceId("")))
        found = None if isinstance(clone, Clone) and clone.is_unique else self.known.get(name)
        base, _, number = name.rpartition(":")
        if found is None and number.isdigit() and ResourceId(base) in self.clone_of:
            return self.known.get(ResourceId(base))
        return found


def read_resources(
    cib: Cib, options: Options, nodes: Nodes, declared: Mapping[NodeName, Declared]
) -> Resources:
    """Return the resources, with the connections to guest nodes last; those that are left out are noted."""
    found = Resources(remotes=nodes.remotes, hosts=tuple(nodes.hosts))
    # A clone that does not say how many instances it has, has one for each node.
    node_count = len({*nodes.attributes, *nodes.remotes})
    for element in cib.section("configuration/resources"):
        lineage = Lineage(cib=cib, element=element)
        match element.tag:
            case "primitive":
                _add_primitive(options, found, lineage)
            case "group":
                _add_group(options, found, lineage)
            case "clone" | "master":
                _add_clone(options, found, lineage, node_count)
            case "bundle":
                _add_bundle(options, found, lineage, declared)
            case _:
                continue
        found.roots.append(lineage.id)
    for one in declared.values():
        if one.is_guest and not one.is_in_bundle:
            _add_primitive(options, found, Lineage(cib=cib, element=connection_element(one)))
    return found


def address_nested(resources: Resources, instances: Iterable[Instance]) -> None:
    """Let connections find containers that run on remote nodes, and have no address of their own, by these nodes."""
    active = {i.resource: i.node for i in instances if i.role is not Role.STOPPED}
    for name, connection in resources.known.items():
        node = active.get(connection.container) if connection.container is not None else None
        is_nested = node is not None and node not in resources.hosts
        if is_nested and connection.params.get("addr") == HOST_OF_CONTAINER:
            params = {**connection.params, "addr": str(node)}
            resources.known[name] = replace(connection, params_on=dict.fromkeys(resources.hosts, params))


def _add_group(options: Options, found: Resources, lineage: Lineage) -> None:
    members = [Lineage(cib=lineage.cib, element=e, parent=lineage) for e in _parts(lineage, "primitive")]
    for member in members:
        _add_primitive(options, found, member)
    found.meta[lineage.id] = lineage.meta()
    ids = tuple(m.id for m in members if m.id in found.known)
    if ids:
        found.collectives[lineage.id] = read_group(lineage, found.meta[lineage.id], ids)
    else:
        lineage.cib.note(lineage.element, "group", f"group {lineage.id} has no members and is left out")


def _add_clone(options: Options, found: Resources, lineage: Lineage, node_count: int) -> None:
    part = next(_parts(lineage, "primitive", "group"), None)
    if part is None:
        lineage.cib.note(lineage.element, "clone", f"clone {lineage.id} has nothing to clone and is left out")
        return
    inner = Lineage(cib=lineage.cib, element=part, parent=lineage)
    meta = found.meta[lineage.id] = lineage.meta()
    if part.tag == "group":
        _add_group(options, found, inner)
    else:
        _add_primitive(options, found, inner)
    group = found.collectives.get(inner.id)
    members = group.members if isinstance(group, Group) else (inner.id,)
    if any(m not in found.known for m in members):
        return
    found.clone_of |= dict.fromkeys((inner.id, *members), lineage.id)
    agents = [found.known[m].agent for m in members]
    found.collectives[lineage.id] = read_clone(lineage, meta, inner.id, agents, node_count)


def _add_bundle(
    options: Options, found: Resources, lineage: Lineage, declared: Mapping[NodeName, Declared]
) -> None:
    """Add a bundle with all the resources that it stands for."""
    bundle = bundle_element(lineage.cib, lineage.element)
    if bundle is None:
        text = f"bundle {lineage.id} has nothing that could run it, or be connected in it, and is left out"
        lineage.cib.note(lineage.element, "bundle", text)
        found.left_out |= {e.get("id", "") for e in lineage.element.iter("*") if e.get("id")}
        return
    shape, clone = bundle.declared, None
    meta = found.meta[lineage.id] = lineage.meta()
    for number in range(shape.replicas):
        for element in _replica(bundle, number, declared):
            _add_primitive(options, found, Lineage(cib=lineage.cib, element=element, parent=lineage))
    if bundle.primitive is not None and shape.content is not None:
        agent = _agent(Lineage(cib=lineage.cib, element=bundle.primitive))
        clone = shape.clone(agent, lineage.cib.where(lineage.element))
        found.nodes_of[shape.content] = shape.nodes
        found.bundle_of[clone.id] = lineage.id
        inside = Lineage(cib=lineage.cib, element=clone_element(bundle, clone), parent=lineage)
        _add_clone(options, found, inside, shape.replicas)
    found.bundles[lineage.id] = shape
    found.collectives[lineage.id] = read_bundle(lineage, meta, shape, clone)


def _replica(bundle: BundleElement, number: int, declared: Mapping[NodeName, Declared]) -> Iterator[Element]:
    """Return the primitives of one replica: its address, its container, and the connection to it."""
    address = bundle.declared.address(number)
    if address is not None:
        yield part_element(bundle, address)
    yield container_element(bundle, number)
    if bundle.declared.nodes:
        yield connection_element(declared[bundle.declared.nodes[number]])


def _parts(lineage: Lineage, *tags: str) -> "filter[Element]":
    return filter(lambda e: e.get("id"), elements(lineage.element, *tags))


def _add_primitive(options: Options, found: Resources, lineage: Lineage) -> None:
    name = lineage.id
    rank = len(found.known)

    def made(meta: Mapping[str, str], params: Mapping[str, str], now: float | None) -> Resource:
        return replace(_primitive(options, found, lineage, meta, params, now), rank=rank)

    meta, now = lineage.meta(), lineage.cib.now
    found.meta[name] = meta
    found.lineages[name] = lineage
    found.known[name] = made(meta, lineage.inherited("instance_attributes", Subject(now=now)), now)
    if not lineage.has_rules():
        return
    if lineage.has_rules_of_operations():
        found.with_unclear_operations.add(name)
    params, settings = params_of(lineage, options.cluster.name), meta_of(lineage)
    fixed = {n: text for n, text in meta.items() if n not in VARIABLE}

    def variant(said: Mapping[str, str]) -> Resource:
        return made({**fixed, **said}, params.always, None)

    declared = found.declared_with[name] = variant(settings.always)
    found.overrides += overrides_of(name, params, settings, variant)
    policy = _failure_policy(options, declared.agent, {**fixed, **settings.always})
    for one, operation in operation_overrides(lineage, policy):
        found.overrides.append(
            Override(resource=name, when=one.when, where=one.where, operations=(operation,))
        )
    for one in _utilization(lineage).conditional:
        needs = whole_numbers(one.pairs)
        found.overrides.append(Override(resource=name, when=one.when, where=one.where, needs=needs))


def _utilization(lineage: Lineage) -> Settings:
    blocks = [elements(source, "utilization") for source in lineage.sources]
    return settings_of(lineage.cib, blocks, lineage.subject)


def _failure_policy(options: Options, agent: ResourceAgent, meta: Mapping[str, str]) -> FailurePolicy:
    is_contained = meta.get("container") is not None
    is_paused = options.in_maintenance or boolean(meta.get("maintenance"))
    return FailurePolicy(
        has_fencing=options.has_fencing,
        is_contained=is_contained,
        is_connection=agent.is_connection and not is_contained,
        is_managed=boolean(meta.get("is-managed"), default=True) and not is_paused,
    )


def _primitive(
    options: Options,
    found: Resources,
    lineage: Lineage,
    meta: Mapping[str, str],
    params: Mapping[str, str],
    now: float | None,
) -> Resource:
    """Return a primitive as it is at a time (epoch seconds), or, without one, where no rule holds."""
    cib, name = lineage.cib, lineage.id
    agent = _agent(lineage)
    is_remote, container = agent.is_connection, meta.get("container")
    remote_node = found.remotes.get(NodeName(name)) if is_remote else None
    # A node that shuts down is disconnected for good (lib/pengine/unpack.c, unpack_node_history).
    is_leaving_node = remote_node is not None and is_leaving(remote_node.labels)
    where_it_is = {}
    if is_remote and params.get("addr") == HOST_OF_CONTAINER:
        where_it_is = {host: {**params, "addr": host} for host in found.hosts}
    policy, needs = _failure_policy(options, agent, meta), _utilization(lineage)
    return Resource(
        id=name,
        agent=agent,
        where=cib.where(lineage.element),
        params=params,
        params_on=where_it_is,
        operations=read_operations(lineage, policy, now),
        state=Role.STOPPED if is_leaving_node else _wanted_role(options, lineage, meta),
        is_managed=policy.is_managed,
        is_monitored=not (options.in_maintenance or boolean(meta.get("maintenance"))),
        is_critical=boolean(meta.get("critical"), default=True),
        multiple_active=_multiple_active(meta.get("multiple-active")),
        stickiness=score(meta.get("resource-stickiness")),
        priority=score(meta.get("priority")),
        failure_limit=score(meta.get("migration-threshold"), INFINITY),
        failure_timeout_ms=duration_ms(
            (params.get("reconnect_interval") if is_remote else None) or meta.get("failure-timeout")
        ),
        start_failure_is_fatal=options.start_failures_are_fatal,
        needs=whole_numbers(needs.always if now is None else needs.at(now)),
        allows_migration=boolean(meta.get("allow-migrate"), default=is_remote and container is None),
        remote_node=remote_node,
        container=None if container is None or container == name else ResourceId(container),
        only_on=found.nodes_of.get(name, ()),
        is_rated_by_host=name in found.nodes_of and meta.get("container-attribute-target") == "host",
        allows_unhealthy=boolean(meta.get("allow-unhealthy-nodes")),
        requires=_requires(options, agent, meta),
    )


def _agent(lineage: Lineage) -> ResourceAgent:
    return ResourceAgent(
        standard=lineage.attribute("class"),
        provider=lineage.attribute("provider"),
        type=lineage.attribute("type"),
    )


def _wanted_role(options: Options, lineage: Lineage, meta: Mapping[str, str]) -> Role:
    """Return what is asked; what only a promotable clone can be asked counts for one alone."""
    if options.stops_all:
        return Role.STOPPED
    role = role_of(meta.get("target-role"))
    clone = lineage.clone
    is_promotable = clone is not None and boolean(clone.meta().get("promotable"))
    if role is Role.STOPPED or (role is Role.UNPROMOTED and is_promotable):
        return role
    return Role.STARTED


def _requires(options: Options, agent: ResourceAgent, meta: Mapping[str, str]) -> Requires:
    """Return what must hold before a start (Pacemaker lib/pengine/complex.c, unpack_requires)."""
    is_device = agent.standard == "stonith"
    match meta.get("requires", "").lower():
        case "nothing" | "quorum" | "fencing" as said:
            return Requires(said)
        case "unfencing":
            return Requires.UNFENCING if options.has_fencing and not is_device else Requires.QUORUM
        case _:
            pass
    if is_device or agent.is_connection:
        return Requires.QUORUM
    if options.has_unfencing and options.has_fencing:
        return Requires.UNFENCING
    if options.has_fencing:
        return Requires.FENCING
    is_ignored = options.cluster.policy.on_quorum_loss is QuorumPolicy.IGNORE
    return Requires.NOTHING if is_ignored else Requires.QUORUM


def _multiple_active(text: str | None) -> MultipleActive:
    return MultipleActive(text) if text in {m.value for m in MultipleActive} else MultipleActive.STOP_START
