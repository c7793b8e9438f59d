"""Resources: what is started, stopped and monitored; a guest is one of them, and a place besides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import GuestType, RemoteNode


class Role(Enum):
    """The state of a resource on a node, in Pacemaker's words."""

    STOPPED = "Stopped"
    STARTED = "Started"
    UNPROMOTED = "Unpromoted"
    PROMOTED = "Promoted"
    UNKNOWN = "Unknown"


class OnFail(Enum):
    """What a failed operation leads to (Pacemaker's on-fail), the mildest first: of several, the hardest counts."""

    IGNORE = "ignore"
    DEMOTE = "demote"
    """Demoted, and then promoted again where that may be."""
    RESTART = "restart"
    RESET_REMOTE = "reset-remote"
    """The remote node behind a connection is fenced, if that can be, and connected anew."""
    RESTART_CONTAINER = "restart-container"
    """What the resource runs in is restarted."""
    BAN = "migrate"
    """Not started on this node again."""
    BLOCK = "block"
    STOP = "stop"
    STANDBY = "standby"
    """Everything moves away from the node."""
    FENCE = "fence"
    """The node is fenced."""


class Requires(Enum):
    """What must hold before a resource may start (Pacemaker's requires)."""

    NOTHING = "nothing"
    QUORUM = "quorum"
    FENCING = "fencing"
    """Quorum, and every node that may run it and is out of reach was fenced."""
    UNFENCING = "unfencing"
    """Fencing, and the node that is to run it was let in again by its fencing devices."""


class MultipleActive(Enum):
    """What happens to a resource that is found at several places (Pacemaker's multiple-active)."""

    STOP_START = "stop_start"
    STOP_ONLY = "stop_only"
    BLOCK = "block"


