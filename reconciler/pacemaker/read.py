"""From a CIB to what the planner takes: intent, observation and history."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.bundle import BundleDeclaration
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import NodeStatus, Observed
from reconciler.model.resource import Resource, Role
from reconciler.pacemaker.constraint_names import Constraints
from reconciler.pacemaker.constraints import read_constraints
from reconciler.pacemaker.document import Cib, Unsupported, open_cib
from reconciler.pacemaker.history_names import HistoryNames
from reconciler.pacemaker.locks import shutdown_locks
from reconciler.pacemaker.nodes import Nodes, read_nodes, with_remotes
from reconciler.pacemaker.options import Options, has_quorum, read_options
from reconciler.pacemaker.promotion_scores import read_promotion_scores
from reconciler.pacemaker.remote_states import remote_statuses
from reconciler.pacemaker.remotes import Declared, declared_nodes, former_connection, former_nodes
from reconciler.pacemaker.resources import Resources, address_nested, read_resources
from reconciler.pacemaker.statuses import Statuses, read_statuses
from reconciler.pacemaker.suspects import with_suspects
from reconciler.pacemaker.tickets import ticket_states
from reconciler.pacemaker.topology import read_levels
from reconciler.pacemaker.values import integer
from reconciler.plan.rules import with_nodes_in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class CibInput:
    """The planner's input by a CIB, and what of the CIB is not in it."""

    intent: Intent
    observed: Observed
    history: History
    now: float
    """Epoch seconds at which to plan: those at which the CIB was saved, if it says so."""
    names: HistoryNames
    statuses: Statuses
    """The histories that it was concluded from."""
    unsupported: tuple[Unsupported, ...]
    bundles: Mapping[ResourceId, BundleDeclaration] = field(default_factory=dict)
    """As they are declared."""

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
    declared = declared_nodes(cib)
    former = former_nodes(cib, declared)
    nodes = with_remotes(cib, options, read_nodes(cib, options), declared, former)
    resources = read_resources(cib, options, nodes, declared)
    constraints = read_constraints(cib, options, nodes, resources)
    statuses = read_statuses(cib, options, nodes, resources)
    if declared or former:
        remote = remote_statuses(options, nodes, {**declared, **former}, statuses.instances.values())
        nodes = replace(nodes, status={**nodes.status, **remote})
        address_nested(resources, statuses.instances.values())
        statuses = read_statuses(cib, options, nodes, resources)
    intent = _intent(cib, options, nodes, resources, constraints)
    locks = shutdown_locks(options, nodes, resources, statuses, cib.now)
    intent = replace(intent, locations=(*intent.locations, *locks))
    observed = Observed(
        nodes=_in_order_of_status(nodes, options, {**declared, **former}, statuses),
        instances=statuses.instances,
        has_quorum=has_quorum(cib),
        promotion_scores=read_promotion_scores(nodes, resources, statuses.names),
    )
    if options.has_fencing:
        observed = with_suspects(with_nodes_in_force(intent, cib.now), observed)
    return CibInput(
        intent=intent,
        observed=observed,
        history=History(
            failures=statuses.failures,
            former={ResourceId(n): former_connection(cib, one) for n, one in former.items()},
            tickets=ticket_states(cib),
        ),
        now=cib.now,
        names=statuses.names,
        statuses=statuses,
        unsupported=tuple(cib.unsupported),
        bundles=resources.bundles,
    )


def _intent(
    cib: Cib, options: Options, nodes: Nodes, resources: Resources, constraints: Constraints
) -> Intent:
    return Intent(
        cluster=replace(options.cluster, policy=options.declared),
        hosts=nodes.hosts,
        resources={**resources.known, **resources.declared_with},
        overrides=tuple(resources.overrides),
        node_overrides=nodes.overrides,
        policy_overrides=options.overrides,
        collectives=resources.collectives,
        locations=tuple(constraints.locations),
        colocations=tuple(constraints.colocations),
        orderings=tuple(constraints.orderings),
        location_rules=tuple(constraints.location_rules),
        tickets=tuple(constraints.tickets),
        fencing_levels=read_levels(cib),
    )


def _in_order_of_status(
    nodes: Nodes, options: Options, declared: Mapping[NodeName, Declared], statuses: Statuses
) -> dict[NodeName, NodeStatus]:
    """Return the status of nodes in the order in which Pacemaker reads their histories.

    Instances of a clone are numbered in this order. Guest and remote nodes come after the cluster nodes that say
    whether they are there, and last come those that are not; without fencing, cluster nodes that are gone, too
    (Pacemaker lib/pengine/unpack.c, unpack_node_history).
    """
    gone = {NodeState.OFFLINE, NodeState.PENDING}
    active = {name for (name, _), i in statuses.instances.items() if i.role is not Role.STOPPED}

    def turn(node: NodeName) -> int:
        status, one = nodes.status.get(node), declared.get(node)
        if one is None:
            return 2 if status is not None and status.state in gone and not options.has_fencing else 0
        return 1 if {ResourceId(node), one.resource} <= active else 2

    listed = [*nodes.states, *(n for n in nodes.status if n not in nodes.states)]
    return {n: nodes.status[n] for n in sorted(listed, key=turn) if n in nodes.status}
