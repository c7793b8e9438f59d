"""What is asked of the world: `world/` answers for real, `sim/` in memory; nobody else knows which."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from reconciler.model.attribute import AttributeChange, NodeAttributes
from reconciler.model.history import History
from reconciler.model.intent import Cluster, Intent, Source
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AddressFinding, AgentAddress, GuestType, Host
from reconciler.model.observed import Observed
from reconciler.model.operation import Monitor, OperationRequest, OperationResult, StartRecord
from reconciler.model.resource import Resource

T = TypeVar("T")

Wake = Callable[[], None]
"""Tells the loop to look again; carries nothing, may be called any number of times."""


class Clock(Protocol):
    """Time and fresh names."""

    def now(self) -> float:
        """Return the wall clock, in epoch seconds; it may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never jump and count while the machine is suspended."""
        ...

    def new_id(self) -> str:
        """Return a name that was never given before, on any machine."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTree:
    """One consistent reading of the declaration's files."""

    source: Source
    files: Mapping[str, bytes]
    """By path relative to the folder, with / as separator: every .yaml, .yml and .xml file."""


class Repository(Protocol):
    """Where the declaration comes from."""

    async def read(self) -> SourceTree:
        """Read all files of the present commit (or of the folder).

        Raises:
            SourceError: it cannot be read; what was in force stays in force.
        """
        ...

    async def read_revision(self, revision: str) -> SourceTree:
        """Read all files of another revision.

        Raises:
            SourceError: there is no such revision, or no git.
        """
        ...

    async def watch(self, wake: Wake) -> None:
        """Call `wake` after every change, debounced, until cancelled."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One guest that a hypervisor runs and that carries our mark."""

    resource: ResourceId
    cluster: str
    """The name of the cluster that owns it."""
    digest: str
    """Of the definition it was started from."""
    uid: str
    """Of the action that started it; with each start a new one, so it names the guest's incarnation."""
    is_running: bool
    """False for paused, crashed and dying domains: they are there, and do not work."""
    text: str = ""
    """For people: the hypervisor's word for its state."""
    address: str | None = None
    """An address to reach its agent at, when the hypervisor knows one that the declaration does not."""
    node: NodeName | None = None
    """The remote-node name it was started with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestStart:
    """What it takes to start a guest."""

    guest: Resource
    cluster: Cluster
    uid: str
    digest: str
    commit: str
    key: bytes | None = field(repr=False)
    """For its agent; None for a plain guest. Delivered by mount or fw_cfg, never in XML, argv or logs."""


class Hypervisor(Protocol):
    """Runs guests on hosts. No call blocks the event loop; each has a deadline inside."""

    async def domains(self, host: Host, guest_type: GuestType) -> Sequence[Domain]:
        """Return the guests of one type on one host that carry a mark of ours, whichever cluster's.

        Raises:
            HypervisorUnreachableError: the host cannot be asked; what it runs is unknown.
        """
        ...

    async def start(self, host: Host, start: GuestStart) -> None:
        """Start a guest that is not running there; started already by the same uid is success.

        Raises:
            HypervisorUnreachableError: whether it started is unknown.
            HypervisorError: it did not start.
        """
        ...

    async def stop(self, host: Host, resource: ResourceId, guest_type: GuestType, shutdown_ms: int) -> None:
        """Shut a guest down in order within `shutdown_ms` (0: at once), then destroy it; absent is success.

        Returns only when it is known not to run any more.

        Raises:
            HypervisorUnreachableError: whether it stopped is unknown.
            HypervisorError: it still runs.
        """
        ...

    async def deliver_key(self, host: Host, guest: Resource, key: bytes, *, is_alone: bool) -> None:
        """Bring a new key to the agent of a guest that runs on a host.

        Args:
            host: where it runs.
            guest: one with our agent.
            key: opens the agent from now on, beside the one before until it was proved.
            is_alone: the one before is revoked: it opens nothing any more, and its connections end.

        Raises:
            HypervisorError: there is no way, or it is not known to have arrived.
        """
        ...

    async def owner_of(self, host: Host, guest: Resource, address: str) -> AddressFinding:
        """Return whose a guest's address is, which was connected just now, by all that its host knows.

        Raises:
            HypervisorUnreachableError: the host cannot be asked.
        """
        ...

    async def watch(self, hosts: Sequence[Host], wake: Wake) -> None:
        """Call `wake` whenever a domain on these hosts, or a connection to one, changes; until cancelled."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What an agent said of itself when it was connected."""

    is_ours: bool
    """It is our agent, and keeps start records."""
    instance: str
    """Names the agent process: another value means that it was restarted."""
    incarnation: str
    """Names the boot of the node; "" when the agent does not say."""
    is_record_keeping: bool
    """Its records are complete since that boot."""
    records: Mapping[ResourceId, StartRecord] = field(default_factory=dict)
    recurring: Mapping[ResourceId, tuple[Monitor, ...]] = field(default_factory=dict)
    """What it monitors by itself; a stock agent says this much, but with which parameters it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTarget:
    """Whose agent to connect, and where."""

    node: NodeName
    agent: AgentAddress
    cluster: Cluster
    key: bytes | None = field(repr=False)
    """None on the local Unix socket."""
    epoch: int = 0
    """Of this controller; our agents refuse a lower one than they have seen. 0: it only looks, and commands nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """What programs on nodes may be shown: never a parameter, for it may be a secret."""

    intent: Intent
    observed: Observed
    attributes: Mapping[NodeName, NodeAttributes] = field(default_factory=dict)


