"""The controller as the simulation runs it: started, killed, started again, on the same world and journal."""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.loop.reconciler import Reconciler
from reconciler.model.event import Event
from reconciler.model.history import History
from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress
from reconciler.model.observed import Observed
from reconciler.model.transition import Transition
from reconciler.plan.check import check
from reconciler.plan.schedule import schedule
from reconciler.ports import Ports
from reconciler.settings import Settings
from reconciler.sim.chance import Chance
from reconciler.sim.clock import Inline, VirtualClock
from reconciler.sim.hypervisor import SimHypervisor
from reconciler.sim.journal import MemoryJournal, Pages
from reconciler.sim.life import KilledError, Life
from reconciler.sim.links import SimLinks
from reconciler.sim.machines import Machines
from reconciler.sim.repository import Commits, SimRepository
from reconciler.sim.truth import Truth
from reconciler.sim.witness import Witness


class SimKeys:
    """The Keys port: every node has a key."""

    def key_of(self, cluster: Cluster, node: NodeName, agent: AgentAddress) -> bytes | None:
        """Return a node's key."""
        return f"{cluster.name}/{node}/{agent.port}/{agent.key_epoch}".encode()


@dataclass(slots=True, kw_only=True)
class Controller:
    """At most one Reconciler at a time."""

    group: asyncio.TaskGroup
    truth: Truth
    machines: Machines
    commits: Commits
    chance: Chance
    pages: Pages = field(default_factory=Pages)
    clock: VirtualClock = field(default_factory=VirtualClock)
    compute: Inline = field(default_factory=Inline)
    on_event: Callable[[Event], None] = lambda _: None
    lives: int = 0
    reconciler: Reconciler | None = None
    life: Life | None = None
    links: SimLinks | None = None
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin a life, unless one is going on."""
        if self.life is not None and not self.life.is_dead:
            return
        self.lives += 1
        life = self.life = Life(self._died)
        chance = self.chance.fork(f"life{self.lives}")
        witness = Witness(
            truth=self.truth,
            pages=self.pages,
            intents=self.commits.intents,
            node_of_uid=self.machines.node_of_uid,
            observed=self._observed,
        )
        self.links = SimLinks(self.machines, witness, chance.fork("links"), life)
        ports = Ports(
            repository=SimRepository(self.commits, self.machines, chance.fork("repository"), life),
            hypervisor=SimHypervisor(self.machines, witness, chance.fork("hypervisor"), life),
            links=self.links,
            keys=SimKeys(),
            journal=MemoryJournal(self.pages, life),
            clock=self.clock,
            compute=self.compute,
        )
        self.truth.note("controller", "", "", f"life {self.lives}")
        self.reconciler = Reconciler(ports, Settings(), self._see_event, self._see_plan)
        self._task = self.group.create_task(self._live(self.reconciler, life))

    def kill(self) -> None:
        """End the present life where it stands."""
        if self.life is not None:
            self.life.die()

    def lose_journal(self) -> None:
        """Lose all that was written, but for the epoch: it is not to fall."""
        self.pages = Pages(epoch=self.pages.epoch)

    def _observed(self) -> Observed:
        return Observed() if self.reconciler is None else self.reconciler.observed

    async def _live(self, reconciler: Reconciler, life: Life) -> None:
        try:
            await reconciler.run(once=False)
        except* KilledError:
            pass
        except* Exception as errors:  # noqa: BLE001  whatever breaks the loop is what is looked for
            if not life.is_dead:
                self.truth.violate("crash", f"the controller broke: {innermost(errors)!r}")
                self.truth.crash_text = "".join(traceback.format_exception(errors))

    def _died(self) -> None:
        self.truth.note("controller", "", "", "killed")
        if self.links is not None:
            self.links.sever()
        self.reconciler = None
        if self._task is not None:
            self._task.cancel()

    def _see_event(self, event: Event) -> None:
        self.truth.note("event", event.subject, "", f"{event.code}: {event.text}")
        if event.code == "invariant":
            self.truth.violate("check", event.text)
        if "internal error" in event.text:
            self.truth.violate("crash", event.text)
        self.on_event(event)

    def _see_plan(
        self, intent: Intent, observed: Observed, history: History, now: float, transition: Transition
    ) -> None:
        """Take a plan, which may have been made for a part of the world only, for right if it is that for all."""
        if transition != check(schedule(intent, observed, history, now), intent, observed).transition:
            self.truth.violate("plan", "the plan for a part is not the plan for all")


def innermost(error: BaseException) -> BaseException:
    """Return the first error in a tree of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
