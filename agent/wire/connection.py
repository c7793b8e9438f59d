"""One connection's state: bytes in, events out; messages in, chunks out. Must not do I/O or tell time.

One class serves both ends. A client registers, then asks; a server gets requests, replies to them, and sends
notices. What each end may do in each state stands in the tables below, and nowhere else.
"""

from __future__ import annotations

from enum import Enum
from typing import Union

from agent.wire import decode, element, encode
from agent.wire import message as m
from agent.wire.element import Limits
from agent.wire.errors import LocalProtocolError, MarkupError, MessageError, RemoteProtocolError
from agent.wire.frame import FrameReader, encode_frame
from agent.wire.repair import mend_result
from agent.wire.values import dataclass


class Role(Enum):
    """Which end we are. The controller is the client, the agent the server, whoever opened the socket."""

    CLIENT = "client"
    SERVER = "server"


class State(Enum):
    """How far a connection is. FAILED and CLOSED are final."""

    NEW = "new"  # nobody has registered
    REGISTERING = "registering"  # the register request was sent and not yet answered
    OPEN = "open"
    REFUSED = "refused"  # the register request was answered with an error
    FAILED = "failed"  # a protocol error, theirs
    CLOSED = "closed"


@dataclass(frozen=True)
class RequestReceived:
    """A server's event: reply with this id, to all but lrmd_check."""

    message_id: int
    request: m.Request


@dataclass(frozen=True)
class ReplyReceived:
    """A client's event: the answer to the request that had this id."""

    message_id: int
    request: m.Request
    reply: m.AnyReply


@dataclass(frozen=True)
class NoticeReceived:
    """A client's event: the agent says something unasked."""

    notice: m.Notice


Event = Union[RequestReceived, ReplyReceived, NoticeReceived]

# States in which each kind of message may go from client to server, and from server to client.
# Any other request before registration is refused: nothing works before it (Pacemaker lib/lrmd/lrmd_client.c,
# lrmd_handshake is the first exchange). Register again on an open connection is allowed, as it is there.
_REGISTER = frozenset({State.NEW, State.OPEN})
_REQUEST = frozenset({State.OPEN})
_REPLY = frozenset({State.REGISTERING, State.OPEN})
_NOTICE = frozenset({State.REGISTERING, State.OPEN})  # a notice may overtake the reply to register
_FINAL = frozenset({State.FAILED, State.CLOSED})


