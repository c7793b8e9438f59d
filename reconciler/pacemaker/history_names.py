"""By which names the histories of nodes know the instances of a clone, for those that have no names of their own.

Today they share the name without a number. Histories of before Pacemaker 1.1.8 have numbers, which need not be those
that the instances have now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.names import NodeName, ResourceId


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryNames:
    """The names in one CIB's status."""

    shared: frozenset[ResourceId] = frozenset()
    """Resources that some history knows by the name without a number."""
    numbered: Mapping[tuple[ResourceId, NodeName], ResourceId] = field(default_factory=dict)
    """The name with a number that a node's history has for what is active there."""

    def of(
        self,
        resource: ResourceId,
        instance: ResourceId | None,
        numbers: Mapping[tuple[ResourceId, NodeName], ResourceId],
    ) -> ResourceId:
        """Return the name by which Pacemaker speaks of a resource in actions.

        It prefers the name without a number, but only if some history has it (lib/pacemaker/pcmk_simulate.c,
        simulate_resource_action).

        Args:
            resource: the name under which nodes know it.
            instance: of a clone, which; None if it is none, or has a name of its own.
            numbers: the instance that what is active on a node is.
        """
        if instance is None or resource in self.shared:
            return resource
        for (known, node), name in self.numbered.items():
            if known == resource and numbers.get((known, node)) == instance:
                return name
        return instance
