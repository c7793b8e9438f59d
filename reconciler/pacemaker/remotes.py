"""Finds the nodes that resources make: remote nodes by their connections, guest nodes by what runs them.

Pacemaker lib/pengine/unpack.c, unpack_remote_nodes: only primitives, alone or in a group, can make them, and only
meta-attributes written there in full count.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HOST_OF_CONTAINER, AgentAddress, RemoteNode
from reconciler.model.resource import Resource, ResourceAgent, Role
from reconciler.pacemaker.bundles import bundles_of
from reconciler.pacemaker.document import Cib, Element, elements

_AGENT = {"class": "ocf", "provider": "pacemaker", "type": "remote"}
_SETTINGS = frozenset({
    "remote-node", "remote-addr", "remote-port", "remote-connect-timeout", "remote-allow-migrate", "is-managed",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A remote or a guest node, as a resource declares it."""

    name: NodeName
    resource: ResourceId
    """The connection of a remote node, or what runs the guest."""
    element: Element
    is_guest: bool
    address: str | None = None
    port: str | None = None
    connect_timeout: str = "60s"
    allows_migration: str | None = None
    is_managed: str | None = None
    is_in_bundle: bool = False


def declared_nodes(cib: Cib) -> dict[NodeName, Declared]:
    """Return the remote and guest nodes in document order; of two with one name, the first."""
    found: dict[NodeName, Declared] = {}
    ids = {e.get("id") for e in cib.section("configuration/resources")}
    for element in _primitives(cib):
        name = element.get("id", "")
        if is_connection(element):
            node = NodeName(name)
            where = _pairs(element, "instance_attributes")
            found.setdefault(
                node,
                Declared(
                    name=node,
                    resource=ResourceId(name),
                    element=element,
                    is_guest=False,
                    address=where.get("server") or where.get("addr"),
                    port=where.get("port"),
                ),
            )
            continue
        settings = {n: v for n, v in _pairs(element, "meta_attributes").items() if n in _SETTINGS}
        guest = settings.get("remote-node")
        if guest is None or guest in ids:
            continue
        node = NodeName(guest)
        found.setdefault(
            node,
            Declared(
                name=node,
                resource=ResourceId(name),
                element=element,
                is_guest=True,
                address=settings.get("remote-addr"),
                port=settings.get("remote-port"),
                connect_timeout=settings.get("remote-connect-timeout") or "60s",
                allows_migration=settings.get("remote-allow-migrate"),
                is_managed=settings.get("is-managed"),
            ),
        )
    for one in _in_bundles(cib):
        found.setdefault(one.name, one)
    return found


def _in_bundles(cib: Cib) -> Iterator[Declared]:
    """Return the nodes that containers of bundles make; without an address of its own, one has that of its host."""
    for bundle in bundles_of(cib):
        shape = bundle.declared
        for name, address, number in zip(shape.nodes, shape.addresses, range(shape.replicas), strict=False):
            yield Declared(
                name=name,
                resource=shape.container(number).id,
                element=bundle.element,
                is_guest=True,
                address=address or HOST_OF_CONTAINER,
                port=shape.port,
                is_in_bundle=True,
            )


def former_nodes(cib: Cib, declared: Mapping[NodeName, Declared]) -> dict[NodeName, Declared]:
    """Return the nodes that are no longer declared, and whose connections are on record; not those of bundles."""
    ids = {str(e.get("id")) for e in cib.root.iterfind("configuration/resources//primitive")}
    bundles = [e.get("id") for e in cib.root.iterfind("configuration/resources//bundle")]
    found: dict[NodeName, Declared] = {}
    for element in cib.root.iterfind("status/node_state/lrm/lrm_resources/lrm_resource"):
        name = NodeName(element.get("id", ""))
        is_in_bundle = any(name.startswith(f"{bundle}-") for bundle in bundles)
        if not is_connection(element) or name in declared or str(name) in ids or is_in_bundle:
            continue
        container = element.get("container")
        found.setdefault(
            name,
            Declared(
                name=name,
                resource=ResourceId(container or name),
                element=element,
                is_guest=container is not None,
            ),
        )
    return found


def former_connection(cib: Cib, node: Declared) -> Resource:
    """Return the connection to a node that is no longer declared: it is to be stopped."""
    where, agent = cib.where(node.element), AgentAddress(address=node.name)
    return Resource(
        id=ResourceId(node.name),
        agent=ResourceAgent(standard="ocf", provider="pacemaker", type="remote"),
        where=where,
        state=Role.STOPPED,
        remote_node=RemoteNode(name=node.name, where=where, agent=agent),
        container=node.resource if node.is_guest else None,
    )


def connection_element(guest: Declared) -> Element:
    """Return the primitive that connects a guest node, as Pacemaker adds it (lib/pengine/remote.c)."""
    element = etree.Element("primitive", {"id": guest.name, **_AGENT})
    element.sourceline = guest.element.sourceline
    meta = {"container": str(guest.resource), "allow-migrate": guest.allows_migration}
    _add_pairs(element, "meta_attributes", {**meta, "is-managed": guest.is_managed})
    _add_pairs(element, "instance_attributes", {"addr": guest.address, "port": guest.port})
    operations = etree.SubElement(element, "operations")
    etree.SubElement(operations, "op", {"name": "monitor", "interval": "30s", "timeout": "30s"})
    etree.SubElement(operations, "op", {"name": "start", "interval": "0", "timeout": guest.connect_timeout})
    return element


def _pairs(element: Element, tag: str) -> dict[str, str | None]:
    return {
        pair.get("name", ""): pair.get("value")
        for block in elements(element, tag)
        for pair in elements(block, "nvpair")
    }


def _add_pairs(parent: Element, tag: str, values: Mapping[str, str | None]) -> None:
    block = etree.SubElement(parent, tag, {"id": f"{parent.get('id')}-{tag}"})
    for name, value in values.items():
        if value is not None:
            etree.SubElement(block, "nvpair", {"name": name, "value": value})


def is_connection(element: Element) -> bool:
    """Tell whether a primitive is the connection to a remote node."""
    parts = (element.get("class", ""), element.get("provider", ""), element.get("type", ""))
    return tuple(part.lower() for part in parts) == ("ocf", "pacemaker", "remote")


def _primitives(cib: Cib) -> Iterator[Element]:
    for element in cib.section("configuration/resources"):
        if element.tag == "primitive":
            yield element
        elif element.tag == "group":
            yield from (e for e in elements(element, "primitive") if not is_connection(e))
