"""What nodes have left of their capacity, and who has room for what.

The rules (Pacemaker Explained, "Utilization and Placement Strategy"; lib/pacemaker/pcmk_sched_utilization.c):

* By the default strategy, needs are disregarded. By all others a node must have left what a resource needs.
* What must run together is looked at together: as long as any node has room for all of it that is not assigned yet,
  nodes without that room are banned. If none has, only those are that lack room for the resource alone, and of the
  others the one with most capacity left is preferred.
* Of two nodes, the one that has more left of more of the named capacities has more capacity left.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.resource import Resource

Needs = Mapping[str, int]
_NOTHING: Needs = {}


@dataclass(slots=True)
class Capacity:
    """What is left on each node while resources are assigned."""

    left: dict[NodeName, dict[str, int]]

    def take(self, node: NodeName, resource: Resource) -> None:
        """Subtract what a resource needs."""
        left = self.left.setdefault(node, {})
        for name, amount in resource.needs.items():
            left[name] = left.get(name, 0) - amount

    def give_back(self, node: NodeName, resource: Resource) -> None:
        """Undo `take`."""
        left = self.left.setdefault(node, {})
        for name, amount in resource.needs.items():
            left[name] = left.get(name, 0) + amount

    def with_room(self, nodes: Iterable[NodeName], needs: Needs) -> list[NodeName]:
        """Return those of several nodes that have enough of everything left."""
        found = list(nodes)
        for name, amount in needs.items():
            found = [node for node in found if self.left.get(node, _NOTHING).get(name, 0) >= amount]
        return found

    def compare(self, left: NodeName, right: NodeName) -> int:
        """Return by how many capacities more the right node has more left than the left one; below 0: fewer."""
        mine, others = self.left.get(left, _NOTHING), self.left.get(right, _NOTHING)
        pairs = [(mine.get(name, 0), others.get(name, 0)) for name in {**mine, **others}]
        return sum([(own < other) - (own > other) for own, other in pairs])


def capacity_of(intent: Intent) -> Capacity:
    """Return the capacity of every node, nothing taken yet."""
    left = {host.name: dict(host.capacity) for host in intent.hosts.values()}
    left |= {node: dict(remote.capacity) for node, remote in intent.remote_nodes().items()}
    return Capacity(left)


def total(needs: Iterable[Needs]) -> dict[str, int]:
    """Return the sum of several needs."""
    result: dict[str, int] = {}
    for one in needs:
        for name, amount in one.items():
            result[name] = result.get(name, 0) + amount
    return result
