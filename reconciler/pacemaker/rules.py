"""Judges rules: expressions on node attributes and dates, joined by and/or (Pacemaker Explained, "Rules")."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.values import duration_ms, integer

_BLANK_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d\Z|Z\Z)")
_COMPARE: Mapping[str, Callable[[int], bool]] = {
    "lt": lambda order: order < 0,
    "gt": lambda order: order > 0,
    "lte": lambda order: order <= 0,
    "gte": lambda order: order >= 0,
    "eq": lambda order: order == 0,
    "ne": lambda order: order != 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a rule is judged for."""

    now: float
    attributes: Mapping[str, str] | None = None
    """Of the node; None: the rule concerns no node, and expressions on attributes do not hold."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Of the resource, for `value-source`."""
    meta: Mapping[str, str] = field(default_factory=dict)
    operation: tuple[str, int] | None = None
    """Name and interval in milliseconds, where an operation's defaults are looked for."""
    agent: tuple[str, str, str] | None = None
    """Standard, provider and type of the resource."""


def holds(cib: Cib, rule: Element, subject: Subject) -> bool:
    """Tell whether a rule holds; an empty one does not when it says `or`."""
    rule = cib.resolve(rule)
    results = (
        _holds_one(cib, part, subject)
        for part in elements(rule)
        if part.tag in {"rule", "expression", "date_expression", "rsc_expression", "op_expression"}
    )
    return any(results) if rule.get("boolean-op") == "or" else all(results)


def all_hold(cib: Cib, parent: Element, subject: Subject) -> bool:
    """Tell whether an element's rules hold; without any they do."""
    return all(holds(cib, rule, subject) for rule in elements(parent, "rule"))


def _holds_one(cib: Cib, part: Element, subject: Subject) -> bool:
    match part.tag:
        case "rule":
            return holds(cib, part, subject)
        case "expression":
            return _attribute_holds(part, subject)
        case "date_expression":
            return _date_holds(part, datetime.fromtimestamp(subject.now, UTC))
        case "rsc_expression":
            wanted = (part.get("class"), part.get("provider"), part.get("type"))
            agent = subject.agent
            return agent is not None and all(w is None or w == a for w, a in zip(wanted, agent, strict=True))
        case _:
            from_interval = part.get("interval")
            wanted_ms = None if from_interval is None else duration_ms(from_interval)
            found = subject.operation
            return found is not None and part.get("name") == found[0] and wanted_ms in {None, found[1]}


def _attribute_holds(part: Element, subject: Subject) -> bool:
    if subject.attributes is None:
        return False
    actual = subject.attributes.get(part.get("attribute", ""))
    wanted = part.get("value")
    match part.get("value-source", "literal"):
        case "param":
            wanted = subject.params.get(wanted or "")
        case "meta":
            wanted = subject.meta.get(wanted or "")
        case _:
            pass
    operation = part.get("operation", "")
    if operation in {"defined", "not_defined"}:
        return (actual is not None) == (operation == "defined")
    if actual is None or wanted is None:
        return operation == "ne" and actual is not wanted
    compare = _COMPARE.get(operation)
    kind = part.get("type") or _default_type(operation, actual, wanted)
    return compare is not None and compare(_order(kind, actual, wanted))


def _default_type(operation: str, actual: str, wanted: str) -> str:
    """Return how values are compared that do not say it (Pacemaker Explained, "Node Attribute Expressions")."""
    if operation in {"eq", "ne"}:
        return "string"
    return "number" if "." in actual or "." in wanted else "integer"


def _order(kind: str, actual: str, wanted: str) -> int:
    """Return less than, equal to or more than 0, as `actual` is to `wanted`; what is no number is text."""
    if kind in {"integer", "number"}:
        read: Callable[[str], float] = float if kind == "number" else _whole
        try:
            left, right = read(actual), read(wanted)
        except ValueError:
            pass
        else:
            return (left > right) - (left < right)
    if kind == "version":
        a, b = _version(actual), _version(wanted)
        return (a > b) - (a < b)
    one, two = actual.lower(), wanted.lower()
    return (one > two) - (one < two)


def _whole(text: str) -> int:
    """Return a number without its fraction."""
    return int(float(text)) if "." in text else int(text)


def _version(text: str) -> list[int]:
    return [integer(part) for part in text.split(".")]


def _date_holds(part: Element, now: datetime) -> bool:
    start, end = _date(part.get("start")), _date(part.get("end"))
    for length in elements(part, "duration"):
        if start is not None and end is None:
            end = start + _length(length)
    match part.get("operation", "in_range"):
        case "gt":
            return start is not None and now > start
        case "lt":
            return end is not None and now < end
        case "date_spec":
            return all(_spec_holds(spec, now) for spec in elements(part, "date_spec"))
        case _:
            return (start is None or now >= start) and (end is None or now <= end)


def _date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(_BLANK_BEFORE_OFFSET.sub("", text.strip()))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _length(duration: Element) -> timedelta:
    """Return a duration; months and years count 30 and 365 days."""
    days = {"years": 365, "months": 30, "weeks": 7, "days": 1}
    seconds = {"hours": 3600, "minutes": 60, "seconds": 1}
    return timedelta(
        days=sum(integer(duration.get(name)) * n for name, n in days.items()),
        seconds=sum(integer(duration.get(name)) * n for name, n in seconds.items()),
    )


def _spec_holds(spec: Element, now: datetime) -> bool:
    year, week, weekday = now.isocalendar()
    actual = {
        "seconds": now.second, "minutes": now.minute, "hours": now.hour, "monthdays": now.day,
        "weekdays": weekday, "yeardays": now.timetuple().tm_yday, "months": now.month, "weeks": week,
        "years": now.year, "weekyears": year,
    }  # fmt: skip
    return all(_in_range(spec.get(name), value) for name, value in actual.items())


def _in_range(text: str | None, value: int) -> bool:
    """Tell whether a number is in a range such as `5`, `5-8`, `5-` or `-8`."""
    if text is None:
        return True
    low, dash, high = text.partition("-")
    if not dash:
        return integer(low) == value
    return (not low or integer(low) <= value) and (not high or value <= integer(high))
