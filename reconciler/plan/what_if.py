"""Lets hosts, guests and resources fail on paper, and says what becomes of the rest. Touches nothing.

The rules:

* A host that fails is known dead at once, as after its fencing: whether it could be fenced is another question. It does
  not come back.
* A guest that fails has ended, with all in it, and counts one failure. So does a resource, which runs on as failed.
* Then plans are carried out until there is nothing left to do; every action ends as expected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.model.history import ConnectionFailure, FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import HostState, LinkReason
from reconciler.model.observed import Failure, Instance, Observed
from reconciler.model.resource import Resource, Role
from reconciler.model.transition import Action, ActionKind, Transition
from reconciler.plan.effects import advance
from reconciler.plan.outlook import settled
from reconciler.plan.rules import in_force, with_nodes_in_force
from reconciler.plan.schedule import schedule
from reconciler.plan.tickets import heed_tickets

_TEXT = "it failed in this simulation"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that is planned from."""

    intent: Intent
    observed: Observed
    history: History
    now: float
    """Epoch seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens at once."""

    hosts: tuple[NodeName, ...] = ()
    """Hosts that die."""
    guests: tuple[ResourceId, ...] = ()
    """Guests that end."""
    resources: tuple[ResourceId, ...] = ()
    """Resources that fail wherever they run."""
    standby: tuple[NodeName, ...] = ()
    """Hosts that are to run nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """How one resource fared."""

    resource: ResourceId
    before: tuple[NodeName, ...]
    after: tuple[NodeName, ...]
    obstacle: str = ""
    """Why it does not run, where it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """A node on which more is needed than there is."""

    node: NodeName
    capacity: str
    needed: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a fault leads to."""

    fault: Fault
    moved: tuple[Fared, ...]
    restarted: tuple[Fared, ...]
    """On the same node, or the same guest's."""
    fewer: tuple[Fared, ...]
    """Clones that go on with fewer instances."""
    cannot_run: tuple[Fared, ...]
    overloads: tuple[Overload, ...]


def at_rest(world: World) -> World:
    """Return a world after all that there is to do."""
    observed = settled(world.intent, world.observed, world.history, world.now)
    return replace(world, observed=observed)


def what_if(world: World, fault: Fault) -> Outcome:
    """Return what a fault leads to in a world at rest."""
    struck = _struck(world, fault)
    after = at_rest(struck)
    final = schedule(after.intent, after.observed, after.history, after.now)
    before = _places(world)
    fared = [
        Fared(
            resource=r.id,
            before=before.get(r.id, ()),
            after=_places(after).get(r.id, ()),
            obstacle=_obstacle(final, r),
        )
        for r in _wanted(world)
    ]
    alive = _places(struck)
    return Outcome(
        fault=fault,
        moved=tuple(f for f in fared if f.after and set(f.after) - set(f.before) and f.before),
        restarted=tuple(
            f for f in fared if f.after == f.before and set(f.after) - set(alive.get(f.resource, ()))
        ),
        fewer=tuple(f for f in fared if f.after and len(f.after) < len(f.before)),
        cannot_run=tuple(f for f in fared if not f.after),
        overloads=tuple(_overloads(after)),
    )


def single_failures(world: World, besides: Fault) -> Iterator[Fault]:
    """Return one fault for each host and each guest that runs, in the declaration's order."""
    for host in world.intent.hosts:
        if host not in besides.hosts:
            yield replace(besides, hosts=(*besides.hosts, host))
    for resource in world.intent.resources.values():
        if (
            resource.guest is not None
            and resource.id not in besides.guests
            and _places(world).get(resource.id)
        ):
            yield replace(besides, guests=(*besides.guests, resource.id))


def _struck(world: World, fault: Fault) -> World:
    """Return the world right after a fault."""
    intent = with_nodes_in_force(world.intent, world.now)
    intent = replace(
        intent, node_overrides=(), policy_overrides=()
    )  # a fault goes before what holds for a time
    observed, history = world.observed, world.history
    hosts = {
        name: replace(h, state=HostState.STANDBY) if name in fault.standby else h
        for name, h in intent.hosts.items()
    }
    nodes = {r.id: node for node, r in intent.guest_nodes().items()}
    for resource in fault.resources:
        for node in observed.active_on(resource):
            history = _counted(history, resource, node, world.now)
            observed = _with_failed(observed, intent.resources[resource], node)
    for guest in fault.guests:
        for node in observed.active_on(guest):
            history = _counted(history, guest, node, world.now)
            observed = advance(observed, _action(ActionKind.STOP, node, guest), nodes)
    for host in fault.hosts:
        observed = _without_host(intent, advance(observed, _action(ActionKind.FENCE, host), nodes), host)
        lost = ConnectionFailure(count=1, last_at=world.now, reason=LinkReason.LOST, text=_TEXT)
        history = replace(history, connections={**history.connections, host: lost})
    return replace(world, intent=replace(intent, hosts=hosts), observed=observed, history=history)


