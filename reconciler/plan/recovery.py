"""Decides what is to become of each resource by itself: keep, start, stop, restart, move, or hold.

The rules, first match wins; `held` has the first three, on what is held or left alone:

4. What should not run is stopped; what should and has no node is stopped, and the obstacle is named.
5. What runs at several places is stopped everywhere, then started once, as far as its declaration lets it be.
6. What failed is restarted in place, or moved where its node is banned; failed starts are retried after a pause.
7. What runs elsewhere than it should moves; what runs with other parameters than declared is restarted, or reloaded
   if that is all that they need.
   What its resource agent would not take as declared is kept as it is, stopped if it failed, and not started.
8. What runs nowhere is started, once every node that might run it without our knowing has been heard of.
"""

from dataclasses import replace

from reconciler.model.names import NodeName
from reconciler.model.observed import Instance, StartedAs
from reconciler.model.resource import MultipleActive, OnFail, Resource, Role
from reconciler.model.transition import Reason
from reconciler.plan.case import Case, decision_on, differs
from reconciler.plan.consequences import on_fail_of
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.held import held
from reconciler.plan.migration import can_migrate, handed_over, is_partial, uncleared
from reconciler.plan.parameters import metadata_of, objection, reload_action
from reconciler.plan.pauses import doubled, end_of_pause
from reconciler.plan.place.placement import Placement
from reconciler.plan.place.scores import live_failure
from reconciler.plan.promotion import is_only_demoted, with_role
from reconciler.plan.reasons import (
    failure_reason,
    parameter_reasons,
    placement_reasons,
    removal_reason,
    several_places_reason,
    start_reasons,
)
from reconciler.plan.situation import Situation
from reconciler.plan.tickets import Lack
from reconciler.plan.unfencing import is_let_in_first
from reconciler.plan.whereabouts import unheard_of

MAX_PAUSE_S = 60.0
"""Longest pause between two tries of a start."""


_KEEP, _START, _HOLD = Fate.KEEP, Fate.START, Fate.HOLD
_STOPPED = Role.STOPPED
"""What is asked for each resource: Python 3.11 takes ten times as long to find it in its Enum."""


def decide(situation: Situation, placement: Placement) -> list[Decision]:
    """Return the decision on every resource of a situation, in rank order."""
    decisions = []
    running, nodes, obstacles = situation.running, placement.nodes, placement.obstacles
    for name, resource in situation.resources.items():
        active = running.get(name, ())
        case = Case(situation, placement, resource, active, nodes.get(name), obstacles.get(name))
        decided = held(case) or _stopped(case) or (_running(case) if active else _started(case))
        if decided.starts or decided.migrates:
            left = uncleared(situation, name)
            decided = decided if left is None else decision_on(case, _HOLD, *decided.reasons, obstacle=left)
        decisions.append(with_role(decided, situation, placement) if decided.has_roles else decided)
    return decisions


def pause_after(failure_count: int, operation: str) -> float:
    """Return the seconds to wait before the next try; a failed monitor is answered at once the first time."""
    tries = failure_count - (0 if operation in {"start", "connect"} else 1)
    return doubled(1.0, tries - 1, MAX_PAUSE_S) if tries > 0 else 0.0


def _stopped(case: Case) -> Decision | None:
    """Rules 4 and 5."""
    situation, resource = case.situation, case.resource
    if situation.is_removed(resource.id):
        return decision_on(case, Fate.STOP, removal_reason(resource))
    if resource.state is _STOPPED:
        return decision_on(case, Fate.STOP if case.active else Fate.KEEP, *_asked_to_stop(case))
    source = handed_over(situation, resource, case.active, case.target) if case.active else None
    if source is not None:
        reason = Reason("handed-over", f"it is on its way from {source.node}")
        decision = replace(decision_on(case, Fate.MIGRATE, reason), active=(source,))
        return replace(decision, is_handed_over=True)
    if len(case.active) > 1:
        return _at_several_places(case)
    return _nowhere(case) if case.target is None else None


def _nowhere(case: Case) -> Decision:
    """Return the decision on what should run, and for which no node will do."""
    resource = case.resource
    if resource.instance_of is not None and not case.obstacle and not case.active:
        # There are as many instances as there may be; that some find no node is as asked.
        return decision_on(case, Fate.KEEP)
    lack = case.situation.lack_of(resource)
    if lack is not None:
        return _without_ticket(case, lack)
    obstacle = case.obstacle or "no node will do"
    if not case.active:
        return decision_on(case, Fate.HOLD, obstacle=obstacle)
    reason = Reason("no-node", obstacle, resource.where)
    return _with_force(decision_on(case, Fate.STOP, reason, obstacle=obstacle))


