"""Gathers what the phases look up: the resources to decide on, the guest behind each node, actions in flight."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import GuestType, HostState
from reconciler.model.observed import Instance, Observed, Pending
from reconciler.model.resource import Guest, Resource, ResourceAgent, Role
from reconciler.model.transition import ActionKind
from reconciler.plan.collectives import take_apart
from reconciler.plan.effects import assume_done
from reconciler.plan.fencing import judge_nodes
from reconciler.plan.index import grouped, index_of
from reconciler.plan.rules import resolved
from reconciler.plan.situation import Situation, running_of
from reconciler.plan.tickets import heed_tickets
from reconciler.plan.whereabouts import joining_hosts, unheard_end, unheard_node

FORMER = ":former"
"""Ends the id of what was removed, and whose name stands for something else now."""

_NOWHERE = Where(file="", line=0, column=0)


def survey(intent: Intent, observed: Observed, history: History, now: float) -> Situation:
    """Return the situation to plan from."""
    intent = resolved(intent, observed, now)
    removed = _removed(intent, observed, history)
    makers = _makers(_guests([*intent.resources.values(), *removed]))
    assumed = assume_done(observed, makers)
    heeded = heed_tickets(intent, assumed, history.tickets)
    intent = heeded.intent
    ensemble = take_apart(intent, observed, assumed)
    frozen = {ensemble.numbers.get(key, key[0]) for key in heeded.frozen}
    declared = _left_alone({**intent.resources, **{r.id: r for r in removed}}, frozen)
    guests = _guests(declared.values())
    judged = judge_nodes(intent, assumed, declared, ensemble.numbers, heeded.forfeited)
    assumed = judged.observed
    known = {*ensemble.resources, *(name for name, _ in ensemble.numbers)}
    resources = {
        **_left_alone(ensemble.resources, frozen),
        **{r.id: r for r in removed if r.known_as not in known},
    }
    names = {**ensemble.numbers, **_former_names(removed, assumed)}
    instances: dict[ResourceId, list[Instance]] = defaultdict(list)
    for key, instance in assumed.instances.items():
        name = names.get(key, key[0]) if names else key[0]
        resource = resources.get(name)
        is_promotable = resource is not None and resource.is_promotable
        instances[name].append(_in_its_role(instance) if is_promotable else instance)
    pending: dict[ResourceId, list[Pending]] = defaultdict(list)
    for p in sorted(observed.pending, key=lambda p: p.id):
        if p.resource is not None:
            pending[names.get((p.resource, p.node), p.resource)].append(p)
    known_of = {r: _by_node(found) for r, found in instances.items()}
    ends = _ends(observed, makers)
    situation = Situation(
        intent=intent,
        observed=assumed,
        history=history,
        now=now,
        resources=resources,
        groups=ensemble.groups,
        clones=ensemble.clones,
        guests=guests,
        instances=known_of,
        running=running_of(known_of),
        pending={r: tuple(found) for r, found in pending.items()},
        fences=judged.fences,
        emptied=judged.emptied,
        lacking=heeded.lacking,
        unpromotable=heeded.unpromotable,
        frozen=frozen,
        contents=_contents(resources),
        index=index_of(intent, assumed),
        ending=_ending(observed, ends),
    )
    serving = {
        n for n in assumed.nodes if situation.is_online(n) and situation.state_of(n) is HostState.ONLINE
    }
    unheard = unheard_end(observed, ends) or unheard_node(situation)
    return replace(situation, serving=serving, unheard=unheard, joining=joining_hosts(situation))


def _left_alone(
    resources: Mapping[ResourceId, Resource], frozen: set[ResourceId]
) -> Mapping[ResourceId, Resource]:
    """Return resources of which those that are frozen are not managed."""
    if not frozen:
        return resources
    return {name: replace(r, is_managed=False) if name in frozen else r for name, r in resources.items()}


def _by_node(instances: list[Instance]) -> tuple[Instance, ...]:
    return tuple(instances if len(instances) < 2 else sorted(instances, key=lambda i: (i.resource, i.node)))


def _in_its_role(instance: Instance) -> Instance:
    """Call what can be promoted, and only runs, unpromoted."""
    return replace(instance, role=Role.UNPROMOTED) if instance.role is Role.STARTED else instance


def _contents(resources: Mapping[ResourceId, Resource]) -> Mapping[ResourceId, Sequence[Resource]]:
    return grouped((r.container, r) for r in resources.values() if r.container is not None)


def _guests(resources: Iterable[Resource]) -> dict[NodeName, Resource]:
    """Return what makes each node that is no machine."""
    return {r.remote_node.name: r for r in resources if r.remote_node is not None}


def _makers(guests: Mapping[NodeName, Resource]) -> dict[ResourceId, NodeName]:
    """Return the node of each guest, of what connects one, and of what runs it behind a connection."""
    launchers = {
        r.container: node for node, r in guests.items() if r.agent.is_connection and r.container is not None
    }
    return {**{r.id: node for node, r in guests.items()}, **launchers}


def _ends(observed: Observed, nodes: Mapping[ResourceId, NodeName]) -> dict[NodeName, Pending]:
    """Return the nodes that end with an action in flight: the stop of their guest, or fencing."""
    ends: dict[NodeName, Pending] = {}
    for p in observed.pending:
        if p.kind == ActionKind.STOP.value and p.resource is not None and p.resource in nodes:
            ends[nodes[p.resource]] = p
    for p in observed.pending:
        if p.kind == ActionKind.FENCE.value:
            ends |= dict.fromkeys((p.node, *_guests_on(observed, p.node, nodes)), p)
    return ends


def _ending(observed: Observed, ends: Mapping[NodeName, Pending]) -> dict[ResourceId, tuple[Pending, ...]]:
    """Return, for what still runs on nodes that end, the actions in flight that end it."""
    ending: dict[ResourceId, tuple[Pending, ...]] = {}
    if ends:
        for (resource, node), instance in sorted(observed.instances.items()):
            if node in ends and instance.role is not Role.STOPPED:
                ending[resource] = (*ending.get(resource, ()), ends[node])
    return ending


def _guests_on(observed: Observed, host: NodeName, nodes: Mapping[ResourceId, NodeName]) -> list[NodeName]:
    """Return the guest nodes that end with a host."""
    return [
        nodes[i.resource]
        for i in observed.instances.values()
        if i.node == host and i.role is not Role.STOPPED and i.resource in nodes
    ]


def _removed(intent: Intent, observed: Observed, history: History) -> list[Resource]:
    """Return a resource for everything of ours that is active and no longer declared.

    Invariant: what is not on record as ours never gets here, for only such instances are observed.
    """
    active = {i.resource: i for i in observed.instances.values() if i.role is not Role.STOPPED}
    numbered = intent.numbered()
    undeclared = sorted(set(active) - (set(intent.resources) - numbered))
    found = [history.former.get(r) or _from_record(active[r]) for r in undeclared]
    return [_renamed(r) if r.id in intent.collectives or r.id in numbered else r for r in found]


def _renamed(resource: Resource) -> Resource:
    """Tell a resource that was apart from the collective, or what a unique clone is made of, that has its name now."""
    return replace(resource, id=ResourceId(f"{resource.id}{FORMER}"), named=resource.id)


def _former_names(
    removed: list[Resource], observed: Observed
) -> dict[tuple[ResourceId, NodeName], ResourceId]:
    """Return what is decided on under another name than the one that nodes have for it."""
    renamed = {r.known_as: r.id for r in removed if r.known_as != r.id}
    return {(r, node): renamed[r] for r, node in observed.instances if r in renamed}


def _from_record(instance: Instance) -> Resource:
    """Describe a resource of which nothing but its start record is left."""
    started_as = instance.started_as
    agent = (
        started_as.agent if started_as else ResourceAgent(standard="ocf", provider="unknown", type="unknown")
    )
    guest = Guest(type=GuestType(agent.type)) if agent.standard == "guest" else None
    return Resource(id=instance.resource, agent=agent, where=_NOWHERE, state=Role.STOPPED, guest=guest)
