"""Host documents and the node sides of guests to the model's hosts, remote nodes and agent addresses."""

from reconciler.load import defaults
from reconciler.load.document import HostDocument
from reconciler.load.document_nodes import HostAgent, HostSpec, RemoteNode
from reconciler.load.positions import RawDocument
from reconciler.model import node as model
from reconciler.model.names import NodeName

LOOPBACK = "127.0.0.1"


def host_of(raw: RawDocument, document: HostDocument) -> model.Host:
    """Return the host that a document declares."""
    spec = document.spec
    libvirt: dict[model.GuestType, str] = {}
    if spec is not None and spec.libvirt is not None:
        uris = {model.GuestType.VM: spec.libvirt.vm, model.GuestType.LXC: spec.libvirt.lxc}
        libvirt = {guest_type: uri for guest_type, uri in uris.items() if uri is not None}
    agent = spec.agent if spec is not None else None
    return model.Host(
        name=NodeName(document.metadata.name),
        where=raw.at(("metadata", "name")),
        libvirt=libvirt,
        agent=_host_agent(agent),
        state=model.HostState(spec.state) if spec is not None and spec.state else model.HostState.ONLINE,
        labels={**(document.metadata.labels or {}), **_health(spec)},
        capacity=dict(spec.capacity or {}) if spec is not None else {},
        fields=raw.fields(),
    )


def remote_node_of(raw: RawDocument, document: RemoteNode, default_address: str) -> model.RemoteNode:
    """Return the node that a guest or resource becomes.

    Args:
        raw: the document it stands in, for its place.
        document: what is written.
        default_address: where its agent is when the document does not say.
    """
    return model.RemoteNode(
        name=NodeName(document.name),
        where=raw.at(("spec", "remoteNode", "name")),
        agent=model.AgentAddress(
            address=document.address or default_address,
            port=document.port or defaults.PORT,
            key_file=document.key_file,
            flavor=model.AgentFlavor(document.agent or "reconciler"),
            tls12=document.tls == "1.2",
            connect_timeout_ms=_timeout(document.connect_timeout),
            key_epoch=document.key_epoch or 0,
            min_key_epoch=document.min_key_epoch or 0,
        ),
        state=model.HostState(document.state or "online"),
        labels=dict(document.labels or {}),
        capacity=dict(document.capacity or {}),
        is_searched=document.searched is not False,
    )


def _health(spec: HostSpec | None) -> dict[str, str]:
    """Return the health of a host as the labels that Pacemaker keeps it in."""
    health = (spec.health if spec is not None else None) or {}
    return {f"#health-{name}": value for name, value in health.items()}


def _host_agent(document: HostAgent | str | None) -> model.AgentAddress | None:
    if document is None:
        return None
    if isinstance(document, str):
        return model.AgentAddress()
    return model.AgentAddress(
        address=document.address,
        port=document.port or defaults.PORT,
        key_file=document.key_file,
        flavor=model.AgentFlavor(document.flavor or "reconciler"),
        tls12=document.tls == "1.2",
        connect_timeout_ms=_timeout(document.connect_timeout),
        key_epoch=document.key_epoch or 0,
        min_key_epoch=document.min_key_epoch or 0,
    )


def _timeout(written: int | None) -> int:
    return defaults.CONNECT_TIMEOUT_MS if written is None else written
