"""Arms and disarms recurring monitors.

The rules:

* Where a resource runs when the plan is done, its monitors are armed, and those that are not declared are disarmed.
* Monitors with `role: Stopped` are armed on every other node that can be asked, and disarmed where the resource will
  run.
* What can be promoted has other monitors when it is promoted than when it is not; they change with the role.
* A monitor with another timeout, or other parameters of its own, than those it was armed with is armed anew.
* What takes up new parameters while it runs is monitored with these from then on.
* Monitors end with a stop; a stop needs no disarming.
* Behind a connection that is made anew all are armed again (Pacemaker lib/pacemaker/pcmk_sched_recurring.c: what is
  recorded of nodes that are not there does not count).
"""

from collections.abc import Collection

from reconciler.model.digest import own_digest
from reconciler.model.names import NodeName
from reconciler.model.node import HostState
from reconciler.model.observed import Instance, StartedAs
from reconciler.model.operation import Monitor
from reconciler.model.resource import Operation, Resource, Role
from reconciler.model.transition import ActionKind
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.place.scores import possible_nodes
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps, resource_action


def add_monitors(
    situation: Situation, steps: Steps, decision: Decision, coming: Collection[NodeName] = ()
) -> None:
    """Arm what is declared and not armed; disarm what is armed and not declared.

    Args:
        situation: what is planned from.
        steps: take the actions.
        decision: on the resource whose monitors they are.
        coming: the nodes whose connection is made anew.
    """
    resource = decision.resource
    if resource.guest is not None:
        return
    _add_while_stopped(situation, steps, decision)
    is_kept = decision.fate is Fate.KEEP and bool(decision.active)
    comes = decision.starts or decision.migrates
    if not comes and not is_kept:
        return
    if comes:
        assert decision.target is not None
        for monitor in _fitting(decision):
            uses = situation.index.start_parameters(resource, decision.target)
            _arm(steps, resource, decision.target, monitor, uses)
        return
    instance = decision.active[0]
    if instance.node in coming and instance.started_as is not None:
        for monitor in _fitting(decision):
            _arm(steps, resource, instance.node, monitor, instance.started_as)
        return
    if not _is_monitorable(situation, instance):
        return
    assert instance.started_as is not None
    fitting = _fitting(decision)
    declared = situation.index.start_parameters(resource, instance.node)
    uses = declared if decision.reloads else instance.started_as
    for monitor in fitting:
        if not _is_armed(instance, monitor) or instance.started_as != uses:
            _arm(steps, resource, instance.node, monitor, uses)
    if not situation.is_removed(resource.id):
        unclear = {o.interval_ms for o in resource.operations if o.is_ambiguous}
        wanted = {m.interval_ms for m in fitting} | unclear
        if not situation.intent.cluster.policy.cancels_removed:
            kept = {m.interval_ms for m in instance.monitors}
            wanted |= kept - {m.interval_ms for m in resource.monitors()}
        _disarm(steps, resource, instance, wanted)


def _fitting(decision: Decision) -> list[Operation]:
    """Return the monitors for the role that a resource is to have; those that name none are for all but promoted."""
    is_promoted = decision.role is Role.PROMOTED
    return [
        m
        for m in decision.resource.monitors()
        if (not is_promoted if m.role is None else m.role is decision.role)
    ]


def _add_while_stopped(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Watch the nodes where a resource is not to run."""
    resource = decision.resource
    monitors = resource.monitors_while_stopped()
    if not monitors or (decision.fate is Fate.HOLD and decision.active):
        return
    stays = {i.node for i in decision.active} if not decision.stops else set()
    for node in possible_nodes(situation, resource):
        if not _is_askable(situation, node):
            continue
        instance = situation.instance(resource.id, node)
        if decision.starts and node == decision.target:
            if instance is not None and node not in {i.node for i in decision.active}:
                _disarm(steps, resource, instance, set())
        elif node not in stays:
            was_stopped = instance is not None and node not in {i.node for i in decision.active}
            for monitor in monitors:
                if instance is None or not was_stopped or not _is_armed(instance, monitor):
                    uses = situation.index.start_parameters(resource, node)
                    _arm(steps, resource, node, monitor, uses)


def _disarm(steps: Steps, resource: Resource, instance: Instance, wanted: set[int]) -> None:
    for armed in sorted(instance.monitors, key=lambda m: m.interval_ms):
        if armed.interval_ms not in wanted:
            gone = Operation(name="monitor", interval_ms=armed.interval_ms)
            steps.add(resource_action(ActionKind.CANCEL, resource, instance.node, operation=gone))


def _arm(steps: Steps, resource: Resource, node: NodeName, monitor: Operation, uses: StartedAs) -> None:
    steps.add(resource_action(ActionKind.MONITOR, resource, node, uses, operation=monitor))


def _is_armed(instance: Instance, monitor: Operation) -> bool:
    params = own_digest(monitor.params)
    wanted = Monitor(interval_ms=monitor.interval_ms, timeout_ms=monitor.timeout_ms, params=params)
    return wanted in instance.monitors


def _is_monitorable(situation: Situation, instance: Instance) -> bool:
    return _is_askable(situation, instance.node) and instance.started_as is not None


def _is_askable(situation: Situation, node: NodeName) -> bool:
    return situation.is_online(node) and situation.state_of(node) is not HostState.MAINTENANCE
