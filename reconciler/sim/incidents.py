"""Lets things go wrong, one after another, at random; and puts an end to it."""

import asyncio
from collections.abc import Callable
from functools import partial

from reconciler.model.attribute import PROMOTION_PREFIX, AttributeChange
from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress
from reconciler.settings import pace_of
from reconciler.sim.agent import SimAgent
from reconciler.sim.chance import Chance
from reconciler.sim.controller import Controller
from reconciler.sim.declarations import Declarations
from reconciler.sim.faults import Faults, without_faults
from reconciler.sim.machines import Machines
from reconciler.sim.operator import order_adoption
from reconciler.sim.repository import Commits
from reconciler.sim.truth import is_guest


class Incidents:
    """Everything that happens to one world from outside."""

    def __init__(
        self,
        controller: Controller,
        declarations: Declarations,
        chance: Chance,
        faults: Faults,
    ) -> None:
        self._controller = controller
        self._machines: Machines = controller.machines
        self._commits: Commits = controller.commits
        self._declarations = declarations
        self._chance = chance
        self._faults = faults
        self._is_over = False

    async def run(self, duration_s: float) -> None:
        """Let things go wrong for a while, then never again: all that was away comes back."""
        kinds = [kind for kind, weight in self._faults.incidents() for _ in range(weight)]
        end = asyncio.get_running_loop().time() + duration_s
        while True:
            await asyncio.sleep(self._chance.between(*self._faults.incident_s))
            if asyncio.get_running_loop().time() >= end:
                break
            kind = self._chance.pick(kinds)
            getattr(self, f"_{kind}")()
        self._heal()

    def _heal(self) -> None:
        """End all faults, now; what had effect already stays so."""
        self._is_over = True
        self._controller.truth.note("healed", "", "")
        machines = self._machines
        machines.set_faults(without_faults(self._faults))
        for affected in (
            machines.network.cut_off,
            machines.network.hung,
            machines.network.wrong_key,
            machines.network.hypervisors_cut_off,
        ):
            affected.clear()
        for machine in machines.hosts.values():
            machines.come_up(machine)
        for agent in machines.agents().values():
            if agent.is_leaving:
                agent.kill()  # whoever asked it to stop waits no longer
            machines.after(self._faults.boot_s, agent.boot)
        if (self._commits.trees[-1].source.commit or "") not in self._commits.intents:
            self._commit_again()
        if self._controller.life is not None:
            self._controller.life.spare()
        self._controller.start()

    def _later(self, range_s: tuple[float, float], then: Callable[[], None]) -> None:
        """Do something after a while, unless the faults are over by then."""

        def unless_over() -> None:
            if not self._is_over:
                then()

        self._machines.after(range_s, unless_over)

    def _crash_resource(self) -> None:
        truth = self._controller.truth
        alive = [c for c, f in truth.copies.items() if f.is_started and f.is_alive and not is_guest(c)]
        if alive:
            truth.crash(self._chance.pick(sorted(alive)))

    def _crash_guest(self) -> None:
        domains = self._machines.domains()
        if domains:
            machine, domain = self._chance.pick(domains)
            self._machines.destroy(machine, domain, "guest-died")

    def _hang_guest(self) -> None:
        domains = self._machines.domains()
        if domains:
            self._machines.hang(*self._chance.pick(domains))

    def _kill_agent(self) -> None:
        agents = [a for _, a in sorted(self._machines.agents().items()) if a.is_listening]
        if agents:
            agent = self._chance.pick(agents)
            self._controller.truth.note("agent-killed", "", agent.node)
            agent.kill()
            self._later(self._faults.outage_s, agent.boot)

    def _leave_agent(self) -> None:
        agents = [
            a for _, a in sorted(self._machines.agents().items()) if a.is_listening and not a.is_leaving
        ]
        if agents:
            agent = self._chance.pick(agents)
            self._controller.truth.note("agent-leaves", "", agent.node)
            agent.leave(partial(self._come_back, agent))

    def _come_back(self, agent: SimAgent) -> None:
        self._controller.truth.note("agent-left", "", agent.node)
        self._machines.after(self._faults.outage_s, agent.boot)

    def _adopt_machine(self) -> None:
        reconciler = self._controller.reconciler
        stock = [name for name, machine in sorted(self._machines.hosts.items()) if machine.is_stock]
        strange = [n for n in stock if n not in self._controller.pages.history.adopted]
        if strange and reconciler is not None:
            # Nobody waits for the answer: a controller that dies before it hears of it is told again.
            _ = order_adoption(reconciler, self._machines, self._chance.pick(strange))

    def _break_link(self) -> None:
        links = self._controller.links
        connected = [link for link in links.made if link.is_connected] if links else []
        if connected:
            self._chance.pick(connected).end("the connection broke")

    def _set_attribute(self) -> None:
        links = self._controller.links
        connected = [link for link in links.made if link.is_connected] if links else []
        if connected:
            link = self._chance.pick(connected)
            name = self._chance.pick(["load", "rack", f"{PROMOTION_PREFIX}r1"])
            value = self._chance.pick([None, "1", "2"])
            self._controller.truth.note("attribute", "", link.node, f"{name}={value}")
            link.say(AttributeChange(name=name, value=value, is_permanent=name == "rack"))

    def _cut_off_node(self) -> None:
        self._afflict(self._machines.network.cut_off, "cut-off")

    def _hang_agent(self) -> None:
        self._afflict(self._machines.network.hung, "agent-hangs")

    def _wrong_key(self) -> None:
        self._afflict(self._machines.network.wrong_key, "wrong-key")
        self._break_link()

    def _afflict(self, affected: set[NodeName], what: str) -> None:
        """Let something be the matter with a node's connections for a while; silence is noticed in time."""
        nodes = sorted(self._machines.agents())
        if not nodes:
            return
        node = self._chance.pick(nodes)
        if node in affected:
            return
        self._controller.truth.note(what, "", node)
        affected.add(node)
        self._later(self._faults.outage_s, lambda: affected.discard(node))
        if affected is not self._machines.network.wrong_key:
            limit_s = pace_of(AgentAddress().detect_ms).silence_s
            self._later((limit_s, limit_s), partial(self._fall_silent, node, affected, limit_s))

    def _fall_silent(self, node: NodeName, affected: set[NodeName], limit_s: float) -> None:
        links = self._controller.links
        if links is None or node not in affected:
            return
        for link in links.made:
            if link.node == node and link.is_connected and link.silence_s <= limit_s:
                link.end(f"nothing was heard for {limit_s:g} s")

    def _kill_controller(self) -> None:
        self._controller.kill()
        self._restart_controller()

    def _kill_controller_in_call(self) -> None:
        life = self._controller.life
        if life is not None and not life.is_dead:
            life.die_in_call(before=self._chance.happens(0.5))
            self._restart_controller()

    def _lose_journal(self) -> None:
        self._controller.kill()
        self._controller.truth.note("journal-lost", "", "")
        self._controller.lose_journal()
        # What only the journal knew of a guest's start that goes on is known to nobody: who replaces a lost journal
        # takes longer than a start does.
        longest_s = self._faults.guest_start_s[1]
        self._restart_controller((longest_s, longest_s + self._faults.controller_away_s[1]))

    def _restart_controller(self, away_s: tuple[float, float] | None = None) -> None:
        """Start the controller again, as systemd would; it may not be dead yet."""

        def start() -> None:
            self._controller.kill()
            self._controller.start()

        self._later(away_s or self._faults.controller_away_s, start)

    def _cut_off_hypervisor(self) -> None:
        host = self._chance.pick(sorted(self._machines.hosts))
        affected = self._machines.network.hypervisors_cut_off
        if host not in affected:
            self._controller.truth.note("hypervisor-off", "", host)
            affected.add(host)
            self._later(self._faults.outage_s, lambda: affected.discard(host))

    def _reboot_host(self) -> None:
        machine = self._machines.hosts[self._chance.pick(sorted(self._machines.hosts))]
        self._machines.go_down(machine)
        self._later(self._faults.outage_s, lambda: self._machines.come_up(machine))

    def _commit(self) -> None:
        if self._declarations.change():
            commit = self._commits.add(self._declarations.files, self._declarations.intent)
            self._controller.truth.note("commit", "", "", commit[:8])

    def _commit_bad(self) -> None:
        commit = self._commits.add(self._declarations.spoiled(), None)
        self._controller.truth.note("bad-commit", "", "", commit[:8])
        # Somebody puts it right in the end; what is in force until then is what was good before.
        self._later((5.0, 60.0), self._commit_again)

    def _commit_again(self) -> None:
        commit = self._commits.add(self._declarations.files, self._declarations.intent)
        self._controller.truth.note("commit", "", "", f"{commit[:8]}, as before the bad one")

    def _set_clock(self) -> None:
        step_s = self._chance.pick([-3600.0, -5.0, 5.0, 3600.0])
        self._controller.clock.ahead_s += step_s
        self._controller.truth.note("clock-set", "", "", f"{step_s:+g} s")
