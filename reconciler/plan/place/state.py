"""What is known while resources are being assigned: scores as they have become, and who is where."""

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.constraint import Colocation
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Instance
from reconciler.model.policy import PlacementStrategy
from reconciler.model.resource import Resource, Role
from reconciler.plan.place.availability import Availability
from reconciler.plan.place.bonds import Bonds, bonds_of
from reconciler.plan.place.capacity import Capacity, capacity_of
from reconciler.plan.place.own import Labels, node_labels, own_scores
from reconciler.plan.place.scores import Scores
from reconciler.plan.place.trace import Cause, Choice, Rule, Standing, Step, Trace, swap
from reconciler.plan.place.tree import Tree, tree_of
from reconciler.plan.situation import Situation

Course = Generator[ResourceId, None, NodeName | None]
"""The course of one assignment: yields each name that should be assigned before it goes on, and returns the node."""


@dataclass(slots=True, kw_only=True)
class Assignment:
    """The state of one pass over all resources."""

    situation: Situation
    tree: Tree
    bonds: Bonds
    labels: Labels
    availability: Availability
    capacity: Capacity
    scores: dict[ResourceId, Scores]
    """The working scores of primitives, groups and clones; tables are replaced, never changed."""
    nodes: dict[ResourceId, NodeName | None]
    """Of primitives that are assigned."""
    begun: set[ResourceId] = field(default_factory=set)
    """Primitives, groups and clones whose assignment has begun."""
    done: set[ResourceId] = field(default_factory=set)
    """Primitives, groups and clones that are assigned."""
    spread: dict[ResourceId, dict[NodeName, ResourceId]] = field(default_factory=dict)
    """Of clones that are assigned, the first instance on each node that others may be with."""
    ranked: dict[ResourceId, list[ResourceId]] = field(default_factory=dict)
    """Of clones that are assigned, the instances in the order of their assignment, or else of their promotion."""
    left_over: set[ResourceId] = field(default_factory=set)
    """Instances that were not tried: their clone has as many others as it may, or they run too many."""
    obstacles: dict[ResourceId, str] = field(default_factory=dict)
    promotions: dict[ResourceId, int] = field(default_factory=dict)
    """The promotion score of each instance of a promotable clone, where it is its priority: of its best node, and
    once that is assigned, of its node with all that speaks for and against that."""
    roles: dict[ResourceId, Role] = field(default_factory=dict)
    """Of primitives in promotable clones that are assigned: the role that they are to have."""
    load: Counter[NodeName] = field(default_factory=Counter)
    """How many primitives are assigned to each node."""
    counts_load: bool = False
    """It was asked how many there are, to decide between nodes."""
    strategy: PlacementStrategy = PlacementStrategy.DEFAULT
    trace: Trace | None = None
    """Notes how scores come about, for those who ask why; None: nobody does."""

    def rescore(
        self, name: ResourceId, scores: Scores, cause: Cause, source: Colocation | None = None
    ) -> None:
        """Give a resource other scores."""
        if self.trace is not None:
            self.trace.add(name, Step(cause=cause, before=self.scores[name], after=scores, source=source))
        self.scores[name] = scores

    def restore(self, before: Mapping[ResourceId, Scores]) -> None:
        """Give resources scores back that they had."""
        self.scores.update(before)
        if self.trace is not None:
            for name, scores in before.items():
                self.trace.rewind(name, scores)

    def note(self, name: ResourceId, rule: Rule) -> None:
        """Note what decides on a primitive's node, while nothing is changed yet."""
        if self.trace is None:
            return
        resource, left = self.situation.resources[name], self.capacity.left
        standings = {
            node: Standing(
                obstacle=self.availability.obstacle(resource, node),
                load=self.load[node],
                left=dict(left.get(node, {})),
            )
            for node in self.labels
        }
        self.trace.choices[name] = Choice(
            rule=rule, scores=self.scores[name], current=self.current_node(name), standings=standings
        )

    def settle(self, resource: Resource, node: NodeName | None) -> None:
        """Assign a primitive."""
        name = resource.id
        self.nodes[name] = node
        self.done.add(name)
        if node is not None:
            self.load[node] += 1
            if resource.needs:
                self.capacity.take(node, resource)

    def unsettle(self, resource: Resource) -> None:
        """Undo `settle`."""
        node = self.nodes.pop(resource.id, None)
        self.done.discard(resource.id)
        if node is not None:
            self.load[node] -= 1
            self.capacity.give_back(node, resource)

    def swap(self, name: ResourceId, other: ResourceId) -> None:
        """Let two instances of a clone, which are as good as each other, have what was found for the other one."""
        swap(self.scores, name, other)
        swap(self.nodes, name, other)
        swap(self.obstacles, name, other)
        if self.trace is not None:
            self.trace.swap(name, other)

    def node_of(self, name: ResourceId) -> NodeName | None:
        """Return where a primitive, or all that is assigned of a group, is to run; None: nowhere, or at several."""
        found = {node for leaf in self.situation.leaves(name) if (node := self.nodes.get(leaf)) is not None}
        return next(iter(found)) if len(found) == 1 else None

    def is_promotable(self, name: ResourceId) -> bool:
        """Tell whether a name is a promotable clone, or a part of one."""
        clone = self.tree.clone_around(self.tree.speaking_of_roles(name))
        return clone is not None and clone.promotion is not None

    def role_of(self, name: ResourceId) -> Role | None:
        """Return the role that a primitive or an instance is to have, as far as that is known: the highest in it."""
        leaves = self.situation.leaves(self.tree.speaking_of_roles(name))
        roles = {self.roles.get(leaf) for leaf in leaves}
        if any(self.situation.resources[leaf].state is Role.STOPPED for leaf in leaves):
            roles.add(Role.STOPPED)
        return next((r for r in (Role.PROMOTED, Role.UNPROMOTED, Role.STOPPED) if r in roles), None)

    def active(self, name: ResourceId) -> Sequence[Instance]:
        """Return what runs of a primitive, a group or a clone."""
        if name in self.situation.resources:
            return self.situation.active(name)
        return [i for leaf in self.situation.leaves(name) for i in self.situation.active(leaf)]

    def current_node(self, name: ResourceId) -> NodeName | None:
        """Return the node where a resource runs; of several the first that is online, or else the first.

        Nodes come in the order in which they are listed, whichever part of a group or clone they run.
        """
        active = self.active(name)
        if len(active) == 1:
            return active[0].node
        nodes = list(dict.fromkeys(i.node for i in active))
        if len(nodes) > 1 and name not in self.situation.resources:
            listed = list(self.situation.observed.nodes)
            nodes.sort(key=lambda node: listed.index(node) if node in listed else len(listed))
        return next((n for n in nodes if self.situation.is_online(n)), nodes[0] if nodes else None)

    def is_serving(self, node: NodeName) -> bool:
        """Tell whether a node takes resources as things are, whatever becomes of its guest."""
        return node in self.situation.serving

    def is_any(self, name: ResourceId, scores: Scores) -> bool:
        """Tell whether any node is left to a resource by the given scores."""
        return self.availability.is_any(self.tree.sample(name), scores)


def result_of(course: Course) -> NodeName | None:
    """Let an assignment take its course, all that it asks for being assigned, or under way."""
    while True:
        try:
            next(course)
        except StopIteration as end:
            node: NodeName | None = end.value
            return node


def begin(situation: Situation, trace: Trace | None = None) -> Assignment:
    """Return the state in which nothing is assigned yet."""
    tree = tree_of(situation)
    labels = node_labels(situation)
    nodes: dict[ResourceId, NodeName | None] = {}
    return Assignment(
        situation=situation,
        tree=tree,
        bonds=bonds_of(tree),
        labels=labels,
        availability=Availability(situation, nodes),
        capacity=capacity_of(situation.intent),
        scores=own_scores(tree, labels, trace),
        nodes=nodes,
        strategy=situation.intent.cluster.policy.placement,
        trace=trace,
    )
