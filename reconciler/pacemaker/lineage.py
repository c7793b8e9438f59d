"""One resource as a CIB declares it, with its template and with what it is a part of: where its settings come from.

A setting is looked for in the resource, then in its template, then in its group, then in its clone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.names import ResourceId
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.nvpairs import pairs
from reconciler.pacemaker.rules import Subject
from reconciler.pacemaker.values import boolean, integer

CLONES = frozenset({"clone", "master"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """One element of a resource, below its group and clone."""

    cib: Cib
    element: Element
    parent: "Lineage | None" = None

    @property
    def id(self) -> ResourceId:
        """Return the name under which it is declared."""
        return ResourceId(self.element.get("id", ""))

    @property
    def sources(self) -> list[Element]:
        """Return the element, and its template if it has one."""
        template = self.cib.ids.get(self.element.get("template", ""))
        return [self.element] if template is None else [self.element, template]

    @property
    def ancestors(self) -> Iterator["Lineage"]:
        """Return what it is a part of, the nearest first."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    @property
    def clone(self) -> "Lineage | None":
        """Return the clone that it is, or is in."""
        return next((a for a in (self, *self.ancestors) if a.element.tag in CLONES), None)

    @property
    def subject(self) -> Subject:
        """Return what rules are judged for."""
        agent = (self.attribute("class"), self.attribute("provider"), self.attribute("type"))
        return Subject(now=self.cib.now, agent=agent)

    def attribute(self, name: str) -> str:
        """Return an XML attribute of a primitive, or of its template."""
        return next((value for s in self.sources if (value := s.get(name)) is not None), "")

    def own(self, tag: str, subject: Subject) -> dict[str, str]:
        """Return the pairs of the resource and its template; the resource's win."""
        found: dict[str, str] = {}
        for source in self.sources:
            found = {**pairs(self.cib, elements(source, tag), subject), **found}
        return found

    def inherited(self, tag: str, subject: Subject) -> dict[str, str]:
        """Return its pairs and those of all that it is a part of; the nearest win."""
        found = self.own(tag, subject)
        for above in self.ancestors:
            found = {**above.own(tag, subject), **found}
        return found

    def meta(self) -> dict[str, str]:
        """Return its meta-attributes: defaults for all resources come after what its group and clone say.

        Source: Pacemaker lib/pengine/complex.c, get_meta_attributes.
        """
        subject = self.subject
        blocks = self.cib.section("configuration/rsc_defaults")
        defaults = pairs(self.cib, [b for b in blocks if b.tag == "meta_attributes"], subject)
        above = {} if self.parent is None else self.parent.meta()
        meta = {**above, **defaults, **self.inherited("meta_attributes", subject)}
        if self.element.tag in CLONES:
            # Pacemaker lib/pengine/clone.c, clone_unpack: clones stay where they are, other things being equal.
            meta.setdefault("resource-stickiness", "1")
        if self.element.tag == "master":
            meta["promotable"] = "true"
        return meta

    def has_rules(self) -> bool:
        """Tell whether settings may differ from node to node, or from time to time."""
        sections = (self.cib.root.find(f"configuration/{name}") for name in ("rsc_defaults", "op_defaults"))
        every = [*self.sources, *(a.element for a in self.ancestors), *(s for s in sections if s is not None)]
        return any(next(s.iter("rule"), None) is not None for s in every)

    def has_rules_of_operations(self) -> bool:
        """Tell whether settings of operations may differ from node to node, or from time to time."""
        blocks = [block for source in self.sources for block in elements(source, "operations")]
        return any(next(self.cib.resolve(b).iter("rule"), None) is not None for b in blocks)


def is_unique(meta: Mapping[str, str]) -> bool:
    """Tell whether a clone's instances differ: if it says so, or if several may share a node."""
    given = meta.get("globally-unique")
    return integer(meta.get("clone-node-max"), 1) > 1 if given is None else boolean(given)
