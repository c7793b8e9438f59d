"""By which names the histories of nodes know the instances of a clone, for those that have no names of their own.

Today they share the name without a number. Histories of before Pacemaker 1.1.8 have numbers, which need not be those
that the instances have now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.transition import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryNames:
    """The names in one CIB's status."""

    shared: frozenset[ResourceId] = frozenset()
    """Resources that some history knows by the name without a number."""
    numbered: Mapping[tuple[ResourceId, NodeName], ResourceId] = field(default_factory=dict)
    """The name with a number that a node's history has for what is active there."""

    def of(self, action: Action, numbers: Mapping[tuple[ResourceId, NodeName], ResourceId]) -> ResourceId:
        """Return the name by which Pacemaker speaks of an action's resource.

        It prefers the name without a number, but only if some history has it (lib/pacemaker/pcmk_simulate.c,
        simulate_resource_action).

        Args:
            action: an action on a resource.
            numbers: the instance that what is active on a node is.
        """
        assert action.resource is not None
        return (
            action.resource
            if action.instance is None
            else self._of(action.resource, action.instance, numbers)
        )

    def spoken(
        self, instance: ResourceId, numbers: Mapping[tuple[ResourceId, NodeName], ResourceId]
    ) -> ResourceId:
        """Return the name by which Pacemaker speaks of a resource, or an instance of a clone."""
        known = {name for (name, _), found in numbers.items() if found == instance}
        return self._of(known.pop(), instance, numbers) if known else instance

    def _of(
        self,
        known_as: ResourceId,
        instance: ResourceId,
        numbers: Mapping[tuple[ResourceId, NodeName], ResourceId],
    ) -> ResourceId:
        if known_as in self.shared or known_as.rpartition(":")[2].isdigit():
            return known_as
        for (resource, node), name in self.numbered.items():
            if resource == known_as and numbers.get((resource, node)) == instance:
                return name
        return instance
