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

from collections.abc import Collection, Sequence

from reconciler.model.digest import own_digest
from reconciler.model.names import NodeName
from reconciler.model.node import HostState
from reconciler.model.observed import Instance, StartedAs
from reconciler.model.resource import Operation, Resource, Role
from reconciler.model.transition import ActionKind
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.place.scores import possible_nodes
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps, resource_action

_KEEP, _STOPPED, _PROMOTED = Fate.KEEP, Role.STOPPED, Role.PROMOTED
"""What is asked for each resource: Python 3.11 takes ten times as long to find it in its Enum."""


def add_monitors(
    situation: Situation, steps: Steps, decision: Decision, coming: Collection[NodeName] = ()
) -> None:
    """Arm what is declared and not armed; disarm what is armed and not declared.

    Args:
        situation: what is planned from.
        steps: take the actions.
        decision: on the resource whose monitors they are; not a guest, which its agent watches.
        coming: the nodes whose connection is made anew.
    """
    resource = decision.resource
    recurring = resource.recurring_monitors()
    fitting, roles = recurring, {m.role for m in recurring if m.role is not None}
    if roles or decision.has_roles:
        fitting = _fitting(decision, recurring)
    if _STOPPED in roles:
        while_stopped = [m for m in recurring if m.role is _STOPPED]
        _add_while_stopped(situation, steps, decision, while_stopped)
    if decision.starts or decision.migrates:
        assert decision.target is not None
        uses = situation.index.start_parameters(resource, decision.target)
        for monitor in fitting:
            _arm(steps, resource, decision.target, monitor, uses)
    elif decision.fate is _KEEP and decision.active:
        _add_where_kept(situation, steps, decision, fitting, coming)


def _fitting(decision: Decision, recurring: Sequence[Operation]) -> list[Operation]:
    """Return the monitors for the role that a resource is to have; those that name none are for all but promoted."""
    is_promoted = decision.role is _PROMOTED
    return [m for m in recurring if (not is_promoted if m.role is None else m.role is decision.role)]


def _add_where_kept(
    situation: Situation,
    steps: Steps,
    decision: Decision,
    fitting: Sequence[Operation],
    coming: Collection[NodeName],
) -> None:
    """Change what is armed where a resource goes on running."""
    resource, instance = decision.resource, decision.active[0]
    if instance.started_as is None:
        return
    if instance.node in coming:
        for monitor in fitting:
            _arm(steps, resource, instance.node, monitor, instance.started_as)
        return
    if not _is_askable(situation, instance.node):
        return
    uses, has_changed = instance.started_as, False
    if decision.is_reloaded:
        uses = situation.index.start_parameters(resource, instance.node)
        has_changed = uses != instance.started_as
    armed = _armed(instance)
    if not has_changed and armed == [_as_armed(m) for m in fitting]:
        return
    for monitor in fitting:
        if has_changed or _as_armed(monitor) not in armed:
            _arm(steps, resource, instance.node, monitor, uses)
    wanted = {m.interval_ms for m in fitting}
    more = [m for m in instance.monitors if m.interval_ms not in wanted]
    if more and not situation.is_removed(resource.id):
        wanted |= {o.interval_ms for o in resource.operations if o.is_left_alone}
        if not situation.intent.cluster.policy.cancels_removed:
            kept = {m.interval_ms for m in instance.monitors}
            wanted |= kept - {m.interval_ms for m in resource.monitors()}
        _disarm(steps, resource, instance, wanted)


def _add_while_stopped(
    situation: Situation, steps: Steps, decision: Decision, monitors: Sequence[Operation]
) -> None:
    """Watch the nodes where a resource is not to run."""
    resource = decision.resource
    if decision.fate is Fate.HOLD and decision.active:
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
                if instance is None or not was_stopped or _as_armed(monitor) not in _armed(instance):
                    uses = situation.index.start_parameters(resource, node)
                    _arm(steps, resource, node, monitor, uses)


def _disarm(steps: Steps, resource: Resource, instance: Instance, wanted: set[int]) -> None:
    for armed in sorted(instance.monitors, key=lambda m: m.interval_ms):
        if armed.interval_ms not in wanted:
            gone = Operation(name="monitor", interval_ms=armed.interval_ms)
            steps.add(resource_action(ActionKind.CANCEL, resource, instance.node, operation=gone))


def _arm(steps: Steps, resource: Resource, node: NodeName, monitor: Operation, uses: StartedAs) -> None:
    steps.add(resource_action(ActionKind.MONITOR, resource, node, uses, operation=monitor))


# Compared as tuples, for it is asked of every monitor in every plan; most have no parameters of their own.
def _armed(instance: Instance) -> list[tuple[str, int, int, str]]:
    return [(m.name, m.interval_ms, m.timeout_ms, m.params) for m in instance.monitors]


def _as_armed(monitor: Operation) -> tuple[str, int, int, str]:
    """Return what is on record of a monitor once it is armed."""
    return (monitor.name, monitor.interval_ms, monitor.timeout_ms, own_digest(monitor.params))


def _is_askable(situation: Situation, node: NodeName) -> bool:
    if node in situation.serving:
        return True
    return situation.is_online(node) and situation.state_of(node) is not HostState.MAINTENANCE
