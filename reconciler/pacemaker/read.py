"""From a CIB to what the planner takes: intent, observation and history."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.model.history import FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Instance, NodeStatus, Observed
from reconciler.model.resource import Resource, ResourceAgent, Role
from reconciler.pacemaker.constraints import read_constraints
from reconciler.pacemaker.document import Cib, Element, Unsupported, open_cib
from reconciler.pacemaker.history_names import HistoryNames
from reconciler.pacemaker.nodes import Nodes, read_nodes
from reconciler.pacemaker.operations import conclude, entries
from reconciler.pacemaker.options import Options, has_quorum, read_options
from reconciler.pacemaker.remotes import declared_nodes
from reconciler.pacemaker.resources import Resources, fail_count, read_resources
from reconciler.pacemaker.topology import read_levels
from reconciler.pacemaker.values import integer


@dataclass(frozen=True, slots=True, kw_only=True)
class CibInput:
    """The planner's input by a CIB, and what of the CIB is not in it."""

    intent: Intent
    observed: Observed
    history: History
    now: float
    """Epoch seconds at which to plan: those at which the CIB was saved, if it says so."""
    names: HistoryNames
    unsupported: tuple[Unsupported, ...]

    def declared(self, resource: ResourceId) -> Resource | None:
        """Return what is declared of what is observed; for an instance of a clone, of what is cloned."""
        name, _, number = resource.rpartition(":")
        found = self.intent.resources.get(resource)
        return found or (self.intent.resources.get(ResourceId(name)) if number.isdigit() else None)


def read_cib(data: bytes, file: str, now: float) -> CibInput:
    """Return what a CIB asks for and says.

    Args:
        data: the XML of a whole CIB with its status section.
        file: how messages name it.
        now: epoch seconds; rules with dates and expiring failures depend on it. A CIB that Pacemaker's scheduler saved
            says itself when that was (execution-date), and is judged as of then.

    Raises:
        SourceError: it is no CIB.
    """
    cib = open_cib(data, file, now)
    cib.now = float(integer(cib.root.get("execution-date"), int(now)))
    options = read_options(cib)
    nodes = read_nodes(cib, options)
    resources = read_resources(cib, options, len({*nodes.hosts, *declared_nodes(cib)}))
    constraints = read_constraints(cib, nodes, resources)
    intent = Intent(
        cluster=options.cluster,
        hosts=nodes.hosts,
        resources=resources.known,
        collectives=resources.collectives,
        locations=tuple(constraints.locations),
        colocations=tuple(constraints.colocations),
        orderings=tuple(constraints.orderings),
        fencing_levels=read_levels(cib),
    )
    instances = _instances(cib, options, nodes, resources)
    observed = Observed(
        nodes=_in_order_of_status(nodes, options),
        instances=instances,
        has_quorum=has_quorum(cib),
    )
    return CibInput(
        intent=intent,
        observed=observed,
        history=History(failures=_failures(nodes, resources)),
        now=cib.now,
        names=_history_names(nodes, resources, instances),
        unsupported=tuple(cib.unsupported),
    )


def _in_order_of_status(nodes: Nodes, options: Options) -> dict[NodeName, NodeStatus]:
    """Return the status of nodes in the order in which Pacemaker reads their histories.

    Instances of a clone are numbered in this order. Without fencing, nodes that are gone come last (Pacemaker
    lib/pengine/unpack.c, unpack_node_history).
    """
    listed = [*nodes.states, *(n for n in nodes.status if n not in nodes.states)]
    if not options.has_fencing:
        gone = {NodeState.OFFLINE, NodeState.PENDING}
        listed.sort(key=lambda n: n in nodes.status and nodes.status[n].state in gone)
    return {n: nodes.status[n] for n in listed if n in nodes.status}


def _instances(
    cib: Cib, options: Options, nodes: Nodes, resources: Resources
) -> dict[tuple[ResourceId, NodeName], Instance]:
    """Return what runs where; without fencing, what a node that is gone once said counts no more."""
    found: dict[tuple[ResourceId, NodeName], Instance] = {}
    for node, state in nodes.states.items():
        status = nodes.status.get(node)
        is_gone = status is None or status.state in {NodeState.OFFLINE, NodeState.PENDING}
        if is_gone and not options.has_fencing:
            continue
        for lrm_resource in state.iterfind("lrm/lrm_resources/lrm_resource"):
            instance = _instance(cib, nodes, resources, node, lrm_resource)
            if instance is None:
                continue
            before = found.get((instance.resource, node))
            if before is None or before.role is Role.STOPPED:
                found[(instance.resource, node)] = instance
    return found


def _history_names(
    nodes: Nodes, resources: Resources, instances: Mapping[tuple[ResourceId, NodeName], Instance]
) -> HistoryNames:
    """Return the names that histories have for instances of clones."""
    shared: set[ResourceId] = set()
    numbered: dict[tuple[ResourceId, NodeName], ResourceId] = {}
    for node, state in nodes.states.items():
        for entry in state.iterfind("lrm/lrm_resources/lrm_resource"):
            written = ResourceId(entry.get("id", ""))
            name = resources.known_as(written)
            instance = instances.get((name, node))
            if instance is None or name not in resources.clone_of:
                continue
            if name == written:
                shared.add(name)
            elif instance.role is not Role.STOPPED:
                numbered[name, node] = written
    return HistoryNames(shared=frozenset(shared), numbered=numbered)


def _instance(
    cib: Cib, nodes: Nodes, resources: Resources, node: NodeName, element: Element
) -> Instance | None:
    name = resources.known_as(element.get("id", ""))
    if name in resources.left_out or name.partition(":")[0] in resources.left_out:
        return None
    agent = ResourceAgent(
        standard=element.get("class", ""),
        provider=element.get("provider", ""),
        type=element.get("type", ""),
    )
    known = resources.declared(name)
    declared = replace(known or Resource(id=name, agent=agent, where=cib.where(element)), id=name)
    _, last_failure = fail_count(nodes.failures[node], name)
    quiet_since = cib.now - declared.failure_timeout_ms / 1000 if declared.failure_timeout_ms else 0.0
    if last_failure > quiet_since:
        quiet_since = 0.0
    is_comparable = known is not None and known.id not in resources.with_rules
    has_digests = is_comparable and agent.standard != "stonith"
    return conclude(declared, node, agent, entries(element), quiet_since, has_digests=has_digests)


def _failures(nodes: Nodes, resources: Resources) -> dict[tuple[ResourceId, NodeName], FailureCount]:
    found = {}
    for node, attributes in nodes.failures.items():
        for resource in resources.known:
            count, last_at = fail_count(attributes, resource)
            if count:
                found[(resource, node)] = FailureCount(count=count, last_at=last_at, text="see its history")
    return found
