"""From a declared guest to the domain XML that is given to libvirt; it must not look at any host or file.

The user's own XML is kept as it is, but for our mark, a UUID and MACs where it has none, and, when the guest becomes a
node, the way its key gets in: a read-only mount for containers, QEMU's fw_cfg for machines. Keys are never in it.
"""

import hashlib
from dataclasses import dataclass

from lxml import etree

from reconciler.model.errors import HypervisorError
from reconciler.model.node import AgentFlavor, GuestType, RemoteNode
from reconciler.model.resource import Guest
from reconciler.ports import GuestStart
from reconciler.world.libvirt.mark import DomainMark, write_mark
from reconciler.world.libvirt.render import render_domain
from reconciler.world.libvirt.xml_element import element

KEY_NAME = "authkey"
NEW_KEY_NAME = "authkey.next"
"""Where the agent of a container looks for a newer key (agent/keys.py)."""
AGENT_NAME = "agent.pyz"
SEED_NAME = "seed.img"

GUEST_FOLDER = "/opt/reconciler"
"""In a container: where it finds our agent and its key."""
STOCK_KEY = "/etc/pacemaker/authkey"
"""In a container with a stock agent: where pacemaker_remoted looks (Pacemaker's DEFAULT_REMOTE_KEY_LOCATION)."""
KEY_CHANNEL = "org.reconciler.key.0"
"""In a machine: the virtio-serial port in /dev/virtio-ports through which a newer key comes while it runs."""
FIRMWARE_PREFIX = "opt/reconciler/"
"""In a machine: below /sys/firmware/qemu_fw_cfg/by_name; QEMU leaves the names in opt/ to its users."""

_MAX_XML_CHARACTERS = 1024 * 1024
_PYTHON = "/usr/bin/python3"
_AGENT_STATE = "/run/reconciler-agent"
_RUN_MIB = "64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A domain as it will be created."""

    name: str
    uuid: str
    mark: DomainMark
    xml: str
    files: tuple[str, ...]
    """What has to lie in `folder` on the host before the domain starts: some of the names above."""
    folder: str
    owner: int
    """The user id on the host that is root in the guest."""


def define_domain(start: GuestStart, delivery_root: str) -> Definition:
    """Return the domain to create for a guest.

    Args:
        start: its guest is of type VM or LXC.
        delivery_root: absolute folder on the host; the guest's own is below it, named by the domain's UUID.

    Raises:
        HypervisorError: the guest's XML, or a field of its hardware, cannot be used.
    """
    guest = start.guest.guest
    if guest is None:
        raise HypervisorError(f"{start.guest.id} is no guest")
    own_uuid = str(start.cluster.uuid_of(start.guest.id))
    domain = (
        _own_xml(start, guest) if guest.domain_xml is not None else _rendered(start, guest, delivery_root)
    )
    name = _set_default(domain, "name", start.guest.id)
    uuid = _set_default(domain, "uuid", own_uuid)
    _set_missing_macs(domain, uuid)
    folder = f"{delivery_root}/{uuid}"
    node = start.guest.remote_node
    files = _files(start, node)
    if node is not None and start.key is not None:
        deliver = _deliver_to_container if guest.type is GuestType.LXC else _deliver_to_machine
        deliver(domain, node, folder)
        if guest.domain_xml is None and guest.type is GuestType.VM and AGENT_NAME in files:
            _child(domain, "devices").append(key_channel())
    mark = DomainMark(
        cluster=start.cluster.name,
        resource=start.guest.id,
        type=guest.type,
        node=node.name if node is not None else None,
        uuid=uuid,
        digest=start.digest,
        uid=start.uid,
        commit=start.commit,
    )
    write_mark(domain, mark)
    return Definition(
        name=name,
        uuid=uuid,
        mark=mark,
        xml=etree.tostring(domain, encoding="unicode"),
        files=files,
        folder=folder,
        owner=root_outside(domain),
    )


def _set_missing_macs(domain: etree._Element, uuid: str) -> None:
    """Give each interface without one the same hardware address at every start.

    libvirt would draw another one each time, and who knew the guest's old one would not reach it for half a minute:
    that long a neighbour is believed (Linux, net.ipv4.neigh.*.base_reachable_time_ms).
    """
    for index, interface in enumerate(domain.iterfind("devices/interface")):
        if interface.find("mac") is None:
            digits = hashlib.sha256(f"{uuid}/{index}".encode()).hexdigest()
            # 52:54:00 is what QEMU and libvirt give to virtual interfaces.
            address = ":".join(["52:54:00", digits[0:2], digits[2:4], digits[4:6]])
            interface.insert(0, element("mac", {"address": address}))


def _own_xml(start: GuestStart, guest: Guest) -> etree._Element:
    text = guest.domain_xml or ""
    if len(text) > _MAX_XML_CHARACTERS:
        raise HypervisorError(
            f"the domain XML of {start.guest.id} is larger than {_MAX_XML_CHARACTERS} characters"
        )
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        # As bytes: lxml refuses text that has an encoding declaration of its own.
        domain = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise HypervisorError(f"the domain XML of {start.guest.id} is not well-formed: {error}") from error
    if next(domain.iter(etree.Entity), None) is not None:
        raise HypervisorError(
            f"the domain XML of {start.guest.id} uses entities; write out what they stand for"
        )
    if domain.tag != "domain":
        raise HypervisorError(
            f"the domain XML of {start.guest.id} starts with <{domain.tag}>, not with <domain>"
        )
    if (domain.get("type") == "lxc") != (guest.type is GuestType.LXC):
        raise HypervisorError(
            f"the domain XML of {start.guest.id} has type {domain.get('type')!r}, the guest has {guest.type.value}"
        )
    return domain


