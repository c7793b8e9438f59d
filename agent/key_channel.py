"""Takes in new keys that the host of a virtual machine sends through a virtio-serial port. Must not keep one.

The port has no events worth waiting for: as long as nobody is on the other side, it is always readable and empty (Linux
drivers/char/virtio_console.c, port_fops_poll), so it is asked once in a while.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.log import log
from agent.wire.errors import MessageError
from agent.wire.keys import MAX_DELIVERY_BYTES, decode_delivery

if TYPE_CHECKING:
    from pathlib import Path


class KeyChannel:
    """One port; what comes through is laid down where the keys are looked for.

    Args:
        port: The device, such as /dev/virtio-ports/org.reconciler.key.0.
        delivered: The file that takes a delivery.
    """

    def __init__(self, port: Path, delivered: Path) -> None:
        self._port = port
        self._delivered = delivered
        self._descriptor: int | None = None
        self._received = bytearray()

    def poll(self) -> None:
        """Take in what has come since."""
        try:
            if self._descriptor is None:
                flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
                self._descriptor = os.open(self._port, flags)
            chunk = os.read(self._descriptor, MAX_DELIVERY_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._close()  # the port is not there yet, or was taken away: asked again the next time
            return
        if not chunk:
            self._received.clear()  # the other side has left in the middle, or is not there
            return
        self._received += chunk
        self._take()

    def _take(self) -> None:
        try:
            while (found := decode_delivery(self._received)) is not None:
                _write(self._delivered, self._received[: found.length])
                del self._received[: found.length]
                log("a new key was delivered")
        except (MessageError, OSError) as error:
            log("a delivered key cannot be used", port=self._port, reason=error)
            self._received.clear()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _write(path: Path, content: bytes | bytearray) -> None:
    written = path.with_name(f".{path.name}.new")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    written.replace(path)
