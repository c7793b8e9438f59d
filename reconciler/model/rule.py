"""Rules: conditions on nodes and on time, and what they lead to (Pacemaker Explained, "Rules")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from reconciler.model.constraint import Discovery
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import HostState
from reconciler.model.policy import Policy
from reconciler.model.resource import MultipleActive, OnFail, Role


class Comparison(Enum):
    """What is asked of an attribute (Pacemaker's operation)."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    DEFINED = "defined"
    NOT_DEFINED = "not_defined"


class ValueType(Enum):
    """How values are compared (Pacemaker's type)."""

    TEXT = "text"
    """Without case (Pacemaker's string)."""
    INTEGER = "integer"
    """Without fractions."""
    NUMBER = "number"
    VERSION = "version"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeTest:
    """A comparison of one attribute of a node.

    The node's name is its attribute `#uname`, and `#kind` is cluster, container or remote.
    """

    kind: Literal["attribute"] = "attribute"
    name: str
    comparison: Comparison
    value: str | None = None
    """None where nothing is compared, or nothing is there to compare with."""
    value_type: ValueType = ValueType.TEXT
    is_declared: bool = False
    """Only the declared label counts; False: what was set at run time, before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRange:
    """A range of one unit of the calendar, in UTC (Pacemaker's date_spec)."""

    unit: str
    """A key of `plan/calendar.py`, such as hours."""
    low: int | None = None
    """Inclusive, as `high` is; None: no limit."""
    high: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DateTest:
    """A time: all of what is given must hold."""

    kind: Literal["date"] = "date"
    since: int | None = None
    """Epoch seconds, inclusive."""
    before: int | None = None
    """Epoch seconds, exclusive."""
    calendar: tuple[CalendarRange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Several conditions; of none, all hold and none of them does."""

    kind: Literal["all", "any"]
    parts: tuple["Condition", ...]


Condition = AttributeTest | DateTest | Together


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationRule:
    """A score on every node that a condition holds for."""

    id: str
    resource: ResourceId
    when: Condition
    where: Where
    score: int = 0
    score_attribute: str | None = None
    """The attribute that holds each node's score; None: `score` counts."""
    role: Role | None = None
    """It counts only for an instance that is to have this role; None: for all."""
    discovery: Discovery = Discovery.ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationOverride:
    """Settings of one operation, which its name and interval tell apart from the others; None: as declared."""

    name: str
    interval_ms: int = 0
    """0: not recurring."""
    timeout_ms: int | None = None
    on_fail: OnFail | None = None
    enabled: bool | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    """Over the operation's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Settings of a resource that hold while a condition does; None: as declared.

    Where the condition looks at nodes only parameters may depend on it: all else is the same everywhere, and the
    condition of a setting does not hold (Pacemaker lib/pengine/complex.c, get_meta_attributes).
    """

    resource: ResourceId
    when: Condition
    where: Where
    params: Mapping[str, str] = field(default_factory=dict)
    """Over the resource's own."""
    stickiness: int | None = None
    priority: int | None = None
    failure_limit: int | None = None
    failure_timeout_ms: int | None = None
    start_failure_is_fatal: bool | None = None
    multiple_active: MultipleActive | None = None
    state: Role | None = None
    is_managed: bool | None = None
    needs: Mapping[str, int] = field(default_factory=dict)
    """Over what it needs at other times."""
    operations: tuple[OperationOverride, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOverride:
    """What is asked of a node, and what it offers, while a condition holds; it does not depend on nodes."""

    node: NodeName
    when: Condition
    where: Where
    state: HostState | None = None
    """None: as declared."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Over the node's own; its health is among them."""
    capacity: Mapping[str, int] = field(default_factory=dict)
    """Over the node's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOverride:
    """Rules for the whole cluster that hold while a condition does; it does not depend on nodes."""

    when: Condition
    where: Where
    policy: Policy
    fields: tuple[str, ...]
    """Of `policy`, those that count; all else is as declared."""
