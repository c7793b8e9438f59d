"""Reads bundles, and writes the resources that each stands for as elements: so they are read like any others.

Source: Pacemaker lib/pengine/bundle.c. Parameters are made to the letter, blanks included: those that containers were
started with are on record by their digests.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from lxml import etree

from reconciler.model.collective import MAX_INSTANCES
from reconciler.model.names import ResourceId
from reconciler.pacemaker.document import RESOURCES, Cib, Element, elements
from reconciler.pacemaker.values import boolean, integer

_LAUNCHERS = ("docker", "podman")
_PORT = "3121"
_AUTHKEY = "/etc/pacemaker/authkey"
_LOGS = "/var/log/pacemaker/bundles"
_AGENT_IN_CONTAINER = "/usr/sbin/pacemaker-remoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A folder of the host that a container sees."""

    source: str
    target: str
    options: str | None = None
    is_per_replica: bool = False
    """Each replica has a folder of its own below the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleElement:
    """A bundle as it is declared."""

    element: Element
    name: str
    launcher: str
    """docker or podman: the resource agent that runs the containers."""
    container: Mapping[str, str]
    """Attributes of the element that names the image."""
    network: Mapping[str, str]
    ports: tuple[tuple[str, str], ...]
    """Outside and inside."""
    mounts: tuple[Mount, ...]
    primitive: Element | None
    connections: tuple[str, ...] = field(default=())
    """Names of the connections, and of the nodes, one for each replica; none if nothing is run in the containers."""

    @property
    def promoted_max(self) -> int:
        """Return how many replicas are promoted; 0: the primitive cannot be."""
        text = self.container.get("promoted-max", self.container.get("masters"))
        return max(0, integer(text, 0))

    @property
    def count(self) -> int:
        """Return the number of replicas."""
        return min(MAX_INSTANCES, max(1, integer(self.container.get("replicas"), self.promoted_max or 1)))

    @property
    def per_host(self) -> int:
        """Return the number of replicas on one host; without addresses of their own there is room for one."""
        asked = max(1, integer(self.container.get("replicas-per-host"), 1))
        return 1 if self.control_port is not None and not self.addresses[0] else asked

    @property
    def control_port(self) -> str | None:
        """Return the port of the agents in the containers, if one is named."""
        return self.network.get("control-port")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return an address for each replica, "" where there is none."""
        found: list[str] = []
        address = self.network.get("ip-range-start", "")
        for _ in range(self.count):
            found.append(address)
            address = _next_address(address)
        return tuple(found)

    def id_of_container(self, number: int) -> str:
        """Return the name of one replica's container."""
        return f"{self.name}-{self.launcher}-{number}"

    def id_of_address(self, number: int) -> str | None:
        """Return the name of the resource that sets up one replica's address."""
        address = self.addresses[number]
        return f"{self.name}-ip-{address}" if address else None

    @property
    def clone(self) -> ResourceId:
        """Return the name of the clone that the primitive becomes."""
        return ResourceId(f"{self.name}-{'master' if self.promoted_max else 'clone'}")


def bundles_of(cib: Cib) -> Iterator[BundleElement]:
    """Return the bundles that can be run, in document order."""
    for element in cib.section("configuration/resources"):
        if element.tag == "bundle":
            found = bundle_element(cib, element)
            if found is not None:
                yield found


def bundle_element(cib: Cib, element: Element) -> BundleElement | None:
    """Return a bundle; None if nothing is known that could run it, or reach what is to be run in it."""
    container = next(elements(element, *_LAUNCHERS), None)
    if container is None:
        return None
    network = next(elements(element, "network"), None)
    storage = next(elements(element, "storage"), None)
    primitive = next(elements(element, "primitive"), None)
    found = BundleElement(
        element=element,
        name=element.get("id", ""),
        launcher=str(container.tag),
        container=_attributes(container),
        network={} if network is None else _attributes(network),
        ports=() if network is None else tuple(_ports(network)),
        mounts=() if storage is None else tuple(_mounts(storage)),
        primitive=primitive,
    )
    if primitive is None:
        return found
    if not (found.addresses[0] or found.control_port):
        return None
    return _with_agent(cib, found)


def address_element(bundle: BundleElement, number: int) -> Element | None:
    """Return the primitive that sets up a replica's address."""
    name, network = bundle.id_of_address(number), bundle.network
    if name is None:
        return None
    params = {"ip": bundle.addresses[number]}
    if "host-interface" in network:
        params["nic"] = network["host-interface"]
    params["cidr_netmask"] = network.get("host-netmask", "32")
    return _primitive(bundle, name, "IPaddr2", params)


def container_element(bundle: BundleElement, number: int) -> Element:
    """Return the primitive that runs a replica's container; the capacity that its content takes is the container's."""
    folders = [f"{m.source}/{bundle.name}-{number}" if m.is_per_replica else m.source for m in bundle.mounts]
    command = bundle.container.get("run-command")
    if command is None and bundle.primitive is not None:
        command = _AGENT_IN_CONTAINER
    own = [
        f for f, mount in zip(folders, bundle.mounts, strict=True) if mount.is_per_replica
    ]  # fmt: skip
    params = {
        "image": bundle.container.get("image", ""),
        "allow_pull": "true",
        "force_kill": "false",
        "reuse": "false",
        "run_opts": "".join(_options(bundle, number, folders)),
        "mount_points": ",".join(own),
    }
    if command is not None:
        params["run_cmd"] = command
    params["monitor_cmd"] = "/bin/true"
    element = _primitive(bundle, bundle.id_of_container(number), bundle.launcher, params)
    if bundle.primitive is not None:
        element.extend(deepcopy(block) for block in elements(bundle.primitive, "utilization"))
    return element


