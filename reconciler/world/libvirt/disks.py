"""Makes the disks that a guest's declaration describes on the host that runs it; it must not touch one that is there.

All of it goes through libvirt's storage driver, for a far host and the controller's own machine alike. libvirt cannot
rename a volume, so a second file tells whether a disk is whole. The steps, each of which may be the last before a
crash:

1. an empty file of the disk's name, which libvirt makes only where there is none: an empty file is no disk;
2. a mark beside it: while that is there, the disk is not whole, and what has its name is ours to remove;
3. the empty file is removed, and the disk made in its place;
4. the mark is removed, and another empty file made and removed, which brings the mark's removal to the host's disk:
   were the mark back after a power cut, a disk that a guest has written to would be taken for half a one.

So a disk of somebody else never has a mark, and one without a mark is whole. What a step makes is on the host's disk
before the next begins: libvirt syncs the raw files that it writes (createRawFile), and qemu-img, when it converts, does
not. A raw disk is therefore converted into the mark and copied from there; a conversion to qcow2 is followed by
resizing, which syncs.
"""

import contextlib
import errno
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from lxml import etree

from reconciler.model.errors import HypervisorError
from reconciler.model.resource import Disk
from reconciler.world.libvirt.library import (
    Connection,
    StoragePool,
    StorageVolume,
    error_code,
    error_text,
    is_connection_error,
    load_libvirt,
)
from reconciler.world.libvirt.pools import in_folder
from reconciler.world.libvirt.volumes import volume_xml

T = TypeVar("T")

MARK_SUFFIX = ".reconciler-unfinished"

