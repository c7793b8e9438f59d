"""Shapes of the settings of operations; a part of the YAML documents, see `document.py`."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from reconciler.load.document_placement import Condition
from reconciler.load.fields import AgentPattern, Param, ParamName, Part, PositiveDuration, shape

OnFail = Literal[
    "ignore",
    "demote",
    "restart",
    "restart-container",
    "reset-remote",
    "ban",
    "block",
    "stop",
    "standby",
    "fence",
]
"""Pacemaker's words; `ban` is what it calls migrate inside."""


OperationName = Literal["start", "stop", "monitor", "probe", "promote", "demote", "migrateTo", "migrateFrom"]
"""As in `op`."""


class GuestOperation(Part):
    """Settings of one operation of a guest."""

    timeout: PositiveDuration | None = None
    """How long it may take (Pacemaker: timeout). Default 20s; 90s for a guest's start and stop."""
    on_fail: OnFail | None = None
    """What a failure leads to (Pacemaker: on-fail). Default restart.

    ban: not started there again. stop: stopped everywhere. standby: all leaves the node. fence: the node is fenced.
    """


class Operation(GuestOperation):
    """Settings of one operation."""

    params: dict[ParamName, Param] | None = None
    """Parameters of this operation alone, over the resource's (Pacemaker: instance_attributes of the op).

    Those of `start` count until it is stopped: where they change, it is restarted. Those of `probe` are such as
    {OCF_CHECK_LEVEL: 10}.
    """


class Monitor(Part):
    """One recurring check, which the node's agent carries out by itself."""

    interval: PositiveDuration | None = None
    """Time between two checks (Pacemaker: interval). Default 10s."""
    timeout: PositiveDuration | None = None
    """How long one check may take (Pacemaker: timeout). Default 20s."""
    on_fail: OnFail | None = None
    """What a failure leads to (Pacemaker: on-fail). Default restart.

    ban: not started there again. stop: stopped everywhere. standby: all leaves the node. fence: the node is fenced.
    """
    role: Literal["Started", "Stopped", "Unpromoted", "Promoted"] | None = None
    """Check only while the resource has this role (Pacemaker: role). Default: whenever it runs, and is not promoted."""
    enabled: Literal[True, False, "unchanged"] | None = None
    """false: it is not carried out, and ended where it is (Pacemaker: enabled). Default true.

    unchanged: neither begun nor ended, as Pacemaker does with an op that is declared twice; import writes it for those.
    """
    params: dict[ParamName, Param] | None = None
    """Parameters of this check alone, over the resource's, such as {OCF_CHECK_LEVEL: 10}.

    Pacemaker: instance_attributes of the op. Where they change, what runs is checked with the new ones from then on.
    """


class OperationDefaultsOverride(Part):
    """What holds for some operations, or for a time, that say nothing (Pacemaker: op_defaults with a rule)."""

    when: Condition | None = None
    """The time: dates only. Default: always."""
    agents: Annotated[list[AgentPattern], Field(min_length=1)] | None = None
    """Only of these resource agents, such as "ocf:heartbeat:*" (Pacemaker: rsc_expression). Default: of all."""
    operations: Annotated[list[OperationName], Field(min_length=1)] | None = None
    """Only these; a probe is a check too (Pacemaker: op_expression). Default: all."""
    interval: PositiveDuration | None = None
    """Only checks of this interval (Pacemaker: op_expression interval). Default: of any."""
    timeout: PositiveDuration | None = None
    """How long they may take (Pacemaker: timeout)."""
    on_fail: OnFail | None = None
    """What a failure leads to (Pacemaker: on-fail)."""


class OperationDefaults(Part):
    """What holds for operations of resources that do not say otherwise (Pacemaker: op_defaults)."""

    timeout: PositiveDuration | None = None
    """How long they may take (Pacemaker: timeout). Default 20s."""
    on_fail: OnFail | None = None
    """What a failure leads to (Pacemaker: on-fail). Default restart."""
    overrides: list[OperationDefaultsOverride] | None = None
    """What holds instead for some operations, or resource agents; of several, the last counts."""


class GuestOperations(Part):
    """Settings of a guest's operations; whether it runs is watched through its hypervisor."""

    start: GuestOperation | None = None
    """Until its domain runs; connecting its agent comes after and has `remoteNode.connectTimeout`."""
    migrate_to: GuestOperation | None = None
    """Moving it live, on the host that it leaves (Pacemaker: migrate_to)."""
    migrate_from: GuestOperation | None = None
    """Moving it live, on the host where it arrives (Pacemaker: migrate_from)."""
    stop: GuestOperation | None = None
    """An orderly shutdown, which `shutdownTimeout` ends, and destroying what is left."""


class SingleOperations(Part):
    """Settings of a resource's operations that do not recur (Pacemaker: op)."""

    start: Operation | None = None
    """Starting it."""
    stop: Operation | None = None
    """Stopping it."""
    probe: Operation | None = None
    """Asking once whether it runs (Pacemaker: monitor with interval 0)."""
    promote: Operation | None = None
    """Promoting an instance of a promotable clone."""
    demote: Operation | None = None
    """Demoting it."""
    migrate_to: Operation | None = None
    """Moving it live, on the node that it leaves (Pacemaker: migrate_to)."""
    migrate_from: Operation | None = None
    """Moving it live, on the node where it arrives (Pacemaker: migrate_from)."""


class Operations(SingleOperations):
    """Settings of a resource's operations (Pacemaker: op)."""

    monitor: (
        Annotated[
            Annotated[Monitor, Tag("map")] | Annotated[list[Monitor], Tag("list")], Discriminator(shape)
        ]
        | None
    ) = None
    """One check, or a list with one for each interval or role. Default one of 10s; `[]`: none."""


class MonitorOverride(Part):
    """What holds for one recurring check, which its interval tells apart from the others."""

    interval: PositiveDuration | None = None
    """Which check it is (Pacemaker: interval). Default the one of 10s."""
    timeout: PositiveDuration | None = None
    """How long one check may take (Pacemaker: timeout)."""
    on_fail: OnFail | None = None
    """What a failure leads to (Pacemaker: on-fail)."""
    enabled: bool | None = None
    """Whether it is carried out (Pacemaker: enabled)."""
    params: dict[ParamName, Param] | None = None
    """Parameters over its own (Pacemaker: instance_attributes of the op)."""


class OperationsOverride(SingleOperations):
    """What holds for a resource's operations; what is left out is as it is declared."""

    monitor: (
        Annotated[
            Annotated[MonitorOverride, Tag("map")] | Annotated[list[MonitorOverride], Tag("list")],
            Discriminator(shape),
        ]
        | None
    ) = None
    """A check that is declared, or a list of such."""
