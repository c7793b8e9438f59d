"""Shapes of hosts, and of the nodes that guests become; a part of the YAML documents, see `document.py`."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from reconciler.load.document_placement import Condition
from reconciler.load.fields import (
    Address,
    Amount,
    Count,
    DetectionTime,
    Health,
    HostPath,
    Label,
    LabelName,
    Name,
    Part,
    Port,
    PositiveDuration,
    shape,
)


class Agent(Part):
    """How an agent is reached over the network."""

    port: Port | None = None
    """TCP port of its agent (Pacemaker: remote-port; port). Default 3121."""
    connect_timeout: PositiveDuration | None = None
    """How long its agent may take to answer (Pacemaker: remote-connect-timeout). Default 60s.

    What it is connected for after its guest was started, or after the connection was lost.
    """
    detect: DetectionTime | None = None
    """Within which it is known that its agent hangs, 1s to 5m: heartbeats and all other timers are made from it.

    Short ones find out soon, and take a busy machine for a lost one. Counts from the next connection on. Default 5s.
    """
    key_file: HostPath | None = None
    """An existing raw key, such as /etc/pacemaker/authkey, on the controller. Default: a key of its own."""
    key_file_shared: bool | None = None
    """This key file opens other nodes as well; all of them must say so. Default false."""
    key_epoch: Count | None = None
    """Raise it to give the node a new key, while it runs: `reconcile key rotate` does. Default 0."""
    min_key_epoch: Count | None = None
    """Keys of lower epochs are revoked: they open nothing, and their connections end. At most keyEpoch. Default 0."""
    tls: Literal["1.2", "1.3"] | None = None
    """The lowest version of TLS to accept; 1.2 only for agents that cannot do better. Default "1.3"."""


class NodeOverride(Part):
    """What is asked of a node for a time (Pacemaker: a node's instance_attributes and utilization with a rule)."""

    when: Condition
    """The time: dates only."""
    state: Literal["online", "standby", "maintenance"] | None = None
    """What is asked of it then (Pacemaker's attributes standby and maintenance)."""
    labels: dict[LabelName, Label] | None = None
    """Labels over its own (Pacemaker: instance_attributes of the node)."""
    capacity: dict[LabelName, Amount] | None = None
    """What it offers then, over what it offers at other times (Pacemaker: utilization)."""


class MachineOverride(NodeOverride):
    """What is asked of a machine for a time (Pacemaker: a node's instance_attributes and utilization with a rule)."""

    health: dict[LabelName, Health] | None = None
    """Health over its own (Pacemaker: attributes #health-...)."""


class GuestNode(Agent):
    """The node that this becomes once its agent is connected (Pacemaker: meta remote-node)."""

    name: Name
    """The node's name; other than the resource's own (Pacemaker: remote-node)."""
    address: Address | None = None
    """Host name or IP address of its agent (Pacemaker: remote-addr).

    Default: the node's name; 127.0.0.1 for type process.
    """
    agent: Literal["reconciler", "stock"] | None = None
    """stock: the distribution's pacemaker_remoted answers there. Default reconciler."""
    unconfirmed_address: Literal["allow", "refuse"] | None = None
    """Whether to go on where the guest's host cannot tell that the address is the guest's own.

    What its host knows to be another's is refused in any case. Default allow; refuse for a stock agent with
    keyFileShared, for then nothing else tells guests apart.
    """
    state: Literal["online", "standby", "maintenance"] | None = None
    """standby: all moves away; maintenance: nothing on it is touched (Pacemaker's attributes). Default online."""
    labels: dict[LabelName, Label] | None = None
    """Free words about the node, which `placement.on: {labels: ...}` selects by."""
    capacity: dict[LabelName, Amount] | None = None
    """What it offers, by free names, such as {vcpus: 4, memory: 8Gi} (Pacemaker: utilization)."""
    overrides: list[NodeOverride] | None = None
    """What holds at certain times instead of what is beside it; of several, the last counts."""
    searched: bool | None = None
    """false: what was not started there by this cluster is not looked for (Pacemaker: resource-discovery-enabled).

    Default true.
    """


class HostAgent(Agent):
    """Where the host's agent listens."""

    address: Address
    """Host name or IP address."""


class HostLibvirt(Part):
    """libvirt's connection URIs by guest type, such as qemu:///system or qemu+ssh://root@host1/system."""

    vm: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://")] | None = None
    """For guests of type vm."""
    lxc: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://")] | None = None
    """For guests of type lxc."""


class HostFencing(Part):
    """How a host is fenced."""

    levels: Annotated[list[Annotated[list[Name], Field(min_length=1)]], Field(min_length=1, max_length=9)]
    """Fencing devices, level by level: all of a level are used, and the next level if one of them fails.

    Pacemaker: fencing-level with index and devices.
    """


class Machine(Part):
    """What is asked of a machine that we do not start, and what it offers."""

    state: Literal["online", "standby", "maintenance"] | None = None
    """standby: all moves away; maintenance: nothing on it is touched (Pacemaker's attributes). Default online."""
    capacity: dict[LabelName, Amount] | None = None
    """What it offers, by free names, such as {vcpus: 16, memory: 64Gi} (Pacemaker: utilization)."""
    health: dict[LabelName, Health] | None = None
    """green, yellow, red or a score, by free names, such as {disk: yellow} (Pacemaker: attributes #health-...)."""
    fencing: HostFencing | None = None
    """How it is fenced. Default: by every device that says it can."""
    overrides: list[MachineOverride] | None = None
    """What holds at certain times instead of what is beside it; of several, the last counts."""


class HostSpec(Machine):
    """A machine that runs guests, and resources if it has an agent."""

    libvirt: HostLibvirt | None = None
    """How to reach its hypervisors; without, it runs no guests but of type process."""
    agent: (
        Annotated[
            Annotated[Literal["local"], Tag("text")] | Annotated[HostAgent, Tag("map")],
            Discriminator(shape),
        ]
        | None
    ) = None
    """local: this machine, at most one host. Or where its agent listens. Without, it runs no resources."""


class RemoteNodeSpec(Machine, Agent):
    """A machine with nothing but an agent (Pacemaker: ocf:pacemaker:remote)."""

    address: Address | None = None
    """Host name or IP address of its agent (Pacemaker: server). Default: the node's name."""
    agent: Literal["reconciler", "stock"] | None = None
    """stock: the distribution's pacemaker_remoted, once `reconcile adopt NODE` gave it to us. Default reconciler.

    A second client would make the cluster that has it now lose it, and recover what runs there.
    """
