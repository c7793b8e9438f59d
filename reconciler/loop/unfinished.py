"""Actions that were begun and whose result did not come: finds out what became of them, and writes it down.

An operation on an agent is settled by the next connection, which waits for what is in flight there, or by the end of
the node's life. A guest's start is settled when its domain is seen, or is still not there when the hypervisor must
have given up: the start may go on for as long though the connection, or the controller that asked for it, is gone.
Until then nobody knows whether the guest will be there.
"""

from collections.abc import Mapping

from reconciler.act.outcome import Outcome
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.operation import OCF_ERR_GENERIC, OCF_OK, OperationResult
from reconciler.model.transition import ActionKind
from reconciler.ports import Clock, Domain, IntentRecord, Journal, LogEntry

GUEST_LIMIT_S = 90.0
"""After which a hypervisor has ended a start or stop whatever became of the connection: 60 s, as
world/libvirt/guests.py allows, and the time that a reading which was begun before may take.
"""


class Unfinished:
    """What is in doubt; one writer."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        # By the monotonic clock from when we learnt of it: the wall clock in the record may have jumped.
        self._open = {i.uid: (i, clock.monotonic()) for i in journal.open_intents()}

    def note(self, outcome: Outcome) -> None:
        """Take in an action whose outcome is unknown."""
        if outcome.is_unknown and outcome.written is not None:
            self._open[outcome.uid] = (outcome.written, self._clock.monotonic())

    def resources(self) -> frozenset[ResourceId]:
        """Return what an action is in doubt about."""
        return frozenset(i.resource for i, _ in self._open.values() if i.resource is not None)

    def starting(self, host: NodeName) -> frozenset[ResourceId]:
        """Return what may be starting on a host."""
        return frozenset(
            i.resource
            for i, _ in self._open.values()
            if i.node == host and i.kind == ActionKind.START.value and i.resource is not None
        )

    def see_domains(
        self, host: NodeName, guests: frozenset[ResourceId], seen: Mapping[ResourceId, Domain]
    ) -> None:
        """Settle what a reading of a host's hypervisor tells.

        Args:
            host: that was read.
            guests: those that the reading is about, whether they are there or not.
            seen: those of our cluster that are there.
        """
        for intent, since in list(self._open.values()):
            if intent.node != host or intent.resource is None or intent.resource not in guests | set(seen):
                continue
            domain = seen.get(intent.resource)
            is_start = intent.kind == ActionKind.START.value
            is_done = domain is not None and domain.uid == intent.uid if is_start else domain is None
            if is_done:
                self._settle(intent, OCF_OK, "found out by a reading of the hypervisor")
            elif self._clock.monotonic() >= since + GUEST_LIMIT_S:
                self._settle(
                    intent, OCF_ERR_GENERIC, "it had no effect, as a reading of the hypervisor tells"
                )

    def see_node(self, node: NodeName, guests: frozenset[ResourceId]) -> None:
        """Settle all operations on a node whose agent was connected: its instances tell what became of them."""
        for intent, _ in list(self._open.values()):
            if intent.node == node and intent.resource not in guests:
                self._settle(intent, OCF_OK, "found out when its node was connected")

    def see_ends(self, running: Mapping[NodeName, str], unsure: frozenset[NodeName]) -> None:
        """Settle all operations in guests that have ended.

        Args:
            running: the life, by the uid of its guest's start, of each guest node that runs.
            unsure: the nodes that this says nothing about: hosts, and guests that nobody knows of whether they run.
        """
        for intent, _ in list(self._open.values()):
            if intent.node not in unsure and intent.incarnation != running.get(intent.node):
                self._settle(intent, OCF_ERR_GENERIC, "it ended with its node")

    def see_death(self, node: NodeName) -> None:
        """Settle everything on a node that is dead."""
        for intent, _ in list(self._open.values()):
            if intent.node == node:
                self._settle(intent, OCF_ERR_GENERIC, "it ended with its node")

    def _settle(self, intent: IntentRecord, rc: int, reason: str) -> None:
        assert intent.resource is not None
        result = OperationResult(
            resource=intent.resource, operation=intent.kind, rc=rc, reason=reason, uid=intent.uid
        )
        entry = LogEntry(node=intent.node, result=result, finished_at=self._clock.now(), commit=intent.commit)
        self._journal.finish(intent.uid, entry)
        del self._open[intent.uid]