class LinkListener(Protocol):
    """Hears what an agent says unasked, and what programs on its node want to know."""

    def view(self) -> ClusterView:
        """Return the cluster as it is known now."""
        ...

    def on_attribute(self, node: NodeName, change: AttributeChange) -> None:
        """A program on the node has set or removed an attribute of that node."""
        ...

    def on_result(self, node: NodeName, result: OperationResult) -> None:
        """A recurring monitor has a first or a changed result."""
        ...

    def on_lost(self, node: NodeName, text: str) -> None:
        """The connection ended, or its heartbeat stayed out."""
        ...

    def on_leaving(self, node: NodeName) -> bool:
        """The agent was asked to stop; returns whether it is to wait until we take leave, for its node is emptied."""
        ...


class AgentLink(Protocol):
    """The connection to one node's agent."""

    async def connect(self, timeout_ms: int) -> Session:
        """Connect, prove both sides' key, register, read the agent's state; tries again until the time is up.

        A failure that waiting cannot cure (a wrong key) ends the attempt at once.

        Raises:
            LinkError: with the reason.
        """
        ...

    async def execute(self, request: OperationRequest) -> OperationResult:
        """Run one operation and return its result, whatever it is; a recurring one returns its first result.

        Raises:
            OutcomeUnknownError: the link was lost before the result came.
            LinkError: nothing was sent.
        """
        ...

    async def cancel(self, resource: ResourceId, operation: str, interval_ms: int) -> None:
        """Stop a recurring operation; none there is success.

        Raises:
            LinkError: the link is not there.
        """
        ...

    async def close(self) -> None:
        """End the connection in order; what runs on the node goes on. Never raises."""
        ...

    @property
    def is_connected(self) -> bool:
        """Tell whether operations can be sent."""
        ...


class Links(Protocol):
    """Makes links."""

    def link(self, target: LinkTarget, listener: LinkListener) -> AgentLink:
        """Return a link that is not connected yet."""
        ...


class Compute(Protocol):
    """Runs long computations beside the event loop, so that heartbeats are never late."""

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a pure function and return what it returns."""
        ...


class Keys(Protocol):
    """The keys of nodes."""

    def key_of(self, cluster: Cluster, node: NodeName, agent: AgentAddress) -> bytes | None:
        """Return a node's pre-shared key; None for an agent on the local socket.

        Raises:
            KeyStoreError: it is missing, unreadable or too short.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRecord:
    """An action as it is written down before it is carried out."""

    uid: str
    action: str
    kind: str
    node: NodeName
    resource: ResourceId | None
    incarnation: str
    """Of the node at the time; another one now means that the action's effect is gone."""
    commit: str
    started_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One finished operation, for `reconcile logs`."""

    node: NodeName
    result: OperationResult
    finished_at: float
    commit: str = ""


class Journal(Protocol):
    """Keeps what cannot be observed. Every call is durable when it returns."""

    def load_history(self) -> History:
        """Return the failures and orders that were kept."""
        ...

    def save_history(self, history: History) -> None:
        """Keep failures and orders."""
        ...

    def begin(self, intents: Sequence[IntentRecord]) -> None:
        """Write down actions, in one step, before any of them is carried out."""
        ...

    def finish(self, uid: str, entry: LogEntry | None) -> None:
        """Write down an action's result; None: the outcome is unknown and will be found out."""
        ...

    def open_intents(self) -> Sequence[IntentRecord]:
        """Return actions that were begun and have no result: they may have happened."""
        ...

    def append_log(self, entry: LogEntry) -> None:
        """Keep a result that no action asked for, such as a monitor's."""
        ...

    def logs(self, resource: ResourceId, limit: int) -> Sequence[LogEntry]:
        """Return a resource's last results, newest first."""
        ...

    def save_record(self, node: NodeName, incarnation: str, record: StartRecord) -> None:
        """Keep the start record of a resource on a node whose agent keeps none."""
        ...

    def drop_record(self, node: NodeName, resource: ResourceId) -> None:
        """Forget the record of a resource that was stopped."""
        ...

    def records(self, node: NodeName, incarnation: str) -> Mapping[ResourceId, StartRecord] | None:
        """Return a node's records in this incarnation; None: the journal does not know this incarnation."""
        ...

    def open_incarnation(self, node: NodeName, incarnation: str) -> None:
        """Note that we began this incarnation of a node: from here on its records are complete."""
        ...

    def save_tree(self, tree: SourceTree) -> None:
        """Keep the last declaration that was good."""
        ...

    def load_tree(self) -> SourceTree | None:
        """Return the last declaration that was good."""
        ...

    def save_plan_input(self, text: str, transition_hash: str) -> None:
        """Keep a planner input, as JSON, for `reconcile replay`; the last twenty are kept."""
        ...

    def plan_inputs(self) -> Sequence[tuple[str, str]]:
        """Return the kept planner inputs as (hash, JSON), newest first."""
        ...

    def next_epoch(self) -> int:
        """Return a number higher than ever before, for this start of the controller."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world, whole."""

    repository: Repository
    hypervisor: Hypervisor
    links: Links
    keys: Keys
    journal: Journal
    clock: Clock
    compute: Compute
