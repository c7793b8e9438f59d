"""Removes what a dead guest's transient disks have left on its host; it must not touch any other file.

libvirt writes the changes of a disk with <transient/> to DISK.TRANSIENT-DOMAIN beside it, removes that file when the
domain ends, and refuses to start the domain when it is there (qemuSnapshotCreateTransientDisk...): after a power cut,
for ever. Every function blocks and raises libvirtError.
"""

from collections.abc import Iterator
from functools import partial

from lxml import etree

from reconciler.world.libvirt.definition import Definition
from reconciler.world.libvirt.library import Connection, StoragePool, error_code, load_libvirt
from reconciler.world.libvirt.pools import in_folder


def remove_overlays(connection: Connection, definition: Definition) -> bool:
    """Remove the overlays of a domain that is known not to run on this host.

    Returns:
        False when there was none.
    """
    is_any = False
    for folder, name in _overlays(definition):
        is_any |= in_folder(connection, folder, partial(_remove, name=name))
    return is_any


def _remove(pool: StoragePool, name: str) -> bool:
    libvirt = load_libvirt()
    try:
        pool.storageVolLookupByName(name).delete()
    except libvirt.libvirtError as error:
        if error_code(error) != libvirt.VIR_ERR_NO_STORAGE_VOL:
            raise
        return False
    return True


def _overlays(definition: Definition) -> Iterator[tuple[str, str]]:
    """Yield the folder and name that the overlay of each transient disk would have."""
    domain = etree.fromstring(definition.xml)
    for disk in domain.findall("devices/disk"):
        source = disk.find("source")
        path = source.get("file") if source is not None else None
        if disk.find("transient") is not None and path is not None:
            folder, _, file = path.rpartition("/")
            yield folder or "/", f"{file}.TRANSIENT-{definition.name}"
