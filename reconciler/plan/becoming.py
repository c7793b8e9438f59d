"""A snapshot while actions change it: one copy for all of them, with instances found by node and by resource.

Knows nothing of actions; `effects` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Instance, NodeStatus, Observed
from reconciler.model.resource import Role

Key = tuple[ResourceId, NodeName]


@dataclass(slots=True)
class Becoming:
    """What is observed, as it becomes; nothing of the snapshot that it began with changes.

    Invariant: the indexes, once made, hold the keys of all instances, in the order of the instances.
    """

    begun_with: Observed
    nodes: dict[NodeName, NodeStatus]
    instances: dict[Key, Instance]
    by_node: dict[NodeName, dict[Key, None]] = field(default_factory=dict)
    by_resource: dict[ResourceId, dict[Key, None]] = field(default_factory=dict)
    is_indexed: bool = False
    """The indexes are made when something is first looked for: most actions look for nothing."""

    def observed(self) -> Observed:
        """Return what has become of the snapshot."""
        return replace(self.begun_with, nodes=self.nodes, instances=self.instances)

    def set_state(self, node: NodeName, state: NodeState) -> None:
        """Let a node be in a state; what is on it stays as it is."""
        before = self.nodes.get(node)
        self.nodes[node] = NodeStatus(
            name=node,
            kind=before.kind if before else NodeKind.GUEST,
            state=state,
            hypervisors=before.hypervisors if before else frozenset(),
            is_known=before.is_known if before else False,
            attributes=before.attributes if before else {},
        )

    def let_in(self, node: NodeName) -> None:
        """Note that a node was let in by its fencing devices."""
        self.nodes[node] = replace(self.nodes[node], needs_unfencing=False)

    def put(self, key: Key, instance: Instance) -> None:
        """Set what is known of a resource on a node."""
        self.instances[key] = instance
        if self.is_indexed:
            self._index(key)

    def put_last(self, key: Key, instance: Instance) -> None:
        """Set what is known of a resource on a node, and list it after all others."""
        self._remove(key)
        self.put(key, instance)

    def empty(self, node: NodeName) -> None:
        """Forget all that was known of a node's instances."""
        for key in self.keys_on(node):
            self._remove(key)

    def keys_on(self, node: NodeName) -> list[Key]:
        """Return the keys of all instances on a node."""
        self._make_indexes()
        return list(self.by_node.get(node, ()))

    def is_active(self, resource: ResourceId) -> bool:
        """Tell whether a resource runs, or may run, anywhere."""
        self._make_indexes()
        keys = self.by_resource.get(resource, ())
        return any(self.instances[key].role is not Role.STOPPED for key in keys)

    def _make_indexes(self) -> None:
        if not self.is_indexed:
            self.is_indexed = True
            for key in self.instances:
                self._index(key)

    def _index(self, key: Key) -> None:
        self.by_resource.setdefault(key[0], {})[key] = None
        self.by_node.setdefault(key[1], {})[key] = None

    def _remove(self, key: Key) -> None:
        self._make_indexes()
        if self.instances.pop(key, None) is not None:
            del self.by_resource[key[0]][key]
            del self.by_node[key[1]][key]


def becoming(observed: Observed) -> Becoming:
    """Return a snapshot ready to be changed."""
    return Becoming(observed, dict(observed.nodes), dict(observed.instances))


GuestNodes = Mapping[ResourceId, NodeName]
"""The node that each guest becomes."""
