"""The YAML documents as pydantic models: the shape of each kind, and what each field means.

Shape only: whether names exist and fields fit together is decided in `resolve.py`. Field docstrings become the
descriptions in schemas/, with Pacemaker's name of the setting where it has one. Defaults stand in `defaults.py`.
"""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from reconciler.load.fields import (
    Address,
    AgentSpec,
    Amount,
    ApiVersion,
    Count,
    Duration,
    HostPath,
    Label,
    LabelName,
    Name,
    Param,
    ParamName,
    Part,
    Port,
    PositiveDuration,
    Score,
)
from reconciler.load.hardware import Domain, Hardware


def _shape(value: object) -> str | None:
    """Tell the branches of a union apart by the value's shape alone, so that only one of them complains."""
    match value:
        case str():
            return "text"
        case list():
            return "list"
        case dict() | Part():
            return "map"
        case _:
            return None


class Metadata(Part):
    """What a document is called."""

    name: Name
    """Unique among hosts, remote nodes, guests and resources, compared without case."""


class HostMetadata(Part):
    """What a host is called."""

    name: Name
    """The node's name; unique among hosts, remote nodes, guests and resources, compared without case."""
    labels: dict[LabelName, Label] | None = None
    """Free words about the host, which `placement.on: {labels: ...}` selects by."""


class Operation(Part):
    """Settings of one operation."""

    timeout: PositiveDuration | None = None
    """How long it may take (Pacemaker: timeout). Default 20s; 90s for a guest's start and stop."""
    on_fail: Literal["restart", "stop", "block", "ignore"] | None = None
    """What a failure leads to (Pacemaker: on-fail). Default restart."""


class Monitor(Part):
    """One recurring check, which the node's agent carries out by itself."""

    interval: PositiveDuration | None = None
    """Time between two checks (Pacemaker: interval). Default 10s."""
    timeout: PositiveDuration | None = None
    """How long one check may take (Pacemaker: timeout). Default 20s."""
    on_fail: Literal["restart", "stop", "block", "ignore"] | None = None
    """What a failure leads to (Pacemaker: on-fail). Default restart."""
    role: Literal["Started", "Stopped", "Unpromoted", "Promoted"] | None = None
    """Check only while the resource has this role (Pacemaker: role). Default: whenever it runs."""
    enabled: bool | None = None
    """Pacemaker: enabled. Default true."""


class GuestOperations(Part):
    """Settings of a guest's operations; whether it runs is watched through its hypervisor."""

    start: Operation | None = None
    """Until its domain runs; connecting its agent comes after and has `remoteNode.connectTimeout`."""
    stop: Operation | None = None
    """An orderly shutdown, which `shutdownTimeout` ends, and destroying what is left."""


class Operations(Part):
    """Settings of a resource's operations (Pacemaker: op)."""

    start: Operation | None = None
    """Starting it."""
    stop: Operation | None = None
    """Stopping it."""
    monitor: (
        Annotated[
            Annotated[Monitor, Tag("map")] | Annotated[list[Monitor], Tag("list")], Discriminator(_shape)
        ]
        | None
    ) = None
    """One check, or a list with one for each interval or role. Default one of 10s; `[]`: none."""


class LabelSelector(Part):
    """Nodes by their labels."""

    labels: Annotated[dict[LabelName, Label], Field(min_length=1)]
    """Nodes that have all of these."""


class WithItem(Part):
    """A resource to be placed with, or apart from (Pacemaker: colocation)."""

    resource: Name
    """The other resource, which is placed first (Pacemaker: with-rsc)."""
    role: Literal["Started", "Unpromoted", "Promoted"] | None = None
    """Only where the other one has this role (Pacemaker: with-rsc-role)."""
    score: Score | None = None
    """How strongly, above zero. Default INFINITY: it must."""


class AfterItem(Part):
    """A resource to start after (Pacemaker: order)."""

    resource: Name
    """The other resource (Pacemaker: first)."""
    action: Literal["start", "stop", "promote", "demote"] | None = None
    """What must have happened to the other one (Pacemaker: first-action). Default start."""
    then_action: Literal["start", "stop", "promote", "demote"] | None = None
    """What this one does after it (Pacemaker: then-action). Default start."""
    kind: Literal["mandatory", "optional", "serialize"] | None = None
    """mandatory: always; optional: only if both happen at once; serialize: never both at once."""
    symmetrical: bool | None = None
    """Stop in the opposite order too (Pacemaker: symmetrical). Default true, but not for serialize."""


