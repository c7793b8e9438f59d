"""The programs of one node: their connections, in the order of their messages, within limits.

It must not know what messages mean: the daemons that we stand in for do. A program that asks too much waits, and one
that does not wait is cut off, so that no node can keep us from the others.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from agent import wire
from reconciler.model.names import NodeName
from reconciler.ports import ClusterView, LinkListener
from reconciler.world.channel import attrd, cib, controld, fenced
from reconciler.world.channel.answer import Answer, Question
from reconciler.world.channel.cib_view import cib_of
from reconciler.world.links.translate import one_line

log = logging.getLogger(__name__)

MAX_SESSIONS = 32
"""Connections of one node's programs."""

MAX_WAITING = 64
"""Messages of one node that wait for their turn; one more, and its program is cut off."""

MESSAGES_PER_S = 20.0
MAX_BURST = 200.0
_DEAR = 4.0
"""Messages that a change counts for, as it is written to the journal and asks for a new plan, or a refusal, which is
written to the log."""

CIB_RO, CIB_RW = "cib_ro", "cib_rw"
_DAEMONS = frozenset({"attrd", "crmd", "stonith-ng", CIB_RO, CIB_RW})


@dataclass(slots=True)
class CibCache:
    """The view of the cluster as a CIB, made once for all who ask while nothing changes."""

    view: ClusterView | None = None
    root: etree._Element | None = None

    def of(self, view: ClusterView) -> etree._Element:
        """Return the root of the view."""
        if self.root is None or view != self.view:
            self.view, self.root = view, cib_of(view)
        return self.root


class Channel:
    """Answers the programs of one node, as long as its link is connected.

    Args:
        node: The node.
        listener: Knows the cluster, and hears of changes.
        tell: Sends to the agent.
        cache: Shared by all nodes.
    """

    def __init__(
        self,
        node: NodeName,
        listener: LinkListener,
        tell: Callable[[wire.ProxyToAgent], None],
        cache: CibCache,
    ) -> None:
        self._node = node
        self._listener = listener
        self._tell = tell
        self._cache = cache
        self._daemons: dict[str, str] = {}
        """Whom each connected program talks to."""
        self._waiting: list[wire.ProxyRequest] = []
        self._loop = asyncio.get_running_loop()
        self._credit = MAX_BURST
        self._counted_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def take(self, notice: wire.ProxyNew | wire.ProxyRequest | wire.ProxyDestroy) -> None:
        """Take in what the agent says about a program."""
        match notice:
            case wire.ProxyNew():
                self._begin(notice)
            case wire.ProxyDestroy():
                self._daemons.pop(notice.session, None)
            case wire.ProxyRequest():
                if notice.session not in self._daemons:
                    self._tell(wire.ProxyDestroy(notice.session))
                elif len(self._waiting) >= MAX_WAITING:
                    self._refuse(notice, "messages faster than they can be answered")
                else:
                    self._waiting.append(notice)
                    self._go_on()

    def close(self) -> None:
        """Forget all programs; the agent ends their connections itself."""
        self._daemons.clear()
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self, notice: wire.ProxyNew) -> None:
        if notice.server not in _DAEMONS or len(self._daemons) >= MAX_SESSIONS:
            why = "too many at once" if notice.server in _DAEMONS else "there is no such daemon"
            self._warn(f"a connection to {notice.server[:40]}: {why}", "")
            self._tell(wire.ProxyDestroy(notice.session))
            return
        self._daemons[notice.session] = notice.server

    def _go_on(self) -> None:
        """Answer what waits, as far as the node's allowance goes; the rest later."""
        now = self._loop.time()
        self._credit = min(MAX_BURST, self._credit + (now - self._counted_at) * MESSAGES_PER_S)
        self._counted_at = now
        while self._waiting and self._credit >= 1:
            self._credit -= 1
            self._answer(self._waiting.pop(0))
        if self._waiting and (self._timer is None or self._timer.when() <= now):
            self._timer = self._loop.call_later((1 - self._credit) / MESSAGES_PER_S, self._go_on)

    def _answer(self, request: wire.ProxyRequest) -> None:
        daemon = self._daemons.get(request.session)
        if daemon is None:
            return  # it has gone while its message waited
        answer = self._ask(daemon, request)
        self._credit -= _DEAR * (len(answer.changes) + bool(answer.refused))
        for change in answer.changes:
            self._listener.on_attribute(self._node, change)
        if answer.refused:
            self._warn(answer.refused, request.client)
        if answer.refused and answer.response is None and answer.event is None:
            self._refuse(request, "")
            return
        if answer.event is not None:
            self._tell(wire.ProxyEvent(request.session, answer.event))
        if answer.response is not None and request.flags & wire.PROXY_FLAG_RESPONSE_EXPECTED:
            self._tell(wire.ProxyResponse(request.session, request.message_id, answer.response))

    def _ask(self, daemon: str, request: wire.ProxyRequest) -> Answer:
        view = self._listener.view()
        question = Question(node=self._node, session=request.session, body=request.body, view=view)
        if daemon == "attrd":
            return attrd.answer(question)
        if daemon == "crmd":
            return controld.answer(question)
        if daemon == "stonith-ng":
            return fenced.answer(question)
        return cib.answer(question, self._cache.of(view), is_writable=daemon == CIB_RW)

    def _refuse(self, request: wire.ProxyRequest, what: str) -> None:
        if what:
            self._warn(what, request.client)
        self._daemons.pop(request.session, None)
        self._tell(wire.ProxyDestroy(request.session))

    def _warn(self, what: str, client: str) -> None:
        action = one_line(f"{what[:200]} ({client[:80]})" if client else what[:200])
        log.warning("refused a program on a node", extra={"node": self._node, "action": action})
