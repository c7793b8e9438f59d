"""Whose an address is, as far as a host knows: by the leases of its networks, and by its neighbours' MACs.

Every function blocks and raises libvirtError.
"""

from ipaddress import ip_address

from reconciler.model.names import ResourceId
from reconciler.world.libvirt.domains import mark_of
from reconciler.world.libvirt.library import Connection, LibvirtDomain, load_libvirt


def stranger_at(connection: Connection, cluster: str, resource: ResourceId, address: str) -> str | None:
    """Return which other domain has a guest's address; None if the guest has it, or the host does not know.

    Args:
        connection: to the host that runs the guest.
        cluster: the guest's.
        resource: the guest.
        address: of its agent; a name, which the host may resolve to something else, is nothing to go by.
    """
    libvirt = load_libvirt()
    try:
        wanted = ip_address(address)
    except ValueError:
        return None
    found: str | None = None
    for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        macs = [mac for mac, ip in _addresses(domain) if ip_address(ip) == wanted]
        if not macs:
            continue
        mark = mark_of(domain)
        if mark is not None and mark.is_of(cluster, resource):
            return None
        found = f"its host says that {address} is that of the domain {domain.name()} ({macs[0]})"
    return found


def _addresses(domain: LibvirtDomain) -> list[tuple[str, str]]:
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
