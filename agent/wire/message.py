"""The messages of the remote protocol as frozen values. Must not know how they are written.

Requests go from the controller to the agent, replies answer them, notices come from the agent unasked. What
ends in `_ms` is milliseconds; `_at_s` and `since_s` are seconds since 1970 by the agent's clock. Parameters
stay out of `repr`, because they may be secrets.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Union

from agent.wire.names import PROTOCOL_VERSION
from agent.wire.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.wire.element import Element


# Requests


@dataclass(frozen=True)
class Register:
    """The first request. Without a name an agent sends no notices.

    `cluster` and `epoch` are ours: an agent of ours answers RC_STALE_EPOCH to a controller older than the
    newest that it has seen. They are sent only when `epoch` is set.
    """

    client_name: str
    protocol_version: str = PROTOCOL_VERSION
    is_ipc_provider: bool = False
    cluster: str = ""
    epoch: int | None = None


@dataclass(frozen=True)
class Poke:
    """Ask whether the agent is alive: it replies, and sends a PokeNotice to every client."""


@dataclass(frozen=True)
class ResourceInfo:
    """Ask what is registered under an id; the reply is a ResourceInfoReply."""

    resource_id: str


@dataclass(frozen=True)
class ResourceRegister:
    """Name a resource before operations on it. Same again is ignored, another definition replaces."""

    resource_id: str
    standard: str
    provider: str
    type_name: str
    call_options: int = 0


@dataclass(frozen=True)
class ResourceUnregister:
    """Forget a resource; RC_IN_PROGRESS while an operation of it runs."""

    resource_id: str


@dataclass(frozen=True)
class Exec:
    """Run one operation of a resource; the reply's rc is its call id (> 0), the result comes as a notice.

    `interval_ms` above 0 makes it recurring. `userdata` comes back unchanged. `uid` and `commit` are ours: an
    agent of ours runs each uid once, and to a uid sent again it attaches or repeats the stored result.
    """

    resource_id: str
    action: str
    timeout_ms: int
    interval_ms: int = 0
    start_delay_ms: int = 0
    userdata: str = ""
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    call_options: int = 0
    uid: str = ""
    commit: str = ""


@dataclass(frozen=True)
class Cancel:
    """End a recurring operation; RC_UNSUPPORTED when there is none. Its last notice has status CANCELLED."""

    resource_id: str
    action: str
    interval_ms: int


@dataclass(frozen=True)
class GetRecurring:
    """Ask which recurring operations are armed, of one resource or of all (`resource_id` empty)."""

    resource_id: str = ""


@dataclass(frozen=True)
class GetRecords:
    """Ask an agent of ours for its start records. Never sent to a stock agent."""


@dataclass(frozen=True)
class UnknownRequest:
    """A request that this module has no type for. Answer RC_UNSUPPORTED; OP_CHECK not at all."""

    operation: str
    element: Element = field(repr=False)


# IPC proxy, both ways (Pacemaker daemons/execd/remoted_proxy.c, daemons/controld/controld_remote_proxy.c)


@dataclass(frozen=True)
class ProxyNew:
    """A program beside the agent opened a connection to the cluster's daemon `server`."""

    session: str
    server: str


@dataclass(frozen=True)
class ProxyRequest:
    """That program asks; answer with a ProxyResponse if PROXY_FLAG_RESPONSE_EXPECTED is in `flags`."""

    session: str
    client: str
    user: str
    message_id: int
    flags: int
    body: Element = field(repr=False)


@dataclass(frozen=True)
class ProxyResponse:
    """The answer to the ProxyRequest of that id."""

    session: str
    message_id: int
    body: Element = field(repr=False)


@dataclass(frozen=True)
class ProxyEvent:
    """Something for that program which is not the answer to a request."""

    session: str
    body: Element = field(repr=False)


@dataclass(frozen=True)
class ProxyDestroy:
    """The session is over."""

    session: str


@dataclass(frozen=True)
class ShutdownRequest:
    """The agent wants to stop and asks that its node be drained first."""


@dataclass(frozen=True)
class ShutdownAck:
    """The controller will drain the node, then disconnect."""


@dataclass(frozen=True)
class ShutdownNack:
    """The controller will not drain the node: the agent may stop now."""


# Replies


@dataclass(frozen=True)
class Reply:
    """The answer to a request that has no reply type of its own. `rc` below 0 is an error (names.RC_...)."""

    rc: int
    call_id: int = 0


