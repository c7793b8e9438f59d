"""The names under which programs look for Pacemaker's daemons, and who passes their messages on.

Must not know what messages mean. A program is bound to the controller that was there when it came: when that goes,
the program's connection ends, as with Pacemaker's own remote executor (daemons/execd/remoted_proxy.c).
"""

from __future__ import annotations

import errno
import os
import socket
import time
from typing import TYPE_CHECKING

from agent.event_loop import READ
from agent.ipc.message import (
    FLAG_EVENT,
    FLAG_PROXIED,
    IpcError,
    write_message,
    write_refusal,
)
from agent.ipc.program import Program, abstract
from agent.log import log
from agent.wire import ProxyDestroy, ProxyEvent, ProxyNew, ProxyRequest, ProxyResponse
from agent.wire.element import Limits, parse, write
from agent.wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.event_loop import EventLoop
    from agent.ipc.message import Message
    from agent.session import Session

SERVICES = ("attrd", "cib_ro", "cib_rw", "crmd", "stonith-ng", "pacemakerd")
"""The daemons that a remote executor stands in for (remoted_proxy.c, ipc_proxy_init)."""

MAX_PROGRAMS = 32
MESSAGES_PER_S = 50
MAX_BURST = 100
"""Messages of all programs together: what comes faster waits at its own end."""

_LIMITS = Limits(message_bytes=128 * 1024, depth=32, attributes=256, elements=2000)
_BACKLOG = 16
_EVENT_ID = 0


class Services:
    """Takes programs in, and passes messages between them and controllers.

    Args:
        loop: Readiness and deadlines.
        folder: Where files of connections may lie; ours alone.
        find_provider: Who is to answer programs that come now, if anybody.
    """

    def __init__(self, loop: EventLoop, folder: Path, find_provider: Callable[[], Session | None]) -> None:
        self._loop = loop
        self._folder = folder
        self._find_provider = find_provider
        self._listeners: list[socket.socket] = []
        self._programs: dict[str, Program] = {}
        self._providers: dict[str, Session] = {}
        """Who answers each program that is connected."""
        self._credit = float(MAX_BURST)
        self._counted_at = time.monotonic()

    def listen(self, prefix: str) -> None:
        """Take the names of the daemons; a name that somebody has is left to them, and told.

        Args:
            prefix: Put before each name; empty, and Pacemaker's own programs find them.
        """
        for service in SERVICES:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                listener.setblocking(False)
                listener.bind(abstract(prefix + service))
                listener.listen(_BACKLOG)
            except OSError as error:
                listener.close()
                log("cannot serve local programs", service=service, error=error.strerror)
                continue
            self._listeners.append(listener)
            self._loop.watch(listener.fileno(), READ, self._acceptor(listener, service))

    def close(self) -> None:
        """Give the names up and end all connections."""
        for listener in self._listeners:
            self._loop.forget(listener.fileno())
            listener.close()
        self._listeners.clear()
        for program in tuple(self._programs.values()):
            program.close("the agent ends")

    def part(self, provider: Session) -> None:
        """End the connections of the programs that a controller answered, for it is gone."""
        for session_id in [s for s, answering in self._providers.items() if answering is provider]:
            self._programs[session_id].close("the controller is gone")

    def answer(self, provider: Session, answer: ProxyResponse | ProxyEvent | ProxyDestroy) -> None:
        """Pass on what a controller says to a program; a program that is gone is told to the controller."""
        program = self._programs.get(answer.session)
        if program is None or self._providers.get(answer.session) is not provider:
            if not isinstance(answer, ProxyDestroy):
                provider.notify(ProxyDestroy(answer.session))
            return
        if isinstance(answer, ProxyDestroy):
            program.close("refused by the controller")
            return
        try:
            if isinstance(answer, ProxyResponse):
                program.respond(write_message(answer.message_id, write(answer.body)))
            else:
                program.notify(write_message(_EVENT_ID, write(answer.body), FLAG_EVENT))
        except (IpcError, WireError) as error:
            program.close(str(error))

    def _acceptor(self, listener: socket.socket, service: str) -> Callable[[int], None]:
        def accept(_events: int) -> None:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                program = Program(plain, self._folder, self._loop)
            except OSError as error:
                plain.close()
                log("local program refused", service=service, reason=error)
                return
            self._programs[program.id] = program
            program.on_connect = lambda one: self._connect(one, service)
            program.on_message = self._pass_on
            program.on_closed = lambda one, reason: self._closed(one, service, reason)
            program.begin()

        return accept

    def _connect(self, program: Program, service: str) -> None:
        provider = self._find_provider()
        if not _is_trusted(program):
            program.refuse(write_refusal(errno.EACCES), f"user {program.uid} may not use it")
        elif service == "pacemakerd" or provider is None:
            # Stock executors answer so too: programs then know that this is a remote node (pacemakerd_proxy_accept).
            program.refuse(write_refusal(errno.EREMOTEIO), "" if provider else "no controller is connected")
        elif len(self._programs) > MAX_PROGRAMS:
            program.refuse(write_refusal(errno.EAGAIN), "too many programs")
        else:
            try:
                program.welcome()
            except OSError as error:
                program.refuse(write_refusal(error.errno or errno.EIO), str(error))
                return
            self._providers[program.id] = provider
            provider.notify(ProxyNew(program.id, service))

    def _pass_on(self, program: Program, message: Message) -> None:
        self._spend(program)
        try:
            body = parse(message.text, _LIMITS)
        except WireError as error:
            program.close(str(error))
            return
        request = ProxyRequest(
            session=program.id,
            client=f"proxy-{program.pid}-{program.id[:8]}",
            user="root" if program.uid == 0 else str(program.uid),
            message_id=message.id,
            flags=message.flags | FLAG_PROXIED,
            body=body,
        )
        self._providers[program.id].notify(request)

    def _closed(self, program: Program, service: str, reason: str) -> None:
        self._programs.pop(program.id, None)
        provider = self._providers.pop(program.id, None)
        if provider is not None:
            provider.notify(ProxyDestroy(program.id))
        if reason:
            log("local program cut off", service=service, pid=program.pid, reason=reason)

    def _spend(self, program: Program) -> None:
        """Count a message; who exceeds the allowance waits until there is some again."""
        now = time.monotonic()
        self._credit = min(MAX_BURST, self._credit + (now - self._counted_at) * MESSAGES_PER_S) - 1
        self._counted_at = now
        if self._credit < 0:
            program.pause()
            self._loop.call_later(-self._credit / MESSAGES_PER_S, program.go_on)


def _is_trusted(program: Program) -> bool:
    """Tell whether a program runs as root or as we do, and in our own PID name space.

    Containers may share a network, and with it these names: the programs of one must not speak for another's node.
    """
    if program.uid not in (0, os.geteuid()):
        return False
    try:
        return os.readlink(f"/proc/{program.pid}/ns/pid") == os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    except OSError:
        return False
