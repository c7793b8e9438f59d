"""Reads constraints: location with rules, colocation and ordering, with their resource sets, tags and templates."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

from reconciler.model.constraint import Colocation, Discovery, Location, Ordering, OrderKind
from reconciler.model.names import NodeName, ResourceId
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.nodes import Nodes
from reconciler.pacemaker.resources import Resources
from reconciler.pacemaker.rules import Subject, holds
from reconciler.pacemaker.values import boolean, score

_ACTIONS = {"start", "stop"}


@dataclass(slots=True)
class Constraints:
    """All constraints of a CIB between resources that are known."""

    locations: list[Location] = field(default_factory=list)
    colocations: list[Colocation] = field(default_factory=list)
    orderings: list[Ordering] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    cib: Cib
    nodes: Nodes
    resources: Resources
    names: Mapping[str, Sequence[str]]
    """Resources by tag, and by template."""
    found: Constraints

    def expand(self, element: Element, name: str | None) -> list[ResourceId]:
        """Return the known resources that a name stands for; one that is left out is noted."""
        ids = [ResourceId(n) for n in self.names.get(name or "", (name or "",))]
        for missing in ids:
            if missing not in self.resources.known:
                text = f"{element.tag} {element.get('id')} names {missing}, which is not taken into account"
                self.cib.note(element, "constraint", text)
        return [n for n in ids if n in self.resources.known]


def read_constraints(cib: Cib, nodes: Nodes, resources: Resources) -> Constraints:
    """Return the constraints; those on what is not supported are noted, and left out."""
    reading = _Reading(
        cib=cib, nodes=nodes, resources=resources, names=_collections(cib), found=Constraints()
    )
    for element in cib.section("configuration/constraints"):
        match element.tag:
            case "rsc_location":
                _read_location(reading, element)
            case "rsc_colocation":
                _read_colocation(reading, element)
            case "rsc_order":
                _read_order(reading, element)
            case tag:
                cib.note(element, str(tag), f"{tag} {element.get('id')} is not supported yet")
    return reading.found


def _collections(cib: Cib) -> dict[str, list[str]]:
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


def _members(reading: _Reading, block: Element) -> list[ResourceId]:
    """Return the resources of a set in order."""
    block = reading.cib.resolve(block)
    return [r for ref in elements(block, "resource_ref") for r in reading.expand(block, ref.get("id"))]


# Location.


def _read_location(reading: _Reading, element: Element) -> None:
    if element.get("role") not in {None, "Started"}:
        reading.cib.note(element, "role", f"the role of location {element.get('id')} is not supported yet")
        return
    for block in (element, *elements(element, "lifetime")):
        rules = list(elements(block, "rule"))
        is_lifetime = block.tag == "lifetime" or element.get("node") is not None
        if rules and is_lifetime and not any(_rule_holds(reading, rule, {}) for rule in rules):
            return
    for resource in _located(reading, element):
        for node, points in _points(reading, element, resource):
            reading.found.locations.append(
                Location(
                    id=element.get("id", ""),
                    resource=resource,
                    node=node,
                    score=points,
                    where=reading.cib.where(element),
                    discovery=_discovery(element.get("resource-discovery")),
                )
            )


def _located(reading: _Reading, element: Element) -> list[ResourceId]:
    pattern = element.get("rsc-pattern")
    if pattern is not None:
        try:
            wanted = re.compile(pattern.removeprefix("!"))
        except re.error:
            reading.cib.note(element, "rsc-pattern", f"{pattern} is no regular expression")
            return []
        is_inverted = pattern.startswith("!")
        return [r for r in reading.resources.known if (wanted.search(r) is None) == is_inverted]
    sets = list(elements(element, "resource_set"))
    if sets:
        return [r for block in sets for r in _members(reading, block)]
    return reading.expand(element, element.get("rsc"))


def _points(reading: _Reading, element: Element, resource: ResourceId) -> Iterable[tuple[NodeName, int]]:
    """Return the score on each node that a location concerns."""
    wanted = element.get("node")
    if wanted is not None:
        names = {n.lower(): n for n in reading.nodes.hosts}
        name = names.get(wanted.lower())
        return () if name is None else ((name, score(element.get("score"))),)
    found = []
    for rule in elements(element, "rule"):
        target = reading.cib.resolve(rule)
        for node, attributes in reading.nodes.attributes.items():
            if node in reading.nodes.hosts and _rule_holds(reading, target, attributes, resource):
                attribute = target.get("score-attribute") or target.get("score-attribute-mangled")
                text = target.get("score") if attribute is None else attributes.get(attribute)
                found.append((node, score(text)))
    return found


def _rule_holds(
    reading: _Reading, rule: Element, attributes: Mapping[str, str], resource: ResourceId | None = None
) -> bool:
    declared = None if resource is None else reading.resources.known[resource]
    subject = Subject(
        now=reading.cib.now,
        attributes=attributes,
        params={} if declared is None else declared.params,
        meta={} if resource is None else reading.resources.meta[resource],
    )
    return holds(reading.cib, rule, subject)


def _discovery(text: str | None) -> Discovery:
    return Discovery(text) if text in {d.value for d in Discovery} else Discovery.ALWAYS


# Colocation.


def _read_colocation(reading: _Reading, element: Element) -> None:
    roles = {element.get("rsc-role"), element.get("with-rsc-role")} - {None, "Started"}
    roles |= {s.get("role") for s in elements(element, "resource_set")} - {None, "Started"}
    if roles:
        reading.cib.note(
            element, "role", f"the roles of colocation {element.get('id')} are not supported yet"
        )
        return
    sets = list(elements(element, "resource_set"))
    if not sets:
        for dependent in reading.expand(element, element.get("rsc")):
            for primary in reading.expand(element, element.get("with-rsc")):
                _add_colocation(reading, element, dependent, primary)
        return
    for block in sets:
        members = _members(reading, block)
        if _is_sequential(reading, block):
            # To keep all apart from each other, each is kept apart from all that are listed before it.
            is_apart = score(element.get("score")) < 0
            chain = combinations(members, 2) if is_apart else pairwise(members)
            for primary, dependent in chain:
                _add_colocation(reading, element, dependent, primary)
    for block, following in pairwise(sets):
        dependents, primaries = _members(reading, block), _members(reading, following)
        for dependent in dependents[:1] if _is_sequential(reading, block) else dependents:
            for primary in primaries[-1:] if _is_sequential(reading, following) else primaries:
                _add_colocation(reading, element, dependent, primary)


def _add_colocation(reading: _Reading, element: Element, dependent: ResourceId, primary: ResourceId) -> None:
    points = score(element.get("score"))
    if dependent == primary or points == 0:
        return
    reading.found.colocations.append(
        Colocation(
            id=element.get("id", ""),
            dependent=dependent,
            primary=primary,
            score=points,
            where=reading.cib.where(element),
            node_attribute=element.get("node-attribute"),
        )
    )


def _is_sequential(reading: _Reading, block: Element) -> bool:
    return boolean(reading.cib.resolve(block).get("sequential"), default=True)


# Ordering.


def _read_order(reading: _Reading, element: Element) -> None:
    sets = list(elements(element, "resource_set"))
    if sets:
        _read_ordered_sets(reading, element, sets)
        return
    first_action = element.get("first-action", "start")
    then_action = element.get("then-action", first_action)
    for first in reading.expand(element, element.get("first")):
        for then in reading.expand(element, element.get("then")):
            _add_ordering(reading, element, (first, first_action), (then, then_action))


def _read_ordered_sets(reading: _Reading, element: Element, sets: Sequence[Element]) -> None:
    """Order the members of each sequential set, and each set before the next."""
    for block in sets:
        action = reading.cib.resolve(block).get("action", "start")
        members = _members(reading, block)
        if _is_sequential(reading, block):
            for first, then in pairwise(members):
                _add_ordering(reading, element, (first, action), (then, action))
    for block, following in pairwise(sets):
        source, target = reading.cib.resolve(block), reading.cib.resolve(following)
        is_any = not boolean(source.get("require-all"), default=True)
        firsts, thens = _members(reading, block), _members(reading, following)
        for first in firsts[-1:] if _is_sequential(reading, block) and not is_any else firsts:
            for then in thens[:1] if _is_sequential(reading, following) else thens:
                before = (first, source.get("action", "start"))
                after = (then, target.get("action", "start"))
                _add_ordering(reading, element, before, after, source.get("id", "") if is_any else "")


def _add_ordering(
    reading: _Reading,
    element: Element,
    first: tuple[ResourceId, str],
    then: tuple[ResourceId, str],
    alternatives: str = "",
) -> None:
    if not {first[1], then[1]} <= _ACTIONS:
        reading.cib.note(
            element, "role", f"order {element.get('id')} names actions that are not supported yet"
        )
        return
    kind = _kind(element)
    ordering = Ordering(
        id=element.get("id", ""),
        first=first[0],
        then=then[0],
        where=reading.cib.where(element),
        kind=kind,
        first_action=first[1],
        then_action=then[1],
        is_symmetrical=boolean(element.get("symmetrical"), default=kind is not OrderKind.SERIALIZE),
    )
    reading.found.orderings.append(replace(ordering, alternatives=alternatives))


def _kind(element: Element) -> OrderKind:
    text = element.get("kind")
    if text is None:
        is_optional = element.get("score") is not None and score(element.get("score")) == 0
        return OrderKind.OPTIONAL if is_optional else OrderKind.MANDATORY
    return OrderKind(text.lower()) if text.lower() in {k.value for k in OrderKind} else OrderKind.MANDATORY
