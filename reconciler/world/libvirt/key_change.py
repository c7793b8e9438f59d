"""Brings a new key into a guest that runs: a file in a container's mount, a channel into a machine.

It must not log what it brings. Every function blocks and raises libvirtError.
"""

import contextlib

from lxml import etree

from reconciler.model.errors import HypervisorError
from reconciler.model.node import GuestType
from reconciler.world.libvirt.definition import KEY_CHANNEL, NEW_KEY_NAME, key_channel, root_outside
from reconciler.world.libvirt.delivery import replace_file
from reconciler.world.libvirt.domains import look_up
from reconciler.world.libvirt.library import Connection, LibvirtDomain, load_libvirt
from reconciler.world.libvirt.mark import DomainMark


def bring_key(connection: Connection, mark: DomainMark, folder: str, delivery: bytes) -> None:
    """Bring a delivery to the agent of the guest with this mark.

    Args:
        connection: to the host where it runs.
        mark: of its domain.
        folder: what was delivered to it at its start.
        delivery: by agent/wire/keys.py.

    Raises:
        HypervisorError: it does not run, or has no way in.
    """
    domain = look_up(connection, mark)
    if domain is None:
        raise HypervisorError(f"{mark.resource} does not run any more")
    description = etree.fromstring(domain.XMLDesc(0), etree.XMLParser(resolve_entities=False))
    if mark.type is GuestType.LXC:
        replace_file(connection, folder, NEW_KEY_NAME, delivery, root_outside(description))
        return
    names = [target.get("name") for target in description.findall("devices/channel/target")]
    if KEY_CHANNEL not in names:
        missing = etree.tostring(key_channel(), encoding="unicode")
        raise HypervisorError(
            f"{mark.resource} has no channel for it: add {missing} to its <devices>, or restart it"
        )
    _send(connection, domain, delivery)


def _send(connection: Connection, domain: LibvirtDomain, delivery: bytes) -> None:
    libvirt = load_libvirt()
    stream = connection.newStream(0)
    # A connection that a controller before us left open would keep us out for ever.
    domain.openChannel(KEY_CHANNEL, stream, libvirt.VIR_DOMAIN_CHANNEL_FORCE)
    try:
        sent = 0
        while sent < len(delivery):
            sent += stream.send(delivery[sent:])
        stream.finish()
    except libvirt.libvirtError:
        with contextlib.suppress(libvirt.libvirtError):
            stream.abort()
        raise
