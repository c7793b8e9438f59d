"""Whose an address is, by all that a hypervisor knows of its domains' interfaces and processes.

Every function blocks and raises libvirtError.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

from lxml import etree

from reconciler.model.names import ResourceId
from reconciler.model.node import AddressFinding, AddressOwner
from reconciler.world.libvirt.library import Connection, LibvirtDomain, load_libvirt
from reconciler.world.libvirt.mark import NAMESPACE, read_mark
from reconciler.world.listeners import Listener


class Weight(IntEnum):
    """What an observation is worth; the lowest counts."""

    ANSWERS_US = 0
    """The guest's own interface has answered this very machine."""
    ANSWERED_ANOTHER = 1
    """Another domain's interface has."""
    REPORTED = 2
    """By a lease, a neighbour of the host, or a listening process."""
    REPORTED_OF_ANOTHER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whose is this address?"""

    cluster: str
    resource: ResourceId
    """The guest whose it should be."""
    address: IPv4Address | IPv6Address
    macs: frozenset[str]
    """Those that have answered this machine for the address; none where it is no neighbour."""
    listeners: Sequence[Listener]
    """Processes of this machine that take connections to it; only for a hypervisor of this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The weightiest observation that a hypervisor has to offer."""

    weight: Weight
    finding: AddressFinding


def evidence_of(connection: Connection, question: Question) -> Evidence | None:
    """Return what a hypervisor knows of an address; None: nothing."""
    libvirt = load_libvirt()
    found: list[Evidence] = []
    for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        try:
            description = etree.fromstring(domain.XMLDesc(0), etree.XMLParser(resolve_entities=False))
        except libvirt.libvirtError:
            continue  # it has just ended
        is_guest = _is_guest(description, domain, question)
        if question.macs and question.macs <= _macs(description):
            weight = Weight.ANSWERS_US if is_guest else Weight.ANSWERED_ANOTHER
            return _evidence(question, domain, weight, ", ".join(sorted(question.macs)))
        is_container = description.get("type") == "lxc"
        if not question.macs and (reason := _report(domain, question, is_container=is_container)):
            weight = Weight.REPORTED if is_guest else Weight.REPORTED_OF_ANOTHER
            found.append(_evidence(question, domain, weight, reason))
    return min(found, key=lambda each: each.weight, default=None)


def _evidence(question: Question, domain: LibvirtDomain, weight: Weight, reason: str) -> Evidence:
    is_guest = weight in (Weight.ANSWERS_US, Weight.REPORTED)
    owner = AddressOwner.GUEST if is_guest else AddressOwner.STRANGER
    whose = "its own" if is_guest else f"that of the domain {domain.name()}"
    text = f"its host says that {question.address} is {whose} ({reason})"
    return Evidence(weight=weight, finding=AddressFinding(owner=owner, text=text))


def _is_guest(description: etree._Element, domain: LibvirtDomain, question: Question) -> bool:
    element = description.find(f"metadata/{{{NAMESPACE}}}*")
    if element is None:
        return False
    mark = read_mark(etree.tostring(element, encoding="unicode"), domain.UUIDString())
    return mark is not None and mark.is_of(question.cluster, question.resource)


def _macs(description: etree._Element) -> frozenset[str]:
    macs = description.iterfind("devices/interface/mac")
    return frozenset((mac.get("address") or "").lower() for mac in macs)


def _report(domain: LibvirtDomain, question: Question, *, is_container: bool) -> str:
    """Return by what a domain is known to have the address; "" if it is not."""
    for listener in question.listeners:
        # A container's id is that of the process which holds it; a machine's process has the UUID among its arguments.
        is_below = is_container and domain.ID() in listener.line[1:]
        if is_below or domain.UUIDString() in listener.words:
            return f"its process {listener.pid} listens there"
    return next((mac for mac, ip in _reported(domain) if ip_address(ip) == question.address), "")


def _reported(domain: LibvirtDomain) -> list[tuple[str, str]]:
    """Return a domain's MACs and addresses; none where the driver cannot tell, or the domain has just ended."""
    libvirt = load_libvirt()
    found: list[tuple[str, str]] = []
    sources = (
        libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
        libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP,
    )
    for source in sources:
        try:
            interfaces = domain.interfaceAddresses(source)
        except libvirt.libvirtError:
            continue
        for interface in interfaces.values():
            found += [(interface["hwaddr"], each["addr"]) for each in interface["addrs"] or ()]
    return found
