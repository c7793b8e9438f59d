"""Loads libvirt's binding and runs its event loop; it must not open connections.

The binding is an optional extra: everything else works without it, so it is imported when a host is first asked.
"""

import logging
import threading
from functools import cache
from typing import Any

from reconciler.model.errors import HypervisorError

log = logging.getLogger(__name__)

Library = Any
"""The module libvirt."""
Connection = Any
"""A libvirt.virConnect; the binding has no types of its own."""
StoragePool = Any
"""A libvirt.virStoragePool."""
StorageVolume = Any
"""A libvirt.virStorageVol."""
LibvirtDomain = Any
"""A libvirt.virDomain."""


@cache
def load_libvirt() -> Library:
    """Return the module libvirt, with its event loop running in a thread of its own.

    The event loop is the process's, has to be there before the first connection, and cannot be replaced (libvirt's
    virEventRegisterImpl): hence once, and never tied to an asyncio loop, of which tests have one each.

    Raises:
        HypervisorError: the binding is not installed.
    """
    try:
        import libvirt  # noqa: PLC0415 - see the module's first lines
    except ImportError as error:
        raise HypervisorError(
            "guests of type vm and lxc need Python's libvirt binding: run `pip install reconciler[libvirt]` "
            "(it is compiled, with Debian's libvirt-dev, pkg-config and gcc)"
        ) from error
    # Errors come as exceptions; the library would print each to stderr besides.
    libvirt.registerErrorHandler(_ignore, None)
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=_run_events, args=(libvirt,), name="libvirt-events", daemon=True).start()
    return libvirt


def error_code(error: Exception) -> int:
    """Return a libvirtError's VIR_ERR_* code."""
    return int(error.get_error_code())  # type: ignore[attr-defined]  # the binding has no types


def error_text(error: Exception) -> str:
    """Return a libvirtError's text, without the name of the Python function that it may start with."""
    return str(error.get_error_message() or error)  # type: ignore[attr-defined]  # the binding has no types


def is_connection_error(error: Exception) -> bool:
    """Tell whether a libvirtError says that the daemon could not be asked, rather than what it answered."""
    libvirt = load_libvirt()
    code = error_code(error)
    if code in {libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_NO_DOMAIN}:
        return False
    return code in {
        libvirt.VIR_ERR_INVALID_CONN,
        libvirt.VIR_ERR_NO_CONNECT,
        libvirt.VIR_ERR_RPC,
        libvirt.VIR_ERR_AUTH_FAILED,
        libvirt.VIR_ERR_AUTH_CANCELLED,
        libvirt.VIR_ERR_AUTH_UNAVAILABLE,
    } or error.get_error_domain() in {libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE}  # type: ignore[attr-defined]  # the binding has no types


def _run_events(libvirt: Library) -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            log.exception("libvirt's event loop failed once; it goes on")


def _ignore(_context: object, _error: object) -> None:
    """Answer libvirt's error callback."""