def _without_ticket(case: Case, lack: Lack) -> Decision:
    """Let nothing run that lacks its ticket; which is as asked, and said all the same."""
    if case.active:
        decision = _with_force(decision_on(case, Fate.STOP, lack.reason, obstacle=lack.text))
    else:
        decision = decision_on(case, Fate.HOLD, obstacle=lack.text)
    return replace(decision, obstacle_at=lack.where, lacks_ticket=True)


def _at_several_places(case: Case) -> Decision:
    reason = several_places_reason(case.active)
    is_partial_move = is_partial(case.active)
    if case.resource.multiple_active is MultipleActive.BLOCK and not is_partial_move:
        return decision_on(case, Fate.HOLD, obstacle=reason.text)
    is_stopped_only = case.resource.multiple_active is MultipleActive.STOP_ONLY and not is_partial_move
    if case.target is None or is_stopped_only:
        return decision_on(case, Fate.STOP, reason)
    is_there = any(i.node == case.target for i in case.active)
    failures = [i.failure for i in case.active if i.failure is not None]
    is_failed = any(on_fail_of(case.resource, f) is not OnFail.IGNORE for f in failures)
    return replace(
        decision_on(case, Fate.RESTART if is_there else Fate.MOVE, reason), is_failed=is_there and is_failed
    )


def _asked_to_stop(case: Case) -> tuple[Reason, ...]:
    where = case.resource.at("spec", "state")
    return (Reason("state-stopped", "state: stopped", where),) if case.active else ()


def _running(case: Case) -> Decision:
    """Rules 6 and 7."""
    (instance,) = case.active
    resource = case.resource
    wanted = case.situation.index.start_parameters(resource, instance.node)
    failure = instance.failure
    is_failed = failure is not None and on_fail_of(resource, failure) is not OnFail.IGNORE
    opposed = _opposed(case, instance.started_as, Fate.STOP if is_failed else _HOLD)
    if opposed is not None:
        return opposed
    if is_failed and not (case.target == instance.node and is_only_demoted(resource, instance)):
        return _recover(case, instance)
    if case.target != instance.node:
        assert case.target is not None
        fate = Fate.MIGRATE if can_migrate(case.situation, resource, instance, case.target) else Fate.MOVE
        reasons = placement_reasons(case.situation, resource, instance.node, case.target)
        is_failed = _has_lost_contents(case.situation, resource)
        return replace(decision_on(case, fate, *reasons), is_failed=is_failed)
    if instance.started_as is not None and differs(instance.started_as, wanted):
        reasons = parameter_reasons(resource, instance.started_as, wanted)
        metadata = metadata_of(case.situation.observed, instance.node, wanted.agent)
        if reload_action(metadata, instance.started_as, wanted) and _why_restarted(case, instance) is None:
            return replace(decision_on(case, Fate.KEEP, *reasons), is_reloaded=True)
        return decision_on(case, Fate.RESTART, *reasons)
    reason = _why_restarted(case, instance)
    if reason is not None:
        return replace(decision_on(case, Fate.RESTART, reason), is_failed=reason.code == "failed")
    kept = decision_on(case, _KEEP)
    return replace(kept, is_reloaded=True) if instance.needs_reload else kept


def _why_restarted(case: Case, instance: Instance) -> Reason | None:
    """Return why something is restarted that runs well, where it should, and as declared; None if it is not."""
    situation, resource = case.situation, case.resource
    restarts = situation.history.restarts
    if restarts and resource.declared_as in restarts:
        return Reason("ordered", "an operator ordered a restart")
    if situation.fences and _has_lost_contents(situation, resource):
        return Reason("failed", "what runs in it cannot be reached")
    if is_partial(case.active):
        return Reason("migration", "its live migration cannot go on")
    if is_let_in_first(situation, resource, instance.node):
        return Reason("unfencing", f"{instance.node} has to be let in by its fencing devices")
    contained = _failed_inside(situation, resource) if resource.id in situation.contents else None
    return None if contained is None else Reason("contained", f"{contained}, which runs in it, failed")


def _has_lost_contents(situation: Situation, launcher: Resource) -> bool:
    """Tell whether something runs in the guest that a resource runs, and cannot be reached any more."""
    if not situation.fences:
        return False
    lost = {node for node in situation.fences if situation.launcher(node) is launcher}
    found = situation.observed.instances.values() if lost else ()
    return any(i.node in lost and i.role is not Role.STOPPED for i in found)


