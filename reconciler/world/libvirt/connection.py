"""One libvirt connection: calls with deadlines in threads of its own, events, and connecting again.

It must not know what is asked of libvirt. A call that does not come back in time costs its connection: the next call
opens another, and the thread is left to end by itself whenever the library lets it.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from reconciler.model.errors import HypervisorError, HypervisorUnreachableError
from reconciler.ports import Wake
from reconciler.world.daemon_threads import DaemonThreads
from reconciler.world.libvirt.library import Connection, error_text, is_connection_error, load_libvirt

T = TypeVar("T")

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10.0
"""Until a caller is told that the host cannot be reached; callers that come later are told at once."""
ABANDON_S = 30.0
"""Until an attempt to connect is given up for a new one: a host that is back would else be found when TCP, which
doubles its waits, asks again; each attempt holds a thread for up to two minutes."""
CALL_TIMEOUT_S = 15.0

_THREADS = 4
# virConnectSetKeepAlive: a peer that has not answered for five times three seconds is given up by the library itself.
_KEEPALIVE_INTERVAL_S = 5
_KEEPALIVE_COUNT = 3


class LibvirtConnection:
    """The way to one URI, whether it is up at the moment or not."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._session: _Session | None = None
        self._wakes: list[Wake] = []

    async def call(self, function: Callable[[Connection], T], limit_s: float = CALL_TIMEOUT_S) -> T:
        """Run a function on the connection in a thread, connecting first if need be.

        Args:
            function: blocks, and raises libvirtError or HypervisorError.
            limit_s: for the function alone; connecting has ten seconds of its own.

        Raises:
            HypervisorUnreachableError: it could not be asked, or did not answer in time.
            HypervisorError: it answered with an error.
        """
        session = self._present_session()
        try:
            await _outcome(session.connected, max(0.0, CONNECT_TIMEOUT_S - session.age_s()))
        except TimeoutError:
            raise HypervisorUnreachableError(
                f"{self.uri} cannot be connected within {CONNECT_TIMEOUT_S:g} s"
            ) from None
        try:
            return await _outcome(session.submit(function), limit_s)
        except TimeoutError:
            session.end()
            raise HypervisorUnreachableError(f"{self.uri} did not answer within {limit_s:g} s") from None

    @contextmanager
    def subscribed(self, wake: Wake) -> Iterator[None]:
        """Have `wake` called in this event loop after each change of a domain or of the connection.

        What happened while there was no connection is told by nobody: each new one calls it too.
        """
        loop = asyncio.get_running_loop()

        def pass_on() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended in the meantime
                loop.call_soon_threadsafe(wake)

        self._wakes.append(pass_on)
        try:
            yield
        finally:
            self._wakes.remove(pass_on)

    def close(self) -> None:
        """End the connection; calls that still wait for it fail."""
        if self._session is not None:
            self._session.end()
            self._session = None

    def _present_session(self) -> "_Session":
        """Return the session that everybody uses, or waits for: attempts to connect do not pile up."""
        session = self._session
        if session is not None and not session.connected.done() and session.age_s() > ABANDON_S:
            session.end()
        if session is None or session.is_dead:
            session = self._session = _Session(self.uri, self._on_event)
        return session

    def _on_event(self) -> None:
        """Pass an event on, in libvirt's thread."""
        for wake in tuple(self._wakes):
            wake()


class _Session:
    """One opened connection and its threads, from connecting to its end."""

    def __init__(self, uri: str, on_event: Callable[[], None]) -> None:
        self.is_dead = False
        self._began_at = time.monotonic()
        self._uri = uri
        self._on_event = on_event
        self._connection: Connection | None = None
        self._callbacks: list[int] = []
        self._users = 1  # it is being connected
        self._lock = threading.Lock()
        self._threads = DaemonThreads(_THREADS, f"libvirt {uri}")
        self.connected = self._threads.submit(self._connect)

    def age_s(self) -> float:
        return time.monotonic() - self._began_at

    def submit(self, function: Callable[[Connection], T]) -> Future[T]:
        return self._threads.submit(lambda: self._run(function))

    def end(self) -> None:
        """Take no more calls, and close the connection as soon as that is possible."""
        with self._lock:
            is_first, self.is_dead = not self.is_dead, True
            is_unused = self._users == 0
        if is_first:
            if is_unused:
                self._threads.submit(self._disconnect)
            self._threads.close()

    def _enter(self) -> Connection:
        """Return the connection, which nobody closes until `_leave`: its memory would go under the hands of a call."""
        with self._lock:
            if self._connection is None or self.is_dead:
                raise HypervisorUnreachableError(f"{self._uri} was lost")
            self._users += 1
            return self._connection

    def _leave(self) -> None:
        """Close the connection if it is dead and nobody else uses it."""
        with self._lock:
            self._users -= 1
            is_last = self.is_dead and self._users == 0
        if is_last:
            self._disconnect()

    def _connect(self) -> None:
        try:
            self._open()
            self._on_event()
        finally:
            self._leave()

    def _open(self) -> None:
        libvirt = load_libvirt()
        try:
            connection = libvirt.open(self._uri)
        except libvirt.libvirtError as error:
            self.end()
            raise HypervisorUnreachableError(
                f"{self._uri} cannot be connected: {error_text(error)}"
            ) from error
        self._connection = connection
        # A driver inside this process, such as test:///default, has no peer to keep alive and nothing that can close.
        with contextlib.suppress(libvirt.libvirtError):
            connection.setKeepAlive(_KEEPALIVE_INTERVAL_S, _KEEPALIVE_COUNT)
        with contextlib.suppress(libvirt.libvirtError):
            connection.registerCloseCallback(self._on_close, None)
        with contextlib.suppress(libvirt.libvirtError):
            identifier = connection.domainEventRegisterAny(
                None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_lifecycle, None
            )
            self._callbacks.append(identifier)

    def _run(self, function: Callable[[Connection], T]) -> T:
        libvirt = load_libvirt()
        connection = self._enter()
        try:
            return function(connection)
        except libvirt.libvirtError as error:
            if is_connection_error(error) or not connection.isAlive():
                self.end()
                raise HypervisorUnreachableError(f"{self._uri} was lost: {error_text(error)}") from error
            raise HypervisorError(f"{self._uri}: {error_text(error)}") from error
        finally:
            self._leave()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        libvirt = load_libvirt()
        # What is registered holds on to the connection, which would never be closed.
        for identifier in self._callbacks:
            with contextlib.suppress(libvirt.libvirtError):
                connection.domainEventDeregisterAny(identifier)
        with contextlib.suppress(libvirt.libvirtError):
            connection.unregisterCloseCallback()
        with contextlib.suppress(libvirt.libvirtError):
            connection.close()

    def _on_lifecycle(self, *_event: object) -> None:
        self._on_event()

    def _on_close(self, _connection: Connection, reason: int, _opaque: object) -> None:
        log.info("libvirt connection closed", extra={"uri": self._uri, "reason": reason})
        self.end()
        self._on_event()


async def _outcome(future: Future[T], limit_s: float) -> T:
    """Wait for a thread's result without ever cancelling the thread, which could not be stopped anyway."""
    if future.done():
        return future.result()
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def on_done(_future: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended in the meantime
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(on_done)
    async with asyncio.timeout(limit_s):
        await done.wait()
    return future.result()