FENCING = "stonith"
"""The standard of what fences nodes, in Pacemaker's words its class."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ResourceAgent:
    """The program that knows how to start, stop and monitor one kind of resource."""

    standard: str
    """ocf, systemd, lsb, service; or `guest` for a guest that the hypervisor runs."""
    provider: str = ""
    """Only ocf has providers."""
    type: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.standard, self.provider, self.type) if part)

    @property
    def is_fencing(self) -> bool:
        """Tell whether it is what fences nodes (Pacemaker's class stonith)."""
        return self.standard == FENCING

    @property
    def is_connection(self) -> bool:
        """Tell whether it connects the agent of a node, as a resource of a Pacemaker cluster (ocf:pacemaker:remote)."""
        return self.type == "remote" and self.provider == "pacemaker" and self.standard == "ocf"

    @property
    def has_parameters(self) -> bool:
        """Tell whether instances can differ: a systemd unit is known by its name alone."""
        return self.standard in {"ocf", "guest"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Settings of one operation of a resource."""

    name: str
    interval_ms: int = 0
    """0: not recurring."""
    timeout_ms: int = 20_000
    on_fail: OnFail = OnFail.RESTART
    role: Role | None = None
    enabled: bool = True
    is_left_alone: bool = False
    """It is neither armed nor disarmed, as Pacemaker does with one that is declared twice: what there is, stays."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Parameters for this operation alone, over the resource's; what starts with some runs with them to its stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One block device of a rendered VM."""

    path: str
    """Absolute path on the host."""
    format: str = "raw"
    """raw or qcow2."""
    size_bytes: int | None = None
    """Wanted size of a disk that is made at the first start, on the host that runs the guest."""
    source: str | None = None
    """An image that a missing disk is copied from (`from:` in YAML); absolute path on that host."""
    read_only: bool = False
    discard_writes: bool = False
    """Run on a throw-away copy (libvirt's <transient/>)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """One network interface of a rendered guest; exactly one of the three is set."""

    network: str | None = None
    bridge: str | None = None
    user: bool = False
    """QEMU's user-mode network: no privileges, no bridge."""
    forwards: tuple[tuple[str, int, int], ...] = ()
    """With `user`: (host address, host port, guest port) of forwarded TCP ports."""
    mac: str | None = None
    model: str = "virtio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Direct kernel boot; absolute paths on the host."""

    path: str
    initrd: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a guest consists of, when we render its domain XML."""

    vcpus: int = 1
    memory_bytes: int = 512 * 1024 * 1024
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    rootfs: str | None = None
    """lxc: the folder that becomes /, absolute path on the host."""
    init: tuple[str, ...] = ()
    """lxc: the first program and its arguments; empty: our agent, or /sbin/init for a stock agent."""
    kernel: Kernel | None = None
    seed: Mapping[str, str] = field(default_factory=dict)
    """NoCloud seed files by name (user-data, meta-data, network-config), their text."""
    emulation: bool = False
    """vm: QEMU's software emulation instead of KVM."""
    machine: str | None = None
    cpu: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """How a guest is run: from the user's own libvirt XML, or from hardware that we render."""

    type: GuestType
    domain_xml: str | None = None
    """The text of the user's own domain XML."""
    hardware: Hardware | None = None
    shutdown_ms: int = 60_000
    """How long an orderly shutdown may take before the domain is destroyed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One declared resource."""

    id: ResourceId
    agent: ResourceAgent
    where: Where
    params: Mapping[str, str] = field(default_factory=dict)
    params_on: Mapping[NodeName, Mapping[str, str]] = field(default_factory=dict)
    """All parameters on the nodes where they differ from `params`, while a plan is made: rules tell which."""
    operations: tuple[Operation, ...] = ()
    state: Role = Role.STARTED
    """What is asked: STARTED or STOPPED (`state: running|stopped`)."""
    is_managed: bool = True
    is_monitored: bool = True
    """False: no recurring monitors meanwhile, as in Pacemaker's maintenance."""
    multiple_active: MultipleActive = MultipleActive.STOP_START
    stickiness: int = 1
    priority: int = 0
    failure_limit: int = 3
    """Failures on one node before that node is banned (Pacemaker's migration-threshold); 0: never."""
    failure_timeout_ms: int = 0
    """Quiet time after which failures are forgotten; 0: never."""
    start_failure_is_fatal: bool = False
    """A failed start bans its node at once."""
    rank: int = 0
    """Position in the declaration; breaks ties, lower first."""
    guest: Guest | None = None
    remote_node: RemoteNode | None = None
    needs: Mapping[str, int] = field(default_factory=dict)
    """What it takes of its node's capacity (Pacemaker's utilization)."""
    allows_migration: bool = False
    """It may be moved live, without a stop (Pacemaker's allow-migrate)."""
    allows_unhealthy: bool = False
    """It may run on nodes of poor health (Pacemaker's allow-unhealthy-nodes)."""
    requires: Requires = Requires.QUORUM
    """What must hold before it is started."""
    container: ResourceId | None = None
    """It runs inside this resource, and starts and stops with it (Pacemaker's container)."""
    only_on: tuple[NodeName, ...] = ()
    """In a bundle: its nodes, by number. It runs nowhere else, and instance number N of it only on that number."""
    is_rated_by_host: bool = False
    """In a bundle: its promotion score is that of the host of its container (container-attribute-target=host)."""
    is_critical: bool = True
    """False: it does not hold what runs well where it is, only because it would be placed with it."""
    instance_of: ResourceId | None = None
    """For an instance of a clone, while a plan is made: the declared resource; its own id then ends in :NUMBER."""
    is_unique: bool = False
    """For an instance of a clone: it has its own name on nodes too."""
    is_promotable: bool = False
    """For an instance of a clone: it can be promoted."""
    named: ResourceId | None = None
    """The name that nodes have for it: of a copy too many of an instance that is not unique, which is its own, and of
    a removed resource whose name a group or a clone has now."""
    fields: Mapping[str, Where] = field(default_factory=dict, compare=False)
    """Where each field stands, by dotted path below the document (`spec.params.state`)."""

    @property
    def known_as(self) -> ResourceId:
        """Return the name under which nodes, and histories, know it: instances of a clone share one."""
        own = self.id if self.instance_of is None or self.is_unique else self.instance_of
        return self.named or own

    @property
    def declared_as(self) -> ResourceId:
        """Return the name under which it is declared."""
        return self.instance_of or self.id

    def params_at(self, node: NodeName) -> Mapping[str, str]:
        """Return its parameters on a node."""
        return self.params_on.get(node, self.params) if self.params_on else self.params

    def operation(self, name: str, interval_ms: int = 0) -> Operation:
        """Return the settings of an operation, or its defaults when none are declared."""
        for operation in self.operations:
            if operation.name == name and operation.interval_ms == interval_ms:
                return operation
        return _default_operation(name, interval_ms)

    def monitors(self) -> tuple[Operation, ...]:
        """Return the recurring monitors of a running instance, in declaration order."""
        return tuple([m for m in self.recurring_monitors() if m.role is not Role.STOPPED])

    def monitors_while_stopped(self) -> tuple[Operation, ...]:
        """Return the monitors for nodes where it is not to run: they notice when it does."""
        return tuple([m for m in self.recurring_monitors() if m.role is Role.STOPPED])

    def recurring_monitors(self) -> list[Operation]:
        """Return the monitors for nodes where it runs, and for those where it is not to, in declaration order."""
        if not self.is_monitored or not self.operations:
            return []
        return [
            o
            for o in self.operations
            if o.interval_ms and o.name == "monitor" and o.enabled and not o.is_left_alone
        ]

    def at(self, *path: str) -> Where:
        """Return where a field stands, or the nearest enclosing one that was written."""
        for length in range(len(path), 0, -1):
            found = self.fields.get(".".join(path[:length]))
            if found is not None:
                return found
        return self.where


@lru_cache(maxsize=1024)
def _default_operation(name: str, interval_ms: int) -> Operation:
    """Return the settings of an operation that is not declared; plans ask for the same few all the time."""
    return Operation(name=name, interval_ms=interval_ms)
