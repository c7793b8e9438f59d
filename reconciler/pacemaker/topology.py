"""Reads the fencing topology: which devices are used on which node, and in which order."""

from reconciler.model.names import NodeName
from reconciler.model.node import FencingLevel
from reconciler.pacemaker.document import Cib
from reconciler.pacemaker.values import integer

_INDICES = range(1, 10)
"""Pacemaker lib/pengine/unpack.c, pcmk__validate_fencing_topology."""


def read_levels(cib: Cib) -> tuple[FencingLevel, ...]:
    """Return the levels in document order; one that has no target or no valid index is noted, and left out."""
    found = []
    for element in cib.section("configuration/fencing-topology"):
        if element.tag != "fencing-level":
            continue
        node, pattern = element.get("target"), element.get("target-pattern")
        attribute, value = element.get("target-attribute"), element.get("target-value")
        label = None if attribute is None or value is None else (attribute, value)
        index = integer(element.get("index"))
        if index not in _INDICES or (node is None and pattern is None and label is None):
            cib.note(element, "fencing-level", f"fencing level {element.get('id')} is not valid")
            continue
        devices = (part.strip() for part in element.get("devices", "").split(","))
        found.append(
            FencingLevel(
                id=element.get("id", ""),
                where=cib.where(element),
                index=index,
                devices=tuple(device for device in devices if device),
                node=None if node is None else NodeName(node),
                pattern=pattern,
                label=label,
            )
        )
    return tuple(found)
