"""Writes rules, of location and of settings: their conditions in the words of YAML, where it has words for them."""

import re
from collections.abc import Collection
from datetime import UTC, datetime

from reconciler.model.constraint import Discovery
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.rule import (
    AttributeTest,
    CalendarRange,
    Comparison,
    Condition,
    DateTest,
    LocationRule,
    NodeOverride,
    Override,
    Together,
    ValueType,
)
from reconciler.model.score import INFINITY
from reconciler.pacemaker.to_yaml_resources import changed_operations
from reconciler.pacemaker.to_yaml_values import (
    MULTIPLE_ACTIVE,
    STATES,
    Map,
    amounts,
    duration,
    health,
    is_kept,
    is_param,
    own_labels,
    score,
)
from reconciler.plan.rules import KIND, NAME, number_of

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
    return is_sayable(rule.when) and _is_known(rule.score_attribute or NAME)


def is_sayable(when: Condition) -> bool:
    """Tell whether YAML has words for a condition: not for one that holds always, or never."""
    match when:
        case AttributeTest():
            compares = when.comparison not in {Comparison.DEFINED, Comparison.NOT_DEFINED}
            return _is_known(when.name) and not (compares and when.value is None)
        case DateTest(since=since, before=before):
            is_never = since is not None and before is not None and since >= before
            return when != DateTest() and not is_never
        case Together(parts=parts):
            return bool(parts) and all(is_sayable(part) for part in parts)


def _is_known(name: str) -> bool:
    return name in {NAME, KIND} or (_NAME.match(name) is not None and is_kept(name))


def written_rule(rule: LocationRule, nodes: Collection[str]) -> Map:
    """Return a rule of a placement.

    Args:
        rule: one that can be said.
        nodes: the names of those that are declared.
    """
    written: Map = {"when": written_condition(rule.when, nodes)}
    if rule.score_attribute is None:
        written["score"] = score(rule.score)
    else:
        written["scoreFrom"] = rule.score_attribute
    written |= {"role": rule.role.value} if rule.role is not None else {}
    return written | ({"discovery": rule.discovery.value} if rule.discovery is not Discovery.ALWAYS else {})


def written_override(override: Override, nodes: Collection[str]) -> Map:
    """Return an override.

    Args:
        override: one whose condition is sayable.
        nodes: the names of those that are declared.
    """
    written: Map = {"when": written_condition(override.when, nodes)}
    if override.stickiness is not None:
        written["stickiness"] = score(override.stickiness)
    if override.priority is not None:
        written["priority"] = score(override.priority)
    if override.failure_limit is not None:
        written["failureLimit"] = min(INFINITY, max(0, override.failure_limit))
    if override.failure_timeout_ms is not None:
        written["failureTimeout"] = duration(override.failure_timeout_ms)
    if override.multiple_active is not None:
        written["multipleActive"] = MULTIPLE_ACTIVE[override.multiple_active]
    if override.state is not None:
        written["state"] = STATES[override.state]
    if override.is_managed is not None:
        written["managed"] = override.is_managed
    params = {name: text for name, text in override.params.items() if is_param(name)}
    written |= {"params": params} if params else {}
    needs = amounts(override.needs)
    written |= {"needs": needs} if needs else {}
    operations = changed_operations(override.operations)
    return written | ({"op": operations} if operations else {})


def node_overrides(intent: Intent, node: NodeName) -> list[object]:
    """Return the overrides of a node, whose conditions are sayable; those that YAML has no words for change nothing."""
    mine = [override for override in intent.node_overrides if override.node == node]
    return [written for override in mine if (written := _written_node_override(override))]


def _written_node_override(override: NodeOverride) -> Map:
    written: Map = {} if override.state is None else {"state": override.state.value}
    parts = {
        "labels": own_labels(override.labels),
        "capacity": amounts(override.capacity),
        "health": health(override.labels),
    }
    written |= {word: part for word, part in parts.items() if part}
    return {"when": written_condition(override.when), **written} if written else {}


def written_condition(condition: Condition, nodes: Collection[str] = ()) -> Map:
    """Return a condition that is sayable.

    Args:
        condition: what is asked.
        nodes: the names of those that are declared.
    """
    match condition:
        case AttributeTest():
            return _attribute(condition, nodes)
        case DateTest():
            return {"date": _date(condition)}
        case _:
            return {condition.kind: [written_condition(part, nodes) for part in condition.parts]}


def _attribute(test: AttributeTest, nodes: Collection[str]) -> Map:
    if test.name == NAME and test.comparison is Comparison.EQ and test.value in nodes:
        return {"nodes": [test.value]}
    written: Map = {"attribute": test.name}
    if test.comparison in {Comparison.DEFINED, Comparison.NOT_DEFINED}:
        return {**written, "exists": test.comparison is Comparison.DEFINED}
    written[_WORDS[test.comparison]] = test.value
    is_equality = test.comparison in {Comparison.EQ, Comparison.NE}
    default = ValueType.TEXT if is_equality else ValueType.NUMBER
    # What is no number is compared as text (plan/rules.py).
    is_number = test.value_type in {ValueType.NUMBER, ValueType.INTEGER}
    is_odd = is_number and number_of(test.value or "") is None
    kind = ValueType.TEXT if is_odd else test.value_type
    return written | ({} if kind is default else {"compareAs": kind.value})


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
