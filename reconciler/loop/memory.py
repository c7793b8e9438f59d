"""What the loop knows between rounds, and how each thing that happens changes it.

Decides nothing and does no I/O but for the journal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.act.outcome import Outcome
from reconciler.loop import failures, migrations
from reconciler.loop.attributes import present_attributes, with_attribute
from reconciler.loop.guests import (
    having_met,
    is_place_known,
    is_stock,
    places_of,
    removed_nodes,
    started_domain,
)
from reconciler.loop.unfinished import Unfinished
from reconciler.loop.views import is_news, met_view
from reconciler.model.agent_metadata import AgentMetadata
from reconciler.model.attribute import AttributeChange
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import GuestType, LinkReason
from reconciler.model.observed import Instance, Observed, StartedAs
from reconciler.model.operation import OCF_NOT_RUNNING, OperationResult, StartRecord
from reconciler.model.problem import Problem
from reconciler.model.resource import Resource, ResourceAgent, Role
from reconciler.model.transition import Action, ActionKind
from reconciler.observe.domains import GuestFact, HypervisorKey, Hypervisors
from reconciler.observe.nodes import NodeView, recorded_instance
from reconciler.observe.snapshot import Knowledge, snapshot
from reconciler.plan.effects import pending_from
from reconciler.plan.former import carried_over, emptied, in_force
from reconciler.plan.results import after_monitor, after_result, outcome_unknown
from reconciler.ports import ClusterView, Domain, Journal, SourceTree


@dataclass(slots=True)
class Memory:
    """The loop's knowledge; one writer."""

    journal: Journal
    history: History
    unfinished: Unfinished
    """Actions whose result did not come."""
    declared: Intent | None = None
    intent: Intent | None = None
    """What is declared, with the machines that are to be emptied before they are forgotten."""
    tree: SourceTree | None = None
    """The declaration in force."""
    problems: tuple[Problem, ...] = ()
    """Of the newest declaration, which is not in force if it has errors."""
    refused: str = ""
    """The commit that was kept out for its errors; "" when the newest is in force."""
    hypervisors: Hypervisors = field(default_factory=Hypervisors)
    views: dict[NodeName, NodeView] = field(default_factory=dict)
    _sequence: int = 0

    def next_sequence(self) -> int:
        """Return a number that orders what becomes known."""
        self._sequence += 1
        return self._sequence

    def observe(self, in_flight: Mapping[ActionId, Action]) -> Observed:
        """Return the present snapshot."""
        pending = tuple(sorted((pending_from(a) for a in in_flight.values()), key=lambda p: p.id))
        return snapshot(
            Knowledge(
                intent=self.intent or Intent(),
                history=self.history,
                hypervisors=self.hypervisors,
                views=self.views,
                pending=pending,
            )
        )

    def accept(self, tree: SourceTree, intent: Intent) -> None:
        """Put a declaration in force; guests that it no longer has are remembered while they may run."""
        self.remember(carried_over(self.history, self.intent, intent))
        self.tree, self.declared, self.intent = tree, intent, in_force(intent, self.history)

    def remember(self, history: History) -> None:
        """Replace the history, and keep it."""
        if history != self.history:
            self.history = history
            self.journal.save_history(history)

    def note_attribute(self, node: NodeName, change: AttributeChange) -> None:
        """Take in what a program on a node said of that node; it is known at once, for the program may ask for it."""
        if node in self.views:
            self.remember(with_attribute(self.history, self.views[node], change))

    def view(self, observed: Observed) -> ClusterView:
        """Return what programs on nodes may see."""
        attributes = present_attributes(self.history, self.views)
        return ClusterView(intent=self.intent or Intent(), observed=observed, attributes=attributes)

    def guest_of(self, node: NodeName) -> Resource | None:
        """Return the guest that is, or was declared to be, a node."""
        nodes = ((r, r.remote_node) for r in self._all_declared().values())
        return next((r for r, remote in nodes if remote is not None and remote.name == node), None)

    def incarnations(self) -> dict[NodeName, str]:
        """Return the uid of the start of each running guest that is a node."""
        places = places_of(self._all_declared(), self.hypervisors)
        return {node: domain.uid for node, (_, domain) in places.items()}

    def guest_hosts(self) -> dict[NodeName, NodeName]:
        """Return the host of each running guest that is a node."""
        return {node: host for node, (host, _) in places_of(self._all_declared(), self.hypervisors).items()}

    def meet_guests(self) -> list[NodeView]:
        """Begin and end the views of guest nodes as their guests come and go; return the views that ended.

        A guest that was running before we were is taken up where the journal knows what was started in it.
        """
        running = self.incarnations()
        ended = []
        for name, view in list(self.views.items()):
            guest = self.guest_of(name)
            if guest is not None and guest.guest is not None and running.get(name) != view.incarnation:
                ended.append(self.views.pop(name))
        for name, uid in running.items():
            records = self.journal.records(name, uid) if name not in self.views else None
            if records is not None:
                instances = {r.resource: recorded_instance(r, name) for r in records.values()}
                self.views[name] = NodeView(name=name, incarnation=uid, is_known=True, instances=instances)
        return ended

    def forget_former(self, busy: frozenset[ResourceId | None]) -> None:
        """Forget removed guests that are known not to run any more, and of which no action is in flight or in doubt."""
        gone = {
            r
            for r in self.history.former
            if (facts := [f for (g, _), f in self.hypervisors.facts.items() if g == r])
            and all(f.domain is None and f.is_certain for f in facts)
            and r not in busy | self.unfinished.resources()
        }
        if gone:
            former = {r: kept for r, kept in self.history.former.items() if r not in gone}
            self.remember(replace(self.history, former=former))

    def forget_hosts(self, observed: Observed) -> list[NodeView] | None:
        """Forget machines that are no longer declared and run nothing; return the views that ended, None: none is."""
        gone = emptied(self.history, observed)
        if not gone or self.declared is None:
            return None
        kept = {name: host for name, host in self.history.former_hosts.items() if name not in gone}
        connections = {n: f for n, f in self.history.connections.items() if n not in gone}
        without = replace(self.history, former_hosts=kept, connections=connections)
        # What is declared again may be another cluster's by then.
        self.remember(replace(without, met=without.met - gone, adopted=without.adopted - gone))
        self.intent = in_force(self.declared, self.history)
        return [self.views.pop(name) for name in sorted(gone) if name in self.views]

    def note_launch(self, actions: Sequence[Action], now: float) -> None:
        """Take in what is about to be asked for, as far as it has to be remembered however it ends."""
        lives = {name: view.incarnation for name, view in self.views.items()}
        self.remember(migrations.with_begun(self.history, actions, lives, now))

    def note_outcome(self, outcome: Outcome, now: float) -> bool:
        """Take in how an action ended; return whether a resource agent said what matters to the plan."""
        self.unfinished.note(outcome)
        action = outcome.action
        if action.kind is ActionKind.CONNECT:
            self._note_connection(outcome, now)
        elif action.kind in {ActionKind.DISCONNECT, ActionKind.RELEASE}:
            view = self.views.get(action.node)
            if view is not None:
                gone = replace(view, is_connected=False, link=None, has_left=True)
                self.views[action.node] = view.left() if action.kind is ActionKind.RELEASE else gone
        elif action.uses is not None and action.uses.agent.standard == "guest":
            self._note_guest(outcome, now)
        else:
            self._note_operation(outcome, now)
            self.remember(failures.with_answer(migrations.with_outcome(self.history, outcome, now), outcome))
        if outcome.is_ok and action.kind is ActionKind.STOP and action.resource in self.history.restarts:
            self.remember(replace(self.history, restarts=self.history.restarts - {action.resource}))
        connected = outcome.connected
        return self._note_metadata(action.node, connected.agents if connected else outcome.agents)

    def note_reading(
        self, key: HypervisorKey, domains: Sequence[Domain], sequence: int, busy: set[ResourceId], now: float
    ) -> list[ResourceId]:
        """Take in what a hypervisor listed; return the guests that ended though nobody asked them to.

        Each of them counts as a failure, so that a guest which dies again and again is given up in the end.
        """
        before = self.hypervisors.facts
        cluster = self.intent.cluster.name if self.intent else ""
        self.hypervisors = self.hypervisors.read(key, domains, sequence, cluster)
        self.remember(having_met(self.history, self.intent, key[0]))
        self._settle_by_reading(key, sequence)
        # By their marks, should the journal have lost them.
        removed = removed_nodes(self._all_declared(), self.hypervisors, key[0])
        self.remember(replace(self.history, former={**self.history.former, **removed}))
        declared = self.intent.resources if self.intent else {}
        ended = [
            resource
            for (resource, host), fact in self.hypervisors.facts.items()
            if host == key[0] and fact.domain is None and resource in declared and resource not in busy
            if (known := before.get((resource, host))) is not None
            and known.domain is not None
            and known.is_certain
        ]
        for resource in ended:
            result = OperationResult(
                resource=resource, operation="monitor", rc=OCF_NOT_RUNNING, reason="it ended by itself"
            )
            self.remember(failures.with_operation_failure(self.history, self.intent, key[0], result, now))
        return ended

    def settle_ends(self) -> None:
        """Write down that what was begun in guests which have ended will not come to anything."""
        unsure = {
            r.remote_node.name
            for r in self._all_declared().values()
            if r.remote_node is not None and not is_place_known(r, self.intent, self.hypervisors)
        }
        running = self.incarnations()
        untold = frozenset({*(self.intent.hosts if self.intent else ()), *unsure})
        self.unfinished.see_ends(running, untold)
        self.remember(migrations.without_ended_lives(self.history, running, untold))

    def note_monitor(self, node: NodeName, result: OperationResult, now: float) -> bool:
        """Take in what a recurring monitor reported by itself; return whether it is a new failure."""
        view = self.views.get(node)
        known = view.instances.get(result.resource) if view else None
        if view is None or known is None:
            return False
        after = after_monitor(known, result)
        self.views[node] = view.with_instance(after)
        is_new = after.failure is not None and after.failure != known.failure
        if is_new:
            self.remember(failures.with_operation_failure(self.history, self.intent, node, result, now))
        return is_new

    def save_adopted(
        self, node: NodeName, incarnation: str, resource: ResourceId, uses: StartedAs, now: float
    ) -> None:
        """Keep a start record for what an operator took as declared: from now on it is how it was started."""
        record = StartRecord(
            resource=resource,
            agent=uses.agent,
            params=uses.params,
            cluster=self.intent.cluster.name if self.intent else "",
            since=now,
            phase="adopted",
        )
        self.journal.save_record(node, incarnation, record)

    def note_lost(self, node: NodeName, reason: LinkReason, text: str) -> None:
        """Take in that a connection is gone."""
        view = self.views.get(node)
        if view is None or not view.is_connected:
            return
        is_empty = all(i.role is Role.STOPPED for i in view.instances.values())
        self.views[node] = view.left() if view.is_leaving and is_empty else view.lost(reason, text)

    def note_leaving(self, node: NodeName) -> None:
        """Take in that a node's agent was asked to stop, and waits for what runs there to be stopped."""
        view = self.views.get(node)
        if view is not None and view.is_connected:
            self.views[node] = replace(view, is_leaving=True)

    def _note_connection(self, outcome: Outcome, now: float) -> None:
        node = outcome.action.node
        connected = outcome.connected
        if connected is None:
            assert outcome.reason is not None
            view = self.views.get(node) or NodeView(name=node, incarnation=self.incarnations().get(node, ""))
            # A new key that did not arrive is nobody's failure as long as the connection with the old one is there.
            is_up = view.link is not None and view.link.is_connected
            is_met = node in self.views or not is_stock(self.guest_of(node))
            lost = view.lost(outcome.reason, outcome.text)
            outcome = replace(outcome, reason=lost.reason, text=lost.text)
            if is_met and not is_up:
                self.views[node] = lost
            guest = None if is_up else self.guest_of(node)
            self.remember(
                failures.with_connection_failure(self.history, guest, self.hypervisors, outcome, now)
            )
            return
        known = self.views.get(node) or NodeView(name=node)
        found = failures.with_found_failures(
            self.history, self.intent, known.instances, connected.instances.values(), now
        )
        self.views[node] = met_view(known, connected, is_adopted=node in self.history.adopted)
        self.unfinished.see_node(node, self._guests())
        kept = {n: f for n, f in self.history.connections.items() if n != node}
        met = migrations.with_ends_met(found, node, connected.incarnation, connected.instances)
        self.remember(replace(having_met(met, self.intent, node), connections=kept))

    def _note_metadata(self, node: NodeName, agents: Mapping[ResourceAgent, AgentMetadata]) -> bool:
        """Take in what resource agents say of themselves; return whether that matters to what is declared."""
        view = self.views.get(node)
        if view is None or not agents:
            return False
        self.views[node] = replace(view, agents={**view.agents, **agents})
        return self.intent is not None and is_news(self.intent, view, agents)

    def _settle_by_reading(self, key: HypervisorKey, sequence: int) -> None:
        """Settle what a reading tells; a guest whose start may still go on there is in doubt, though not seen."""
        host, guest_type = key
        seen = {
            r: fact.domain
            for (r, h), fact in self.hypervisors.facts.items()
            if h == host and fact.guest_type is guest_type and fact.domain is not None
        }
        guests = self._guests(guest_type)
        self.unfinished.see_domains(host, guests, seen)
        for guest in sorted((self.unfinished.starting(host) & guests) - set(seen)):
            doubt = GuestFact(domain=None, guest_type=guest_type, sequence=sequence, is_certain=False)
            self.hypervisors = self.hypervisors.with_fact(guest, host, doubt)

    def _all_declared(self) -> dict[ResourceId, Resource]:
        """Return what is declared, and removed guests that may still run."""
        return {**self.history.former, **(self.intent.resources if self.intent else {})}

    def _guests(self, guest_type: GuestType | None = None) -> frozenset[ResourceId]:
        declared = self._all_declared().values()
        return frozenset(r.id for r in declared if r.guest is not None and guest_type in {None, r.guest.type})

    def _note_guest(self, outcome: Outcome, now: float) -> None:
        action = outcome.action
        assert action.resource is not None
        assert action.uses is not None
        key = (action.resource, action.node)
        known = self.hypervisors.facts.get(key)
        domain = known.domain if known else None
        guest = self._all_declared().get(action.resource)
        if outcome.is_ok:
            domain = started_domain(outcome, guest, self.intent) if action.kind is ActionKind.START else None
        elif outcome.result is not None:
            self.remember(
                failures.with_operation_failure(self.history, self.intent, action.node, outcome.result, now)
            )
        fact = GuestFact(
            domain=domain,
            guest_type=GuestType(action.uses.agent.type),
            sequence=self.next_sequence(),
            is_certain=outcome.result is not None,
        )
        self.hypervisors = self.hypervisors.with_fact(*key, fact)
        remote = guest.remote_node if guest is not None else None
        if outcome.is_ok and remote is not None:
            self.views.pop(remote.name, None)
            if action.kind is ActionKind.START:
                self.journal.open_incarnation(remote.name, outcome.uid)
                self.views[remote.name] = NodeView(name=remote.name, incarnation=outcome.uid, is_known=True)
            kept = {n: f for n, f in self.history.connections.items() if n != remote.name}
            self.remember(replace(self.history, connections=kept))

    def _note_container(self, kind: ActionKind, node: NodeName) -> None:
        """Take in that what a resource agent runs, and is a node, began or ended: nothing of before is in it."""
        if kind in {ActionKind.START, ActionKind.STOP}:
            self.views.pop(node, None)
        if kind is ActionKind.START:
            self.views[node] = NodeView(name=node, is_known=True)
            kept = {n: f for n, f in self.history.connections.items() if n != node}
            self.remember(replace(self.history, connections=kept))

    def _note_operation(self, outcome: Outcome, now: float) -> None:
        action = outcome.action
        view = self.views.get(action.node)
        if view is None or action.resource is None or outcome.is_unsent:
            return
        known = view.instances.get(action.resource)
        if outcome.result is None:
            unknown = outcome_unknown(known, action.resource, action.node, action.operation_name)
            if outcome.request is not None or known is not None:
                self.views[action.node] = view.with_instance(unknown)
            return
        if action.kind is ActionKind.CANCEL:
            if known is not None:
                left = frozenset(m for m in known.monitors if m.interval_ms != action.interval_ms)
                self.views[action.node] = view.with_instance(replace(known, monitors=left))
            return
        if outcome.request is None:
            return
        if view.is_adopted and action.kind is ActionKind.PROBE and outcome.result.is_ok and known is None:
            uses = StartedAs(agent=outcome.request.agent, params=outcome.request.params)
            known = Instance(resource=action.resource, node=action.node, role=Role.STOPPED, started_as=uses)
            self.save_adopted(action.node, view.incarnation, action.resource, uses, now)
        after = after_result(known, outcome.request, outcome.result, action.node)
        self.views[action.node] = view.with_instance(after)
        declared = self._all_declared().get(action.resource)
        if outcome.is_ok and declared is not None and declared.remote_node is not None:
            self._note_container(action.kind, declared.remote_node.name)
        is_found = after.failure is not None and after.failure != (known.failure if known else None)
        if not outcome.is_ok or is_found:
            self.remember(
                failures.with_operation_failure(self.history, self.intent, action.node, outcome.result, now)
            )
