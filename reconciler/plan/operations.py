"""Turns decisions into actions, without their order."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.constraint import Discovery
from reconciler.model.digest import start_parameters
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import HostState
from reconciler.model.observed import Instance, StartedAs
from reconciler.model.operation import Monitor
from reconciler.model.resource import Resource
from reconciler.model.score import INFINITY
from reconciler.model.transition import Action, ActionKind, Reason
from reconciler.plan.decision import Decision
from reconciler.plan.guests import Connections
from reconciler.plan.scores import location_scores, locations_by_resource
from reconciler.plan.situation import Situation

Decisions = Mapping[ResourceId, Decision]


@dataclass(slots=True)
class Steps:
    """The actions of a plan while it is being made."""

    actions: dict[ActionId, Action] = field(default_factory=dict)
    edges: dict[ActionId, set[ActionId]] = field(default_factory=dict)
    """For each action, those that must have succeeded before; pending ones included."""

    def add(self, action: Action) -> None:
        """Add an action once."""
        self.actions.setdefault(action.id, action)

    def of(
        self, kind: ActionKind, resource: ResourceId | None = None, node: NodeName | None = None
    ) -> list[Action]:
        """Return the actions of a kind, of one resource or on one node if named, in the order they were added."""
        return [
            a
            for a in self.actions.values()
            if a.kind is kind and resource in {None, a.resource} and node in {None, a.node}
        ]

    def order(self, first: ActionId, then: ActionId) -> None:
        """Let `then` wait for `first`."""
        if first != then:
            self.edges.setdefault(then, set()).add(first)


def action_id(kind: ActionKind, subject: str, node: NodeName, interval_ms: int = 0) -> ActionId:
    """Return an action's name: the same decision has the same name in every plan."""
    return ActionId(f"{subject}_{kind.value}_{interval_ms}@{node}")


def create_steps(situation: Situation, decisions: Decisions, links: Connections) -> Steps:
    """Return the actions for all decisions and connections."""
    steps = Steps()
    for node, timeout_ms in sorted(links.now.items()):
        steps.add(
            Action(
                id=action_id(ActionKind.CONNECT, node, node),
                kind=ActionKind.CONNECT,
                node=node,
                timeout_ms=timeout_ms,
            )
        )
    for decision in decisions.values():
        _add_disconnect(situation, steps, decision)
        _add_stops(situation, steps, decision)
        _add_start(steps, decision)
        _add_monitors(situation, steps, decision)
    _add_probes(situation, steps, links)
    return steps


def _resource_action(
    kind: ActionKind,
    resource: Resource,
    node: NodeName,
    uses: StartedAs | None,
    reasons: tuple[Reason, ...] = (),
    *,
    is_forced: bool = False,
) -> Action:
    name = "monitor" if kind is ActionKind.PROBE else kind.value
    return Action(
        id=action_id(kind, resource.id, node),
        kind=kind,
        node=node,
        resource=resource.id,
        timeout_ms=resource.operation(name).timeout_ms,
        uses=uses,
        reasons=reasons,
        is_forced=is_forced,
    )


def _add_disconnect(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Take leave of a guest's agent before the guest stops."""
    remote = decision.resource.remote_node
    if remote is not None and decision.stops and situation.is_online(remote.name):
        name = action_id(ActionKind.DISCONNECT, remote.name, remote.name)
        steps.add(Action(id=name, kind=ActionKind.DISCONNECT, node=remote.name))


def _add_stops(situation: Situation, steps: Steps, decision: Decision) -> None:
    if not decision.stops:
        return
    for instance in decision.active:
        status = situation.node(instance.node)
        if status is None or instance.node in decision.ends_with:
            continue
        uses = instance.started_as or start_parameters(decision.resource)
        kind = ActionKind.STOP
        steps.add(
            _resource_action(
                kind, decision.resource, instance.node, uses, decision.reasons, is_forced=decision.is_forced
            )
        )


def _add_start(steps: Steps, decision: Decision) -> None:
    if decision.starts:
        assert decision.target is not None
        uses = start_parameters(decision.resource)
        steps.add(
            _resource_action(ActionKind.START, decision.resource, decision.target, uses, decision.reasons)
        )


def _add_monitors(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Arm what is declared and not armed; disarm what is armed and not declared."""
    resource = decision.resource
    if resource.guest is not None or not decision.runs_after:
        return
    wanted = {m.interval_ms: m for m in resource.monitors()}
    if decision.starts:
        assert decision.target is not None
        for monitor in wanted.values():
            steps.add(
                _monitor(
                    resource,
                    decision.target,
                    monitor.interval_ms,
                    monitor.timeout_ms,
                    start_parameters(resource),
                )
            )
        return
    for instance in decision.active:
        if not _is_monitorable(situation, instance):
            continue
        for monitor in wanted.values():
            if (
                Monitor(interval_ms=monitor.interval_ms, timeout_ms=monitor.timeout_ms)
                not in instance.monitors
            ):
                assert instance.started_as is not None
                steps.add(
                    _monitor(
                        resource, instance.node, monitor.interval_ms, monitor.timeout_ms, instance.started_as
                    )
                )
        for armed in sorted(instance.monitors, key=lambda m: m.interval_ms):
            if armed.interval_ms not in wanted:
                name = action_id(ActionKind.CANCEL, resource.id, instance.node, armed.interval_ms)
                steps.add(
                    Action(
                        id=name,
                        kind=ActionKind.CANCEL,
                        node=instance.node,
                        resource=resource.id,
                        interval_ms=armed.interval_ms,
                    )
                )


def _is_monitorable(situation: Situation, instance: Instance) -> bool:
    host = situation.intent.hosts.get(instance.node)
    in_maintenance = host is not None and host.state is HostState.MAINTENANCE
    return situation.is_online(instance.node) and instance.started_as is not None and not in_maintenance


def _monitor(
    resource: Resource, node: NodeName, interval_ms: int, timeout_ms: int, uses: StartedAs
) -> Action:
    return Action(
        id=action_id(ActionKind.MONITOR, resource.id, node, interval_ms),
        kind=ActionKind.MONITOR,
        node=node,
        resource=resource.id,
        interval_ms=interval_ms,
        timeout_ms=timeout_ms,
        uses=uses,
    )


def _add_probes(situation: Situation, steps: Steps, links: Connections) -> None:
    """Ask on every node that may run a resource, and was not asked, whether it runs there already."""
    grouped = locations_by_resource(situation)
    started = {a.resource for a in steps.of(ActionKind.START)}
    for resource in situation.intent.resources.values():
        if resource.guest is not None or not resource.is_managed:
            continue
        locations = grouped.get(resource.id, ())
        never = {c.node for c in locations if c.discovery is Discovery.NEVER}
        for node, score in sorted(location_scores(situation, resource, locations).items()):
            if score <= -INFINITY or node in never or not _can_probe(situation, node, links, started):
                continue
            is_fresh = node in situation.guests and situation.guests[node].id in started
            if is_fresh or situation.instance(resource.id, node) is None:
                steps.add(_resource_action(ActionKind.PROBE, resource, node, start_parameters(resource)))


def _can_probe(
    situation: Situation, node: NodeName, links: Connections, started: set[ResourceId | None]
) -> bool:
    """Tell whether a node can be asked in this transition: it is there and known, or it begins anew."""
    host = situation.intent.hosts.get(node)
    if host is not None and host.state is not HostState.ONLINE:
        return False
    guest = situation.guests.get(node)
    if guest is not None and guest.id in started:
        return node in links.now
    status = situation.node(node)
    return status is not None and status.is_known and (situation.is_online(node) or node in links.now)
