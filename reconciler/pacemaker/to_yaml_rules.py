"""Writes rules of location: their conditions in the words of YAML, where it has words for them."""

import re
from collections.abc import Collection
from datetime import UTC, datetime

from reconciler.model.constraint import Discovery
from reconciler.model.rule import (
    AttributeTest,
    CalendarRange,
    Comparison,
    Condition,
    DateTest,
    LocationRule,
    ValueType,
)
from reconciler.pacemaker.to_yaml_values import Map, is_kept, score
from reconciler.plan.rules import KIND, NAME, tests_of

_WORDS = {
    Comparison.EQ: "is",
    Comparison.NE: "isNot",
    Comparison.GT: "above",
    Comparison.GTE: "atLeast",
    Comparison.LT: "below",
    Comparison.LTE: "atMost",
}
_UNITS = {"monthdays": "monthDays", "yeardays": "yearDays", "weekyears": "weekYears"}
_NAME = re.compile(r"[A-Za-z0-9_#][A-Za-z0-9_./:-]{0,127}\Z")


def can_be_said(rule: LocationRule) -> bool:
    """Tell whether a rule looks only at what YAML says of nodes: not at what Pacemaker alone keeps of them."""
    tests = [test for test in tests_of(rule.when) if isinstance(test, AttributeTest)]
    names = [test.name for test in tests] + [rule.score_attribute or NAME]
    return all(name in {NAME, KIND} or (_NAME.match(name) and is_kept(name)) for name in names) and all(
        test.value is not None or test.comparison in {Comparison.DEFINED, Comparison.NOT_DEFINED}
        for test in tests
    )


def written_rule(rule: LocationRule, nodes: Collection[str]) -> Map:
    """Return a rule of a placement.

    Args:
        rule: one that can be said.
        nodes: the names of those that are declared.
    """
    written: Map = {"when": _condition(rule.when, nodes)}
    if rule.score_attribute is None:
        written["score"] = score(rule.score)
    else:
        written["scoreFrom"] = rule.score_attribute
    written |= {"role": rule.role.value} if rule.role is not None else {}
    return written | ({"discovery": rule.discovery.value} if rule.discovery is not Discovery.ALWAYS else {})


def _condition(condition: Condition, nodes: Collection[str]) -> Map:
    match condition:
        case AttributeTest():
            return _attribute(condition, nodes)
        case DateTest():
            return {"date": _date(condition)}
        case _:
            return {condition.kind: [_condition(part, nodes) for part in condition.parts]}


def _attribute(test: AttributeTest, nodes: Collection[str]) -> Map:
    if test.name == NAME and test.comparison is Comparison.EQ and test.value in nodes:
        return {"nodes": [test.value]}
    written: Map = {"attribute": test.name}
    if test.comparison in {Comparison.DEFINED, Comparison.NOT_DEFINED}:
        return {**written, "exists": test.comparison is Comparison.DEFINED}
    written[_WORDS[test.comparison]] = test.value
    is_equality = test.comparison in {Comparison.EQ, Comparison.NE}
    default = ValueType.TEXT if is_equality else ValueType.NUMBER
    return written | ({} if test.value_type is default else {"compareAs": test.value_type.value})


def _date(test: DateTest) -> Map:
    written: Map = {}
    for word, seconds in (("from", test.since), ("before", test.before)):
        if seconds is not None:
            written[word] = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return written | {_UNITS.get(r.unit, r.unit): _range(r) for r in test.calendar}


def _range(limits: CalendarRange) -> str:
    low, high = limits.low, limits.high
    if low == high:
        return str(low)
    return f"{'' if low is None else low}-{'' if high is None else high}"
