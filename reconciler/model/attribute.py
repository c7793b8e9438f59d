"""Node attributes: what programs on a node say of it, to be judged by rules and by promotion."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

PROMOTION_PREFIX = "master-"
"""Of the attribute that holds a promotion score, before the resource's name (Pacemaker's crm_attribute --promotion)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """One node attribute gets a value, or goes."""

    name: str
    value: str | None
    """None: it goes."""
    is_permanent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAttributes:
    """The attributes of one node."""

    permanent: Mapping[str, str] = field(default_factory=dict)
    """They outlive the node's incarnations (Pacemaker's lifetime `forever`)."""
    transient: Mapping[str, str] = field(default_factory=dict)
    """They end with the node's incarnation (Pacemaker's lifetime `reboot`)."""
    incarnation: str = ""
    """To which the transient ones belong."""

    def merged(self) -> Mapping[str, str]:
        """Return what rules see: a transient one hides a permanent one of its name."""
        return {**self.permanent, **self.transient}

    def in_incarnation(self, incarnation: str) -> "NodeAttributes":
        """Return what is left of them in an incarnation of their node."""
        if incarnation == self.incarnation:
            return self
        return NodeAttributes(permanent=self.permanent, incarnation=incarnation)

    def changed(self, change: AttributeChange) -> "NodeAttributes":
        """Return them after a change."""
        values = dict(self.permanent if change.is_permanent else self.transient)
        if change.value is None:
            values.pop(change.name, None)
        else:
            values[change.name] = change.value
        return replace(self, permanent=values) if change.is_permanent else replace(self, transient=values)
