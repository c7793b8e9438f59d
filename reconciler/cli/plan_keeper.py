"""Keeps the inputs of plans for `reconcile replay`, beside the loop: writing them out never delays an action."""

import asyncio
import logging
from collections import deque

from reconciler.load.record import dump_plan_input
from reconciler.model.errors import StateError
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.observed import Observed
from reconciler.model.transition import Transition
from reconciler.ports import Compute, Journal
from reconciler.report.plan import plan_document

log = logging.getLogger(__name__)

MAX_WAITING = 20
"""Inputs that are not written yet; the journal keeps no more either."""

Planned = tuple[Intent, Observed, History, float, Transition]


class PlanKeeper:
    """Writes the inputs of plans that do something to the journal."""

    def __init__(self, journal: Journal, compute: Compute) -> None:
        self._journal = journal
        self._compute = compute
        self._waiting: deque[Planned] = deque(maxlen=MAX_WAITING)
        self._wake = asyncio.Event()

    def note(
        self, intent: Intent, observed: Observed, history: History, now: float, transition: Transition
    ) -> None:
        """Take a plan in; costs nothing now."""
        if transition.actions:
            self._waiting.append((intent, observed, history, now, transition))
            self._wake.set()

    async def run(self) -> None:
        """Write what was taken in, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                planned = self._waiting[0]
                self._save(*await self._compute.run(_written, planned))
                if self._waiting and self._waiting[0] is planned:
                    self._waiting.popleft()

    def flush(self) -> None:
        """Write the rest, at the end."""
        while self._waiting:
            self._save(*_written(self._waiting.popleft()))

    def _save(self, text: str, plan_hash: str) -> None:
        try:
            self._journal.save_plan_input(text, plan_hash)
        except StateError as error:
            # A replay that is missing hurts less than a controller that ended.
            log.warning("cannot keep a plan's input: %s", error)


def _written(planned: Planned) -> tuple[str, str]:
    intent, observed, history, now, transition = planned
    plan_hash = str(plan_document(transition, None)["plan_hash"])
    return dump_plan_input(intent, observed, history, now), plan_hash
