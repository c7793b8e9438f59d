"""What is declared and seen, by what it is about: made once for a plan, so that no phase looks through all of it.

Holds no decisions; everything here follows from a situation's inputs alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.model.constraint import Colocation, Location, Ordering
from reconciler.model.digest import start_parameters
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import GuestType, HostState
from reconciler.model.observed import Instance, Observed, Pending, StartedAs
from reconciler.model.resource import Resource

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Look-ups by resource and by node; what is listed keeps the order of its declaration."""

    locations: Mapping[ResourceId, tuple[Location, ...]] = field(default_factory=dict)
    colocations: Mapping[ResourceId, tuple[Colocation, ...]] = field(default_factory=dict)
    """By dependent."""
    orderings: Mapping[ResourceId, tuple[Ordering, ...]] = field(default_factory=dict)
    """By what comes then."""
    instances_on: Mapping[NodeName, tuple[Instance, ...]] = field(default_factory=dict)
    pending_on: Mapping[NodeName, tuple[Pending, ...]] = field(default_factory=dict)
    possible: dict[tuple[GuestType | None, str], tuple[NodeName, ...]] = field(default_factory=dict)
    """The nodes that could run a kind of resource, as found so far; the key is what decides on them."""
    states: dict[NodeName, HostState] = field(default_factory=dict)
    """What is asked of nodes, as found so far."""
    parameters: dict[ResourceId, StartedAs] = field(default_factory=dict)
    """What resources are started with on most nodes, as found so far."""

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
    return Index(
        locations=grouped([(c.resource, c) for c in intent.locations]),
        colocations=grouped([(c.dependent, c) for c in intent.colocations]),
        orderings=grouped([(o.then, o) for o in intent.orderings]),
        instances_on=grouped([(i.node, i) for i in observed.instances.values()]),
        pending_on=grouped([(p.node, p) for p in observed.pending]),
    )


def grouped(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, tuple[_Value, ...]]:
    """Return all values of each key, in the order in which they come."""
    found: defaultdict[_Key, list[_Value]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}