def clone_element(bundle: BundleElement) -> Element:
    """Return the clone of the bundle's primitive, with an instance for each replica."""
    assert bundle.primitive is not None
    element = etree.Element("clone", {"id": str(bundle.clone)})
    element.sourceline = bundle.element.sourceline
    meta = {
        "ordered": "true",
        "clone-max": str(bundle.count),
        "clone-node-max": str(bundle.per_host),
        "globally-unique": "true" if bundle.per_host > 1 else "false",
    }
    if bundle.promoted_max:
        meta |= {"promotable": "true", "promoted-max": str(bundle.promoted_max)}
    _add_pairs(element, "meta_attributes", meta)
    primitive = deepcopy(bundle.primitive)
    for block in list(elements(primitive, "utilization")):
        primitive.remove(block)
    element.append(primitive)
    return element


def _with_agent(cib: Cib, bundle: BundleElement) -> BundleElement:
    """Return a bundle with what its containers need so that something can be run in them."""
    mounts = [*bundle.mounts, Mount(source=_AUTHKEY, target=_AUTHKEY)]
    if all(m.target != "/var/log" for m in bundle.mounts):
        mounts.append(Mount(source=_LOGS, target="/var/log", is_per_replica=True))
    port = bundle.control_port or _PORT
    return BundleElement(
        element=bundle.element,
        name=bundle.name,
        launcher=bundle.launcher,
        container=bundle.container,
        network=bundle.network,
        ports=(*bundle.ports, (port, port)),
        mounts=tuple(mounts),
        primitive=bundle.primitive,
        connections=tuple(_connection(cib, bundle, number) for number in range(bundle.count)),
    )


def _connection(cib: Cib, bundle: BundleElement, number: int) -> str:
    """Return the name of a replica's connection; another resource may have the usual one."""
    name = f"{bundle.name}-{number}"
    taken = cib.ids.get(name)
    if taken is None or taken.tag not in RESOURCES or bundle.primitive is None:
        return name
    return f"pcmk-internal-{bundle.primitive.get('id')}:{number}-remote-{number}"


def _options(bundle: BundleElement, number: int, folders: list[str]) -> Iterator[str]:
    """Return the options with which a container is made, in Pacemaker's order and with its blanks."""
    address, network = bundle.addresses[number], bundle.container.get("network")
    if bundle.launcher == "docker":
        yield " --restart=no"
    if bundle.addresses[0]:
        yield f" -h {bundle.name}-{number}"
    yield " -e PCMK_stderr=1"
    if network is not None:
        yield f" --net={network}"
    yield f" -e PCMK_remote_port={bundle.control_port or _PORT}"
    for folder, mount in zip(folders, bundle.mounts, strict=True):
        yield f" -v {folder}:{mount.target}" + ("" if mount.options is None else f":{mount.options}")
    for outside, inside in bundle.ports:
        if address:
            yield f" -p {address}:{outside}:{inside}"
        elif network != "host":
            yield f" -p {outside}:{inside}"
    if "options" in bundle.container:
        yield f" {bundle.container['options']}"
    yield " " + "".join(_names_in_containers(bundle))


def _names_in_containers(bundle: BundleElement) -> Iterator[str]:
    adds_hosts = boolean(bundle.network.get("add-host"), default=True)
    for number, address in enumerate(bundle.addresses):
        if address and adds_hosts:
            yield f" --add-host={bundle.name}-{number}:{address}"
        elif address:
            yield f" --hosts-entry={address}={bundle.name}-{number}"


def _primitive(bundle: BundleElement, name: str, kind: str, params: Mapping[str, str]) -> Element:
    element = etree.Element("primitive", {"id": name, "class": "ocf", "provider": "heartbeat", "type": kind})
    element.sourceline = bundle.element.sourceline
    _add_pairs(element, "instance_attributes", params)
    operations = etree.SubElement(element, "operations")
    etree.SubElement(operations, "op", {"name": "monitor", "interval": "60s"})
    return element


def _add_pairs(parent: Element, tag: str, values: Mapping[str, str]) -> None:
    block = etree.SubElement(parent, tag, {"id": f"{parent.get('id')}-{tag}"})
    for name, value in values.items():
        etree.SubElement(block, "nvpair", {"name": name, "value": value})


def _attributes(element: Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.items()}


def _ports(network: Element) -> Iterator[tuple[str, str]]:
    for mapping in elements(network, "port-mapping"):
        outside = mapping.get("port") or mapping.get("range")
        if outside:
            inside = mapping.get("internal-port") if mapping.get("port") else None
            yield outside, inside or outside


def _mounts(storage: Element) -> Iterator[Mount]:
    for mapping in elements(storage, "storage-mapping"):
        whole, root = mapping.get("source-dir"), mapping.get("source-dir-root")
        source, target = whole or root, mapping.get("target-dir")
        if source and target:
            yield Mount(
                source=source, target=target, options=mapping.get("options"), is_per_replica=whole is None
            )


def _next_address(address: str) -> str:
    """Return the IPv4 address that follows; "" where Pacemaker goes no further."""
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return ""
    first, second, third, fourth = (int(part) for part in parts)
    if third > 253:
        return ""
    return f"{first}.{second}.{third + 1}.1" if fourth > 253 else f"{first}.{second}.{third}.{fourth + 1}"
