"""What constraints name: resources, groups, clones, tags, templates, and sets of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.constraint import Colocation, Location, Ordering, TicketConstraint
from reconciler.model.names import ResourceId
from reconciler.model.rule import LocationRule
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.nodes import Nodes
from reconciler.pacemaker.resources import Resources
from reconciler.pacemaker.values import boolean


@dataclass(slots=True)
class Constraints:
    """All constraints of a CIB between resources that are known."""

    locations: list[Location] = field(default_factory=list)
    location_rules: list[LocationRule] = field(default_factory=list)
    colocations: list[Colocation] = field(default_factory=list)
    orderings: list[Ordering] = field(default_factory=list)
    first_orders: dict[tuple[ResourceId, str, ResourceId, str], Ordering] = field(default_factory=dict)
    """The first order of two actions: a resource and what it does, and another one and what that does then."""
    tickets: list[TicketConstraint] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The constraints of one CIB while they are being read."""

    cib: Cib
    nodes: Nodes
    resources: Resources
    names: Mapping[str, Sequence[str]]
    """Resources by tag, and by template."""
    found: Constraints

    def expand(self, element: Element, name: str | None) -> list[ResourceId]:
        """Return what is known of what a name stands for; one that is left out is noted."""
        ids: list[ResourceId] = []
        for one in self.names.get(name or "", (name or "",)):
            meant = self.resources.named(one)
            if meant is None:
                text = f"{element.tag} {element.get('id')} names {one}, which is not taken into account"
                self.cib.note(element, "constraint", text)
            else:
                ids.append(meant)
        return ids

    def is_several(self, name: str | None) -> bool:
        """Tell whether a name stands for several resources, as a tag or a template does."""
        return name in self.names

    def members(self, block: Element) -> list[ResourceId]:
        """Return the resources of a set in order."""
        block = self.cib.resolve(block)
        return [r for ref in elements(block, "resource_ref") for r in self.expand(block, ref.get("id"))]

    def is_sequential(self, block: Element) -> bool:
        """Tell whether the members of a set follow each other."""
        return boolean(self.cib.resolve(block).get("sequential"), default=True)


def names_of_several(cib: Cib) -> dict[str, list[str]]:
    """Return what tags and templates stand for."""
    found: dict[str, list[str]] = {}
    for tag in cib.section("configuration/tags"):
        found[tag.get("id", "")] = [r.get("id", "") for r in elements(tag, "obj_ref")]
    resources = cib.root.find("configuration/resources")
    for primitive in () if resources is None else resources.iter("primitive"):
        template = primitive.get("template")
        if template is not None:
            found.setdefault(template, []).append(primitive.get("id", ""))
    return found
