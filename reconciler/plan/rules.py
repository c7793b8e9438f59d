"""Rules, judged for what is there now: an intent with rules becomes one without, before anything is planned.

How values are compared is Pacemaker's (Pacemaker Explained, "Node Attribute Expressions"): text without case; what is
missing differs from everything, and is neither more nor less than anything; what is no number is compared as text.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from reconciler.model.constraint import Discovery, Location
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import Host, HostState, NodeKind, RemoteNode
from reconciler.model.observed import Observed
from reconciler.model.policy import Policy
from reconciler.model.resource import Operation, Resource, Role
from reconciler.model.rule import (
    AttributeTest,
    Comparison,
    Condition,
    DateTest,
    LocationRule,
    NodeOverride,
    OperationOverride,
    Override,
    PolicyOverride,
    Together,
    ValueType,
)
from reconciler.model.score import read_score
from reconciler.plan.calendar import date_holds, next_change
from reconciler.plan.index import grouped

NAME, KIND = "#uname", "#kind"
KINDS = {NodeKind.HOST: "cluster", NodeKind.GUEST: "container", NodeKind.REMOTE: "remote"}
"""Pacemaker's names of the kinds of nodes."""

_ORDER: Mapping[Comparison, Callable[[int], bool]] = {
    Comparison.EQ: lambda order: order == 0,
    Comparison.NE: lambda order: order != 0,
    Comparison.LT: lambda order: order < 0,
    Comparison.LTE: lambda order: order <= 0,
    Comparison.GT: lambda order: order > 0,
    Comparison.GTE: lambda order: order >= 0,
}
_ALWAYS = Together(kind="all", parts=())
_NOWHERE = Where(file="", line=0, column=0)
_Value = TypeVar("_Value")
_INTEGER = re.compile(r"\s*([+-]?\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a condition is judged by; without a node, only the time."""

    now: float
    """Epoch seconds."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What is declared of the node, with its name and kind."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What was set at run time over what is declared."""


def holds(condition: Condition, facts: Facts) -> bool:
    """Tell whether a condition holds."""
    match condition:
        case AttributeTest():
            return _attribute_holds(condition, facts)
        case DateTest():
            return date_holds(condition, facts.now)
        case Together(kind="all", parts=parts):
            return all(holds(part, facts) for part in parts)
        case Together(parts=parts):
            return any(holds(part, facts) for part in parts)


def tests_of(condition: Condition) -> Iterable[AttributeTest | DateTest]:
    """Return what a condition consists of in the end."""
    if not isinstance(condition, Together):
        return (condition,)
    return [test for part in condition.parts for test in tests_of(part)]


def is_fixed(condition: Condition) -> bool:
    """Tell whether a commit alone decides whether a condition holds for a node."""
    return all(
        isinstance(test, AttributeTest) and (test.is_declared or test.name in {NAME, KIND})
        for test in tests_of(condition)
    )


def resolved(intent: Intent, observed: Observed, now: float) -> Intent:
    """Return an intent with its rules as what they come to now.

    Args:
        intent: with rules.
        observed: for the attributes of nodes.
        now: epoch seconds.
    """
    if not intent.has_rules and not intent.cluster.policy.is_for_all:
        return intent
    intent = with_nodes_in_force(intent, now)
    attributes = {name: status.attributes for name, status in observed.nodes.items()}
    locations = judged(intent, intent.location_rules, attributes, now)
    resources = in_force(intent, attributes, now)
    return replace(intent, resources=resources, locations=(*intent.locations, *locations))


def with_nodes_in_force(intent: Intent, now: float) -> Intent:
    """Return an intent with what holds now (epoch seconds) of nodes and of the whole cluster."""
    if not (intent.policy_overrides or intent.node_overrides or intent.cluster.policy.in_maintenance):
        return intent
    policy, facts = intent.cluster.policy, Facts(now=now)
    for one in intent.policy_overrides:
        if holds(one.when, facts):
            policy = _policy_overridden(policy, one)
    hosts, resources = dict(intent.hosts), dict(intent.resources)
    makers = {r.remote_node.name: r.id for r in resources.values() if r.remote_node is not None}
    changes = [o for o in intent.node_overrides if holds(o.when, facts)]
    if policy.in_maintenance:
        changes += [_paused(node) for node in (*hosts, *makers)]
    for change in changes:
        if change.node in hosts:
            hosts[change.node] = _host_overridden(hosts[change.node], change)
        elif change.node in makers:
            maker = resources[makers[change.node]]
            assert maker.remote_node is not None, "it makes this node"
            resources[maker.id] = replace(maker, remote_node=_remote_overridden(maker.remote_node, change))
    return replace(intent, cluster=replace(intent.cluster, policy=policy), hosts=hosts, resources=resources)


def _policy_overridden(policy: Policy, by: PolicyOverride) -> Policy:
    return replace(policy, **{name: getattr(by.policy, name) for name in by.fields})


def _paused(node: NodeName) -> NodeOverride:
    """Return what a cluster in maintenance means for a node."""
    return NodeOverride(node=node, when=_ALWAYS, where=_NOWHERE, state=HostState.MAINTENANCE)


def _host_overridden(host: Host, by: NodeOverride) -> Host:
    return replace(
        host,
        state=_first(by.state, host.state),
        labels={**host.labels, **by.labels},
        capacity={**host.capacity, **by.capacity},
    )


def _remote_overridden(node: RemoteNode, by: NodeOverride) -> RemoteNode:
    return replace(
        node,
        state=_first(by.state, node.state),
        labels={**node.labels, **by.labels},
        capacity={**node.capacity, **by.capacity},
    )


def in_force(
    intent: Intent, attributes: Mapping[NodeName, Mapping[str, str]], now: float
) -> dict[ResourceId, Resource]:
    """Return all resources of an intent, with the settings that hold now.

    Args:
        intent: for what is declared of resources, and for nodes and the policy as they are in force.
        attributes: of each node, as set at run time.
        now: epoch seconds.
    """
    resources, anywhere = dict(intent.resources), Facts(now=now)
    nodes = facts_of(intent, attributes, now) if any(_looks_at_nodes(o) for o in intent.overrides) else {}
    for name, overrides in grouped((o.resource, o) for o in intent.overrides).items():
        if name not in resources:
            continue
        declared, general = resources[name], [o for o in overrides if not _looks_at_nodes(o)]
        for override in general:
            if holds(override.when, anywhere):
                resources[name] = overridden(resources[name], override)
        if len(general) < len(overrides):
            found = {node: _params_by(declared, overrides, facts) for node, facts in nodes.items()}
            usual = resources[name].params
            others = {node: params for node, params in found.items() if params != usual}
            resources[name] = replace(resources[name], params_on=others)
    policy = intent.cluster.policy
    if policy.stops_all:
        resources = {name: replace(r, state=Role.STOPPED) for name, r in resources.items()}
    if policy.in_maintenance:
        resources = {n: replace(r, is_managed=False, is_monitored=False) for n, r in resources.items()}
    return resources


def _looks_at_nodes(override: Override) -> bool:
    return any(isinstance(test, AttributeTest) for test in tests_of(override.when))


def _params_by(declared: Resource, overrides: Iterable[Override], facts: Facts) -> Mapping[str, str]:
    """Return the parameters of a resource by all overrides that hold, of which the last counts."""
    params = dict(declared.params)
    for override in overrides:
        if holds(override.when, facts):
            params |= override.params
    return params


def with_fixed_rules(intent: Intent) -> Intent:
    """Return an intent with what its rules come to by the commit alone; where that is open, all is possible."""
    fixed = [rule for rule in intent.location_rules if is_fixed(rule.when) and rule.score_attribute is None]
    possible = [
        replace(rule, when=_ALWAYS, score=0, score_attribute=None, discovery=Discovery.ALWAYS)
        for rule in intent.location_rules
        if rule not in fixed
    ]
    return replace(intent, locations=(*intent.locations, *judged(intent, [*fixed, *possible], {}, 0.0)))


def judged(
    intent: Intent,
    rules: Iterable[LocationRule],
    attributes: Mapping[NodeName, Mapping[str, str]],
    now: float,
) -> list[Location]:
    """Return what location rules come to now; guests, and all that make nodes, see hosts only.

    Args:
        intent: for the nodes and what is declared of them.
        rules: in the order of the result.
        attributes: of each node, as set at run time.
        now: epoch seconds.
    """
    nodes = facts_of(intent, attributes, now)
    makers = {r.id for r in intent.resources.values() if r.guest is not None or r.remote_node is not None}
    # Many resources have the same rule, and each is judged once.
    found: dict[Condition, list[NodeName]] = {}
    locations: list[Location] = []
    for rule in rules:
        if rule.when not in found:
            found[rule.when] = [node for node, facts in nodes.items() if holds(rule.when, facts)]
        locations += [
            _location(rule, node, nodes[node])
            for node in found[rule.when]
            if rule.resource not in makers or node in intent.hosts
        ]
    return locations


def facts_of(
    intent: Intent, attributes: Mapping[NodeName, Mapping[str, str]], now: float
) -> dict[NodeName, Facts]:
    """Return what is known of each node: hosts first, then the nodes that resources make."""
    labels = {name: (host.labels, host.kind) for name, host in intent.hosts.items()}
    for resource in intent.resources.values():
        node = resource.remote_node
        if node is not None:
            is_remote = resource.agent.is_connection and resource.container is None
            labels[node.name] = (node.labels, NodeKind.REMOTE if is_remote else NodeKind.GUEST)
    return {
        name: facts_about(name, kind, declared, attributes.get(name, {}), now)
        for name, (declared, kind) in labels.items()
    }


def facts_about(
    node: NodeName, kind: NodeKind, labels: Mapping[str, str], attributes: Mapping[str, str], now: float
) -> Facts:
    """Return what conditions see of a node; nothing that is set at run time changes its name or kind."""
    fixed = {NAME: str(node), KIND: KINDS[kind]}
    return Facts(now=now, labels={**labels, **fixed}, attributes={**labels, **attributes, **fixed})


def changes_at(intent: Intent, now: float) -> float | None:
    """Return when time alone may next change what rules come to, epoch seconds; None: never."""
    conditions = [
        *(rule.when for rule in intent.location_rules),
        *(override.when for override in intent.overrides),
        *(override.when for override in intent.node_overrides),
        *(override.when for override in intent.policy_overrides),
    ]
    tests = {test for when in conditions for test in tests_of(when) if isinstance(test, DateTest)}
    times = [at for test in tests if (at := next_change(test, now)) is not None]
    return min(times, default=None)


def overridden(resource: Resource, override: Override) -> Resource:
    """Return a resource with settings that hold for now."""
    return replace(
        resource,
        params={**resource.params, **override.params},
        stickiness=_first(override.stickiness, resource.stickiness),
        priority=_first(override.priority, resource.priority),
        failure_limit=_first(override.failure_limit, resource.failure_limit),
        failure_timeout_ms=_first(override.failure_timeout_ms, resource.failure_timeout_ms),
        start_failure_is_fatal=_first(override.start_failure_is_fatal, resource.start_failure_is_fatal),
        multiple_active=_first(override.multiple_active, resource.multiple_active),
        state=_first(override.state, resource.state),
        is_managed=_first(override.is_managed, resource.is_managed),
        needs={**resource.needs, **override.needs},
        operations=_operations_overridden(resource.operations, override.operations),
    )


def _operations_overridden(
    declared: tuple[Operation, ...], changes: tuple[OperationOverride, ...]
) -> tuple[Operation, ...]:
    """Return operations with settings that hold for now; one that is not declared has the usual ones besides."""
    found = list(declared)
    for change in changes:
        key = (change.name, change.interval_ms)
        places = [n for n, o in enumerate(found) if (o.name, o.interval_ms) == key]
        if not places and not change.interval_ms:
            places = [len(found)]
            found.append(Operation(name=change.name))
        for place in places:
            operation = found[place]
            found[place] = replace(
                operation,
                timeout_ms=_first(change.timeout_ms, operation.timeout_ms),
                on_fail=_first(change.on_fail, operation.on_fail),
                enabled=_first(change.enabled, operation.enabled),
                params={**operation.params, **change.params},
            )
    return tuple(found)


def _first(wanted: _Value | None, declared: _Value) -> _Value:
    return declared if wanted is None else wanted


def _location(rule: LocationRule, node: NodeName, facts: Facts) -> Location:
    points = rule.score
    if rule.score_attribute is not None:
        points = read_score(facts.attributes.get(rule.score_attribute))
    return Location(
        id=f"{rule.id}-{node}",
        resource=rule.resource,
        node=node,
        score=points,
        where=rule.where,
        role=rule.role,
        discovery=rule.discovery,
    )


def _attribute_holds(test: AttributeTest, facts: Facts) -> bool:
    actual = (facts.labels if test.is_declared else facts.attributes).get(test.name)
    if test.comparison is Comparison.DEFINED:
        return actual is not None
    if test.comparison is Comparison.NOT_DEFINED:
        return actual is None
    if actual is None or test.value is None:
        return test.comparison is Comparison.NE and actual != test.value
    return _ORDER[test.comparison](_order(test.value_type, actual, test.value))


def _order(kind: ValueType, actual: str, wanted: str) -> int:
    """Return less than, equal to or more than 0, as `actual` is to `wanted`."""
    if kind is ValueType.VERSION:
        one, two = _version(actual), _version(wanted)
        return (one > two) - (one < two)
    left, right = number_of(actual), number_of(wanted)
    if kind is ValueType.TEXT or left is None or right is None:
        text, other = actual.lower(), wanted.lower()
        return (text > other) - (text < other)
    if kind is ValueType.INTEGER:
        left, right = Decimal(int(left)), Decimal(int(right))
    return (left > right) - (left < right)


def number_of(text: str) -> Decimal | None:
    """Return the number that a text is; None if it is none."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _version(text: str) -> list[int]:
    return [_whole(part) for part in text.split(".")]


def _whole(text: str) -> int:
    """Return the whole number that a text begins with; 0 if it begins with none."""
    found = _INTEGER.match(text)
    return int(found.group(1)) if found else 0