_With = Annotated[Annotated[Name, Tag("text")] | Annotated[WithItem, Tag("map")], Discriminator(_shape)]
_After = Annotated[Annotated[Name, Tag("text")] | Annotated[AfterItem, Tag("map")], Discriminator(_shape)]


class Placement(Part):
    """Where something may and should run."""

    on: (
        Annotated[
            Annotated[Annotated[list[Name], Field(min_length=1)], Tag("list")]
            | Annotated[LabelSelector, Tag("map")],
            Discriminator(_shape),
        ]
        | None
    ) = None
    """The only nodes it may run on and is looked for on (Pacemaker: resource-discovery=exclusive)."""
    prefer: dict[Name, Score] | None = None
    """A score for each node: more is better, -INFINITY is never (Pacemaker: rsc_location)."""
    with_: Annotated[list[_With] | None, Field(alias="with")] = None
    """Resources to be on the same node with."""
    apart_from: list[_With] | None = None
    """Resources not to be on the same node with; scores are written above zero here too."""


class RemoteNode(Part):
    """The node that this becomes once its agent is connected (Pacemaker: meta remote-node)."""

    name: Name
    """The node's name; other than the resource's own (Pacemaker: remote-node)."""
    address: Address | None = None
    """Host name or IP address of its agent (Pacemaker: remote-addr).

    Default: the node's name; 127.0.0.1 for type process.
    """
    port: Port | None = None
    """TCP port of its agent (Pacemaker: remote-port). Default 3121."""
    connect_timeout: PositiveDuration | None = None
    """How long its agent may take to answer after the start (Pacemaker: remote-connect-timeout). Default 60s."""
    key_file: HostPath | None = None
    """An existing raw key, such as /etc/pacemaker/authkey, on the controller. Default: a key of its own."""
    key_file_shared: bool | None = None
    """This key file opens other nodes as well; all of them must say so. Default false."""
    key_epoch: Count | None = None
    """Raise it to give the node a new key. Default 0."""
    agent: Literal["reconciler", "stock"] | None = None
    """stock: the distribution's pacemaker_remoted answers there. Default reconciler."""
    labels: dict[LabelName, Label] | None = None
    """Free words about the node, which `placement.on: {labels: ...}` selects by."""
    tls: Literal["1.2", "1.3"] | None = None
    """The lowest version of TLS to accept; 1.2 only for agents that cannot do better. Default "1.3"."""


class HostAgent(Part):
    """Where the host's agent listens."""

    address: Address
    """Host name or IP address."""
    port: Port | None = None
    """TCP port. Default 3121."""
    connect_timeout: PositiveDuration | None = None
    """How long connecting may take. Default 60s."""
    key_file: HostPath | None = None
    """An existing raw key on the controller. Default: a key of its own."""
    key_file_shared: bool | None = None
    """This key file opens other nodes as well; all of them must say so. Default false."""
    key_epoch: Count | None = None
    """Raise it to give the host a new key. Default 0."""
    flavor: Literal["reconciler", "stock"] | None = None
    """stock: pacemaker_remoted answers there (Pacemaker: ocf:pacemaker:remote). Default reconciler."""
    tls: Literal["1.2", "1.3"] | None = None
    """The lowest version of TLS to accept. Default "1.3"."""


class ResourceDefaults(Part):
    """What holds for every resource (or guest) that does not say otherwise (Pacemaker: rsc_defaults)."""

    stickiness: Score | None = None
    """Pacemaker: resource-stickiness. Default 1; guests 1000."""
    failure_limit: Count | None = None
    """Pacemaker: migration-threshold. Default 3; 0: never."""
    failure_timeout: Duration | None = None
    """Pacemaker: failure-timeout. Default 0s: never."""
    start_failure_is_fatal: bool | None = None
    """Pacemaker: start-failure-is-fatal. Default false."""
    priority: Score | None = None
    """Pacemaker: priority. Default 0."""


class Defaults(Part):
    """What holds where nothing else is said."""

    resource: ResourceDefaults | None = None
    """For resources."""
    guest: ResourceDefaults | None = None
    """For guests."""


