"""What is declared and seen, by what it is about: made once for a plan, so that no phase looks through all of it.

Holds no decisions; everything here follows from a situation's inputs alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.model.constraint import Colocation, Location, Ordering
from reconciler.model.digest import start_parameters
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import GuestType, HostState
from reconciler.model.observed import Instance, Observed, Pending, StartedAs
from reconciler.model.resource import Resource, Role

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_ROLES_OF_OTHERS = {Role.PROMOTED, Role.STOPPED}
"""What is being assigned is started, and not promoted yet: constraints for these roles do not concern it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Look-ups by resource and by node; what is listed keeps the order of its declaration."""

    locations: Mapping[ResourceId, Sequence[Location]] = field(default_factory=dict)
    wishes: Mapping[ResourceId, Sequence[Location]] = field(default_factory=dict)
    """The locations that count for what is started, and not promoted yet."""
    colocations: Mapping[ResourceId, Sequence[Colocation]] = field(default_factory=dict)
    """By dependent."""
    orderings: Mapping[ResourceId, Sequence[Ordering]] = field(default_factory=dict)
    """By what comes then."""
    pending_on: Mapping[NodeName, Sequence[Pending]] = field(default_factory=dict)
    possible: dict[tuple[GuestType | None, str], tuple[NodeName, ...]] = field(default_factory=dict)
    """The nodes that could run a kind of resource, as found so far; the key is what decides on them."""
    states: dict[NodeName, HostState] = field(default_factory=dict)
    """What is asked of nodes, as found so far."""
    parameters: dict[ResourceId, StartedAs] = field(default_factory=dict)
    """What resources are started with on most nodes, as found so far."""
    observed: Observed = field(default_factory=Observed)
    by_node: dict[NodeName, Sequence[Instance]] = field(default_factory=dict)
    """What is observed, by its node, once that was asked for."""

    def instances_on(self, node: NodeName) -> Sequence[Instance]:
        """Return all that is known on a node."""
        if not self.by_node:
            self.by_node.update(grouped([(i.node, i) for i in self.observed.instances.values()]))
        return self.by_node.get(node, ())

    def start_parameters(self, resource: Resource, node: NodeName) -> StartedAs:
        """Return what a resource is started with on a node by its present declaration."""
        if node in resource.params_on:
            return start_parameters(resource, node)
        found = self.parameters.get(resource.id)
        if found is None:
            found = self.parameters[resource.id] = start_parameters(resource, node)
        return found


def index_of(intent: Intent, observed: Observed) -> Index:
    """Index an intent and a world."""
    locations = grouped([(c.resource, c) for c in intent.locations])
    is_any_for_others = any(c.role in _ROLES_OF_OTHERS for c in intent.locations if c.role is not None)
    return Index(
        locations=locations,
        wishes=_without_others(intent) if is_any_for_others else locations,
        colocations=grouped([(c.dependent, c) for c in intent.colocations]),
        orderings=grouped([(o.then, o) for o in intent.orderings]),
        pending_on=grouped([(p.node, p) for p in observed.pending]),
        observed=observed,
    )


def _without_others(intent: Intent) -> Mapping[ResourceId, Sequence[Location]]:
    return grouped([(c.resource, c) for c in intent.locations if c.role not in _ROLES_OF_OTHERS])


def grouped(pairs: Iterable[tuple[_Key, _Value]]) -> Mapping[_Key, Sequence[_Value]]:
    """Return all values of each key, in the order in which they come."""
    found: dict[_Key, list[_Value]] = {}
    for key, value in pairs:
        if key in found:
            found[key].append(value)
        else:
            found[key] = [value]
    return found