class Connection:
    """The protocol of one connection.

    Feed what the socket gave to `receive_bytes`, then call `next_event` until it returns None. Send the
    chunks that `send_request`, `send_reply` and `send_notice` return in order, each as its own TLS record.

    Args:
        role: Which end we are.
        limits: What the peer may send; a message of 1 MiB unless told otherwise.
    """

    def __init__(self, role: Role, limits: Limits | None = None) -> None:
        self.role = role
        self._limits = limits or Limits()
        self._state = State.NEW
        self._frames = FrameReader(self._limits.message_bytes)
        self._sent_messages = 0
        self._sent_requests = 0
        self._unanswered: dict[int, m.Request] = {}

    @property
    def state(self) -> State:
        """How far the connection is."""
        return self._state

    @property
    def is_mid_message(self) -> bool:
        """Whether a message has begun and not ended: the caller's deadline for a slow peer applies."""
        return self._frames.is_mid_message

    @property
    def unanswered(self) -> tuple[int, ...]:
        """Ids of the requests, sent or received, that have no reply yet."""
        return tuple(self._unanswered)

    def receive_bytes(self, chunk: bytes) -> None:
        """Take bytes from the peer, cut anywhere.

        Raises:
            LocalProtocolError: The connection is closed or has failed.
        """
        if self._state in _FINAL:
            raise LocalProtocolError(f"bytes given to a connection that is {self._state.value}")
        self._frames.feed(chunk)

    def receive_end(self) -> None:
        """Note that the peer will send no more.

        Raises:
            RemoteProtocolError: It stopped inside a message.
        """
        if self._state is State.FAILED:
            return
        self._state = State.CLOSED
        if self._frames.is_mid_message:
            raise RemoteProtocolError("the peer closed the connection inside a message")

    def next_event(self) -> Event | None:
        """Return the next event, or None when more bytes are needed.

        Raises:
            RemoteProtocolError: The peer broke the protocol. The events before are all delivered; the
                connection has failed for good.
        """
        if self._state in _FINAL:
            return None
        try:
            text = self._frames.next_frame()
            if text is None:
                return None
            return self._event(self._parse(text))
        except RemoteProtocolError:
            self._state = State.FAILED
            raise

    def send_request(self, request: m.Request) -> tuple[int, list[bytes]]:
        """Return the id that the reply will have, and the chunks to send. Clients only.

        Raises:
            LocalProtocolError: We are the server, are not registered, or a value cannot be sent.
        """
        self._must_be(Role.CLIENT)
        is_register = isinstance(request, m.Register)
        self._may_send(request, _REGISTER if is_register else _REQUEST)
        request_id = self._sent_requests + 1
        chunks = self._chunks(encode.request_element(request, request_id))
        self._sent_requests = request_id
        self._unanswered[request_id] = request
        self._registering(request)
        return request_id, chunks

    def send_reply(self, message_id: int, reply: m.AnyReply) -> list[bytes]:
        """Return the chunks that answer the request of that id. Servers only.

        A reply to Register with an error refuses the client: nothing may follow but closing.

        Raises:
            LocalProtocolError: We are the client, no such request waits, or a value cannot be sent.
        """
        self._must_be(Role.SERVER)
        self._may_send(reply, _REPLY)
        request = self._unanswered.get(message_id)
        if request is None:
            raise LocalProtocolError(f"no request {message_id} waits for a reply")
        chunks = self._chunks(encode.reply_element(reply, message_id))
        del self._unanswered[message_id]
        self._registered(request, reply)
        return chunks

    def send_notice(self, notice: m.Notice) -> list[bytes]:
        """Return the chunks of a notice. Servers only, to a client that is registered.

        Raises:
            LocalProtocolError: We are the client, nobody is registered, or a value cannot be sent.
        """
        self._must_be(Role.SERVER)
        self._may_send(notice, _REQUEST)
        return self._chunks(encode.notice_element(notice))

    def drop_request(self, message_id: int) -> None:
        """Forget a received request that gets no reply (lrmd_check). Servers only."""
        self._must_be(Role.SERVER)
        self._unanswered.pop(message_id, None)

    def close(self) -> None:
        """End the connection from our side; what still comes is not looked at."""
        if self._state is not State.FAILED:
            self._state = State.CLOSED

    def _parse(self, text: bytes) -> element.Element:
        try:
            return element.parse(text, self._limits)
        except MarkupError:
            mended = mend_result(text)
            if self.role is Role.SERVER or mended == text:
                raise
            return element.parse(mended, self._limits)

    def _event(self, root: element.Element) -> Event:
        if self.role is Role.SERVER:
            return self._request_event(root)
        kind = decode.message_type(root)
        if kind == "reply":
            return self._reply_event(root)
        if kind == "notify":
            self._may_receive("notice", _NOTICE)
            return NoticeReceived(decode.notice_of(root))
        raise MessageError(f"neither a reply nor a notice: {kind[:40]!r}")

    def _request_event(self, root: element.Element) -> Event:
        if decode.message_type(root) != "request":
            raise MessageError(f"not a request: {decode.message_type(root)[:40]!r}")
        message_id, request = decode.message_id(root), decode.request_of(root)
        is_register = isinstance(request, m.Register)
        self._may_receive(type(request).__name__, _REGISTER if is_register else _REQUEST)
        if message_id < 1 or message_id in self._unanswered:
            raise MessageError(f"request id {message_id} is not new")
        self._unanswered[message_id] = request
        self._registering(request)
        return RequestReceived(message_id, request)

    def _reply_event(self, root: element.Element) -> Event:
        self._may_receive("reply", _REPLY)
        message_id = decode.message_id(root)
        request = self._unanswered.pop(message_id, None)
        if request is None:
            raise MessageError(f"a reply to request {message_id}, which waits for none")
        reply = decode.reply_of(root, request)
        self._registered(request, reply)
        return ReplyReceived(message_id, request, reply)

    def _registering(self, request: m.Request) -> None:
        if isinstance(request, m.Register) and self._state is State.NEW:
            self._state = State.REGISTERING

    def _registered(self, request: m.Request, reply: m.AnyReply) -> None:
        if isinstance(request, m.Register):
            self._state = State.OPEN if reply.rc == 0 else State.REFUSED

    def _chunks(self, root: element.Element) -> list[bytes]:
        chunks = encode_frame(element.write(root), self._sent_messages + 1)
        self._sent_messages += 1
        return chunks

    def _must_be(self, role: Role) -> None:
        if self.role is not role:
            raise LocalProtocolError(f"only a {role.value} does that")

    def _may_send(self, message: object, states: frozenset[State]) -> None:
        if self._state not in states:
            raise LocalProtocolError(f"{type(message).__name__} on a connection that is {self._state.value}")

    def _may_receive(self, what: str, states: frozenset[State]) -> None:
        if self._state not in states:
            raise MessageError(f"{what} on a connection that is {self._state.value}")
