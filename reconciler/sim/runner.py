"""Runs one seed: a random declaration, a random schedule of faults, the real loop; then the faults stop.

From then on the world must come to be as asked within a time, or the controller must say what is in the way. An
operator answers what only a person can; after that nothing may be in the way any more.
"""

import asyncio
import traceback
from dataclasses import dataclass, replace

from reconciler.loop.reconciler import Reconciler
from reconciler.loop.unfinished import GUEST_LIMIT_S
from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId
from reconciler.model.transition import Blocked
from reconciler.plan.schedule import schedule
from reconciler.ports import Domain
from reconciler.settings import Settings
from reconciler.sim import eventloop
from reconciler.sim.chance import Chance
from reconciler.sim.controller import Controller, innermost
from reconciler.sim.declarations import Declarations
from reconciler.sim.faults import Faults
from reconciler.sim.incidents import Incidents
from reconciler.sim.judge import Judgement, judge
from reconciler.sim.machines import Machines
from reconciler.sim.operator import operate
from reconciler.sim.repository import Commits
from reconciler.sim.truth import Truth
from reconciler.sim.witness import STRANGER

TROUBLE_S = (60.0, 240.0)
"""How long things go wrong."""

SETTLE_S = 900.0
"""Within which the world is as asked, or what is in the way is said: the longest pause of a retry is 300 s."""

DOUBT_S = GUEST_LIMIT_S + 2 * Settings().resync_s
"""Within which a controller has found out what became of all that was begun: a guest that was removed while its start
was under way keeps nothing else waiting, so the world may be as asked long before.
"""

QUIET_S = 45.0
"""For which a new controller must leave a world alone that is as asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a simulation ended."""

    seed: int
    violations: tuple[str, ...]
    ledger: tuple[str, ...]
    ended_at_s: float
    """Virtual seconds."""


