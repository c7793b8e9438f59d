"""The YAML documents as pydantic models: the shape of each kind, and what each field means.

Shape only: whether names exist and fields fit together is decided in `resolve.py`. Field docstrings become the
descriptions in schemas/, with Pacemaker's name of the setting where it has one. Defaults stand in `defaults.py`.
"""

from typing import Annotated, Literal

from pydantic import Discriminator, Field

from reconciler.load.document_bundle import BundleSpec
from reconciler.load.document_cluster import ClusterFencing, ClusterOptions, ClusterOverride, Safety
from reconciler.load.document_common import Common
from reconciler.load.document_conduct import Defaults, GuestOverride, Override, ResourceOverride
from reconciler.load.document_nodes import GuestNode, HostSpec, RemoteNodeSpec
from reconciler.load.document_operations import GuestOperations, Operations
from reconciler.load.document_placement import ConstraintSpec
from reconciler.load.fields import (
    AgentSpec,
    Amount,
    ApiVersion,
    Count,
    Duration,
    Instances,
    Label,
    LabelName,
    Name,
    Param,
    ParamName,
    Part,
    PositiveCount,
)
from reconciler.load.hardware import Domain, Hardware


class Metadata(Part):
    """What a document is called."""

    name: Name
    """Unique among hosts, remote nodes, guests and resources, compared without case."""


class NodeMetadata(Part):
    """What a host or remote node is called."""

    name: Name
    """The node's name; unique among hosts, remote nodes, guests and resources, compared without case."""
    labels: dict[LabelName, Label] | None = None
    """Free words about the machine, which `placement.on: {labels: ...}` selects by."""


class ClusterSpec(ClusterOptions):
    """What holds for all."""

    defaults: Defaults | None = None
    """Settings of resources, guests and operations that they need not repeat."""
    safety: Safety | None = None
    """Limits to what one commit may do."""
    fencing: ClusterFencing | None = None
    """Whether and how nodes are fenced that may still run something. Default: they are not."""
    overrides: list[ClusterOverride] | None = None
    """What holds at certain times instead of what is beside it; of several, the last counts."""


class Primitive(Common):
    """What guests and resources have in common (Pacemaker: primitive)."""

    needs: dict[LabelName, Amount] | None = None
    """What it takes of its node's capacity, such as {vcpus: 2, memory: 4Gi} (Pacemaker: utilization)."""
    requires: Literal["nothing", "quorum", "fencing", "unfencing"] | None = None
    """What must hold before it is started (Pacemaker: requires).

    fencing: quorum, and nodes out of reach that may run it were fenced. unfencing: and its node was let in again.
    Default fencing where the cluster has it, else quorum; quorum for fencing devices.
    """
    allow_unhealthy: bool | None = None
    """It may run on nodes of poor health (Pacemaker: allow-unhealthy-nodes). Default false."""
    allow_migration: bool | None = None
    """It may be moved live, without a stop (Pacemaker: allow-migrate). Default false."""
    container: Name | None = None
    """The resource that it runs inside of: it starts after that, stops before it, and is on its node.

    Pacemaker: container. A failure inside restarts the container where `onFail: restart-container` says so.
    """
    remote_node: GuestNode | None = None
    """The node that it becomes; without, it is a plain resource."""


class Promotable(Part):
    """How many of a clone's instances are promoted (Pacemaker: promotable)."""

    max: PositiveCount | None = None
    """In all (Pacemaker: promoted-max). Default 1."""
    node_max: PositiveCount | None = None
    """On one node (Pacemaker: promoted-node-max). Default 1."""


class Clone(Part):
    """Runs it on several nodes at once (Pacemaker: clone)."""

    name: Name | None = None
    """The name of all instances together (Pacemaker: the clone's id). Default: its own name and -clone."""
    max: Instances | None = None
    """Instances in all (Pacemaker: clone-max). Default: one for each node."""
    node_max: PositiveCount | None = None
    """Instances on one node; above 1 only with unique (Pacemaker: clone-node-max). Default 1."""
    min: Count | None = None
    """Instances that must run before what comes after starts (Pacemaker: clone-min). Default 0: any number."""
    interleave: bool | None = None
    """An instance is ordered with the other clone's on its own node alone (Pacemaker: interleave). Default false."""
    ordered: bool | None = None
    """Instances start one after the other (Pacemaker: ordered). Default false."""
    unique: bool | None = None
    """Instances differ, and nodes know each by its number (Pacemaker: globally-unique). Default false."""
    notify: bool | None = None
    """Instances are told before and after others start or stop (Pacemaker: notify). Default false."""
    promotable: Promotable | None = None
    """Some instances are promoted (Pacemaker: promotable). Default: none."""


