"""Puts the agent together and runs it, from the state folder to the last signal.

The one place that knows all parts. Ending the agent ends no resource and no operation: both go on without
it, and the next instance finds them. Only as the init of a container does it take all processes along, as it
must.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent import processes, tls
from agent.cgroups import Groups, find_own
from agent.epochs import Epochs
from agent.event_loop import EventLoop
from agent.executor import Executor
from agent.ipc.services import Services
from agent.key_channel import KeyChannel
from agent.keys import DELIVERED_SUFFIX, Keys
from agent.listeners import MAX_SESSIONS, ListenError, Listeners
from agent.log import log
from agent.records import StartRecords
from agent.requests import Facts, Requests
from agent.resource import Parts
from agent.resource_agents import PREFIX_VARIABLE, Folders
from agent.resources import Resources
from agent.results import Results
from agent.state_folder import StateFolder
from agent.wire import OperationResult, ShutdownRequest

if TYPE_CHECKING:
    from agent.session import Session

_OCF_TEMPORARY = Path("/run/resource-agents")
_LAST_WORDS_S = 1.0
_KEYS_S = 1.0
_INIT_GRACE_S = 10.0
_INIT_PATIENCE_S = 5.0


class Settings(NamedTuple):
    """What the command line asks for."""

    listen: str
    key_file: Path | None
    key_channel: Path | None
    identity: str
    unix: Path | None
    node: str
    state: Path
    ocf_root: Path
    allowed: tuple[str, ...]
    allows_tls12: bool
    is_init: bool
    drain_limit_s: float
    """How long the controller may take to empty the node, when we are asked to stop."""
    programs: str | None


class Server:
    """One agent.

    Raises:
        StateError: The state folder can't be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = EventLoop()
        self._folder = StateFolder(settings.state)
        self._executor = Executor(self._loop, self._folder, Groups(find_own()))
        records = StartRecords(self._folder)
        call_ids = itertools.count(1)
        parts = Parts(
            loop=self._loop,
            executor=self._executor,
            records=records,
            results=Results(self._folder),
            folders=Folders(settings.ocf_root, self._folder.temporary, allowed=settings.allowed),
            node=settings.node,
            notify=self._notify,
            call_ids=call_ids,
            waiting=[],
        )
        self._resources = Resources(parts)
        me = processes.identify(os.getpid())
        facts = Facts(
            instance=f"{me.pid}-{me.start_ticks}",
            boot=self._folder.boot,
            node=settings.node,
            has_records=records.is_complete,
            started_at=time.monotonic(),
        )
        self._requests = Requests(self._resources, Epochs(self._folder), facts, call_ids)
        self._requests.on_shutdown_answer = self._on_shutdown_answer
        self._services = Services(self._loop, self._folder.programs, self._find_provider)
        self._requests.on_proxied = self._services.answer
        self._listeners = Listeners(self._loop, self._admit, self._has_room)
        self._keys: Keys | None = None
        self._key_channel: KeyChannel | None = None
        self._is_stopping = False

    def run(self) -> int:
        """Listen and serve until a signal ends it; returns the exit code of the process.

        Raises:
            ListenError: An address can't be used, or there is no libgnutls.
            KeyFileError: The key can't be used.
        """
        settings = self._settings
        self._loop.on_signal(signal.SIGCHLD, self._executor.collect_children)
        # As the init of a container we are sent a SIGTERM to end soon, for a SIGKILL follows on it (libvirt's
        # virDomainDestroy); who wants an orderly end sends SIGPWR, as lxc-stop does.
        self._loop.on_signal(signal.SIGTERM, self._end if settings.is_init else self._on_stop_signal)
        self._loop.on_signal(signal.SIGPWR, self._on_stop_signal)
        # For a restart of the agent alone: what runs here outlives it, and nothing has to move.
        self._loop.on_signal(signal.SIGINT, self._end)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if settings.is_init and os.getpid() != 1:
            processes.become_subreaper()
        addresses = []
        if settings.listen:
            addresses.append(self._listeners.listen_tcp(settings.listen, self._credentials(settings)))
        if settings.unix is not None:
            self._listeners.listen_unix(settings.unix)
            addresses.append(str(settings.unix))
        if settings.programs is not None:
            self._services.listen(settings.programs)
            os.environ[PREFIX_VARIABLE] = settings.programs
        _make_ocf_temporary()
        self._resources.restore()
        sys.stderr.write(f"reconciler-agent: listening on {' and '.join(addresses)}\n")
        sys.stderr.flush()
        _tell_systemd("READY=1")
        # A child of the process that we were before exec, or of the init that we are, may have ended already.
        self._executor.collect_children()
        processes.give_back_memory()
        self._loop.run()
        if settings.is_init:
            processes.kill_descendants(_INIT_GRACE_S, _INIT_PATIENCE_S)
        return 0

    def _notify(self, result: OperationResult, client_id: str) -> None:
        self._requests.notify_all(result, client_id)

    def _credentials(self, settings: Settings) -> tls.Credentials:
        """Return what TLS asks for keys; from here on they are looked after."""
        assert settings.key_file is not None, "the command line requires it"
        delivered = settings.key_file.with_name(settings.key_file.name + DELIVERED_SUFFIX)
        if settings.key_channel is not None:
            delivered = self._folder.delivered_key
            self._key_channel = KeyChannel(settings.key_channel, delivered)
        self._keys = Keys(settings.identity, settings.key_file, delivered)
        try:
            profile = tls.Profile.TLS12 if settings.allows_tls12 else tls.Profile.TLS13
            credentials = tls.server_credentials(self._keys.key_of, profile)
        except tls.TLSError as error:
            raise ListenError(str(error)) from error
        self._look_after_keys()
        return credentials

    def _look_after_keys(self) -> None:
        """Take up new keys, and part from clients of revoked ones, all the time."""
        assert self._keys is not None, "there is no network without"
        if self._key_channel is not None:
            self._key_channel.poll()
        self._keys.refresh()
        self._part_from_revoked(self._keys)
        self._loop.call_later(_KEYS_S, self._look_after_keys)

    def _part_from_revoked(self, keys: Keys) -> None:
        for session in tuple(self._requests.sessions):
            if session.key_name and keys.must_leave(session.key_name):
                session.close("its key is not valid any more")

    def _admit(self, session: Session) -> None:
        session.on_authenticated = self._on_authenticated
        session.on_request = self._requests.answer
        session.on_closed = self._on_closed
        if self._keys is not None:
            self._keys.refresh()
            session.key_generation = self._keys.generation

    def _has_room(self) -> bool:
        return not self._is_stopping and len(self._requests.sessions) < MAX_SESSIONS

    def _on_authenticated(self, session: Session) -> None:
        self._listeners.note_settled(session)
        if session.identity and self._keys is not None:
            session.key_name = self._keys.name_proved(session.identity, session.key_generation)
            if not session.key_name:
                session.close("the keys changed during its handshake")
                return
            self._part_from_revoked(self._keys)
        self._requests.welcome(session)

    def _on_closed(self, session: Session) -> None:
        self._listeners.note_settled(session)
        self._services.part(session)
        self._requests.part(session)
        if self._is_stopping and self._find_provider() is None:
            self._loop.stop()

    def _on_stop_signal(self) -> None:
        """Ask the newest IPC provider to drain this node first; end at once if there is none, or if told again.

        Pacemaker daemons/execd/pacemaker-execd.c, lrmd_shutdown, as fixed in 2.1.6.
        """
        _tell_systemd("STOPPING=1")
        provider = self._find_provider()
        if self._is_stopping or provider is None:
            self._end()
            return
        self._is_stopping = True
        self._listeners.close()
        log("asking to be drained", client=provider.name)
        provider.notify(ShutdownRequest())
        self._loop.call_later(self._settings.drain_limit_s, self._give_up)

    def _give_up(self) -> None:
        log("this node was not drained in time", limit_s=self._settings.drain_limit_s)
        self._end()

    def _on_shutdown_answer(self, is_acknowledged: bool) -> None:
        if self._is_stopping and not is_acknowledged:
            log("the controller will not drain this node")
            self._loop.call_later(0, self._end)  # its message is still to be answered

    def _end(self) -> None:
        """Leave when the last words are out, or soon if somebody does not listen."""
        self._is_stopping = True
        self._listeners.close()
        self._services.close()
        self._loop.call_later(_LAST_WORDS_S, self._loop.stop)
        sessions = tuple(self._requests.sessions)
        for session in sessions:
            session.close_when_sent()
        if not self._requests.sessions:
            self._loop.stop()

    def _find_provider(self) -> Session | None:
        """Find who answers programs and drains this node: the newest, should an older one not have ended yet."""
        return next((s for s in reversed(self._requests.sessions) if s.is_provider), None)


def _make_ocf_temporary() -> None:
    """Make the folder that OCF resource agents keep their state in, as Pacemaker's executor does at its start."""
    if os.geteuid() == 0:
        try:
            _OCF_TEMPORARY.mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            log("resource agents may miss a folder", folder=_OCF_TEMPORARY, error=error.strerror)


def _tell_systemd(state: str) -> None:
    """Tell the service's state to whoever started us and wants to know (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
            notifier.sendto(state.encode(), address)
    except OSError as error:
        log("cannot notify", error=error)
