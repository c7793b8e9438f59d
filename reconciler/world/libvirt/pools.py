"""Folders of a host as libvirt storage pools, for as long as something is asked of them; it must not know what.

libvirt has at most one pool for a folder, and shows the files in it as volumes. Every function blocks and raises
libvirtError.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable
from typing import TypeVar

from lxml import etree

from reconciler.world.libvirt.library import Connection, StoragePool, error_code, load_libvirt
from reconciler.world.libvirt.xml_element import element

T = TypeVar("T")

_PREFIX = "reconciler-folder-"
_TRIES = 40
_PAUSE_S = 0.05


def in_folder(connection: Connection, folder: str, function: Callable[[StoragePool], T]) -> T:
    """Run a function on the pool of a folder: the user's own, or one of ours that is gone afterwards.

    A pool of ours is shared with whoever else asks for the folder at the same time, and the first who is done ends it.
    The function is then run again, so it has to end with the one call that changes something.

    Args:
        connection: to the host.
        folder: absolute path there; it must exist.
        function: blocks, and raises libvirtError.
    """
    libvirt = load_libvirt()
    for left in reversed(range(_TRIES)):
        pool = None
        try:
            pool = _open(connection, folder)
            return function(pool)
        except libvirt.libvirtError as error:
            if left == 0 or not _is_somebody_elses_doing(error, pool):
                raise
        finally:
            _end(pool)
        time.sleep(_PAUSE_S)
    raise AssertionError("the last try returns or raises")


def _open(connection: Connection, folder: str) -> StoragePool:
    libvirt = load_libvirt()
    try:
        pool = connection.storagePoolLookupByTargetPath(folder)
    except libvirt.libvirtError as error:
        if error_code(error) != libvirt.VIR_ERR_NO_STORAGE_POOL:
            raise
        # Without any BUILD flag, which would change the folder's permissions.
        return connection.storagePoolCreateXML(_pool_xml(folder), 0)
    # Refused while a volume of it is being made; what was made through libvirt is then known all the same.
    with contextlib.suppress(libvirt.libvirtError):
        pool.refresh()
    return pool


def _end(pool: StoragePool | None) -> None:
    """End a pool of ours; refused while a volume of it is being made, and then done by who makes it."""
    if pool is not None and pool.name().startswith(_PREFIX):
        with contextlib.suppress(load_libvirt().libvirtError):
            pool.destroy()


def _is_somebody_elses_doing(error: Exception, pool: StoragePool | None) -> bool:
    """Tell whether the pool ended under us, or was made by somebody else at the same moment."""
    libvirt = load_libvirt()
    code = error_code(error)
    if code == libvirt.VIR_ERR_OPERATION_INVALID and pool is not None:
        try:
            return not pool.isActive()
        except libvirt.libvirtError as gone:
            code = error_code(gone)
    # "Storage source conflict with pool ..."
    is_conflict = pool is None and code == libvirt.VIR_ERR_OPERATION_FAILED
    return is_conflict or bool(code == libvirt.VIR_ERR_NO_STORAGE_POOL)


def _pool_xml(folder: str) -> str:
    name = _PREFIX + hashlib.sha256(folder.encode()).hexdigest()[:16]
    target = element("target", element("path", folder))
    return etree.tostring(element("pool", {"type": "dir"}, element("name", name), target), encoding="unicode")
