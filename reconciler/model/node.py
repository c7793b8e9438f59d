"""Nodes: hosts that run guests, guest nodes inside them, and remote nodes; and the states they are in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from reconciler.model.names import NodeName, Where

STOCK_MACHINE = "stock"
"""The incarnation of a machine with a stock agent, which does not say when it booted: one life for ever.

What is on record there is asked for again on each connection.
"""


class NodeKind(Enum):
    """What a node is; Pacemaker's #kind cluster, container and remote."""

    HOST = "host"
    GUEST = "guest"
    REMOTE = "remote"


class NodeState(Enum):
    """What is known of a node's agent."""

    ONLINE = "online"
    OFFLINE = "offline"
    """Known not to run anything: never started, stopped, or confirmed dead."""
    UNCLEAN = "unclean"
    """Lost while it may still run resources; nothing of it is recovered before it is known dead."""
    UNKNOWN = "unknown"
    """Not heard of since the controller started."""
    PENDING = "pending"
    """Its guest runs and its agent is awaited."""


class LinkReason(Enum):
    """Why an agent cannot be talked to; each asks something else of the operator."""

    WRONG_KEY = "wrong-key"
    ROGUE = "rogue"
    """Something speaks TLS there, but proved no knowledge of any key."""
    SILENT = "silent"
    """Something accepts the connection and says nothing."""
    GARBAGE = "garbage"
    """Something answers, but not in this protocol."""
    TOO_OLD = "too-old"
    """The agent needs TLS 1.2; see remoteNode.tls."""
    REFUSED = "refused"
    """Nothing listens on that port."""
    UNREACHABLE = "unreachable"
    """No answer from that address, or it cannot be resolved."""
    STALE = "stale"
    """The agent has been taken over by a newer controller."""
    WRONG_NODE = "wrong-node"
    """The agent there has the key, and is another node's: addresses were mixed up."""
    UNCONFIRMED = "unconfirmed"
    """Nobody can tell whose the address is, and it was asked not to go on then."""
    LOST = "lost"
    """The connection was there and ended."""
    LEFT = "left"
    """The agent was asked to stop, and left in order."""

    @property
    def is_failure(self) -> bool:
        """Tell whether a guest whose agent stays away for this has failed; what left in order has not."""
        return not self.is_authentication and self is not LinkReason.LEFT

    @property
    def is_authentication(self) -> bool:
        """Tell whether somebody is there who is not, or may not be, our agent: never a reason to fence."""
        return self in {LinkReason.WRONG_KEY, LinkReason.ROGUE, LinkReason.GARBAGE, LinkReason.TOO_OLD,
                        LinkReason.STALE, LinkReason.WRONG_NODE, LinkReason.UNCONFIRMED}  # fmt: skip


class AddressOwner(Enum):
    """Whose the address of a guest's agent turned out to be."""

    GUEST = "guest"
    STRANGER = "stranger"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFinding:
    """What the host of a guest can say of its agent's address."""

    owner: AddressOwner
    text: str
    """For people: by what that is known, or why it is not."""


HOST_OF_CONTAINER = "#uname"
"""As an agent's address: that of the machine on which its container runs (Pacemaker lib/pengine/bundle.c)."""


class AgentFlavor(Enum):
    """Which program answers on a node's agent port."""

    RECONCILER = "reconciler"
    STOCK = "stock"
    """The distribution's pacemaker_remoted: keeps no start records and knows no epochs."""


class GuestType(Enum):
    """How a guest is run."""

    VM = "vm"
    LXC = "lxc"
    PROCESS = "process"
    """Our agent as a process of its own on the controller's machine; no libvirt."""


class HostState(Enum):
    """What the declaration asks of a host, or of another node."""

    ONLINE = "online"
    STANDBY = "standby"
    """Runs nothing: all that is there moves away."""
    MAINTENANCE = "maintenance"
    """Nothing on it is started, stopped or monitored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAddress:
    """How to reach a node's agent: over TLS at an address, or, with none, on this machine's Unix socket."""

    address: str | None = None
    port: int = 3121
    key_file: str | None = None
    """A raw key that exists already, absolute path on the controller; None: derived from the root key."""
    flavor: AgentFlavor = AgentFlavor.RECONCILER
    tls12: bool = False
    """Also accept TLS 1.2 with (EC)DHE-PSK; a compatibility setting."""
    connect_timeout_ms: int = 60_000
    key_epoch: int = 0
    """Of its derived key; another epoch is another key."""
    min_key_epoch: int = 0
    """Keys of lower epochs are revoked."""
    is_confirmed: bool = False
    """A guest's is not talked to unless its host knows the address as its own; else it is enough if nobody objects."""
    detect_ms: int = 5000
    """Within which it is known that the agent hangs; all timers of its link are made from it. 1 s to 5 min."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine that we do not start: it runs guests, and resources if it has an agent.

    A remote node is one too, of which only the agent counts: the controller holds the connections itself, so nothing
    tells the two apart but that no guest runs there.
    """

    name: NodeName
    where: Where
    kind: NodeKind = NodeKind.HOST
    """HOST, or REMOTE for what is declared as a RemoteNode."""
    libvirt: Mapping[GuestType, str] = field(default_factory=dict)
    """libvirt connection URIs by guest type; a type without one cannot run there."""
    agent: AgentAddress | None = None
    state: HostState = HostState.ONLINE
    labels: Mapping[str, str] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, Where] = field(default_factory=dict, compare=False)
    """Where each field stands, by dotted path below the document (`spec.state`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteNode:
    """The node that a guest becomes once its agent is connected (Pacemaker's meta remote-node)."""

    name: NodeName
    where: Where
    agent: AgentAddress
    state: HostState = HostState.ONLINE
    labels: Mapping[str, str] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=dict)
    is_searched: bool = True
    """Resources are looked for there, before anything is started (Pacemaker's resource-discovery-enabled)."""
    is_reserved: bool = False
    """Nothing is there but resources that may be nowhere else: it is a bundle's container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FencingLevel:
    """Fencing devices that are used together on a node, after those of the levels before have failed."""

    id: str
    where: Where
    index: int
    """Levels are tried from the lowest."""
    devices: tuple[str, ...]
    """Ids of resources, in the order in which they are used."""
    node: NodeName | None = None
    pattern: str | None = None
    """For nodes whose names match this regular expression."""
    label: tuple[str, str] | None = None
    """For nodes with this label, and this value of it."""
