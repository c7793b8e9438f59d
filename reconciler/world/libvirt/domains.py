"""What is asked of one libvirt connection about domains; every function blocks and raises libvirtError.

A domain without our mark, or with a mark that was copied from another domain, is never touched: neither changed nor
stopped, and a start that would collide with it is refused.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from reconciler.model.errors import HypervisorError
from reconciler.model.names import ResourceId
from reconciler.model.node import GuestType
from reconciler.world.libvirt.definition import Definition
from reconciler.world.libvirt.library import (
    Connection,
    LibvirtDomain,
    error_code,
    is_connection_error,
    load_libvirt,
)
from reconciler.world.libvirt.mark import NAMESPACE, DomainMark, read_mark
from reconciler.world.libvirt.overlays import remove_overlays

log = logging.getLogger(__name__)

# libvirt virDomainState, in its words
_STATES = {
    0: "in no known state",
    1: "running",
    2: "blocked",
    3: "paused",
    4: "shutting down",
    5: "shut off",
    6: "crashed",
    7: "suspended by its power management",
}
_WORKING = frozenset({1, 2})
_SYSTEM_INITS = frozenset({"init", "systemd"})
_CONTAINER_ATTEMPTS = 3
_INIT_PATIENCE_S = 10.0
"""Until a container counts as lost by libvirtd, which knows its first program within milliseconds of its start."""
_INIT_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedDomain:
    """A domain of ours, as it is now."""

    mark: DomainMark
    is_working: bool
    text: str


def list_marked(connection: Connection, guest_type: GuestType) -> Sequence[MarkedDomain]:
    """Return the active domains that carry a mark of ours for a guest of this type, sorted by guest."""
    libvirt = load_libvirt()
    found = []
    for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        try:
            mark = mark_of(domain)
            state = domain.state()[0]
        except libvirt.libvirtError as error:
            if error_code(error) == libvirt.VIR_ERR_NO_DOMAIN:
                continue  # it ended while we looked
            raise
        if mark is not None and mark.type is guest_type:
            text = _STATES.get(state, f"in state {state}")
            found.append(MarkedDomain(mark=mark, is_working=state in _WORKING, text=text))
    return sorted(found, key=lambda each: (each.mark.cluster, each.mark.resource, each.mark.uuid))


def find_marks(connection: Connection, cluster: str, resource: ResourceId) -> Sequence[DomainMark]:
    """Return the marks of all active domains that are this guest; more than one only after somebody meddled."""
    marks = [each.mark for guest_type in GuestType for each in list_marked(connection, guest_type)]
    return [mark for mark in marks if mark.is_of(cluster, resource)]


def is_started(connection: Connection, definition: Definition) -> bool:
    """Tell whether this very start has been made already.

    Raises:
        HypervisorError: a domain is in its way.
    """
    libvirt = load_libvirt()
    lookups = ((connection.lookupByUUIDString, definition.uuid), (connection.lookupByName, definition.name))
    for look_up, value in lookups:
        try:
            domain = look_up(value)
            mark = mark_of(domain)
            is_active = bool(domain.isActive())
        except libvirt.libvirtError as error:
            if error_code(error) == libvirt.VIR_ERR_NO_DOMAIN:
                continue
            raise
        wanted = definition.mark
        if mark is None or not mark.is_of(wanted.cluster, wanted.resource) or not is_active:
            raise HypervisorError(
                f"a domain named {domain.name()!r} with UUID {domain.UUIDString()} is there and is not ours; "
                f"it is left alone, and {wanted.resource} cannot start beside it"
            )
        if mark.uid != wanted.uid:
            raise HypervisorError(
                f"{wanted.resource} still runs from an earlier start (domain {domain.name()!r})"
            )
        return True
    return False


def create(connection: Connection, definition: Definition) -> None:
    """Create a transient domain: it is gone when it stops, and never starts by itself (virDomainCreateXML).

    Now and then libvirtd loses a container as it starts: virLXCMonitorNew listens to the container's controller before
    it has said what to do with messages, and gives the connection up if the first one comes in between. Such a
    container could never be shut down in order, and would be called running long after its end. It is not our guest's
    failure, and what began a moment ago holds nothing yet, so that it is put away and created again here.

    Raises:
        HypervisorError: a domain is in its way, or libvirtd lost each container that it started.
    """
    if is_started(connection, definition):
        return
    for _ in range(_CONTAINER_ATTEMPTS):
        domain = _create(connection, definition)
        if definition.mark.type is not GuestType.LXC or _is_init_known(domain):
            return
        log.warning("libvirtd lost a container as it started", extra={"domain": definition.name})
        destroy(connection, definition.mark)
    raise HypervisorError(
        f"libvirtd lost {definition.name!r} as it started, {_CONTAINER_ATTEMPTS} times, and would not notice its end"
    )


def _create(connection: Connection, definition: Definition) -> LibvirtDomain:
    libvirt = load_libvirt()
    try:
        return connection.createXML(definition.xml, 0)
    except libvirt.libvirtError as error:
        # After a power cut, what transient disks had written is still there, and libvirt refuses to begin again.
        if error_code(error) != libvirt.VIR_ERR_OPERATION_UNSUPPORTED or not remove_overlays(
            connection, definition
        ):
            raise
        return connection.createXML(definition.xml, 0)


def _is_init_known(domain: LibvirtDomain) -> bool:
    """Wait until libvirtd knows a container's first program, which is what its controller tells it first.

    Nothing says so as such; among what it refuses before, the security label is all that is only looked at
    (lxcDomainGetSecurityLabel).
    """
    libvirt = load_libvirt()
    deadline = time.monotonic() + _INIT_PATIENCE_S
    while True:
        try:
            domain.securityLabel()
        except libvirt.libvirtError as error:
            if is_connection_error(error):
                raise
            if error_code(error) != libvirt.VIR_ERR_OPERATION_INVALID:
                return True  # that one has ended already, and libvirtd knows
        else:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_INIT_POLL_S)


def shut_down(connection: Connection, mark: DomainMark) -> bool:
    """Ask a guest to shut down: a machine by ACPI, a container by what its first program listens to.

    Returns:
        False when it cannot be asked: it is paused, or has no way to listen.
    """
    libvirt = load_libvirt()
    try:
        domain = look_up(connection, mark)
        if domain is None:
            return True
        if mark.type is GuestType.LXC:
            _signal_init(domain)
        else:
            domain.shutdown()
    except libvirt.libvirtError as error:
        if error_code(error) == libvirt.VIR_ERR_NO_DOMAIN:
            return True
        if error_code(error) in {libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_OPERATION_FAILED,
                                 libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_SYSTEM_ERROR}:  # fmt: skip
            return False
        raise
    return True


def destroy(connection: Connection, mark: DomainMark) -> None:
    """End a domain at once (virDomainDestroy: SIGTERM, then SIGKILL; a container's whole cgroup)."""
    libvirt = load_libvirt()
    domain = look_up(connection, mark)
    try:
        if domain is not None:
            domain.destroy()
    except libvirt.libvirtError as error:
        if error_code(error) not in {libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID}:
            raise


def is_gone(connection: Connection, mark: DomainMark) -> bool:
    """Tell whether the domain of this very start runs no more."""
    return look_up(connection, mark) is None


def _signal_init(domain: LibvirtDomain) -> None:
    """Tell a container's first program to end.

    Which way is asked for by name: with flags 0, libvirt 9.0 says that it used initctl where there is none, and then
    sends no signal.
    """
    libvirt = load_libvirt()
    path = (
        etree.fromstring(domain.XMLDesc(0), etree.XMLParser(resolve_entities=False)).findtext("os/init") or ""
    )
    if path.rpartition("/")[2] not in _SYSTEM_INITS:
        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_SIGNAL)
        return
    domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_INITCTL)
    # SIGRTMIN+3 halts systemd (systemd(1), "Signals"); a first program that does not handle a signal never gets it.
    # libvirt counts from the kernel's 32, and the C library keeps two of them for itself (signal(7)): its RT3 would be
    # SIGRTMIN+1, which takes systemd into rescue mode.
    domain.sendProcessSignal(1, libvirt.VIR_DOMAIN_PROCESS_SIGNAL_RT5, 0)


def look_up(connection: Connection, mark: DomainMark) -> LibvirtDomain | None:
    """Return the active domain that carries exactly this mark."""
    libvirt = load_libvirt()
    try:
        domain = connection.lookupByUUIDString(mark.uuid)
        return domain if domain.isActive() and mark_of(domain) == mark else None
    except libvirt.libvirtError as error:
        if error_code(error) == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def mark_of(domain: LibvirtDomain) -> DomainMark | None:
    """Return the mark of ours that a domain carries; None for what is not ours."""
    libvirt = load_libvirt()
    try:
        text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE, 0)
    except libvirt.libvirtError as error:
        if error_code(error) == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            return None
        raise
    return read_mark(text, domain.UUIDString())