@dataclass(frozen=True)
class RegisterReply:
    """The answer to Register. From `agent` on the fields are ours, and empty from a stock agent.

    `uptime_s` is None before Pacemaker 2.1.6. `agent` is our agent's version, `instance` the id of its
    process, `boot` of the boot it runs in, `node` the name it was started with, `epoch` the highest it has
    seen; `has_records` says that its record store is intact since that boot.
    """

    rc: int
    call_id: int = 0
    client_id: str = ""
    protocol_version: str = ""
    uptime_s: int | None = None
    node_start_state: str = ""
    agent: str = ""
    instance: str = ""
    boot: str = ""
    node: str = ""
    epoch: int | None = None
    has_records: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether the agent said that it is ours."""
        return bool(self.agent)


@dataclass(frozen=True)
class ResourceInfoReply:
    """What is registered; with RC_NO_SUCH_RESOURCE the other fields are empty."""

    rc: int
    call_id: int = 0
    resource_id: str = ""
    standard: str = ""
    provider: str = ""
    type_name: str = ""


@dataclass(frozen=True)
class RecurringOperation:
    """One armed recurring operation."""

    resource_id: str
    action: str
    interval_ms: int
    timeout_ms: int


@dataclass(frozen=True)
class RecurringReply:
    """The armed recurring operations, in the agent's order."""

    rc: int
    call_id: int = 0
    operations: tuple[RecurringOperation, ...] = ()


class Phase(Enum):
    """How far the start that a record describes has come, or that its stop has begun."""

    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True)
class InFlight:
    """The operation that runs for a resource now; `pid` leads its process group, 0 when there is none yet."""

    action: str
    call_id: int
    uid: str
    pid: int
    timeout_ms: int
    interval_ms: int = 0


@dataclass(frozen=True)
class StartRecord:
    """What an agent of ours keeps beside a resource that it started, until the stop or the boot's end.

    `params` are all parameters of the start; `agent_hash` is that of the resource agent's file. `operation` is the
    start or stop that ended last; `exec_rc` and `op_status` say how, and are None until one has.
    """

    resource_id: str
    standard: str
    provider: str
    type_name: str
    cluster: str
    uid: str
    commit: str
    agent_hash: str
    phase: Phase
    since_s: int
    exec_rc: int | None = None
    op_status: int | None = None
    exit_reason: str = ""
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    recurring: tuple[RecurringOperation, ...] = ()
    in_flight: InFlight | None = None
    operation: str = ""


@dataclass(frozen=True)
class RecordsReply:
    """The start records of an agent of ours."""

    rc: int
    call_id: int = 0
    records: tuple[StartRecord, ...] = ()


# Notices


@dataclass(frozen=True)
class OperationResult:
    """An operation ended, or a recurring one changed its result.

    `exec_rc` is an OcfExit and `op_status` an ExecStatus, as numbers, since newer agents may send others.
    `ran_at_s` is its last start, `changed_at_s` when its result last changed, 0 for unknown. `output` is what
    it wrote to stderr, or else to stdout. `params` are those it was asked with. `uid` is ours.
    """

    resource_id: str
    action: str
    call_id: int
    exec_rc: int
    op_status: int
    interval_ms: int = 0
    timeout_ms: int = 0
    start_delay_ms: int = 0
    is_resource_deleted: bool = False
    ran_at_s: int = 0
    changed_at_s: int = 0
    exec_time_ms: int = 0
    queue_time_ms: int = 0
    userdata: str = ""
    exit_reason: str = ""
    output: str = field(default="", repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    uid: str = ""


@dataclass(frozen=True)
class PokeNotice:
    """A poke was answered, ours or another client's."""


@dataclass(frozen=True)
class NewClient:
    """Another client has authenticated itself to this agent."""


@dataclass(frozen=True)
class ResourceNotice:
    """A resource was registered or unregistered (`operation` says which), by us or by another client."""

    operation: str
    resource_id: str
    rc: int
    call_id: int = 0


@dataclass(frozen=True)
class UnknownNotice:
    """A notice that this module has no type for. Safe to ignore."""

    operation: str
    element: Element = field(repr=False)


ProxyToAgent = Union[ProxyResponse, ProxyEvent, ProxyDestroy, ShutdownAck, ShutdownNack]
ProxyFromAgent = Union[ProxyNew, ProxyRequest, ProxyDestroy, ShutdownRequest]
Request = Union[
    Register,
    Poke,
    ResourceInfo,
    ResourceRegister,
    ResourceUnregister,
    Exec,
    Cancel,
    GetRecurring,
    GetRecords,
    UnknownRequest,
    ProxyToAgent,
]
AnyReply = Union[Reply, RegisterReply, ResourceInfoReply, RecurringReply, RecordsReply]
Notice = Union[OperationResult, PokeNotice, NewClient, ResourceNotice, UnknownNotice, ProxyFromAgent]