class GuestSpec(Primitive):
    """A virtual machine or container."""

    type: Literal["vm", "lxc", "process"]
    """vm and lxc run through libvirt; process is the agent itself as a process on this machine."""
    domain: Domain | None = None
    """vm, lxc: the user's own libvirt XML; or `hardware`."""
    hardware: Hardware | None = None
    """vm, lxc: what it consists of; or `domain`."""
    op: GuestOperations | None = None
    """Settings of its operations."""
    overrides: list[GuestOverride] | None = None
    """Settings that hold at certain times instead of those beside it; of several, the last counts."""
    shutdown_timeout: Duration | None = None
    """How long an orderly shutdown may take before the domain is destroyed. Default 60s; 0s: destroy at once."""


class ResourceSpec(Primitive):
    """Something that a resource agent starts, stops and monitors."""

    agent: AgentSpec
    """The resource agent: ocf:PROVIDER:TYPE, systemd:UNIT, lsb:NAME, service:NAME, or stonith:NAME.

    The last is a fence agent, such as stonith:fence_ipmilan; the resource is then a fencing device.
    """
    params: dict[ParamName, Param] | None = None
    """The resource agent's parameters (Pacemaker: instance_attributes)."""
    op: Operations | None = None
    """Settings of its operations."""
    overrides: list[ResourceOverride] | None = None
    """What holds at certain times, or on certain nodes, instead of what is beside it; of several, the last counts."""
    clone: Clone | None = None
    """Runs it on several nodes at once; placement and after are then of all instances (Pacemaker: clone)."""


class GroupSpec(Common):
    """Resources that belong together (Pacemaker: group); what is set here holds for members that say nothing else."""

    overrides: list[Override] | None = None
    """Settings that hold for all members at certain times; what a member says of itself goes before them."""
    members: Annotated[list[Name], Field(min_length=1)]
    """Resources in the order in which they start."""
    ordered: bool | None = None
    """Each starts after the one before it (Pacemaker: ordered). Default true."""
    colocated: bool | None = None
    """All run on one node (Pacemaker: collocated). Default true."""
    clone: Clone | None = None
    """Runs the group on several nodes at once; placement and after are then of all instances (Pacemaker: clone)."""


class ClusterDocument(Part):
    """What holds for all; at most one, and without it the cluster is called default."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["Cluster"]
    """The kind of document."""
    metadata: Metadata
    """What the cluster is called (Pacemaker: cluster-name)."""
    spec: ClusterSpec | None = None
    """Its settings."""


class HostDocument(Part):
    """A machine that runs guests, and resources if it has an agent."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["Host"]
    """The kind of document."""
    metadata: NodeMetadata
    """What the host is called."""
    spec: HostSpec | None = None
    """How to reach it, and what it offers."""


class RemoteNodeDocument(Part):
    """A machine that is there anyway, and that resources are placed on; no guests (Pacemaker: ocf:pacemaker:remote)."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["RemoteNode"]
    """The kind of document."""
    metadata: NodeMetadata
    """What the node is called."""
    spec: RemoteNodeSpec | None = None
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


class GroupDocument(Part):
    """Resources that run together on one node, and start one after the other (Pacemaker: group)."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["Group"]
    """The kind of document."""
    metadata: Metadata
    """The group's id."""
    spec: GroupSpec
    """Its members, and where they run."""


class BundleDocument(Part):
    """A service in containers that are as good as each other, on several machines (Pacemaker: bundle)."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["Bundle"]
    """The kind of document."""
    metadata: Metadata
    """The bundle's id; its replicas are NAME-0, NAME-1 and so on, which are nodes if something runs in them."""
    spec: BundleSpec
    """Its containers, and where they run."""


class ConstraintDocument(Part):
    """An order or a colocation of sets of resources; for two resources, write `after` or `placement.with`."""

    api_version: ApiVersion
    """The version of this schema."""
    kind: Literal["Constraint"]
    """The kind of document."""
    metadata: Metadata
    """The constraint's id; unique among constraints."""
    spec: ConstraintSpec
    """What it asks for."""


Document = Annotated[
    ClusterDocument
    | HostDocument
    | RemoteNodeDocument
    | GuestDocument
    | ResourceDocument
    | GroupDocument
    | BundleDocument
    | ConstraintDocument,
    Discriminator("kind"),
]
