"""Reads resources: primitives with their templates, defaults, parameters, meta-attributes and operations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.model.names import ResourceId
from reconciler.model.resource import MultipleActive, OnFail, Operation, Resource, ResourceAgent, Role
from reconciler.model.score import INFINITY
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.nvpairs import pairs
from reconciler.pacemaker.options import Options
from reconciler.pacemaker.rules import Subject
from reconciler.pacemaker.values import boolean, duration_ms, integer, score

_DEFAULT_TIMEOUT_MS = 20_000
_COLLECTIVES = {"group", "clone", "master", "bundle"}
_UNSUPPORTED_META = {"remote-node", "container", "allow-migrate", "critical"}


@dataclass(slots=True)
class Resources:
    """All resources of a CIB."""

    known: dict[ResourceId, Resource] = field(default_factory=dict)
    """In document order, which is their rank."""
    left_out: set[str] = field(default_factory=set)
    """Ids of resources that are not supported: nothing must be concluded from their status."""
    meta: dict[ResourceId, Mapping[str, str]] = field(default_factory=dict)
    with_rules: set[ResourceId] = field(default_factory=set)
    """Those whose parameters depend on rules, and so may differ from node to node."""


def read_resources(cib: Cib, options: Options) -> Resources:
    """Return the resources, and note those that are left out."""
    found = Resources()
    for element in cib.section("configuration/resources"):
        if element.tag == "primitive":
            _add_primitive(cib, options, found, element)
        elif element.tag in _COLLECTIVES:
            cib.note(element, element.tag, f"{element.tag} {element.get('id')} is not supported yet")
            found.left_out |= {e.get("id", "") for e in element.iter("*") if e.get("id")}
    return found


def _add_primitive(cib: Cib, options: Options, found: Resources, element: Element) -> None:
    name = ResourceId(element.get("id", ""))
    sources = [element]
    template = cib.ids.get(element.get("template", ""))
    if template is not None:
        sources.append(template)
    standard = _attribute(sources, "class")
    if _attribute(sources, "type") == "remote":
        cib.note(element, "remote", f"{name} is left out: remote nodes are not supported yet")
        found.left_out.add(name)
        return
    agent = ResourceAgent(
        standard=standard, provider=_attribute(sources, "provider"), type=_attribute(sources, "type")
    )
    subject = Subject(now=cib.now, agent=(agent.standard, agent.provider, agent.type))
    defaults = [b for b in cib.section("configuration/rsc_defaults") if b.tag == "meta_attributes"]
    meta = {
        **pairs(cib, defaults, subject),
        **_merged(cib, sources, "meta_attributes", subject),
    }
    for feature in sorted(_UNSUPPORTED_META & set(meta)):
        if meta[feature] not in {"false", "true" if feature == "critical" else "false"}:
            cib.note(element, feature, f"{feature}={meta[feature]} of {name} is not supported yet")
    if next(elements(element, "utilization"), None) is not None:
        cib.note(element, "utilization", f"what {name} needs is not taken into account")
    is_paused = options.in_maintenance or boolean(meta.get("maintenance"))
    found.meta[name] = meta
    if any(next(s.iter("rule"), None) is not None for s in sources):
        found.with_rules.add(name)
    found.known[name] = Resource(
        id=name,
        agent=agent,
        where=cib.where(element),
        params=_merged(cib, sources, "instance_attributes", subject),
        operations=_operations(cib, sources, subject),
        state=Role.STOPPED if options.stops_all or meta.get("target-role") == "Stopped" else Role.STARTED,
        is_managed=boolean(meta.get("is-managed"), default=True) and not is_paused,
        is_monitored=not is_paused,
        multiple_active=_multiple_active(meta.get("multiple-active")),
        stickiness=score(meta.get("resource-stickiness")),
        priority=score(meta.get("priority")),
        failure_limit=score(meta.get("migration-threshold"), INFINITY),
        failure_timeout_ms=duration_ms(meta.get("failure-timeout")),
        rank=len(found.known),
    )


def _attribute(sources: Iterable[Element], name: str) -> str:
    """Return an attribute of a primitive, or of its template."""
    return next((value for s in sources if (value := s.get(name)) is not None), "")


def _merged(cib: Cib, sources: Iterable[Element], tag: str, subject: Subject) -> dict[str, str]:
    """Return pairs of a primitive and its template; the primitive's win."""
    merged: dict[str, str] = {}
    for source in sources:
        merged = {**pairs(cib, elements(source, tag), subject), **merged}
    return merged


def _operations(cib: Cib, sources: Iterable[Element], subject: Subject) -> tuple[Operation, ...]:
    """Return the operations of a primitive and its template; of two with one name and interval, the first."""
    found: dict[tuple[str, int], Operation] = {}
    for source in sources:
        for block in elements(source, "operations"):
            for op in elements(cib.resolve(block), "op"):
                operation = _operation(cib, cib.resolve(op), subject)
                found.setdefault((operation.name, operation.interval_ms), operation)
    return tuple(found.values())


def _operation(cib: Cib, op: Element, subject: Subject) -> Operation:
    name, interval_ms = op.get("name", ""), duration_ms(op.get("interval"))
    defaults = [b for b in cib.section("configuration/op_defaults") if b.tag == "meta_attributes"]
    operation = Subject(now=cib.now, agent=subject.agent, operation=(name, interval_ms))
    settings = {
        **pairs(cib, defaults, operation),
        **pairs(cib, elements(op, "meta_attributes"), operation),
        **{str(name): str(value) for name, value in op.attrib.items()},
    }
    role = settings.get("role")
    return Operation(
        name=name,
        interval_ms=interval_ms,
        timeout_ms=duration_ms(settings.get("timeout"), _DEFAULT_TIMEOUT_MS),
        on_fail=_on_fail(cib, op, settings.get("on-fail")),
        role=Role.STOPPED if role == "Stopped" else None,
        params=pairs(cib, elements(op, "instance_attributes"), operation),
        enabled=boolean(settings.get("enabled"), default=True),
    )


def _on_fail(cib: Cib, op: Element, text: str | None) -> OnFail:
    match text:
        case None | "restart":
            return OnFail.RESTART
        case "stop" | "block" | "ignore":
            return OnFail(text)
        case _:
            cib.note(op, "on-fail", f"on-fail={text} is taken as restart")
            return OnFail.RESTART


def _multiple_active(text: str | None) -> MultipleActive:
    return MultipleActive(text) if text in {m.value for m in MultipleActive} else MultipleActive.STOP_START


def fail_count(attributes: Mapping[str, str], resource: str) -> tuple[int, float]:
    """Return how often a resource failed on a node, and when last, epoch seconds.

    The counts of its operations add up; a count without an operation is that of old versions (Pacemaker
    Administration, "fail-count-RESOURCE#OPERATION_INTERVAL").
    """
    count, last_at = 0, 0
    for name, value in attributes.items():
        kind, _, rest = name.partition("-" + resource)
        if rest and not rest.startswith("#"):
            continue
        if kind == "fail-count":
            count = min(INFINITY, count + score(value))
        elif kind == "last-failure":
            last_at = max(last_at, integer(value))
    return count, float(last_at)
