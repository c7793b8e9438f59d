"""The planner, on one page: from what is asked, seen and remembered, to a transition.

Pure: no I/O, no clock, no randomness. The same inputs give the same transition, byte for byte.
"""

from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.observed import Observed
from reconciler.model.transition import Action, Transition
from reconciler.plan.changes import address_of, describe_blocked, describe_changes
from reconciler.plan.decision import Decision
from reconciler.plan.gates import hold_back
from reconciler.plan.guests import Connections, connections, wait_for_agents
from reconciler.plan.load import order_loads
from reconciler.plan.nodes import survey
from reconciler.plan.notify import add_notices
from reconciler.plan.operations import Decisions, create_steps
from reconciler.plan.ordering import order_operations, order_steps
from reconciler.plan.place.placement import place
from reconciler.plan.place.scores import failure_expiry
from reconciler.plan.quorum import heed_quorum
from reconciler.plan.recovery import decide
from reconciler.plan.remote import with_forsaken_nodes, with_lost_nodes
from reconciler.plan.repeats import left_for_later
from reconciler.plan.rules import changes_at
from reconciler.plan.settle.edges import milestones
from reconciler.plan.settle.settle import settle
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps


def schedule(intent: Intent, observed: Observed, history: History, now: float) -> Transition:
    """Return the whole plan from what is observed to what is asked.

    Args:
        intent: what the commit in force asks for.
        observed: the last snapshot, actions in flight listed in it.
        history: failures and orders.
        now: epoch seconds; only pauses and expiries depend on it.
    """
    situation = with_lost_nodes(survey(intent, observed, history, now))
    placement = place(situation)
    situation = with_forsaken_nodes(situation, placement)
    proposed = heed_quorum(situation, decide(situation, placement))
    decided, gates = hold_back(situation, wait_for_agents(situation, proposed))
    settled = settle(situation, decided)
    decisions = settled.decisions
    links = connections(situation, decisions)
    steps = create_steps(situation, decisions, links)
    order_steps(situation, settled, steps)
    notices = add_notices(situation, decisions, steps)
    order_operations(situation, steps)
    loads = order_loads(situation, placement, steps)
    held = {gate.address for gate in gates}
    return Transition(
        actions=_actions(situation, steps),
        changes=describe_changes(situation, decisions, steps),
        blocked=(*(b for b in describe_blocked(decisions) if b.address not in held), *links.blocked),
        gates=gates,
        placement={d.resource.id: _final_node(d) for d in decisions.values()},
        guest_nodes=_guest_nodes(situation),
        milestones=(*milestones(situation, settled, steps), *notices, *loads),
        recheck_at=_recheck_at(situation, decisions, links),
        counts_load=placement.counts_load,
        holds_places=placement.is_held,
        is_complete=not [
            d for d in decisions.values() if d.is_waiting and address_of(d.resource) not in held
        ],
    )


def _actions(situation: Situation, steps: Steps) -> dict[ActionId, Action]:
    """Return the actions, without those in flight already, and what waits for their repetition."""
    in_flight = {p.id for p in situation.observed.pending}
    return steps.ordered(left_out=in_flight | left_for_later(steps, in_flight))


def _guest_nodes(situation: Situation) -> dict[ResourceId, NodeName]:
    """Return the node of each guest, of what connects one, and of what runs it behind a connection."""
    found = {guest.id: node for node, guest in situation.guests.items()}
    for node in situation.guests:
        launcher = situation.launcher(node)
        if launcher is not None:
            found[launcher.id] = node
    return found


def _final_node(decision: Decision) -> NodeName | None:
    if decision.starts or decision.migrates:
        return decision.target
    return decision.active[0].node if decision.active and not decision.stops else None


def _recheck_at(situation: Situation, decisions: Decisions, links: Connections) -> float | None:
    """Return when time alone will change the plan: the next retry, rule, or failure that is forgotten."""
    times = [d.retry_at for d in decisions.values() if d.retry_at is not None]
    if links.retry_at is not None:
        times.append(links.retry_at)
    rules_change_at = changes_at(situation.intent, situation.now)
    if rules_change_at is not None:
        times.append(rules_change_at)
    for (resource_id, _), failure in situation.history.failures.items():
        resource = situation.intent.resources.get(resource_id)
        expires_at = failure_expiry(resource, failure) if resource else None
        if expires_at is not None and expires_at > situation.now:
            times.append(expires_at)
    return min(times, default=None)