class Simulation:
    """One seed's world."""

    def __init__(self, seed: int, group: asyncio.TaskGroup, faults: Faults, truth: Truth) -> None:
        chance = Chance(str(seed))
        self.truth = truth
        self.machines = Machines(self.truth, chance.fork("machines"), faults)
        self.declarations = Declarations(chance.fork("declarations"), faults)
        self.commits = Commits()
        self.controller = Controller(
            group=group,
            truth=self.truth,
            machines=self.machines,
            commits=self.commits,
            chance=chance.fork("controller"),
        )
        self.incidents = Incidents(self.controller, self.declarations, chance.fork("incidents"), faults)
        self.trouble_s = chance.between(*TROUBLE_S)
        self.commits.add(self.declarations.files, self.declarations.intent)
        self.machines.add_hosts(self.declarations.intent)
        for machine in self.machines.hosts.values():
            machine.strangers = (_stranger(),)

    @property
    def reconciler(self) -> Reconciler:
        """Return the controller that runs."""
        assert self.controller.reconciler is not None
        return self.controller.reconciler

    async def run(self) -> None:
        """Go through trouble, and see the world settle."""
        self.controller.start()
        await self.incidents.run(self.trouble_s)
        left = await self._settle()
        if left.blocked or left.unexplained:
            for _ in range(5):
                await operate(self.reconciler, self.machines, self.commits.last_good)
                left = await self._settle()
                if not left.blocked:
                    break
        self._report(left)
        if not self.truth.violations:
            self._check_empty_plan()
            await self._check_new_controller()

    async def _settle(self) -> Judgement:
        """Wait until the world is as asked, or its time is up; return what is left."""
        waited_s = 0.0
        while True:
            await asyncio.sleep(2.0)
            waited_s += 2.0
            if self.truth.violations:
                return Judgement(unexplained=(), blocked=())
            if self.controller.reconciler is None:
                self.controller.start()  # it was to die at its next call of a port, which came after the trouble
                continue
            reconciler = self.reconciler
            is_as_committed = reconciler.memory.intent == self.commits.last_good
            is_idle = is_as_committed and reconciler.is_settled and self._sees_all() and not self._hangs()
            left = judge(self.commits.last_good, reconciler.transition, self.truth, self.machines)
            is_in_doubt = waited_s <= DOUBT_S and bool(self.controller.pages.intents)
            is_quiet = is_idle and reconciler.transition.recheck_at is None and not is_in_doubt
            if is_quiet and not left.unexplained and not left.blocked:
                return left
            is_stuck = is_quiet and waited_s > 60.0
            if is_stuck or waited_s > SETTLE_S:
                if not is_idle:
                    self.truth.violate("I5", f"after {SETTLE_S:g} s it is still busy: {left}")
                return left

    def _sees_all(self) -> bool:
        """Tell whether every hypervisor answered last time: else what is as asked as yet may have a better place."""
        unread = self.reconciler.memory.hypervisors.errors
        return not [host for host, _ in unread if host in self.commits.last_good.hosts]

    def _hangs(self) -> bool:
        """Tell whether an operation hangs that was begun in trouble: it is to fail yet."""
        now_s = asyncio.get_running_loop().time()
        return any(agent.hangs_until_s > now_s for agent in self.machines.agents().values())

    def _report(self, left: Judgement) -> None:
        for text in left.unexplained:
            self.truth.violate("I5", f"not as asked, and nothing says why: {text}")
        intent = self.commits.last_good
        for text in left.blocked:
            if not self._is_by_declaration(intent, ResourceId(text.partition(":")[0])):
                said = [f"{b.address}: {b.text}" for b in self._blocked()]
                self.truth.violate("I5", f"blocked though no fault is left: {text}; it says {said}")

    def _is_by_declaration(self, intent: Intent, name: ResourceId) -> bool:
        """Tell whether its declaration is in the way: it would be in a fresh world too, or says maintenance."""
        own = [b.text for b in self._blocked() if b.address.endswith(f"/{name}")]
        if any("in maintenance" in text or "constraints leave no node" in text for text in own):
            return True
        observed = replace(self.reconciler.observed, instances={}, pending=())
        fresh = schedule(intent, observed, self.reconciler.memory.history, self.controller.clock.now())
        return any(b.address.partition("/")[2] == name for b in fresh.blocked)

    def _blocked(self) -> tuple[Blocked, ...]:
        return self.reconciler.transition.blocked

    def _check_empty_plan(self) -> None:
        """I4: what is as asked needs nothing."""
        reconciler = self.reconciler
        assert reconciler.memory.intent is not None
        now = self.controller.clock.now()
        plan = schedule(reconciler.memory.intent, reconciler.observed, reconciler.memory.history, now)
        if plan.actions or plan.changes:
            names = ", ".join(sorted(plan.actions))
            self.truth.violate("I4", f"the world is as asked, and the plan has {names} {plan.changes}")
        open_intents = list(self.controller.pages.intents.values())
        if open_intents:
            self.truth.violate("I10", f"what became of it was never found out: {open_intents[0]}")

    async def _check_new_controller(self) -> None:
        """I9: another start of the controller changes nothing."""
        if self.reconciler.transition.recheck_at is not None:
            return  # something is going to be tried again anyway
        before = sum(entry.what in {"start", "stop", "stopped"} for entry in self.truth.ledger)
        self.controller.kill()
        self.controller.start()
        await asyncio.sleep(QUIET_S)
        after = [entry for entry in self.truth.ledger if entry.what in {"start", "stop", "stopped"}][before:]
        if after:
            self.truth.violate("I9", f"a new controller changed what was as asked: {after[0]}")


def run_seed(seed: int, faults: Faults | None = None) -> Outcome:
    """Run one seed to its end; whatever breaks is a violation, with its traceback in the ledger."""
    truth = Truth()
    try:
        ended_at_s = eventloop.run(_run(seed, faults or Faults(), truth))
    except Exception as error:  # noqa: BLE001  a seed that breaks the simulation has found something too
        ended_at_s = 0.0
        truth.violations.append(f"crash: {innermost(error)!r}")
        truth.crash_text = traceback.format_exc()
    return Outcome(
        seed=seed,
        violations=tuple(truth.violations),
        ledger=(*map(str, truth.ledger), *truth.crash_text.splitlines()),
        ended_at_s=ended_at_s,
    )


async def _run(seed: int, faults: Faults, truth: Truth) -> float:
    async with asyncio.TaskGroup() as group:
        simulation = Simulation(seed, group, faults, truth)
        try:
            async with asyncio.TaskGroup() as inner:
                inner.create_task(simulation.run())
        finally:
            simulation.controller.kill()
    return asyncio.get_running_loop().time()


def _stranger() -> Domain:
    return Domain(
        resource=ResourceId(f"{STRANGER}-vm"), cluster="other", digest="", uid="stranger", is_running=True
    )
