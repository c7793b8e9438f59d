"""What may be planned by itself: a few resources, all that is tied to them, and the guests that they may run in.

Follows from an intent alone, and is made once for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.model.constraint import Colocation, Location, Ordering
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.policy import HealthStrategy, PlacementStrategy
from reconciler.model.resource import OnFail, Resource
from reconciler.plan.index import grouped

_LARGEST = 50
"""Resources, and nodes; with more of them a plan for all is as well."""

_FAR_REACHING = {OnFail.FENCE, OnFail.STANDBY, OnFail.RESET_REMOTE, OnFail.RESTART_CONTAINER}
"""What a failure may lead to that concerns more than the resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The ties between resources, found by resource."""

    intent: Intent
    positions: Mapping[ResourceId, int]
    """In the order in which resources are declared."""
    ties: Mapping[ResourceId, Sequence[Colocation | Ordering]]
    locations: Mapping[ResourceId, Sequence[Location]]
    guests: Mapping[NodeName, Resource]
    contents: Mapping[ResourceId, Sequence[Resource]]

    def tied_to(self, names: Iterable[ResourceId]) -> set[ResourceId] | None:
        """Return resources with all that is tied to them; None if that is more than can be planned by itself."""
        found: set[ResourceId] = set()
        open_names = list(names)
        while open_names:
            name = open_names.pop()
            if name in found:
                continue
            found.add(name)
            if len(found) > _LARGEST or not self._is_plain(name):
                return None
            for tie in self.ties.get(name, ()):
                open_names += _ends(tie)
        return found

    def nodes_for(self, names: set[ResourceId]) -> set[NodeName] | None:
        """Return the nodes where resources may run; None if they are too many."""
        if self.intent.cluster.policy.is_symmetric:
            nodes = {*self.intent.hosts, *self.guests}
        else:
            nodes = {c.node for name in names for c in self.locations.get(name, ())}
        return nodes if len(nodes) <= _LARGEST else None

    def makers_of(self, nodes: Iterable[NodeName]) -> set[ResourceId] | None:
        """Return what makes guest nodes: guests, connections, what runs guests; None if more is tied to these."""
        found: set[ResourceId] = set()
        for guest in (self.guests[node] for node in nodes if node in self.guests):
            container = guest.container
            beside = self.contents.get(container, ()) if container is not None else ()
            if len(beside) > 1 or self.contents.get(guest.id):
                return None
            found |= {guest.id} if container is None else {guest.id, container}
        return None if any(name in self.ties for name in found) else found

    def part(self, names: set[ResourceId]) -> Intent:
        """Return an intent that asks for some of the resources only."""
        resources = [self.intent.resources[name] for name in sorted(names, key=self.positions.__getitem__)]
        ties = {id(tie): tie for name in names for tie in self.ties.get(name, ())}
        colocations = {id(t) for t in ties.values() if isinstance(t, Colocation)}
        orderings = ties.keys() - colocations
        return replace(
            self.intent,
            resources={r.id: r for r in resources},
            locations=tuple(c for r in resources for c in self.locations.get(r.id, ())),
            colocations=tuple(c for c in self.intent.colocations if id(c) in colocations)
            if colocations
            else (),
            orderings=tuple(o for o in self.intent.orderings if id(o) in orderings) if orderings else (),
            tickets=tuple(t for t in self.intent.tickets if t.resource in names),
        )

    def _is_plain(self, name: ResourceId) -> bool:
        """Tell whether nothing but its ties makes a resource matter to others."""
        resource = self.intent.resources.get(name)
        return (
            resource is not None
            and resource.guest is None
            and resource.remote_node is None
            and resource.container is None
            and name not in self.contents
            and not resource.agent.is_fencing
            and not resource.monitors_while_stopped()
            and not any(operation.on_fail in _FAR_REACHING for operation in resource.operations)
        )


def surroundings_of(intent: Intent) -> Surroundings | None:
    """Return the ties of an intent; None where more counts: with groups, clones, rules, capacity, or health."""
    policy = intent.cluster.policy
    is_simple = policy.placement is PlacementStrategy.DEFAULT and policy.health is HealthStrategy.NONE
    if intent.collectives or intent.has_rules or policy.is_for_all or not is_simple:
        return None
    declared: tuple[Colocation | Ordering, ...] = (*intent.colocations, *intent.orderings)
    return Surroundings(
        intent=intent,
        positions={name: position for position, name in enumerate(intent.resources)},
        ties=grouped((end, tie) for tie in declared for end in dict.fromkeys(_ends(tie))),
        locations=grouped((c.resource, c) for c in intent.locations),
        guests=intent.guest_nodes(),
        contents=grouped((r.container, r) for r in intent.resources.values() if r.container is not None),
    )


def _ends(tie: Colocation | Ordering) -> tuple[ResourceId, ResourceId]:
    return (tie.dependent, tie.primary) if isinstance(tie, Colocation) else (tie.first, tie.then)
