"""Host and RemoteNode documents, and the node sides of guests, to the model's hosts and agent addresses."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.load import defaults
from reconciler.load.document import HostDocument, RemoteNodeDocument
from reconciler.load.document_nodes import Agent, GuestNode, HostAgent, Machine
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
    written = spec.agent if spec is not None else None
    agent = model.AgentAddress() if isinstance(written, str) else None
    if isinstance(written, HostAgent):
        agent = _agent(written, written.address, None)
    return model.Host(
        name=NodeName(document.metadata.name),
        where=raw.at(("metadata", "name")),
        libvirt=libvirt,
        agent=agent,
        state=_state(spec),
        labels={**(document.metadata.labels or {}), **_health(spec)},
        capacity=_capacity(spec),
        fields=raw.fields(),
    )


def remote_machine_of(raw: RawDocument, document: RemoteNodeDocument) -> model.Host:
    """Return the remote node that a document declares: a host on which no guest runs."""
    spec, name = document.spec, document.metadata.name
    return model.Host(
        name=NodeName(name),
        where=raw.at(("metadata", "name")),
        kind=model.NodeKind.REMOTE,
        agent=_agent(spec, (spec.address if spec else None) or name, spec.agent if spec else None),
        state=_state(spec),
        labels={**(document.metadata.labels or {}), **_health(spec)},
        capacity=_capacity(spec),
        fields=raw.fields(),
    )


def remote_node_of(raw: RawDocument, document: GuestNode, default_address: str) -> model.RemoteNode:
    """Return the node that a guest or resource becomes.

    Args:
        raw: the document it stands in, for its place.
        document: what is written.
        default_address: where its agent is when the document does not say.
    """
    return model.RemoteNode(
        name=NodeName(document.name),
        where=raw.at(("spec", "remoteNode", "name")),
        agent=replace(
            _agent(document, document.address or default_address, document.agent),
            is_confirmed=_must_be_confirmed(document),
        ),
        state=model.HostState(document.state or "online"),
        labels=dict(document.labels or {}),
        capacity=dict(document.capacity or {}),
        is_searched=document.searched is not False,
    )


def health_labels(health: Mapping[str, str] | None) -> dict[str, str]:
    """Return the health of a machine as the labels that Pacemaker keeps it in."""
    return {f"#health-{name}": value for name, value in (health or {}).items()}


def _must_be_confirmed(document: GuestNode) -> bool:
    """Tell whether the agent's address must be known to be the guest's; our agents say whose they are."""
    if document.unconfirmed_address is not None:
        return document.unconfirmed_address == "refuse"
    return document.agent == "stock" and document.key_file_shared is True


def _agent(document: Agent | None, address: str, flavor: str | None) -> model.AgentAddress:
    if document is None:
        return model.AgentAddress(address=address)
    timeout_ms, detect_ms = document.connect_timeout, document.detect
    return model.AgentAddress(
        address=address,
        port=document.port or defaults.PORT,
        key_file=document.key_file,
        flavor=model.AgentFlavor(flavor or "reconciler"),
        tls12=document.tls == "1.2",
        connect_timeout_ms=defaults.CONNECT_TIMEOUT_MS if timeout_ms is None else timeout_ms,
        detect_ms=defaults.DETECT_MS if detect_ms is None else detect_ms,
        key_epoch=document.key_epoch or 0,
        min_key_epoch=document.min_key_epoch or 0,
    )


def _state(spec: Machine | None) -> model.HostState:
    return model.HostState(spec.state) if spec is not None and spec.state else model.HostState.ONLINE


def _capacity(spec: Machine | None) -> dict[str, int]:
    return dict(spec.capacity or {}) if spec is not None else {}


def _health(spec: Machine | None) -> dict[str, str]:
    return health_labels(spec.health if spec is not None else None)
