"""Reads rules: expressions on node attributes and dates, joined by and/or (Pacemaker Explained, "Rules").

What concerns no node and no time, the kind of a resource or of an operation, is judged here; the rest is judged by
`plan/rules.py`, when a plan is made or, for what a plan does not judge, right away.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.model.rule import (
    AttributeTest,
    CalendarRange,
    Comparison,
    Condition,
    DateTest,
    Together,
    ValueType,
)
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.values import duration_ms, integer
from reconciler.plan.calendar import UNITS
from reconciler.plan.rules import Facts, holds

ALWAYS = Together(kind="all", parts=())
NEVER = Together(kind="any", parts=())

_CLUSTER = "#cluster-name"
_EXPRESSIONS = ("rule", "expression", "date_expression", "rsc_expression", "op_expression")
_BLANK_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d\Z|Z\Z)")
_TYPES = {
    "string": ValueType.TEXT, "integer": ValueType.INTEGER, "number": ValueType.NUMBER, "version": ValueType.VERSION,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a rule is about."""

    now: float
    attributes: Mapping[str, str] | None = None
    """Of the node; None: it concerns no node, and expressions on attributes do not hold."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Of the resource, for `value-source`."""
    meta: Mapping[str, str] = field(default_factory=dict)
    operation: tuple[str, int] | None = None
    """Name and interval in milliseconds, where an operation's defaults are looked for."""
    agent: tuple[str, str, str] | None = None
    """Standard, provider and type of the resource."""


def all_hold(cib: Cib, parent: Element, subject: Subject) -> bool:
    """Tell whether an element's rules hold; without any they do."""
    return all(_holds(read_rule(cib, rule, subject), subject) for rule in elements(parent, "rule"))


def read_rule(cib: Cib, rule: Element, subject: Subject) -> Condition:
    """Return what a rule says; an empty one does not hold when it says `or`."""
    rule = cib.resolve(rule)
    parts = tuple(_read(cib, part, subject) for part in elements(rule, *_EXPRESSIONS))
    if len(parts) == 1:
        return parts[0]
    return Together(kind="any" if rule.get("boolean-op") == "or" else "all", parts=parts)


def condition_of(cib: Cib, parent: Element, subject: Subject) -> Condition:
    """Return when an element's rules hold, with what is known already left out: at best ALWAYS or NEVER.

    Args:
        cib: where references are looked up.
        parent: what has the rules; without any it always counts.
        subject: without attributes, which are not judged here.
    """
    return _folded(
        Together(kind="all", parts=tuple(read_rule(cib, r, subject) for r in elements(parent, "rule")))
    )


def without_attributes(condition: Condition) -> Condition:
    """Return a condition where no node is concerned: what it asks of attributes does not hold."""
    return _folded(_with_verdicts(condition, lambda _: NEVER))


def with_cluster_name(condition: Condition, name: str) -> Condition:
    """Return a condition of one cluster: its name, which all nodes have as an attribute, is known."""
    facts = Facts(now=0.0, attributes={_CLUSTER: name})

    def judged(test: AttributeTest) -> Condition:
        if test.name != _CLUSTER:
            return test
        return ALWAYS if holds(test, facts) else NEVER

    return _folded(_with_verdicts(condition, judged))


def _folded(condition: Condition) -> Condition:
    """Return the same condition without parts that are certain."""
    if not isinstance(condition, Together):
        return condition
    idle, decisive = (ALWAYS, NEVER) if condition.kind == "all" else (NEVER, ALWAYS)
    parts = tuple(p for part in condition.parts if (p := _folded(part)) != idle)
    if decisive in parts:
        return decisive
    return parts[0] if len(parts) == 1 else Together(kind=condition.kind, parts=parts)


