"""Sees all that the controller asks for and is told, and checks it against the truth.

I2: what it starts elsewhere has ended, and it was told so. I6: orders are kept. I7: what is not ours is not touched,
and no commit that is invalid is followed. I10: what it does was written down before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import HostState, NodeState
from reconciler.model.observed import Observed
from reconciler.model.operation import OperationRequest
from reconciler.model.resource import Resource, Role
from reconciler.plan.settle.orders import is_binding
from reconciler.ports import GuestStart, Session
from reconciler.sim.agent import SimAgent
from reconciler.sim.journal import Pages
from reconciler.sim.machines import Machine, SimDomain
from reconciler.sim.truth import Copy, Params, Truth, is_guest

STRANGER = "stranger"
"""What every name begins with that is not ours."""


@dataclass(slots=True, kw_only=True)
class Witness:
    """Watches over one world."""

    truth: Truth
    pages: Pages
    intents: Mapping[str, Intent]
    """Of every good commit, by its hash."""
    node_of_uid: Mapping[str, NodeName]
    observed: Callable[[], Observed]
    """What the controller takes the world for: it can stop only what it knows to be within reach."""

    def see_operation(self, node: NodeName, request: OperationRequest, *, is_joined: bool) -> None:
        """Look at an operation that is sent to an agent, or only waited for, as it is on its way there already."""
        self._see_name(request.resource, f"{request.operation} on {node}")
        if request.interval_ms or request.operation in {"monitor", "meta-data"}:
            return
        if is_joined:
            return
        self._see_written(request.uid, f"{request.operation} of {request.resource} on {node}")
        intent = self._intent(request.commit)
        if intent is None:
            return
        self._see_left_alone(intent, request.resource, node, request.operation)
        if request.operation == "start":
            self.truth.decide_start(request.resource, node)
            self._see_start_order(intent, request.resource)
        elif request.peer is not None:
            ends = (node, request.peer) if request.operation == "migrate_to" else (request.peer, node)
            self.truth.decide_migration(request.resource, *ends)
        elif request.operation == "stop":
            self._see_stop_order(intent, request.resource, node)

    def see_connection(self, node: NodeName, agent: SimAgent) -> None:
        """Look at a connection that is about to be made: a machine's stock agent is somebody else's until adopted."""
        is_guest_node = node in self.node_of_uid.values()
        if agent.is_stock and not is_guest_node and node not in self.pages.history.adopted:
            self.truth.violate("I7", f"{node}'s stock agent is connected, and nobody has adopted it")

    def see_release(self, node: NodeName, agent: SimAgent) -> None:
        """Look at the end of a connection that an agent waits for, to stop: nothing of ours is left there."""
        for copy in self.truth.alive_on(node, agent.life):
            if not is_guest(copy) and not self._is_held(copy.resource):
                self.truth.violate("I6", f"{node} is let go, and {copy.resource} still runs there")

    def see_cancel(self, node: NodeName, resource: ResourceId) -> None:
        """Look at a monitor's end."""
        self._see_name(resource, f"cancel on {node}")

    def see_guest_start(self, machine: Machine, start: GuestStart) -> None:
        """Look at a guest's start."""
        self._see_name(start.guest.id, f"start on {machine.name}")
        self._see_written(start.uid, f"start of {start.guest.id} on {machine.name}")
        intent = self._intent(start.commit)
        if intent is not None:
            self.truth.decide_start(start.guest.id, machine.name)
            self._see_start_order(intent, start.guest.id)

    def see_guest_stop(
        self, machine: Machine, found: SimDomain | None, resource: ResourceId, shutdown_ms: int
    ) -> None:
        """Look at a guest's stop: in order, only what cannot be stopped is still in it."""
        self._see_name(resource, f"stop on {machine.name}")
        written = self.pages.intents.values()
        if not any((i.resource, i.node, i.kind) == (resource, machine.name, "stop") for i in written):
            self.truth.violate("I10", f"the stop of {resource} on {machine.name} was not written down")
        if found is None or found.agent is None or not shutdown_ms or not found.agent.connections:
            return
        for copy in self.truth.alive_on(found.agent.node, found.domain.uid):
            if not copy.resource.startswith(STRANGER) and not self._is_held(copy.resource):
                self.truth.violate("I6", f"{resource} is shut down, and {copy.resource} still runs in it")

    def learn_end(self, resource: ResourceId, node: NodeName, life: str, variant: Params) -> None:
        """Note that the controller was told that a copy has ended, and so those of earlier lives of its node have."""
        told = Copy(resource=resource, node=node, life=life, variant=variant)
        for copy in [c for c in self.truth.copies if replace(c, life=life) == told]:
            self.truth.learn_end(copy)

    def learn_session(self, node: NodeName, agent: SimAgent, session: Session) -> None:
        """Note what an agent's records tell: which life it is, and what is not there."""
        if not session.is_record_keeping:
            return
        self.truth.learn_other_lives_ended(node, agent.life)
        for copy in [c for c in self.truth.copies if (c.node, c.life) == (node, agent.life)]:
            if copy.resource not in session.records and not is_guest(copy):
                self.truth.learn_end(copy)

    def learn_guest_ends(self, ended: list[Copy]) -> None:
        """Note that the controller was told that guests are not there any more, nor what was in them."""
        for copy in ended:
            ((_, uid),) = copy.variant
            self.truth.learn_end(copy)
            node = self.node_of_uid.get(uid)
            if node is not None:
                self.truth.learn_end_of_life(node, uid)

    def _intent(self, commit: str) -> Intent | None:
        intent = self.intents.get(commit)
        if intent is None:
            self.truth.violate("I7", f"{commit or 'no commit'} is followed, which is not a good one")
        return intent

    def _see_name(self, name: str, what: str) -> None:
        if name.startswith(STRANGER):
            self.truth.violate("I7", f"{what}: {name} is not ours")

    def _see_written(self, uid: str, what: str) -> None:
        if uid not in self.pages.intents:
            self.truth.violate("I10", f"the {what} was not written down before")

    def _see_start_order(self, intent: Intent, resource: ResourceId) -> None:
        """What starts after something starts when that has started, as far as the controller can know."""
        for ordering in intent.orderings:
            if ordering.then != resource or not is_binding(ordering):
                continue
            # One that runs though its start was said to have failed may have been found since.
            if not any(facts.is_started or facts.is_alive for _, facts in self.truth.of(ordering.first)):
                self.truth.violate("I6", f"{resource} starts before {ordering.first}")

    def _see_stop_order(self, intent: Intent, resource: ResourceId, node: NodeName) -> None:
        """What starts after something stops before it, unless it cannot be stopped."""
        if not any(copy.node == node and facts.is_alive for copy, facts in self.truth.of(resource)):
            return
        for ordering in intent.orderings:
            if ordering.first != resource or not is_binding(ordering):
                continue
            then: Resource | None = intent.resources.get(ordering.then)
            if then is None or not then.is_managed or self._stop_has_failed(ordering.then):
                continue
            if self._may_be_in_maintenance(intent, ordering.then):
                continue
            places = [copy.node for copy, facts in self.truth.of(ordering.then) if facts.is_alive]
            is_reachable = any(self._is_online(place) for place in places)
            if places and (is_reachable or not self._has_failed(intent, resource)):
                self.truth.violate("I6", f"{resource} stops before {ordering.then}")

    def _see_left_alone(self, intent: Intent, name: ResourceId, node: NodeName, operation: str) -> None:
        """What a person looks after is not touched."""
        resource = intent.resources.get(name)
        if resource is not None and not resource.is_managed:
            self.truth.violate("I7", f"{operation} of {name}, which is not managed")
        if self._is_in_maintenance(intent, node):
            self.truth.violate("I7", f"{operation} of {name} on {node}, which is in maintenance")

    def _has_failed(self, intent: Intent, name: ResourceId) -> bool:
        """Tell whether something, or what it starts after, has failed: that is not kept down by what is lost."""
        above, open_names = {name}, [name]
        while open_names:
            current = open_names.pop()
            more = {o.first for o in intent.orderings if o.then == current} - above
            above |= more
            open_names.extend(more)
        return any(resource in above for resource, _ in self.pages.history.failures)

    def _may_be_in_maintenance(self, intent: Intent, name: ResourceId) -> bool:
        """Tell whether something runs, or is taken to, on a host in maintenance: it is left alone everywhere then."""
        alive = {copy.node for copy, facts in self.truth.of(name) if facts.is_alive}
        known = self.observed().instances.values()
        taken = {i.node for i in known if i.resource == name and i.role is not Role.STOPPED}
        return any(self._is_in_maintenance(intent, node) for node in alive | taken)

    def _is_online(self, node: NodeName) -> bool:
        status = self.observed().nodes.get(node)
        return status is not None and status.state is NodeState.ONLINE

    def _is_in_maintenance(self, intent: Intent, node: NodeName) -> bool:
        host = intent.hosts.get(node)
        return host is not None and host.state is HostState.MAINTENANCE

    def _stop_has_failed(self, name: ResourceId) -> bool:
        return any(r == name and f.operation == "stop" for (r, _), f in self.pages.history.failures.items())

    def _is_held(self, name: ResourceId) -> bool:
        """Tell whether something is not to be stopped."""
        resource = list(self.intents.values())[-1].resources.get(name)
        is_unmanaged = resource is not None and not resource.is_managed
        return is_unmanaged or self._stop_has_failed(name)
