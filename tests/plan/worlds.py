"""Small intents and snapshots for planner tests, and a way to carry a plan out on paper."""

from dataclasses import replace

from reconciler.model.collective import Clone, Group
from reconciler.model.constraint import Colocation, Discovery, Location, Ordering
from reconciler.model.digest import start_parameters
from reconciler.model.history import History
from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, GuestType, Host, NodeKind, NodeState, RemoteNode
from reconciler.model.observed import Instance, NodeStatus, Observed
from reconciler.model.operation import Monitor
from reconciler.model.resource import Guest, Operation, Resource, ResourceAgent, Role
from reconciler.model.score import INFINITY
from reconciler.model.transition import Transition
from reconciler.plan.outlook import ideal_world, settled
from reconciler.plan.schedule import schedule

WHERE = Where(file="cluster.yaml", line=1, column=1)
NOW = 1_000_000.0
MONITOR = Operation(name="monitor", interval_ms=10_000, timeout_ms=20_000)


def host(name: str) -> Host:
    return Host(
        name=NodeName(name),
        where=WHERE,
        libvirt={GuestType.LXC: "lxc:///system"},
        agent=AgentAddress(address=f"{name}.test"),
    )


def guest(name: str, node: str | None = None, **fields: object) -> Resource:
    """An lxc guest, a node if `node` is given."""
    base = Resource(
        id=ResourceId(name),
        agent=ResourceAgent(standard="guest", type="lxc"),
        where=WHERE,
        stickiness=1000,
        guest=Guest(type=GuestType.LXC, domain_xml="<domain/>"),
        remote_node=None
        if node is None
        else RemoteNode(name=NodeName(node), where=WHERE, agent=AgentAddress(address=f"{node}.test")),
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests name real fields


def dummy(name: str, **fields: object) -> Resource:
    base = Resource(
        id=ResourceId(name),
        agent=ResourceAgent(standard="ocf", provider="reconciler", type="Dummy"),
        where=WHERE,
        operations=(MONITOR,),
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests name real fields


def prefers(resource: str, node: str, score: int = INFINITY) -> Location:
    return Location(
        id=f"{resource}-{node}", resource=ResourceId(resource), node=NodeName(node), score=score, where=WHERE
    )


def only_on(resource: str, node: str) -> Location:
    return replace(prefers(resource, node, 0), discovery=Discovery.EXCLUSIVE)


def after(then: str, first: str) -> Ordering:
    return Ordering(id=f"{then}-after-{first}", first=ResourceId(first), then=ResourceId(then), where=WHERE)


def with_(dependent: str, primary: str, score: int = INFINITY) -> Colocation:
    return Colocation(
        id=f"{dependent}-with-{primary}",
        dependent=ResourceId(dependent),
        primary=ResourceId(primary),
        score=score,
        where=WHERE,
    )


def group(name: str, *members: str, **fields: object) -> Group:
    base = Group(id=ResourceId(name), members=tuple(ResourceId(m) for m in members), where=WHERE)
    return replace(base, **fields)  # type: ignore[arg-type]  # tests name real fields


def clone(name: str, member: str, **fields: object) -> Clone:
    base = Clone(id=ResourceId(name), member=ResourceId(member), where=WHERE)
    return replace(base, **fields)  # type: ignore[arg-type]  # tests name real fields


def intent(hosts: str, *things: Resource | Group | Clone | Location | Colocation | Ordering) -> Intent:
    """An intent of hosts (space-separated), resources and collectives in order, and constraints."""
    resources = [t for t in things if isinstance(t, Resource)]
    return Intent(
        cluster=Cluster(name="test"),
        hosts={NodeName(h): host(h) for h in hosts.split()},
        resources={r.id: replace(r, rank=i) for i, r in enumerate(resources)},
        collectives={c.id: c for c in things if isinstance(c, Group | Clone)},
        locations=tuple(t for t in things if isinstance(t, Location)),
        colocations=tuple(t for t in things if isinstance(t, Colocation)),
        orderings=tuple(t for t in things if isinstance(t, Ordering)),
    )


def online(name: str, kind: NodeKind = NodeKind.HOST, **fields: object) -> NodeStatus:
    hypervisors = frozenset(GuestType) if kind is NodeKind.HOST else frozenset()
    base = NodeStatus(
        name=NodeName(name), kind=kind, state=NodeState.ONLINE, hypervisors=hypervisors, is_known=True
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests name real fields


def empty_world(asked: Intent) -> Observed:
    """Every host up and reachable, nothing running."""
    return ideal_world(asked)


def running(asked: Intent, resource: str, node: str, **fields: object) -> Instance:
    """An instance that runs as declared, its monitors armed."""
    declared = asked.resources[ResourceId(resource)]
    base = Instance(
        resource=declared.id,
        node=NodeName(node),
        role=Role.STARTED,
        started_as=start_parameters(declared, NodeName(node)),
        monitors=frozenset(
            Monitor(interval_ms=m.interval_ms, timeout_ms=m.timeout_ms) for m in declared.monitors()
        ),
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests name real fields


def seen(observed: Observed, *instances: Instance) -> Observed:
    return replace(observed, instances={**observed.instances, **{(i.resource, i.node): i for i in instances}})


def promotion_scores(observed: Observed, resource: str, **by_node: int) -> Observed:
    """The promotion scores of a resource, by node, added."""
    found = {(ResourceId(resource), NodeName(node)): score for node, score in by_node.items()}
    return replace(observed, promotion_scores={**observed.promotion_scores, **found})


def nodes(observed: Observed, *statuses: NodeStatus) -> Observed:
    return replace(observed, nodes={**observed.nodes, **{s.name: s for s in statuses}})


def settle(asked: Intent, observed: Observed, history: History | None = None, now: float = NOW) -> Observed:
    """Carry plans out, every action ending as expected, until there is nothing left to do."""
    return settled(asked, observed, history or History(), now)


def graph(transition: Transition) -> dict[str, list[str]]:
    """The actions with what they wait for."""
    return {str(a.id): [str(b) for b in a.after] for a in transition.actions.values()}


def plan(asked: Intent, observed: Observed, history: History | None = None, now: float = NOW) -> Transition:
    return schedule(asked, observed, history or History(), now)


def changes(transition: Transition) -> list[str]:
    """Changes as `ACTION ADDRESS SOURCE -> TARGET`, without the ends that there are not."""
    return [
        " ".join([c.action, c.address, *filter(None, [c.source, "->" if c.target else "", c.target])])
        for c in transition.changes
    ]
