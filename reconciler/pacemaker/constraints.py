"""Reads constraints: location with rules here, colocation and ordering with their sets through their own modules."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.bundle import tie
from reconciler.model.collective import Bundle
from reconciler.model.constraint import Discovery, Location
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Role
from reconciler.model.rule import AttributeTest, Comparison, Condition, LocationRule, Together
from reconciler.pacemaker.colocations import read_colocation
from reconciler.pacemaker.constraint_names import Constraints, Reading, names_of_several
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.nodes import Nodes
from reconciler.pacemaker.options import Options
from reconciler.pacemaker.orderings import read_order
from reconciler.pacemaker.resources import Resources
from reconciler.pacemaker.rules import Subject, read_rule
from reconciler.pacemaker.tickets import read_ticket
from reconciler.pacemaker.values import role_of, score
from reconciler.plan.rules import NAME, Facts, holds

_ROLES_THAT_COUNT = frozenset({Role.STOPPED, Role.PROMOTED})
"""What is to be promoted is started first, so that a location for what is started or unpromoted counts for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Located:
    """What one location, or one set of it, is about."""

    resources: list[ResourceId]
    role: str | None
    score: str | None


def read_constraints(cib: Cib, options: Options, nodes: Nodes, resources: Resources) -> Constraints:
    """Return the constraints; those on what is not supported are noted, and left out."""
    reading = Reading(
        cib=cib, nodes=nodes, resources=resources, names=names_of_several(cib), found=Constraints()
    )
    for element in cib.section("configuration/constraints"):
        match element.tag:
            case "rsc_location":
                _read_location(reading, element)
            case "rsc_colocation":
                read_colocation(reading, element)
            case "rsc_order":
                read_order(reading, element)
            case "rsc_ticket":
                read_ticket(reading, element)
            case tag:
                cib.note(element, str(tag), f"{tag} {element.get('id')} is not supported yet")
    _let_in(reading, options)
    for collective in resources.collectives.values():
        if isinstance(collective, Bundle):
            tie(collective, reading.found)
    return reading.found


def _let_in(reading: Reading, options: Options) -> None:
    """Let connections to guest nodes be wherever their guests are: nobody declares them, nor where they may be."""
    if options.cluster.policy.is_symmetric:
        return
    for resource in reading.resources.known.values():
        if resource.agent.is_connection and resource.container is not None:
            reading.found.locations.extend(
                Location(id="connection", resource=resource.id, node=node, score=0, where=resource.where)
                for node in reading.nodes.hosts
            )


def _read_location(reading: Reading, element: Element) -> None:
    found = reading.found
    for block in (element, *elements(element, "lifetime")):
        rules = list(elements(block, "rule"))
        is_limit = block.tag == "lifetime" or element.get("node") is not None
        if rules and is_limit and not any(_is_in_force(reading, rule) for rule in rules):
            return
    for located in _located(reading, element):
        for resource in located.resources:
            if element.get("node") is None:
                found.location_rules += _rules(reading, element, resource)
            else:
                found.locations += _on_node(reading, element, resource, located)


def _is_in_force(reading: Reading, rule: Element) -> bool:
    """Tell whether a rule holds that is about no node, so that only the time decides on it."""
    now = reading.cib.now
    return holds(read_rule(reading.cib, rule, Subject(now=now)), Facts(now=now))


def _located(reading: Reading, element: Element) -> list[_Located]:
    role, points = element.get("role"), element.get("score")
    pattern = element.get("rsc-pattern")
    if pattern is not None:
        try:
            wanted = re.compile(pattern.removeprefix("!"))
        except re.error:
            reading.cib.note(element, "rsc-pattern", f"{pattern} is no regular expression")
            return []
        is_inverted = pattern.startswith("!")
        known = [r for r in reading.resources.roots if reading.resources.named(r) == r]
        matching = [r for r in known if (wanted.search(r) is None) == is_inverted]
        return [_Located(resources=matching, role=role, score=points)]
    sets = [reading.cib.resolve(block) for block in elements(element, "resource_set")]
    if sets:
        return [
            _Located(
                resources=reading.members(block),
                role=block.get("role") or role,
                score=block.get("score") or points,
            )
            for block in sets
        ]
    return [_Located(resources=reading.expand(element, element.get("rsc")), role=role, score=points)]


def _on_node(
    reading: Reading, element: Element, resource: ResourceId, located: _Located
) -> Iterable[Location]:
    wanted = element.get("node", "").lower()
    name = next((node for node in reading.nodes.places if node.lower() == wanted), None)
    if name is not None:
        yield Location(
            id=element.get("id", ""),
            resource=resource,
            node=name,
            score=score(located.score),
            where=reading.cib.where(element),
            role=_role(located.role),
            discovery=_discovery(element.get("resource-discovery")),
        )


def _rules(reading: Reading, element: Element, resource: ResourceId) -> Iterable[LocationRule]:
    for rule in elements(element, "rule"):
        target = reading.cib.resolve(rule)
        attribute = target.get("score-attribute") or target.get("score-attribute-mangled")
        yield LocationRule(
            id=element.get("id", ""),
            resource=resource,
            when=_read_rule(reading, target, resource),
            where=reading.cib.where(element),
            score=score(target.get("score")) if attribute is None else 0,
            score_attribute=attribute,
            role=_role(target.get("role")),
            discovery=_discovery(element.get("resource-discovery")),
        )


def _read_rule(reading: Reading, rule: Element, resource: ResourceId) -> Condition:
    """Return what a rule says for a resource, whose parameters may differ from node to node."""
    nodes, resources = reading.nodes, reading.resources
    is_varied = resource in resources.declared_with and any(
        part.get("value-source") == "param" for part in rule.iter("expression")
    )
    if not is_varied:
        return read_rule(reading.cib, rule, _subject(reading, resource, {}))
    variants = (
        (node, read_rule(reading.cib, rule, _subject(reading, resource, nodes.attributes[node])))
        for node in nodes.places
    )
    return Together(
        kind="any", parts=tuple(Together(kind="all", parts=(_is_node(n), when)) for n, when in variants)
    )


def _subject(reading: Reading, resource: ResourceId, attributes: Mapping[str, str]) -> Subject:
    return Subject(
        now=reading.cib.now,
        params=reading.resources.params_on(resource, attributes),
        meta=reading.resources.meta[resource],
    )


def _is_node(node: NodeName) -> Condition:
    return AttributeTest(name=NAME, comparison=Comparison.EQ, value=node)


def _role(text: str | None) -> Role | None:
    role = role_of(text)
    return role if role in _ROLES_THAT_COUNT else None


def _discovery(text: str | None) -> Discovery:
    return Discovery(text) if text in {d.value for d in Discovery} else Discovery.ALWAYS
