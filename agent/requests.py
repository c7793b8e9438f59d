"""What each request of a client does, and what it is answered (Pacemaker daemons/execd/execd_commands.c).

Must not know sockets: a session is somebody to reply to and to notify.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from agent import VERSION
from agent.log import log
from agent.operation import Asker
from agent.resource_agents import ResourceAgent, check_names
from agent.wire import (
    OP_CHECK,
    OP_RESOURCE_REGISTER,
    OP_RESOURCE_UNREGISTER,
    PROTOCOL_VERSION,
    RC_IN_PROGRESS,
    RC_INVALID,
    RC_NO_SUCH_RESOURCE,
    RC_OK,
    RC_PROTOCOL,
    RC_STALE_EPOCH,
    RC_UNSUPPORTED,
    AnyReply,
    Cancel,
    Exec,
    GetRecords,
    GetRecurring,
    NewClient,
    Notice,
    Poke,
    PokeNotice,
    ProxyDestroy,
    ProxyEvent,
    ProxyResponse,
    RecordsReply,
    RecurringReply,
    Register,
    RegisterReply,
    Reply,
    ResourceInfo,
    ResourceInfoReply,
    ResourceNotice,
    ResourceRegister,
    ResourceUnregister,
    ShutdownAck,
    ShutdownNack,
    UnknownRequest,
)

if TYPE_CHECKING:
    import itertools
    from collections.abc import Callable

    from agent.epochs import Epochs
    from agent.resources import Resources
    from agent.session import Session
    from agent.wire import Request

# Bit of lrmd_callopt in a resource's registration: 3 in Pacemaker 2.1, 1 in 3.0 (include/crm/lrmd.h).
_DROP_RECURRING = 1
_OLDEST_PROTOCOL = (1, 0)
_ESTALE_REASON = "a newer controller has taken over"


class Facts(NamedTuple):
    """What an agent says about itself to those who register."""

    instance: str
    boot: str
    node: str
    has_records: bool
    started_at: float
    """By time.monotonic()."""


class Requests:
    """Answers the requests of all clients.

    Args:
        resources: What most of them are about.
        epochs: Who may ask.
        facts: What is said to those who register.
        call_ids: The counter of all requests.
    """

    def __init__(
        self, resources: Resources, epochs: Epochs, facts: Facts, call_ids: itertools.count[int]
    ) -> None:
        self._resources = resources
        self._epochs = epochs
        self._facts = facts
        self._call_ids = call_ids
        self.sessions: list[Session] = []
        """All authenticated connections, oldest first."""
        self.on_shutdown_answer: Callable[[bool], None] = lambda _is_acknowledged: None
        """Called with what a client says to our wish to stop: True when it will drain the node first."""

        self.on_proxied: Callable[[Session, ProxyResponse | ProxyEvent | ProxyDestroy], None] = (
            lambda _session, _answer: None
        )
        """Called with what a client says to a program on this node."""

    def welcome(self, session: Session) -> None:
        """Take in a connection that has proved its key; all others are told (daemons/execd/remoted_tls.c)."""
        self.notify_all(NewClient())
        self.sessions.append(session)

    def part(self, session: Session) -> None:
        """Forget a connection that is closed."""
        if session not in self.sessions:
            return
        self.sessions.remove(session)
        if not any(other.is_registered for other in self.sessions):
            self._resources.note_last_client_left()

    def notify_all(self, notice: Notice, only: str = "") -> None:
        """Tell all clients that have a name, or only the one with that id."""
        for session in tuple(self.sessions):
            if only in ("", session.id):
                session.notify(notice)

    def answer(self, session: Session, message_id: int, request: Request) -> None:
        """Carry out a request and reply to it; what follows from it is told after the reply."""
        call_id = next(self._call_ids)
        if isinstance(request, Register):
            self._register(session, message_id, call_id, request)
        elif isinstance(request, UnknownRequest) and request.operation == OP_CHECK:
            session.drop(message_id)
        elif self._epochs.is_stale(session.cluster, session.epoch):
            session.reply(message_id, Reply(RC_STALE_EPOCH, call_id))
        elif isinstance(request, (Poke, ResourceRegister, ResourceUnregister)):
            self._tell_all(session, message_id, call_id, request)
        else:
            session.reply(message_id, self._reply(session, call_id, request))

    def _tell_all(
        self,
        session: Session,
        message_id: int,
        call_id: int,
        request: Poke | ResourceRegister | ResourceUnregister,
    ) -> None:
        """Answer what every client is told about."""
        if isinstance(request, Poke):
            session.reply(message_id, Reply(RC_OK, call_id))
            self.notify_all(PokeNotice())
            return
        if isinstance(request, ResourceRegister):
            operation, rc = OP_RESOURCE_REGISTER, self._register_resource(request)
        else:
            operation, rc = OP_RESOURCE_UNREGISTER, self._resources.unregister(request.resource_id)
        session.reply(message_id, Reply(rc, call_id))
        if rc in (RC_OK, RC_IN_PROGRESS):
            self.notify_all(ResourceNotice(operation, request.resource_id, rc, call_id))

    def _reply(self, session: Session, call_id: int, request: Request) -> AnyReply:
        if isinstance(request, Exec):
            asker = Asker(session.id, session.cluster)
            return Reply(self._resources.exec(request, call_id, asker), call_id)
        if isinstance(request, Cancel):
            rc = self._resources.cancel(request.resource_id, request.action, request.interval_ms)
            return Reply(rc, call_id)
        if isinstance(request, ResourceInfo):
            return self._info(request, call_id)
        if isinstance(request, GetRecurring):
            return RecurringReply(RC_OK, call_id, self._resources.list_recurring(request.resource_id))
        if isinstance(request, GetRecords):
            return RecordsReply(RC_OK, call_id, self._resources.list_records())
        if isinstance(request, (ShutdownAck, ShutdownNack)):
            self.on_shutdown_answer(isinstance(request, ShutdownAck))
            return Reply(RC_OK, call_id)
        if isinstance(request, (ProxyResponse, ProxyEvent, ProxyDestroy)):
            self.on_proxied(session, request)
            return Reply(RC_OK, call_id)
        # Alerts too: they would have us run any path as another user, and Pacemaker sends none to guests.
        return Reply(RC_UNSUPPORTED, call_id)

    def _register(self, session: Session, message_id: int, call_id: int, request: Register) -> None:
        rc = self._judge(request)
        if rc != RC_OK:
            log("client refused", peer=session.peer, client=request.client_name, rc=rc, epoch=request.epoch)
            session.reply(message_id, RegisterReply(rc, call_id, epoch=self._epochs.highest(request.cluster)))
            session.close_when_sent()
            return
        session.name = request.client_name
        session.cluster = request.cluster
        session.epoch = request.epoch
        session.is_provider = request.is_ipc_provider
        session.note_registered()
        reply = RegisterReply(
            rc,
            call_id,
            client_id=session.id,
            protocol_version=PROTOCOL_VERSION,
            uptime_s=int(time.monotonic() - self._facts.started_at),
            agent=VERSION,
            instance=self._facts.instance,
            boot=self._facts.boot,
            node=self._facts.node,
            epoch=self._epochs.highest(request.cluster),
            has_records=self._facts.has_records,
        )
        session.reply(message_id, reply)
        log("client registered", peer=session.peer, client=session.name, cluster=session.cluster)
        # A controller has one session: what it left in an older one, it has given up. Who only looks shows no epoch.
        for other in tuple(self.sessions):
            acts_too = (
                request.epoch is not None and other.epoch is not None and other.cluster == session.cluster
            )
            if other is not session and acts_too:
                other.close(_ESTALE_REASON)

    def _judge(self, request: Register) -> int:
        """Decide whether a client may register, and remember its epoch if so."""
        try:
            version = tuple(int(part) for part in request.protocol_version.split("."))
        except ValueError:
            return RC_PROTOCOL
        if version < _OLDEST_PROTOCOL[: len(version)]:
            return RC_PROTOCOL
        if request.epoch is None:
            return RC_OK
        if self._epochs.is_stale(request.cluster, request.epoch):
            return RC_STALE_EPOCH
        try:
            self._epochs.note(request.cluster, request.epoch)
        except OSError as error:
            log("an epoch cannot be written", error=error)
            return RC_INVALID
        return RC_OK

    def _register_resource(self, request: ResourceRegister) -> int:
        agent = ResourceAgent(request.standard, request.provider, request.type_name)
        problem = check_names(request.resource_id, agent)
        if problem:
            log("resource refused", problem=problem)
            return RC_INVALID
        drops_recurring = bool(request.call_options & _DROP_RECURRING)
        return self._resources.register(request.resource_id, agent, drops_recurring=drops_recurring)

    def _info(self, request: ResourceInfo, call_id: int) -> ResourceInfoReply:
        agent = self._resources.find(request.resource_id)
        if agent is None:
            return ResourceInfoReply(RC_NO_SUCH_RESOURCE, call_id)
        return ResourceInfoReply(
            RC_OK, call_id, request.resource_id, agent.standard, agent.provider, agent.type_name
        )
