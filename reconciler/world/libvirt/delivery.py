"""Puts small files onto the host that runs a guest, through libvirt alone; it must not log what is in them.

libvirt's storage driver makes a folder and fills it, over whatever way the connection takes: the controller's own
machine and a far one are treated alike, and nothing but libvirtd is needed there. Every function blocks and raises
libvirtError.
"""

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from lxml import etree

from reconciler.world.libvirt.library import Connection, StoragePool, error_code, load_libvirt
from reconciler.world.libvirt.volumes import volume_xml
from reconciler.world.libvirt.xml_element import element

# QEMU runs as a user of its own and must pass through; libvirt gives it the one file it needs (its DAC driver).
_FOLDER_MODE = "0711"


def deliver(connection: Connection, folder: str, files: Mapping[str, bytes], owner: int) -> None:
    """Write files into a folder on the host; what was in it before is removed.

    Args:
        connection: to the host.
        folder: absolute path there, made if it is missing; its last part has to be a UUID, or as singular as one.
        files: by name.
        owner: user id on the host that may read them.
    """
    with _pool(connection, folder) as pool:
        _empty(pool)
        for name in sorted(files):
            _upload(connection, pool, volume_xml(name, len(files[name]), owner=owner), files[name])


def replace_file(connection: Connection, folder: str, name: str, content: bytes, owner: int) -> None:
    """Write one file into a folder that a guest looks into, beside the others.

    libvirt cannot rename a file: who reads at the wrong moment finds a part of it, and must be able to tell.

    Args:
        connection: to the host.
        folder: one that `deliver` made.
        name: of the file.
        content: what it is to hold.
        owner: user id on the host that may read it.
    """
    libvirt = load_libvirt()
    with _pool(connection, folder) as pool:
        try:
            volume = pool.storageVolLookupByName(name)
        except libvirt.libvirtError as error:
            if error_code(error) != libvirt.VIR_ERR_NO_STORAGE_VOL:
                raise
        else:
            volume.delete()
        _upload(connection, pool, volume_xml(name, len(content), owner=owner), content)


def remove_delivery(connection: Connection, folder: str) -> None:
    """Remove a folder that `deliver` made, with all that is in it; none there is fine."""
    with _pool(connection, folder) as pool:
        _empty(pool)
    libvirt = load_libvirt()
    # virStoragePoolDelete removes the folder, and wants a pool that is defined and not active.
    pool = connection.storagePoolDefineXML(_pool_xml(folder), 0)
    try:
        pool.delete(libvirt.VIR_STORAGE_POOL_DELETE_NORMAL)
    finally:
        pool.undefine()


@contextmanager
def _pool(connection: Connection, folder: str) -> Iterator[StoragePool]:
    """Have the folder as a storage pool for the time being, made from scratch whatever a crash has left."""
    libvirt = load_libvirt()
    with contextlib.suppress(libvirt.libvirtError):
        left = connection.storagePoolLookupByName(_pool_name(folder))
        left.destroy() if left.isActive() else left.undefine()
    pool = connection.storagePoolCreateXML(_pool_xml(folder), libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    try:
        yield pool
    finally:
        with contextlib.suppress(libvirt.libvirtError):
            pool.destroy()


def _empty(pool: StoragePool) -> None:
    libvirt = load_libvirt()
    for volume in pool.listAllVolumes():
        try:
            volume.delete()
        except libvirt.libvirtError as error:
            if error_code(error) != libvirt.VIR_ERR_NO_STORAGE_VOL:
                raise


def _upload(connection: Connection, pool: StoragePool, volume_xml: str, content: bytes) -> None:
    libvirt = load_libvirt()
    volume = pool.createXML(volume_xml, 0)
    stream = connection.newStream(0)
    sent = 0

    def read(_stream: object, count: int, _opaque: object) -> bytes:
        nonlocal sent
        part = content[sent : sent + count]
        sent += len(part)
        return part

    volume.upload(stream, 0, len(content), 0)
    try:
        stream.sendAll(read, None)
        stream.finish()
    except libvirt.libvirtError:
        with contextlib.suppress(libvirt.libvirtError):
            stream.abort()
        raise


def _pool_name(folder: str) -> str:
    return f"reconciler-{folder.rpartition('/')[2]}"


def _pool_xml(folder: str) -> str:
    permissions = element("permissions", element("mode", _FOLDER_MODE))
    target = element("target", element("path", folder), permissions)
    pool = element("pool", {"type": "dir"}, element("name", _pool_name(folder)), target)
    return etree.tostring(pool, encoding="unicode")