class Safety(Part):
    """Limits to what one commit may do."""

    max_destroy: Count | None = None
    """Guests whose domain one commit may remove for good; never limits recovery. Default 1."""


class ClusterSpec(Part):
    """What holds for all."""

    defaults: Defaults | None = None
    """Settings of resources and guests that they need not repeat."""
    safety: Safety | None = None
    """Limits to what one commit may do."""


class HostLibvirt(Part):
    """libvirt's connection URIs by guest type, such as qemu:///system or qemu+ssh://root@host1/system."""

    vm: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://")] | None = None
    """For guests of type vm."""
    lxc: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://")] | None = None
    """For guests of type lxc."""


class HostSpec(Part):
    """A machine that runs guests, and resources if it has an agent."""

    libvirt: HostLibvirt | None = None
    """How to reach its hypervisors; without, it runs no guests but of type process."""
    agent: (
        Annotated[
            Annotated[Literal["local"], Tag("text")] | Annotated[HostAgent, Tag("map")],
            Discriminator(_shape),
        ]
        | None
    ) = None
    """local: this machine, at most one host. Or where its agent listens. Without, it runs no resources."""
    state: Literal["online", "standby", "maintenance"] | None = None
    """standby: all moves away; maintenance: nothing on it is touched (Pacemaker's attributes). Default online."""
    capacity: dict[LabelName, Amount] | None = None
    """What it offers, by free names, such as {vcpus: 16, memory: 64Gi} (Pacemaker: utilization)."""


class Common(Part):
    """What guests and resources have in common."""

    placement: Placement | None = None
    """Where it may and should run. Default: anywhere."""
    after: list[_After] | None = None
    """Resources that it starts after, and stops before (Pacemaker: rsc_order)."""
    state: Literal["running", "stopped"] | None = None
    """What is asked of it (Pacemaker: target-role). Default running."""
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
    managed: bool | None = None
    """false: it is observed, and not started or stopped (Pacemaker: is-managed). Default true."""
    rank: Count | None = None
    """Breaks ties, lower first. Default: its position in the declaration, counted from 0."""
    remote_node: RemoteNode | None = None
    """The node that it becomes; without, it is a plain resource."""


class GuestSpec(Common):
    """A virtual machine or container."""

    type: Literal["vm", "lxc", "process"]
    """vm and lxc run through libvirt; process is the agent itself as a process on this machine."""
    domain: Domain | None = None
    """vm, lxc: the user's own libvirt XML; or `hardware`."""
    hardware: Hardware | None = None
    """vm, lxc: what it consists of; or `domain`."""
    op: GuestOperations | None = None
    """Settings of its operations."""
    shutdown_timeout: Duration | None = None
    """How long an orderly shutdown may take before the domain is destroyed. Default 60s; 0s: destroy at once."""


class ResourceSpec(Common):
    """Something that a resource agent starts, stops and monitors."""

    agent: AgentSpec
    """The resource agent: ocf:PROVIDER:TYPE, systemd:UNIT, lsb:NAME or service:NAME."""
    params: dict[ParamName, Param] | None = None
    """The resource agent's parameters (Pacemaker: instance_attributes)."""
    op: Operations | None = None
    """Settings of its operations."""


class ClusterDocument(Part):
    """What holds for all; at most one, and without it the cluster is called default."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["Cluster"]
    """The kind of document."""
    metadata: Metadata
    """What the cluster is called."""
    spec: ClusterSpec | None = None
    """Its settings."""


class HostDocument(Part):
    """A machine that runs guests, and resources if it has an agent."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["Host"]
    """The kind of document."""
    metadata: HostMetadata
    """What the host is called."""
    spec: HostSpec | None = None
    """How to reach it, and what it offers."""


class GuestDocument(Part):
    """A virtual machine or container, which is a resource, and with `remoteNode` a place for others."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["Guest"]
    """The kind of document."""
    metadata: Metadata
    """The guest's id as a resource."""
    spec: GuestSpec
    """How it is run, and where."""


class ResourceDocument(Part):
    """Something that a resource agent starts, stops and monitors on a host or guest node."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["Resource"]
    """The kind of document."""
    metadata: Metadata
    """The resource's id."""
    spec: ResourceSpec
    """What it is, and where it runs."""


Document = Annotated[ClusterDocument | HostDocument | GuestDocument | ResourceDocument, Discriminator("kind")]
