"""One connection to an agent after the handshake: asks, gets replies and notices, keeps up the heartbeat.

It must not know operations or nodes. It makes no task: bytes and timers call it, and callers wait for futures.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from agent import wire
from reconciler.model.errors import LinkError, OutcomeUnknownError
from reconciler.model.node import LinkReason
from reconciler.world.links.channel import Channel, Stream

_MID_MESSAGE_S = 10.0
"""How long a message may take from its first byte to its last."""

_LATE = 0.25
"""The part of the allowed silence by which our own timers may be late without making a verdict void."""

OnReply = Callable[[wire.AnyReply], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """When to ask whether the agent is alive, and when to believe that it is not."""

    interval_s: float
    """Between pokes."""
    silence_s: float
    """Without a single byte from the agent."""
    reply_s: float
    """For the reply to any request."""


class AgentClient:
    """A registered or registering client of one agent.

    Args:
        channel: It belongs to the client from here on.
        pulse: The heartbeat.
        on_notice: Gets what the agent says unasked.
        on_end: Called once with the reason when the connection ends; never for `close`.
    """

    def __init__(
        self,
        channel: Channel,
        pulse: Pulse,
        on_notice: Callable[[wire.Notice], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._pulse = pulse
        self._on_notice = on_notice
        self._on_end = on_end
        self._wire = wire.Connection(wire.Role.CLIENT)
        self._asked: dict[int, tuple[asyncio.Future[wire.AnyReply], OnReply | None]] = {}
        self._end_text = ""
        self._heard_at = self._loop.time()
        self._mid_message_since: float | None = None
        self._poke: asyncio.Future[wire.AnyReply] | None = None
        self._poked_at = 0.0
        self._beat_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._stream = Stream(channel, self._take, self.end)

    @property
    def is_open(self) -> bool:
        """Tell whether requests can be sent."""
        return not self._end_text

    async def ask(self, request: wire.Request, on_reply: OnReply | None = None) -> wire.AnyReply:
        """Send a request and return its reply.

        Args:
            request: What to ask.
            on_reply: Called with the reply before anything that came after it is looked at, even when nobody
                waits any more.

        Raises:
            OutcomeUnknownError: It was sent, and the connection ended or the reply stayed out.
            LinkError: It was not sent.
        """
        future = self._send(request, on_reply)
        try:
            async with asyncio.timeout(self._pulse.reply_s):
                return await future
        except TimeoutError as error:
            text = f"no reply to {type(request).__name__} within {self._pulse.reply_s:g} s"
            self.end(text)
            raise OutcomeUnknownError(LinkReason.SILENT, text) from error

    def tell(self, request: wire.Request) -> None:
        """Send a request whose reply does not matter; nothing happens when the connection has ended."""
        if self.is_open:
            _ = self._send(request, None)

    def start_heartbeat(self) -> None:
        """Begin to watch over the agent; it must be registered."""
        self._heard_at = self._beat_at = self._loop.time()
        self._schedule()

    def close(self) -> None:
        """End the connection from our side."""
        self._finish("the connection was closed by us")

    def end(self, text: str) -> None:
        """End the connection because it is no good, and say why."""
        if self.is_open:
            self._finish(text)
            self._on_end(text)

    def _send(self, request: wire.Request, on_reply: OnReply | None) -> asyncio.Future[wire.AnyReply]:
        if not self.is_open:
            raise LinkError(LinkReason.LOST, self._end_text)
        try:
            message_id, chunks = self._wire.send_request(request)
        except wire.LocalProtocolError as error:
            raise LinkError(LinkReason.GARBAGE, f"the request cannot be sent: {error}") from error
        future: asyncio.Future[wire.AnyReply] = self._loop.create_future()
        self._asked[message_id] = (future, on_reply)
        self._stream.send(chunks)
        return future

    def _finish(self, text: str) -> None:
        if not self.is_open:
            return
        self._end_text = text
        self._stream.close()
        if self._timer is not None:
            self._timer.cancel()
        asked, self._asked = self._asked, {}
        for future, _ in asked.values():
            if not future.done():
                future.set_exception(OutcomeUnknownError(LinkReason.LOST, text))
                future.exception()  # nobody may wait for it, as for a poke's

    def _take(self, chunk: bytes) -> None:
        self._heard_at = self._loop.time()
        try:
            self._wire.receive_bytes(chunk)
            while self.is_open and (event := self._wire.next_event()) is not None:
                self._mid_message_since = None
                self._take_event(event)
        except wire.RemoteProtocolError as error:
            self.end(f"the agent broke the protocol: {error}")
            return
        if not self._wire.is_mid_message:
            self._mid_message_since = None
        elif self._mid_message_since is None:
            self._mid_message_since = self._heard_at

    def _take_event(self, event: wire.Event) -> None:
        if isinstance(event, wire.NoticeReceived):
            self._on_notice(event.notice)
            return
        assert isinstance(event, wire.ReplyReceived), "a client gets replies and notices only"
        future, on_reply = self._asked.pop(event.message_id)
        if on_reply is not None:
            on_reply(event.reply)
        if not future.done():
            future.set_result(event.reply)

    def _schedule(self) -> None:
        due = min(self._beat_at + self._pulse.interval_s, self._heard_at + self._pulse.silence_s)
        self._timer = self._loop.call_at(due, self._beat, due)

    def _beat(self, due: float) -> None:
        """Judge, and poke when it is time.

        A verdict needs a loop that was awake: when we come late, the agent gets as much longer.
        """
        now = self._loop.time()
        late = now - due
        if late > self._pulse.silence_s * _LATE:
            self._heard_at = min(now, self._heard_at + late)
        if now >= self._heard_at + self._pulse.silence_s:  # the same sums as in `_schedule`
            self.end(f"the agent was silent for {self._pulse.silence_s:g} s")
            return
        if self._mid_message_since is not None and now - self._mid_message_since > _MID_MESSAGE_S:
            self.end("the agent stopped inside a message")
            return
        if now >= self._beat_at + self._pulse.interval_s:
            self._beat_at = now
            self._poke_again(now)
        if self.is_open:
            self._schedule()

    def _poke_again(self, now: float) -> None:
        if self._poke is None or self._poke.done():
            self._poked_at = now
            self._poke = self._send(wire.Poke(), None)
        elif now - self._poked_at >= self._pulse.reply_s:
            self.end(f"no reply to a poke within {self._pulse.reply_s:g} s")