def _failed_inside(situation: Situation, container: Resource) -> str | None:
    """Return what runs in a container and failed in a way that restarts it; None if nothing did.

    What is stopped, and is to be, needs no restart, however its stop was; nor does what failed where the container
    does not run any more.
    """
    contents = situation.contents.get(container.id, ())
    nodes = {i.node for i in situation.active(container.id)} if contents else set()
    for resource in contents:
        for instance in situation.instances.get(resource.id, ()):
            is_over = instance.role is Role.STOPPED and (
                resource.state is _STOPPED or instance.node not in nodes
            )
            failure = None if is_over else instance.failure
            if failure and on_fail_of(resource, failure) is OnFail.RESTART_CONTAINER:
                return resource.id
    return None


def _recover(case: Case, instance: Instance) -> Decision:
    """Restart or move what failed; where the next try has to wait, stop it and say when it goes on."""
    assert instance.failure is not None
    reason = failure_reason(instance)
    unheard = unheard_of(case.situation, case.resource) if _is_guess(instance) else None
    if unheard is not None:
        text = f"it may run on {unheard.node}, {unheard.text}"
        return replace(decision_on(case, Fate.HOLD, reason, obstacle=text), is_waiting=unheard.is_waiting)
    retry_at = _retry_at(case, instance.node)
    if retry_at is not None and case.target == instance.node:
        text = f"{reason.text}; next try after a pause"
        decision = Decision(
            resource=case.resource,
            fate=Fate.STOP,
            active=case.active,
            reasons=(reason,),
            obstacle=text,
            is_failed=True,
            retry_at=retry_at,
        )
        return _with_force(decision)
    fate = Fate.RESTART if case.target == instance.node else Fate.MOVE
    decision = Decision(
        resource=case.resource,
        fate=fate,
        active=case.active,
        target=case.target,
        reasons=(reason,),
        is_failed=True,
    )
    return _with_force(decision)


def _is_guess(instance: Instance) -> bool:
    """Tell whether all that speaks for something to run is a probe that failed: it may as well run elsewhere."""
    failure = instance.failure
    is_probe = failure is not None and failure.operation == "monitor" and not failure.interval_ms
    return is_probe and not instance.monitors


def _with_force(decision: Decision) -> Decision:
    """Let a guest that failed be destroyed: an orderly shutdown needs something alive in it."""
    is_broken = any(i.failure is not None for i in decision.active)
    return replace(decision, is_forced=decision.resource.guest is not None and is_broken)


def _started(case: Case) -> Decision:
    """Rule 8."""
    assert case.target is not None
    unheard = unheard_of(case.situation, case.resource)
    if unheard is not None:
        return Decision(
            resource=case.resource,
            fate=Fate.HOLD,
            target=case.target,
            obstacle=f"it may run on {unheard.node}, {unheard.text}",
            is_uncertain=True,
            is_waiting=unheard.is_waiting,
            intended=Fate.START if unheard.is_joining else None,
        )
    retry_at = _retry_at(case, case.target)
    if retry_at is not None:
        failure = case.situation.history.failures[(case.resource.known_as, case.target)]
        return Decision(
            resource=case.resource,
            fate=Fate.HOLD,
            target=case.target,
            obstacle=f"{failure.operation} failed on {case.target}: {failure.text}; next try after a pause",
            retry_at=retry_at,
        )
    opposed = _opposed(case, None, _HOLD)
    if opposed is not None:
        return replace(opposed, intended=Fate.START)
    reasons, failures = start_reasons(case.resource, case.target), case.situation.history.failures
    failure_count = failures.get((case.resource.known_as, case.target)) if failures else None
    if failure_count is None:
        return decision_on(case, _START, *reasons)
    text = f"{failure_count.operation} failed on {case.target}: {failure_count.text}"
    return Decision(
        resource=case.resource,
        fate=Fate.START,
        target=case.target,
        reasons=(Reason("failed", text), *reasons),
        is_failed=True,
    )


def _opposed(case: Case, before: StartedAs | None, fate: Fate) -> Decision | None:
    """Return `fate` where the resource agent would not take what is declared; None where it runs so, or may."""
    if case.target is None:
        return None
    observed = case.situation.observed
    metadata = metadata_of(observed, case.target, case.resource.agent) if observed.agents else None
    if metadata is None:
        return None
    wanted = case.situation.index.start_parameters(case.resource, case.target)
    found = objection(case.resource, wanted.params, metadata)
    if found is None:
        return None
    if before is not None and not differs(before, wanted):
        return None
    return replace(decision_on(case, fate, obstacle=found.text), obstacle_at=found.where)


def _retry_at(case: Case, node: NodeName) -> float | None:
    """Return when a resource that failed on a node may be tried there again; None: now."""
    failure = live_failure(case.situation, case.resource, node) if case.situation.history.failures else None
    if failure is None:
        return None
    longest = case.situation.intent.cluster.policy.longest_pause_s
    pause_s = min(pause_after(failure.count, failure.operation), longest)
    return end_of_pause(failure.last_at, pause_s, case.situation.now)
