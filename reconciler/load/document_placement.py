"""Shapes of placement, order and constraints; a part of the YAML documents, see `document.py`."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from reconciler.load.fields import (
    AttributeName,
    DateRange,
    Label,
    LabelName,
    Name,
    Param,
    Part,
    PositiveDuration,
    Score,
    Time,
    shape,
)

Role = Literal["Started", "Unpromoted", "Promoted"]
Act = Literal["start", "stop", "promote", "demote"]
Kind = Literal["mandatory", "optional", "serialize"]


class LabelSelector(Part):
    """Nodes by their labels."""

    labels: Annotated[dict[LabelName, Label], Field(min_length=1)]
    """Nodes that have all of these."""


class Date(Part):
    """A time, in UTC: all of what is written must hold (Pacemaker: date_expression).

    Ranges are such as 9, 9-16, 9- or -16, and hold for the whole of their units: hours 9-16 ends at 17:00.
    """

    from_: Annotated[Time | None, Field(alias="from")] = None
    """This time or later, such as "2026-12-24T18:00:00Z" (Pacemaker: start)."""
    before: Time | None = None
    """Earlier than this (Pacemaker: end, which itself still counts in a range)."""
    lasting: PositiveDuration | None = None
    """Instead of before: how long it is after `from` (Pacemaker: duration)."""
    seconds: DateRange | None = None
    """0 to 59 (Pacemaker: date_spec; so are all below)."""
    minutes: DateRange | None = None
    """0 to 59."""
    hours: DateRange | None = None
    """0 to 23."""
    weekdays: DateRange | None = None
    """1 to 7, from Monday."""
    month_days: DateRange | None = None
    """1 to 31 (Pacemaker: monthdays)."""
    year_days: DateRange | None = None
    """1 to 366 (Pacemaker: yeardays)."""
    weeks: DateRange | None = None
    """1 to 53, as in ISO 8601."""
    months: DateRange | None = None
    """1 to 12."""
    years: DateRange | None = None
    """Such as 2027-."""
    week_years: DateRange | None = None
    """The years to which weeks belong (Pacemaker: weekyears)."""


class Condition(Part):
    """When a rule holds: by a label or attribute, names, a kind of node, a date, or conditions together.

    Pacemaker: rule.
    """

    label: LabelName | None = None
    """A declared label of the node, compared with what stands beside it (Pacemaker: expression attribute)."""
    attribute: AttributeName | None = None
    """The same with a node attribute, which tools on the node may set at any time; without one, the label counts.

    #uname is the node's name, and #kind cluster, container or remote.
    """
    is_: Annotated[Param | None, Field(alias="is")] = None
    """It has this value, compared without case (Pacemaker: eq)."""
    is_not: Param | None = None
    """It has another value, or there is none (Pacemaker: ne)."""
    above: Param | None = None
    """Its value is more than this (Pacemaker: gt)."""
    at_least: Param | None = None
    """Its value is this or more (Pacemaker: gte)."""
    below: Param | None = None
    """Its value is less than this (Pacemaker: lt)."""
    at_most: Param | None = None
    """Its value is this or less (Pacemaker: lte)."""
    exists: bool | None = None
    """The node has the label, or, if false, has not (Pacemaker: defined, not_defined)."""
    compare_as: Literal["text", "integer", "number", "version"] | None = None
    """How values are compared (Pacemaker: type). Default text for is and isNot, else number."""
    nodes: Annotated[list[Name], Field(min_length=1)] | None = None
    """The node is one of these (Pacemaker: #uname)."""
    kind: Literal["host", "guest", "remote"] | None = None
    """The node is a host, inside a guest, or a RemoteNode (Pacemaker: #kind cluster, container, remote)."""
    date: Date | None = None
    """It is such a time (Pacemaker: date_expression)."""
    all_: Annotated[list["Condition"], Field(min_length=1)] | None = Field(default=None, alias="all")
    """All of these hold (Pacemaker: boolean-op=and)."""
    any_: Annotated[list["Condition"], Field(min_length=1)] | None = Field(default=None, alias="any")
    """One of these holds (Pacemaker: boolean-op=or)."""


class Rule(Part):
    """A score for all nodes that a condition holds for (Pacemaker: rsc_location with a rule)."""

    when: Condition
    """The nodes."""
    score: Score | None = None
    """More is better, -INFINITY is never (Pacemaker: score). Needed unless scoreFrom or discovery is there."""
    score_from: AttributeName | None = None
    """The label or attribute with the score of each node (Pacemaker: score-attribute); nodes without it get 0."""
    role: Role | None = None
    """It counts only for instances that are to have this role (Pacemaker: role). Default: for all."""
    discovery: Literal["always", "never", "exclusive"] | None = None
    """Whether it is looked for there (Pacemaker: resource-discovery). exclusive: there and nowhere else."""


class WithItem(Part):
    """A resource to be placed with, or apart from (Pacemaker: rsc_colocation)."""

    resource: Name
    """The other resource or group, which is placed first (Pacemaker: with-rsc)."""
    role: Role | None = None
    """Only where the other one has this role (Pacemaker: with-rsc-role)."""
    own_role: Role | None = None
    """Only what has this role itself (Pacemaker: rsc-role)."""
    score: Score | None = None
    """How strongly, above zero (Pacemaker: score). Default INFINITY: it must."""
    influence: bool | None = None
    """false: the other one is never moved for its sake (Pacemaker: influence). Default true."""
    same: LabelName | None = None
    """On a node whose label of this name has the same value (Pacemaker: node-attribute). Default: the same node."""


class AfterItem(Part):
    """A resource to start after (Pacemaker: rsc_order)."""

    resource: Name
    """The other resource or group (Pacemaker: first)."""
    action: Act | None = None
    """What must have happened to the other one (Pacemaker: first-action). Default start."""
    then_action: Act | None = None
    """What this one does after it (Pacemaker: then-action). Default start."""
    kind: Kind | None = None
    """mandatory: always; optional: only if both happen at once; serialize: never both at once (Pacemaker: kind)."""
    symmetrical: bool | None = None
    """Stop in the opposite order too (Pacemaker: symmetrical). Default true, but not for serialize."""
    require_all: bool | None = None
    """false: of a clone, one instance is enough (Pacemaker: require-all). Default true."""


_With = Annotated[Annotated[Name, Tag("text")] | Annotated[WithItem, Tag("map")], Discriminator(shape)]
After = Annotated[Annotated[Name, Tag("text")] | Annotated[AfterItem, Tag("map")], Discriminator(shape)]


class TicketItem(Part):
    """A ticket that is needed (Pacemaker: rsc_ticket)."""

    ticket: Name
    """Which one (Pacemaker: ticket); `reconcile ticket grant` says that this cluster holds it."""
    role: Literal["Promoted"] | None = None
    """Only to be promoted it needs the ticket (Pacemaker: rsc-role). Default: to run at all."""
    on_loss: Literal["stop", "demote", "fence", "freeze"] | None = None
    """What is done when the ticket is revoked while it runs, or is promoted (Pacemaker: loss-policy).

    fence: the nodes where it runs are fenced; freeze: it is left as it is. Default stop; for role: Promoted demote.
    """


Ticket = Annotated[Annotated[Name, Tag("text")] | Annotated[TicketItem, Tag("map")], Discriminator(shape)]


class Placement(Part):
    """Where something may and should run."""

    on: (
        Annotated[
            Annotated[Annotated[list[Name], Field(min_length=1)], Tag("list")]
            | Annotated[LabelSelector, Tag("map")],
            Discriminator(shape),
        ]
        | None
    ) = None
    """The only nodes it may run on and is looked for on (Pacemaker: resource-discovery=exclusive)."""
    prefer: dict[Name, Score] | None = None
    """A score for each node: more is better, -INFINITY is never (Pacemaker: rsc_location)."""
    rules: list[Rule] | None = None
    """Scores for nodes by what they are (Pacemaker: rsc_location with rules)."""
    with_: Annotated[list[_With] | None, Field(alias="with")] = None
    """Resources to be on the same node with (Pacemaker: rsc_colocation)."""
    apart_from: list[_With] | None = None
    """Resources not to be on the same node with; scores are written above zero here too."""


class OrderedSet(Part):
    """Some of the resources of an order (Pacemaker: resource_set)."""

    resources: Annotated[list[Name], Field(min_length=1)]
    """Resources and groups."""
    sequential: bool | None = None
    """Each starts after the one before it (Pacemaker: sequential). Default true."""
    require_all: bool | None = None
    """false: one of them is enough for the next set to start (Pacemaker: require-all). Default true."""
    action: Act | None = None
    """What is done to all of them (Pacemaker: action). Default start."""


class PlacedSet(Part):
    """Some of the resources of a colocation (Pacemaker: resource_set)."""

    resources: Annotated[list[Name], Field(min_length=1)]
    """Resources and groups."""
    sequential: bool | None = None
    """Each is placed by the one before it; false: they do not depend on each other (Pacemaker: sequential).

    Default true. Where the score is below zero, each keeps away from all before it.
    """
    role: Role | None = None
    """Only where they have this role (Pacemaker: role)."""


class OrderOfSets(Part):
    """Sets that start one after the other, and stop the other way round (Pacemaker: rsc_order)."""

    sets: Annotated[list[OrderedSet], Field(min_length=1)]
    """In the order in which they start."""
    kind: Kind | None = None
    """mandatory: always; optional: only if both happen at once; serialize: never both at once (Pacemaker: kind)."""
    symmetrical: bool | None = None
    """Stop in the opposite order too (Pacemaker: symmetrical). Default true, but not for serialize."""


class ColocationOfSets(Part):
    """Sets that are placed together, or apart (Pacemaker: rsc_colocation)."""

    sets: Annotated[list[PlacedSet], Field(min_length=1)]
    """In the order in which they are placed; each depends on the one before it.

    Pacemaker has it the other way round: there a set depends on the one after it.
    """
    score: Score | None = None
    """How strongly; below zero: apart (Pacemaker: score). Default INFINITY: they must."""
    influence: bool | None = None
    """false: what runs is never moved for the sake of what is placed later (Pacemaker: influence). Default true."""
    same: LabelName | None = None
    """On nodes whose label of this name has the same value (Pacemaker: node-attribute). Default: the same node."""


class ConstraintSpec(Part):
    """Exactly one of order and colocation."""

    order: OrderOfSets | None = None
    """What starts after what."""
    colocation: ColocationOfSets | None = None
    """What is placed with what, or apart."""
