"""Shapes of bundles; a part of the YAML documents, see `document.py`."""

from typing import Annotated, Literal

from pydantic import Field

from reconciler.load.document_common import Common
from reconciler.load.document_conduct import Override
from reconciler.load.document_operations import Operations
from reconciler.load.fields import HostPath, Instances, Name, Part, Port, PositiveCount, Text


class PortMapping(Part):
    """A port of a container that is reached from outside (Pacemaker: port-mapping)."""

    port: Port | None = None
    """Outside: at the replica's own address, or else at its host's (Pacemaker: port); or `range`."""
    internal_port: Port | None = None
    """Inside the container (Pacemaker: internal-port). Default: the same."""
    range: Annotated[str, Field(pattern=r"^[0-9]{1,5}-[0-9]{1,5}$")] | None = None
    """Ports that are the same outside and inside, such as 8000-8010 (Pacemaker: range); or `port`."""


class BundleNetwork(Part):
    """How the containers are reached (Pacemaker: network)."""

    name: Text | None = None
    """The network that the launcher connects them to, such as host (Pacemaker: network). Default: the launcher's."""
    ip_range_start: Annotated[str, Field(pattern=r"^[0-9A-Fa-f.:]+$")] | None = None
    """The address of the first replica; each other one has the next (Pacemaker: ip-range-start).

    They are set up on the hosts where the containers run. Default: replicas have no addresses of their own.
    """
    host_interface: Text | None = None
    """The interface that has the addresses (Pacemaker: host-interface). Default: by their network."""
    host_netmask: Annotated[int, Field(ge=1, le=128)] | None = None
    """Bits of the addresses that are their network's (Pacemaker: host-netmask). Default 32."""
    control_port: Port | None = None
    """The port of the agents in the containers (Pacemaker: control-port). Default 3121.

    Without `ipRangeStart` it is a port of the hosts, of which each then has room for one replica.
    """
    add_host: bool | None = None
    """Each container knows the others by name (Pacemaker: add-host). Default true."""
    ports: list[PortMapping] | None = None
    """Ports that are reached from outside (Pacemaker: port-mapping)."""


class StorageMapping(Part):
    """A folder or file of the host that a container sees (Pacemaker: storage-mapping)."""

    source: HostPath | None = None
    """On the host, the same for all replicas (Pacemaker: source-dir); or `sourceRoot`."""
    source_root: HostPath | None = None
    """A folder on the host with one for each replica in it, named as the replica (Pacemaker: source-dir-root)."""
    target: HostPath
    """In the container (Pacemaker: target-dir)."""
    options: Text | None = None
    """The launcher's, such as ro or "rw,Z" (Pacemaker: options)."""


class BundlePromotion(Part):
    """How many replicas are promoted, and which."""

    max: Instances | None = None
    """In all (Pacemaker: promoted-max). Default 1."""
    rated_by: Literal["container", "host"] | None = None
    """Whose promotion scores count: those that were set in a container, or on its host. Default container.

    Pacemaker: container-attribute-target.
    """


class BundleSpec(Common):
    """Containers that are as good as each other; what is set here holds for what runs in them if that says nothing."""

    launcher: Literal["docker", "podman", "rkt"]
    """What runs the containers: the resource agent ocf:heartbeat:LAUNCHER (Pacemaker: docker, podman, rkt)."""
    image: Text
    """The image that containers are made of (Pacemaker: image)."""
    replicas: Instances | None = None
    """Containers in all (Pacemaker: replicas). Default: as many as are promoted, or 1."""
    replicas_per_host: PositiveCount | None = None
    """Containers on one host; above 1 they need addresses (Pacemaker: replicas-per-host). Default 1."""
    promotable: BundlePromotion | None = None
    """Some replicas are promoted (Pacemaker: promoted-max). Default: none."""
    run_command: Text | None = None
    """What is run in the container (Pacemaker: run-command).

    Default with `resource` /usr/sbin/pacemaker-remoted, which any other command must start too; else the image's own.
    """
    options: Text | None = None
    """More of the launcher's own options, as on its command line (Pacemaker: options)."""
    network: BundleNetwork | None = None
    """How the containers are reached (Pacemaker: network)."""
    storage: list[StorageMapping] | None = None
    """What they see of their hosts' files (Pacemaker: storage)."""
    resource: Name | None = None
    """The resource that runs in each container, and nowhere else (Pacemaker: primitive).

    A Resource document by its name. Its agent must be in the image, /etc/pacemaker/authkey on the hosts and here, and
    `network` must have ipRangeStart or controlPort. What it `needs` its container takes.
    """
    interleave: bool | None = None
    """A replica is ordered with the other bundle's on its own node alone (Pacemaker: interleave). Default false."""
    notify: bool | None = None
    """The resource in a replica is told before and after others start or stop (Pacemaker: notify). Default false."""
    requires: Literal["nothing", "quorum", "fencing", "unfencing"] | None = None
    """What must hold before a container is started (Pacemaker: requires). Default as for resources."""
    allow_unhealthy: bool | None = None
    """Containers may run on nodes of poor health (Pacemaker: allow-unhealthy-nodes). Default false."""
    op: Operations | None = None
    """Settings of the operations on containers and addresses; they are monitored every 60s (Pacemaker: op_defaults)."""
    overrides: list[Override] | None = None
    """Settings that hold at certain times; what the resource inside says of itself goes before them."""
