"""The loop: wake, load, observe, plan if the baseline moved, check, launch what is ready, sleep.

The baseline is the last snapshot that held something unexpected. An action that ends as expected is ticked off and
does not move it; anything else does, and a new transition is planned at once, around what is in flight.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from reconciler.act.context import Context
from reconciler.act.outcome import Outcome
from reconciler.act.runner import Runner
from reconciler.loop.declaration import Declaration
from reconciler.loop.leaving import describe_leaving, is_drained
from reconciler.loop.looking import harmless
from reconciler.loop.memory import Memory
from reconciler.loop.readings import Readings
from reconciler.loop.unfinished import Unfinished
from reconciler.loop.words import describe_doing, describe_launch, describe_outcome, warning
from reconciler.model.attribute import AttributeChange
from reconciler.model.event import Event, Severity
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName
from reconciler.model.node import LinkReason
from reconciler.model.observed import Observed
from reconciler.model.operation import OperationResult
from reconciler.model.transition import Action, ActionKind, Transition
from reconciler.observe.domains import HypervisorKey
from reconciler.observe.nodes import NodeView, links_of
from reconciler.observe.snapshot import is_same
from reconciler.plan.check import check
from reconciler.plan.effects import advance
from reconciler.plan.replan import Rest, plan_after
from reconciler.ports import ClusterView, Domain, LogEntry, Ports
from reconciler.settings import Settings

log = logging.getLogger(__name__)

Planned = Callable[[Intent, Observed, History, float, Transition], None]
"""Is told every plan that is made, with its inputs."""


class Reconciler:
    """Keeps the world as the declaration asks; one per state folder."""

    def __init__(
        self,
        ports: Ports,
        settings: Settings,
        on_event: Callable[[Event], None],
        on_plan: Planned | None = None,
        adjust: Callable[[Intent], Intent] = lambda intent: intent,
    ) -> None:
        """Take the world; `adjust` changes what is declared before it is in force, such as stopping all of it."""
        self._ports, self._settings = ports, settings
        self._on_event = on_event
        self._on_plan = on_plan
        self._wake = asyncio.Event()
        self._round_ended = asyncio.Condition()
        self._rounds = 0
        self._is_done = False
        self.has_acted = False
        self._inbox: list[Callable[[], None]] = []
        self._moved: str | None = "start"
        self._planned_at = 0.0
        self._rest: Rest | None = None
        self._done: set[ActionId] = set()
        self._started: set[ActionId] = set()
        self._last_launch: tuple[frozenset[ActionId], float] = (frozenset(), 0.0)
        self._readings: Readings | None = None
        self._runner: Runner | None = None
        self._epoch = 0
        self.memory = Memory(
            journal=ports.journal,
            history=ports.journal.load_history(),
            unfinished=Unfinished(ports.journal, ports.clock),
        )
        self.declaration = Declaration(ports, self.memory, self.emit, adjust)
        self.transition = Transition(is_complete=False)
        self.observed = Observed()
        self._expected = Observed()

    async def run(self, *, once: bool, is_read_only: bool = False) -> None:
        """Reconcile until cancelled, or with `once` until nothing more can be done.

        Args:
            once: return when the world is as asked, or nothing more can be done.
            is_read_only: connect and probe, and carry out nothing else; for plans without a daemon.
        """
        self._epoch = 0 if is_read_only else self._ports.journal.next_epoch()
        async with asyncio.TaskGroup() as group:
            self._runner = Runner(group, lambda outcome: self._post(lambda: self._finish(outcome)))
            self._readings = Readings(
                group, self._ports.hypervisor, self._settings, self.memory.next_sequence, self._deliver
            )
            watch = self._ports.repository.watch
            watcher = None if once else group.create_task(watch(self.declaration_changed))
            try:
                while True:
                    self._is_done = await self._round(is_read_only=is_read_only)
                    self._rounds += 1
                    async with self._round_ended:
                        self._round_ended.notify_all()
                    if once and self._is_done:
                        return
                    await self._sleep()
            finally:
                self._readings.stop()
                if watcher is not None:
                    watcher.cancel()
                for link in links_of(self.memory.views).values():
                    await link.close()

    def declaration_changed(self) -> None:
        """Ask for the declaration to be read again."""
        self._post(self.declaration.invalidate)

    async def sync(self) -> None:
        """Read the declaration again, and return when nothing more can be done about it for now."""
        taken_in: list[int] = []

        def take_in() -> None:
            self.declaration.invalidate()
            taken_in.append(self._rounds)

        self._post(take_in)
        async with self._round_ended:
            await self._round_ended.wait_for(
                lambda: bool(taken_in) and self._rounds > taken_in[0] and self._is_done
            )

    def call(self, change: Callable[[Memory, float], str]) -> Awaitable[str]:
        """Carry out an operator's order between two rounds, and plan anew.

        Returns:
            What `change` returned, for the operator; errors it raises are passed on.
        """
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def carry_out() -> None:
            try:
                answer = change(self.memory, self._ports.clock.now())
            except Exception as error:  # noqa: BLE001  an order that is refused is the operator's, not the loop's
                future.set_exception(error)
            else:
                self._moved = "order"
                future.set_result(answer)

        self._post(carry_out)
        return future

    def waiting_for(self) -> tuple[str, ...]:
        """Say what is being waited for, the last to begin at the end; empty when at rest."""
        if self._readings is None or self._runner is None:
            return ()
        unheard = self._readings.unheard(self.memory.hypervisors)
        hosts = [f"reading {host}'s {guest_type.value} hypervisor" for host, guest_type in unheard]
        return (*hosts, *(describe_doing(a) for a in self._runner.in_flight.values()))

    def emit(self, event: Event) -> None:
        """Tell people what happened."""
        self._on_event(event)

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is in flight or left to launch, and everything was heard of once."""
        assert self._readings is not None
        assert self._runner is not None
        is_idle = not self._inbox and self._moved is None and not self._runner.in_flight
        return is_idle and not self.transition.actions and self._readings.all_heard(self.memory.hypervisors)

    def view(self) -> ClusterView:
        """Tell programs on nodes what is known."""
        return self.memory.view(self.observed)

    def on_attribute(self, node: NodeName, change: AttributeChange) -> None:
        """Take from a link what a program on its node said of that node."""
        self.memory.note_attribute(node, change)
        self._wake.set()

    def on_result(self, node: NodeName, result: OperationResult) -> None:
        """Take a recurring monitor's report from a link."""
        self._post(lambda: self._monitored(node, result))

    def on_lost(self, node: NodeName, text: str) -> None:
        """Take from a link that its connection is gone."""
        self._post(lambda: self._lost(node, LinkReason.LOST, text))

    def on_leaving(self, node: NodeName) -> bool:
        """Take from a link that its agent was asked to stop; return whether it is to wait until its node is empty."""
        drains = is_drained(self.memory.intent or Intent(), node, self._ports.clock.now())
        if drains:
            self._post(lambda: self.memory.note_leaving(node))
        self._post(lambda: self.emit(describe_leaving(node, drains=drains)))
        return drains

    async def _round(self, *, is_read_only: bool) -> bool:
        """Go once through the stages; return whether nothing more is to be done for now."""
        assert self._runner is not None
        self._take_in()
        if await self.declaration.load():
            self._moved = "commit"
        intent = self.memory.intent
        if intent is None:
            return True
        assert self._readings is not None
        self._readings.follow(intent)
        self._end_views(self.memory.meet_guests())
        self.memory.forget_former(frozenset(a.resource for a in self._runner.in_flight.values()))
        self.memory.settle_ends()
        self.observed = self.memory.observe(self._runner.in_flight)
        emptied = self.memory.forget_hosts(self.observed)
        if emptied is not None:
            self._end_views(emptied)
            self._moved, intent = "commit", self.memory.intent or intent
            self.observed = self.memory.observe(self._runner.in_flight)
        if self._has_moved():
            await self._plan(intent)
        self._launch(intent, is_read_only=is_read_only)
        is_heard = self._readings.all_heard(self.memory.hypervisors) and self._moved is None
        if is_read_only and not self._runner.in_flight and is_heard:
            return True
        return self.is_settled and not self._is_retry_near()

    def _is_retry_near(self) -> bool:
        """Tell whether waiting a little will let the plan go on."""
        at = self.transition.recheck_at
        return at is not None and at - self._ports.clock.now() <= self._settings.patience_s

    def _take_in(self) -> None:
        """Let everything that happened since the last round change what is known."""
        self._wake.clear()
        while self._inbox:
            self._inbox.pop(0)()

    def _has_moved(self) -> bool:
        """Tell whether something happened that the present transition did not expect."""
        assert self._runner is not None
        if self._moved is not None:
            return True
        now = self._ports.clock.now()
        recheck_at = self.transition.recheck_at
        # Before it was planned: the clock was set back, and the time at which to plan again may be far.
        if recheck_at is not None and not self._planned_at <= now < recheck_at:
            self._moved = "timer"
        elif not is_same(
            self.observed, self._expected, self._runner.about_to_change(self.transition.guest_nodes)
        ):
            self._moved = "surprise"
        elif (
            self.transition.actions
            and not self._runner.in_flight
            and self._done >= set(self.transition.actions)
        ):
            self._moved = "carried out"
        return self._moved is not None

    async def _plan(self, intent: Intent) -> None:
        """Make a new transition from what is observed now, around what is in flight."""
        now = self._ports.clock.now()
        log.debug("planning", extra={"transition": self._moved})
        self._moved = None
        planned, self._rest = await self._ports.compute.run(
            plan_after, self._rest, intent, self.observed, self.memory.history, now
        )
        checked = check(planned, intent, self.observed)
        for alarm in checked.alarms:
            text = f"dropped {alarm.action}, it would break {alarm.invariant}: {alarm.text}"
            self.emit(Event(code="invariant", text=text, severity=Severity.ERROR))
        self.transition, self._planned_at = checked.transition, now
        self._expected = self.observed
        self._done, self._started = set(), set()
        if self._on_plan is not None:
            self._on_plan(intent, self.observed, self.memory.history, now, self.transition)

    def _launch(self, intent: Intent, *, is_read_only: bool) -> None:
        """Start every action whose predecessors are done."""
        assert self._runner is not None
        ready = self.transition.ready(frozenset(self._done), frozenset(self._started))
        free = [a for a in ready if a.id not in self._runner.in_flight]
        if is_read_only:
            free = harmless(intent, free, self._settings)
        if not free or self._is_spinning(free):
            return
        tree = self.memory.tree
        context = Context(
            ports=self._ports,
            intent=intent,
            observed=self.observed,
            history=self.memory.history,
            links=links_of(self.memory.views),
            inquiries=self._runner.inquiries,
            incarnations={name: view.incarnation for name, view in self.memory.views.items()},
            guest_incarnations=self.memory.incarnations(),
            guest_hosts=self.memory.guest_hosts(),
            listener=self,
            epoch=self._epoch,
            commit=(tree.source.commit or "") if tree else "",
        )
        self._started.update(a.id for a in free)
        self.has_acted |= any(a.kind in {ActionKind.START, ActionKind.STOP} for a in free)
        # Written down before anybody is told: what was said to begin is named when the controller is killed.
        self.memory.note_launch(free, self._ports.clock.now())
        self._runner.launch(context, free)
        # What is shown in between is as of now, not as of before the launch.
        self.observed = self.memory.observe(self._runner.in_flight)
        for action in free:
            event = describe_launch(action)
            if event is not None:
                self.emit(event)

    def _is_spinning(self, actions: Sequence[Action]) -> bool:
        """Tell whether the very same actions were launched just now; they wait a moment then."""
        now = self._ports.clock.monotonic()
        names = frozenset(a.id for a in actions)
        last, at = self._last_launch
        if names == last and now < at + self._settings.min_replan_s:
            delay = at + self._settings.min_replan_s - now
            asyncio.get_running_loop().call_later(delay, self._wake.set)
            return True
        self._last_launch = (names, now)
        return False

    async def _sleep(self) -> None:
        """Wait for something to happen, or for the time at which the plan would change by itself."""
        timeout = self._settings.resync_s
        if self.transition.recheck_at is not None:
            timeout = min(timeout, max(self.transition.recheck_at - self._ports.clock.now(), 0.05))
        if self.declaration.retry_s is not None:
            timeout = min(timeout, max(self.declaration.retry_s, 0.05))
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return

    def _post(self, change: Callable[[], None]) -> None:
        """Queue something that happened for the next round, and wake the loop."""
        self._inbox.append(change)
        self._wake.set()

    def _deliver(self, key: HypervisorKey, answer: Sequence[Domain] | str, sequence: int) -> None:
        self._post(lambda: self._read(key, answer, sequence))

    def _read(self, key: HypervisorKey, answer: Sequence[Domain] | str, sequence: int) -> None:
        if self.memory.intent is None:
            return
        if isinstance(answer, str):
            if key in self.memory.hypervisors.readable or key not in self.memory.hypervisors.heard:
                text = f"{key[0]}'s {key[1].value} hypervisor cannot be read: {answer}"
                self.emit(warning("hypervisor-unreachable", text, key[0]))
            self.memory.hypervisors = self.memory.hypervisors.unreadable(key, answer)
        else:
            assert self._runner is not None
            busy = {a.resource for a in self._runner.in_flight.values() if a.resource is not None}
            for gone in self.memory.note_reading(key, answer, sequence, busy, self._ports.clock.now()):
                self.emit(warning("guest-gone", f"{gone} ended by itself on {key[0]}", gone))

    def _finish(self, outcome: Outcome) -> None:
        """Tick an action off; one that did not end as expected moves the baseline."""
        assert self._runner is not None
        self._runner.take_in(outcome)
        action = outcome.action
        has_news = self.memory.note_outcome(outcome, self._ports.clock.now())
        event = describe_outcome(outcome)
        if event is not None:
            self.emit(event)
        if outcome.is_ok and not outcome.is_unknown:
            self._done.add(action.id)
            self._expected = advance(self._expected, action, dict(self.transition.guest_nodes))
        if has_news or outcome.is_unknown or not outcome.is_ok:
            self._moved = "outcome"
        if action.uses is not None and action.uses.agent.standard == "guest" and self._readings is not None:
            self._readings.poke()

    def _monitored(self, node: NodeName, result: OperationResult) -> None:
        is_failure = self.memory.note_monitor(node, result, self._ports.clock.now())
        self._ports.journal.append_log(
            LogEntry(node=node, result=result, finished_at=self._ports.clock.now(), commit="")
        )
        if is_failure:
            text = f"{result.resource} failed on {node}: {result.describe()}"
            self.emit(warning("monitor-failed", text, result.resource))

    def _lost(self, node: NodeName, reason: LinkReason, text: str) -> None:
        assert self._runner is not None
        view = self.memory.views.get(node)
        # Its agent parts from us by itself when we come with a new key.
        is_renewed = self._runner.is_connecting(node)
        if view is not None and view.is_connected and not view.has_left and not is_renewed:
            self.memory.note_lost(node, reason, text)
            self.emit(warning("agent-lost", f"lost {node}'s agent: {text}", node))

    def _end_views(self, ended: Sequence[NodeView]) -> None:
        """Close the links of guest nodes whose guests are gone."""
        assert self._runner is not None
        for link in links_of({view.name: view for view in ended}).values():
            self._runner.discard(link)