def _read(cib: Cib, part: Element, subject: Subject) -> Condition:
    match part.tag:
        case "rule":
            return read_rule(cib, part, subject)
        case "expression":
            return _attribute(part, subject)
        case "date_expression":
            return _date(part)
        case "rsc_expression":
            wanted = (part.get("class"), part.get("provider"), part.get("type"))
            agent = subject.agent
            is_it = agent is not None and all(w is None or w == a for w, a in zip(wanted, agent, strict=True))
        case _:
            from_interval = part.get("interval")
            wanted_ms = None if from_interval is None else duration_ms(from_interval)
            found = subject.operation
            is_it = found is not None and part.get("name") == found[0] and wanted_ms in {None, found[1]}
    return ALWAYS if is_it else NEVER


def _holds(condition: Condition, subject: Subject) -> bool:
    if subject.attributes is None:
        condition = without_attributes(condition)
    return holds(condition, Facts(now=subject.now, attributes=subject.attributes or {}))


def _with_verdicts(condition: Condition, judge: Callable[[AttributeTest], Condition]) -> Condition:
    """Return a condition with what is judged in the place of each test of an attribute."""
    match condition:
        case AttributeTest():
            return judge(condition)
        case DateTest():
            return condition
        case Together(parts=parts):
            return Together(kind=condition.kind, parts=tuple(_with_verdicts(p, judge) for p in parts))


def _attribute(part: Element, subject: Subject) -> Condition:
    wanted = part.get("value")
    match part.get("value-source", "literal"):
        case "param":
            wanted = subject.params.get(wanted or "")
        case "meta":
            wanted = subject.meta.get(wanted or "")
        case _:
            pass
    operation = part.get("operation", "")
    if operation not in {c.value for c in Comparison}:
        return NEVER
    comparison = Comparison(operation)
    # Where nothing is said: Pacemaker Explained, "Node Attribute Expressions".
    is_equality = comparison in {Comparison.EQ, Comparison.NE}
    kind = _TYPES.get(part.get("type", ""), ValueType.TEXT if is_equality else ValueType.NUMBER)
    if comparison in {Comparison.DEFINED, Comparison.NOT_DEFINED}:
        wanted, kind = None, ValueType.TEXT
    return AttributeTest(name=part.get("attribute", ""), comparison=comparison, value=wanted, value_type=kind)


def _date(part: Element) -> Condition:
    start, end = _moment(part.get("start")), _moment(part.get("end"))
    for length in elements(part, "duration"):
        if start is not None and end is None:
            end = start + int(_length(length).total_seconds())
    match part.get("operation", "in_range"):
        case "gt":
            return NEVER if start is None else DateTest(since=start + 1)
        case "lt":
            return NEVER if end is None else DateTest(before=end)
        case "date_spec":
            ranges = [r for spec in elements(part, "date_spec") for r in _ranges(spec)]
            return DateTest(calendar=tuple(ranges))
        case _:
            return DateTest(since=start, before=None if end is None else end + 1)


def _moment(text: str | None) -> int | None:
    """Return a time in epoch seconds; without an offset it is in UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(_BLANK_BEFORE_OFFSET.sub("", text.strip()))
    except ValueError:
        return None
    return int((found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp())


def _length(duration: Element) -> timedelta:
    """Return a duration; months and years count 30 and 365 days."""
    days = {"years": 365, "months": 30, "weeks": 7, "days": 1}
    seconds = {"hours": 3600, "minutes": 60, "seconds": 1}
    return timedelta(
        days=sum(integer(duration.get(name)) * n for name, n in days.items()),
        seconds=sum(integer(duration.get(name)) * n for name, n in seconds.items()),
    )


def _ranges(spec: Element) -> list[CalendarRange]:
    return [_range(unit, text) for unit in UNITS if (text := spec.get(unit)) is not None]


def _range(unit: str, text: str) -> CalendarRange:
    """Return a range such as `5`, `5-8`, `5-` or `-8`."""
    low, dash, high = text.partition("-")
    first = integer(low) if low else None
    last = (integer(high) if high else None) if dash else first
    return CalendarRange(unit=unit, low=first, high=last)