_SYNC_SUFFIX = ".reconciler-sync"
_BUSY_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where disks are made, and until when."""

    connection: Connection
    host: str
    """Its name, for errors."""
    deadline: float
    """By the monotonic clock; a step that has begun is not broken off, and none is begun after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One file on the host."""

    place: Workplace
    folder: str
    name: str

    @property
    def mark(self) -> "_File":
        return _File(place=self.place, folder=self.folder, name=self.name + MARK_SUFFIX)

    @property
    def journal_end(self) -> "_File":
        return _File(place=self.place, folder=self.folder, name=self.name + _SYNC_SUFFIX)

    def do(self, function: Callable[[StoragePool], T]) -> T:
        if time.monotonic() > self.place.deadline:
            raise HypervisorError("it takes too long")
        return in_folder(self.place.connection, self.folder, function)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """What a disk is copied from."""

    file: _File
    format: str
    """As libvirt found it out by looking inside."""
    size_bytes: int


def make_missing_disks(place: Workplace, disks: Iterable[Disk]) -> None:
    """Make each missing disk from its image, or empty with its size; whole or not at all. Blocks.

    A disk that names neither is the user's to make, and left to libvirt to complain of.

    Raises:
        HypervisorError: one cannot be made.
        libvirtError: the connection was lost.
    """
    libvirt = load_libvirt()
    for disk in disks:
        if disk.source is None and disk.size_bytes is None:
            continue
        try:
            _make_if_missing(_file(place, disk.path), disk)
        except libvirt.libvirtError as error:
            if is_connection_error(error):
                raise
            raise _refusal(place, disk, error_text(error)) from error
        except HypervisorError as error:
            raise _refusal(place, disk, str(error)) from error


def _make_if_missing(file: _File, disk: Disk) -> None:
    _remove_unfinished(file)
    if not file.do(partial(_is_missing, name=file.name)):
        return
    image = _find_image(_file(file.place, disk.source), disk) if disk.source is not None else None
    if not _create(file, volume_xml(file.name, 0)) and not file.do(partial(_is_missing, name=file.name)):
        return
    try:
        if image is not None:
            _copy(file, disk, image)
        else:
            _replace_claim(file, volume_xml(file.name, disk.size_bytes or 0, disk.format))
    except load_libvirt().libvirtError:
        _tidy(file)
        raise
    _remove(file.mark)
    # libvirt syncs it, and with it what the file system's journal has from before.
    _create(file.journal_end, volume_xml(file.journal_end.name, 0))
    _remove(file.journal_end)


def _copy(file: _File, disk: Disk, image: _Image) -> None:
    size_bytes = disk.size_bytes or image.size_bytes
    if disk.format != "raw":
        if _replace_claim(file, volume_xml(file.name, image.size_bytes, disk.format), image.file):
            file.do(lambda pool: pool.storageVolLookupByName(file.name).resize(size_bytes, 0))
    elif image.format != "raw":
        if not _create(file.mark, volume_xml(file.mark.name, image.size_bytes), image.file):
            raise HypervisorError("somebody else is making it")
        _replace_claim(file, volume_xml(file.name, size_bytes), file.mark)
    else:
        _replace_claim(file, volume_xml(file.name, size_bytes), image.file)


def _replace_claim(file: _File, description: str, source: _File | None = None) -> bool:
    """Make the disk in the place of the empty file; where the mark is the source, it is there already.

    Returns:
        False when somebody else made a disk there in between, which is then the one to use.
    """
    if source != file.mark and not _create(file.mark, volume_xml(file.mark.name, 0)):
        raise HypervisorError("somebody else is making it")
    _remove(file)
    return _create(file, description, source)


def _create(file: _File, description: str, source: _File | None = None) -> bool:
    """Make a file, empty or from another; False when there is one of the name, which libvirt may have listed or not."""
    libvirt = load_libvirt()

    def create(pool: StoragePool) -> bool:
        if _find(pool, file.name) is not None:
            return False
        try:
            if source is None:
                pool.createXML(description, 0)
            elif source.folder == file.folder:
                pool.createXMLFrom(description, pool.storageVolLookupByName(source.name), 0)
            else:
                source.do(
                    lambda of: pool.createXMLFrom(description, of.storageVolLookupByName(source.name), 0)
                )
        except libvirt.libvirtError as error:
            if not _is_taken(pool, file.name, error):
                raise
            return False
        return True

    return file.do(create)


def _remove_unfinished(file: _File) -> None:
    """Remove what an earlier start has not finished; what a host still works on is waited for."""
    if file.mark.do(partial(_find, name=file.mark.name)) is not None:
        _remove(file)
        _remove(file.mark)


def _tidy(file: _File) -> None:
    """Remove what a failed step has left, unless there is half a disk, which the next start removes."""
    with contextlib.suppress(load_libvirt().libvirtError, HypervisorError):
        # Only making it tells for sure that there is none: libvirt may not have listed it.
        if _create(file, volume_xml(file.name, 0)) or file.do(partial(_is_missing, name=file.name)):
            _remove(file.mark)
            _remove(file)


def _remove(file: _File) -> None:
    """Remove a file, if there is one, as soon as nothing on the host is at work on it."""
    while not file.do(partial(_is_removed, name=file.name)):
        time.sleep(_BUSY_PAUSE_S)


def _is_removed(pool: StoragePool, name: str) -> bool:
    libvirt = load_libvirt()
    try:
        pool.storageVolLookupByName(name).delete()
    except libvirt.libvirtError as error:
        if error_code(error) == libvirt.VIR_ERR_OPERATION_INVALID:
            return False  # "is still being allocated", "is still in use"
        if error_code(error) != libvirt.VIR_ERR_NO_STORAGE_VOL:
            raise
    return True


def _is_missing(pool: StoragePool, name: str) -> bool:
    found = _find(pool, name)
    return found is None or _is_empty(found)


def _find(pool: StoragePool, name: str) -> StorageVolume | None:
    libvirt = load_libvirt()
    try:
        return pool.storageVolLookupByName(name)
    except libvirt.libvirtError as error:
        if error_code(error) != libvirt.VIR_ERR_NO_STORAGE_VOL:
            raise
        return None


def _is_empty(volume: StorageVolume) -> bool:
    kind, capacity, allocation = volume.info()
    return bool(kind == load_libvirt().VIR_STORAGE_VOL_FILE and capacity == allocation == 0)


def _find_image(file: _File, disk: Disk) -> _Image:
    libvirt = load_libvirt()
    try:
        text = file.do(lambda pool: pool.storageVolLookupByName(file.name).XMLDesc(0))
    except libvirt.libvirtError as error:
        is_no_folder = error_code(error) == libvirt.VIR_ERR_SYSTEM_ERROR and error.get_int1() == errno.ENOENT
        if not is_no_folder and error_code(error) != libvirt.VIR_ERR_NO_STORAGE_VOL:
            raise
        raise HypervisorError(f"there is no image {disk.source}") from error
    volume = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False))
    kind = volume.find("target/format")
    size_bytes = int(volume.findtext("capacity") or "0")
    if disk.size_bytes is not None and disk.size_bytes < size_bytes:
        raise HypervisorError(
            f"the image {disk.source} has {size_bytes} bytes, which is more than the wanted {disk.size_bytes}"
        )
    image_format = str(kind.get("type")) if kind is not None else "raw"
    return _Image(file=file, format=image_format, size_bytes=size_bytes)


def _is_taken(pool: StoragePool, name: str, error: Exception) -> bool:
    """Tell whether a file could not be made because there is one of its name."""
    libvirt = load_libvirt()
    code = error_code(error)
    if code == libvirt.VIR_ERR_OPERATION_INVALID:
        # "volume target path '...' already exists"; but the image may be "still being allocated" as well.
        with contextlib.suppress(libvirt.libvirtError):
            pool.refresh()
        return _find(pool, name) is not None
    is_there = code == libvirt.VIR_ERR_SYSTEM_ERROR and error.get_int1() == errno.EEXIST  # type: ignore[attr-defined]  # the binding has no types
    return is_there or bool(code == libvirt.VIR_ERR_STORAGE_VOL_EXIST)


def _file(place: Workplace, path: str) -> _File:
    folder, _, name = path.rpartition("/")
    return _File(place=place, folder=folder or "/", name=name)


def _refusal(place: Workplace, disk: Disk, text: str) -> HypervisorError:
    return HypervisorError(f"host {place.host}: the disk {disk.path} cannot be made: {text}")