def _rendered(start: GuestStart, guest: Guest, delivery_root: str) -> etree._Element:
    hardware = guest.hardware
    if hardware is None:
        raise HypervisorError(f"{start.guest.id} has neither domain XML nor hardware")
    seed = f"{delivery_root}/{start.cluster.uuid_of(start.guest.id)}/{SEED_NAME}" if hardware.seed else None
    return render_domain(start.guest, guest.type, hardware, seed)


def _files(start: GuestStart, node: RemoteNode | None) -> tuple[str, ...]:
    guest = start.guest.guest
    files = []
    if node is not None and start.key is not None:
        files.append(KEY_NAME)
        if node.agent.flavor is AgentFlavor.RECONCILER:
            files.append(AGENT_NAME)
    if guest is not None and guest.domain_xml is None and guest.hardware is not None and guest.hardware.seed:
        files.append(SEED_NAME)
    return tuple(files)


def _deliver_to_container(domain: etree._Element, node: RemoteNode, folder: str) -> None:
    devices = _child(domain, "devices")
    is_stock = node.agent.flavor is AgentFlavor.STOCK
    source, target = (f"{folder}/{KEY_NAME}", STOCK_KEY) if is_stock else (folder, GUEST_FOLDER)
    if not _has_target(devices, target):
        devices.append(
            element(
                "filesystem",
                {"type": "mount", "accessmode": "passthrough"},
                element("source", {"dir": source}),
                element("target", {"dir": target}),
                element("readonly"),
            )
        )
    system = _child(domain, "os")
    if system.find("type") is None:
        system.insert(0, element("type", "exe"))
    if system.find("init") is not None:
        return
    command = ("/sbin/init",) if is_stock else _agent_command(node)
    system.extend(element("initarg" if index else "init", word) for index, word in enumerate(command))
    if not is_stock and not _has_target(devices, "/run"):
        # What is in /run must end with the guest's boot: the agent's records, and the state files of resources.
        devices.append(
            element(
                "filesystem",
                {"type": "ram", "accessmode": "passthrough"},
                element("source", {"usage": _RUN_MIB, "units": "MiB"}),
                element("target", {"dir": "/run"}),
            )
        )


def _has_target(devices: etree._Element, folder: str) -> bool:
    return any(element.get("dir") == folder for element in devices.findall("filesystem/target"))


def _agent_command(node: RemoteNode) -> tuple[str, ...]:
    """Return the first program of a container that runs nothing but our agent."""
    return (
        *(_PYTHON, "-I", "-S", f"{GUEST_FOLDER}/{AGENT_NAME}", "serve", "--init"),
        *("--listen", f"{'[::]' if ':' in (node.agent.address or '') else '0.0.0.0'}:{node.agent.port}"),  # noqa: S104 - the container's own
        *("--key-file", f"{GUEST_FOLDER}/{KEY_NAME}"),
        *("--identity", "lrmd"),
        *("--node", node.name),
        *("--state", _AGENT_STATE, "--serve-programs"),
        *(("--tls12",) if node.agent.tls12 else ()),
    )


def _deliver_to_machine(domain: etree._Element, node: RemoteNode, folder: str) -> None:
    files = [KEY_NAME] + ([AGENT_NAME] if node.agent.flavor is AgentFlavor.RECONCILER else [])
    firmware = next(
        (element for element in domain.findall("sysinfo") if element.get("type") == "fwcfg"), None
    )
    if firmware is None:
        firmware = etree.SubElement(domain, "sysinfo", type="fwcfg")
    present = {entry.get("name") for entry in firmware.findall("entry")}
    for name in files:
        if FIRMWARE_PREFIX + name not in present:
            firmware.append(element("entry", {"name": FIRMWARE_PREFIX + name, "file": f"{folder}/{name}"}))


def key_channel() -> etree._Element:
    """Return the channel through which the host sends a new key to the agent in a machine."""
    target = element("target", {"type": "virtio", "name": KEY_CHANNEL})
    return element("channel", {"type": "unix"}, target)


def root_outside(domain: etree._Element) -> int:
    """Return who root of a container is on its host: files of others look like nobody's inside."""
    for mapping in domain.findall("idmap/uid"):
        if mapping.get("start") == "0" and (mapping.get("target") or "").isdecimal():
            return int(mapping.get("target") or "0")
    return 0


def _set_default(domain: etree._Element, name: str, value: str) -> str:
    """Return a child's text, set now if it is missing or empty."""
    found = domain.find(name)
    if found is None:
        found = etree.Element(name)
        domain.insert(0, found)
    text = (found.text or "").strip()
    found.text = text or value
    return found.text


def _child(parent: etree._Element, name: str) -> etree._Element:
    found = parent.find(name)
    return found if found is not None else etree.SubElement(parent, name)