def _action(kind: ActionKind, node: NodeName, resource: ResourceId | None = None) -> Action:
    return Action(id=ActionId(f"{kind.value}@{node}"), kind=kind, node=node, resource=resource)


def _without_host(intent: Intent, observed: Observed, host: NodeName) -> Observed:
    """Return a world in which a dead host answers nothing, and is known to run no guest."""
    status = replace(observed.nodes[host], hypervisors=frozenset(), text=_TEXT, is_known=True)
    gone = {
        (r.id, host): Instance(resource=r.id, node=host, role=Role.STOPPED)
        for r in intent.resources.values()
        if r.guest is not None
    }
    return replace(observed, nodes={**observed.nodes, host: status}, instances={**observed.instances, **gone})


def _counted(history: History, resource: ResourceId, node: NodeName, now: float) -> History:
    before = history.failures.get((resource, node), FailureCount())
    failure = replace(before, count=before.count + 1, last_at=now, operation="monitor", text=_TEXT)
    return history.with_failure((resource, node), failure)


def _with_failed(observed: Observed, resource: Resource, node: NodeName) -> Observed:
    interval_ms = next((m.interval_ms for m in resource.monitors()), 0)
    failure = Failure(operation="monitor", rc=1, text=_TEXT, interval_ms=interval_ms)
    failed = replace(observed.instances[(resource.id, node)], failure=failure)
    return replace(observed, instances={**observed.instances, (resource.id, node): failed})


def _wanted(world: World) -> list[Resource]:
    """Return what should run, and by the tickets that there are may."""
    lacking = heed_tickets(world.intent, world.observed, world.history.tickets).lacking
    found = (r for r in world.intent.resources.values() if r.id not in lacking)
    return [r for r in found if r.state is not Role.STOPPED and r.is_managed]


def _places(world: World) -> Mapping[ResourceId, tuple[NodeName, ...]]:
    """Return where each declared resource runs and has not failed; of a clone, of all its instances."""
    found: dict[ResourceId, list[NodeName]] = {}
    for (name, node), instance in world.observed.instances.items():
        base, _, number = name.rpartition(":")
        declared = ResourceId(base) if name not in world.intent.resources and number.isdigit() else name
        if instance.role not in {Role.STOPPED, Role.UNKNOWN} and instance.failure is None:
            found.setdefault(declared, []).append(node)
    return {name: tuple(sorted(nodes)) for name, nodes in found.items()}


def _obstacle(final: Transition, resource: Resource) -> str:
    """Return why a resource does not run; of a clone, what its first instance lacks."""
    kind = "guest" if resource.guest is not None else "resource"
    addresses = {f"{kind}/{resource.id}", f"{kind}/{resource.id}:0"}
    return next((b.text for b in final.blocked if b.address in addresses), "")


def _overloads(world: World) -> Iterator[Overload]:
    """Return what nodes that say what they have lack."""
    used: dict[NodeName, dict[str, int]] = {}
    intent = with_nodes_in_force(world.intent, world.now)
    resources = in_force(intent, {}, world.now)
    for name, nodes in _places(world).items():
        resource = resources.get(name)
        for node in nodes if resource is not None else ():
            for capacity, amount in resource.needs.items() if resource is not None else ():
                used.setdefault(node, {}).setdefault(capacity, 0)
                used[node][capacity] += amount
    capacities = {h.name: h.capacity for h in intent.hosts.values()}
    capacities |= {node: remote.capacity for node, remote in intent.remote_nodes().items()}
    for node, there in capacities.items():
        for capacity, available in there.items():
            needed = used.get(node, {}).get(capacity, 0)
            if needed > available:
                yield Overload(node=node, capacity=capacity, needed=needed, available=available)
