"""Shapes of how things behave, always or for a time; a part of the YAML documents, see `document.py`."""

from typing import Annotated, Literal

from pydantic import Field

from reconciler.load.document_operations import GuestOperations, OperationDefaults, OperationsOverride
from reconciler.load.document_placement import Condition
from reconciler.load.fields import (
    AgentPattern,
    Amount,
    Count,
    Duration,
    LabelName,
    Param,
    ParamName,
    Part,
    Score,
)


class Conduct(Part):
    """How something behaves when it is placed, and when it fails."""

    stickiness: Score | None = None
    """How much it prefers to stay where it is (Pacemaker: resource-stickiness). Default 1; guests 1000."""
    priority: Score | None = None
    """Higher ones are placed first (Pacemaker: priority). Default 0."""
    failure_limit: Count | None = None
    """Failures that ban it from a node (Pacemaker: migration-threshold). Default 3; 0: never."""
    failure_timeout: Duration | None = None
    """Quiet time after which failures are forgotten (Pacemaker: failure-timeout). Default 0s: never."""
    start_failure_is_fatal: bool | None = None
    """The first failed start bans the node (Pacemaker: start-failure-is-fatal). Default false."""
    multiple_active: Literal["restart", "stop", "block"] | None = None
    """When it is found at several places: stop all and start one, only stop all, or touch none.

    Pacemaker: multiple-active with stop_start, stop_only and block. Default restart.
    """


class Settings(Conduct):
    """What can be said for a time."""

    state: Literal["running", "stopped", "unpromoted"] | None = None
    """What is asked of it then (Pacemaker: target-role)."""
    managed: bool | None = None
    """false: it is not started or stopped then (Pacemaker: is-managed)."""


class Override(Settings):
    """Settings that hold for a time (Pacemaker: meta_attributes with a rule)."""

    when: Condition
    """The time: dates only, for settings are the same on every node."""


class PrimitiveOverride(Override):
    """What guests and resources have in common beyond groups (Pacemaker: primitive)."""

    needs: dict[LabelName, Amount] | None = None
    """What it takes then, over what it takes at other times (Pacemaker: utilization with a rule)."""


class GuestOverride(PrimitiveOverride):
    """What holds of a guest for a time (Pacemaker: meta_attributes, utilization and op with a rule)."""

    op: GuestOperations | None = None
    """Settings of its operations; what is left out is as it is declared (Pacemaker: op with a rule)."""


class ResourceOverride(PrimitiveOverride):
    """What holds of a resource for a time, and parameters that hold for a time or on some nodes.

    Pacemaker: meta_attributes, instance_attributes, utilization and op with a rule.
    """

    when: Condition
    """The time, and for parameters the node: all else is the same on every node, so it takes dates only."""
    params: dict[ParamName, Param] | None = None
    """Parameters over its own; where they change, it is restarted, or reloaded."""
    op: OperationsOverride | None = None
    """Settings of its operations; what is left out is as it is declared (Pacemaker: op with a rule).

    What runs is checked with them from then on.
    """


class DefaultsOverride(Settings):
    """What holds for resources of some kind, or for a time, that say nothing (Pacemaker: rsc_defaults with a rule)."""

    when: Condition | None = None
    """The time: dates only. Default: always, for the agents that are named."""
    agents: Annotated[list[AgentPattern], Field(min_length=1)] | None = None
    """Only for these resource agents, such as "ocf:heartbeat:*", or guest:lxc of guests. Default: for all.

    Pacemaker: rsc_expression.
    """


class ResourceDefaults(Conduct):
    """What holds for every resource (or guest) that does not say otherwise (Pacemaker: rsc_defaults)."""

    overrides: list[DefaultsOverride] | None = None
    """What holds instead for some resource agents, or for a time; of several, the last counts."""


class Defaults(Part):
    """What holds where nothing else is said."""

    resource: ResourceDefaults | None = None
    """For resources."""
    guest: ResourceDefaults | None = None
    """For guests."""
    operations: OperationDefaults | None = None
    """For the operations of resources, not of guests."""
