"""Removes what a dead guest's transient disks have left on its host; it must not touch any other file.

libvirt writes the changes of a disk with <transient/> to DISK.TRANSIENT-DOMAIN beside it, removes that file when the
domain ends, and refuses to start the domain when it is there (qemuSnapshotCreateTransientDisk...): after a power cut,
for ever. Every function blocks and raises libvirtError.
"""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from lxml import etree

from reconciler.world.domain_definition import Definition
from reconciler.world.libvirt_library import Connection, StoragePool, error_code, load_libvirt
from reconciler.world.xml_element import element


def remove_overlays(connection: Connection, definition: Definition) -> bool:
    """Remove the overlays of a domain that is known not to run on this host.

    Returns:
        False when there was none.
    """
    libvirt = load_libvirt()
    is_any = False
    for folder, name in _overlays(definition):
        with _pool(connection, folder, definition.uuid) as pool:
            try:
                pool.storageVolLookupByName(name).delete()
                is_any = True
            except libvirt.libvirtError as error:
                if error_code(error) != libvirt.VIR_ERR_NO_STORAGE_VOL:
                    raise
    return is_any


def _overlays(definition: Definition) -> Iterator[tuple[str, str]]:
    """Yield the folder and name that the overlay of each transient disk would have."""
    domain = etree.fromstring(definition.xml)
    for disk in domain.findall("devices/disk"):
        source = disk.find("source")
        path = source.get("file") if source is not None else None
        if disk.find("transient") is not None and path is not None:
            folder, _, file = path.rpartition("/")
            yield folder or "/", f"{file}.TRANSIENT-{definition.name}"


@contextmanager
def _pool(connection: Connection, folder: str, uuid: str) -> Iterator[StoragePool]:
    """Have a folder as a storage pool for the time being: the user's own pool of it, or a nameless one of ours."""
    libvirt = load_libvirt()
    try:
        pool = connection.storagePoolLookupByTargetPath(folder)
        pool.refresh()
        is_ours = False
    except libvirt.libvirtError:
        target = element("target", element("path", folder))
        description = element("pool", {"type": "dir"}, element("name", f"reconciler-overlays-{uuid}"), target)
        # Without any BUILD flag, which would change the folder's permissions.
        pool = connection.storagePoolCreateXML(etree.tostring(description, encoding="unicode"), 0)
        is_ours = True
    try:
        yield pool
    finally:
        if is_ours:
            with contextlib.suppress(libvirt.libvirtError):
                pool.destroy()
