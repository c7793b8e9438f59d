"""Plans anew after a few events in a world that was at rest: only what they can touch is planned.

A plan for a part is the plan for all if nothing outside the part has anything to do, and nothing there depends on what
happens in it. The rules, each checked, and else all is planned:

* The world was at rest by the same intent: the plan was empty, and every node is known and online.
* No node has changed since, nor quorum, nor what operators ordered.
* What has changed, what has failed before, and what is in flight are plain resources: no guests, nothing cloned or
  contained. All that is tied to them belongs to the part.
* What makes the nodes where they may run is planned with them, and stays as it is.
* Nowhere does it matter how many resources a node has, or how much capacity: those concern all. Nor does anything only
  stay because it would come back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Observed
from reconciler.model.transition import Transition
from reconciler.plan.becoming import Key
from reconciler.plan.index import grouped
from reconciler.plan.schedule import schedule
from reconciler.plan.surroundings import Surroundings, surroundings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A world in which nothing was to do."""

    surroundings: Surroundings
    observed: Observed
    keys: Mapping[ResourceId, Sequence[Key]]
    """The instances that are known of each resource."""
    history: History
    transition: Transition
    """The empty plan for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Touched:
    """What is not as it was at rest."""

    names: set[ResourceId]
    """All that has changed, failed before, or is in flight."""
    keys: set[Key]
    """The instances that have changed, come, or gone."""


def plan_after(
    before: Rest | None, intent: Intent, observed: Observed, history: History, now: float
) -> tuple[Transition, Rest | None]:
    """Return what `schedule` does, quicker after a few events, and the last world at rest for the next call.

    Args:
        before: what the last call returned; None: all is planned.
        intent: what is asked for.
        observed: the world.
        history: failures and orders.
        now: epoch seconds.
    """
    around = before.surroundings if before is not None and before.surroundings.intent is intent else None
    if before is not None and around is not None:
        part = replan(before, observed, history, now)
        if part is not None:
            return part, rest_of(intent, observed, history, part, around) or before
    transition = schedule(intent, observed, history, now)
    return transition, rest_of(intent, observed, history, transition, around)


def rest_of(
    intent: Intent,
    observed: Observed,
    history: History,
    transition: Transition,
    around: Surroundings | None = None,
) -> Rest | None:
    """Return a world at rest; None if it is not, or nothing in it can be planned by itself.

    Args:
        intent: what is asked for.
        observed: the world.
        history: failures and orders.
        transition: the plan for these.
        around: the surroundings of the intent, if they are known.
    """
    is_empty = transition == Transition(placement=transition.placement, guest_nodes=transition.guest_nodes)
    if not is_empty or observed.pending or history.connections or history.restarts:
        return None
    surroundings = around or surroundings_of(intent)
    if surroundings is None:
        return None
    agents = [*(h.name for h in intent.hosts.values() if h.agent is not None), *surroundings.guests]
    if not all(_is_there(observed, node) for node in agents):
        return None
    return Rest(
        surroundings=surroundings,
        observed=observed,
        keys=grouped((key[0], key) for key in observed.instances),
        history=history,
        transition=transition,
    )


def replan(rest: Rest, observed: Observed, history: History, now: float) -> Transition | None:
    """Return the plan for a world that differs from one at rest; None where all has to be planned.

    Args:
        rest: the world as it was.
        observed: the world as it is.
        history: failures and orders.
        now: epoch seconds.
    """
    around = rest.surroundings
    touched = _touched(rest, observed, history)
    names = around.tied_to(touched.names) if touched is not None else None
    nodes = around.nodes_for(names) if names is not None else None
    if touched is None or names is None or nodes is None:
        return None
    nodes |= {key[1] for key in touched.keys if key[0] in names}
    nodes |= {key[1] for name in names for key in rest.keys.get(name, ())}
    nodes |= {p.node for p in observed.pending}
    makers = around.makers_of(nodes)
    if makers is None or not makers.isdisjoint(names):
        return None
    keys = [key for name in sorted(names | makers) for key in rest.keys.get(name, ())]
    intent, world = (
        around.part(names | makers),
        _part(around, observed, [*keys, *sorted(touched.keys)], nodes),
    )
    part = schedule(intent, world, history, now)
    return _merged(rest, part, names) if _is_within(rest, part, names) else None


def _is_there(observed: Observed, node: NodeName) -> bool:
    status = observed.nodes.get(node)
    return (
        status is not None and status.state is NodeState.ONLINE and status.is_known and not status.is_leaving
    )


def _touched(rest: Rest, observed: Observed, history: History) -> _Touched | None:
    """Return what is not as it was at rest; None if that is more than resources."""
    before = rest.observed
    is_same = (
        observed.nodes == before.nodes
        and observed.has_quorum == before.has_quorum
        and observed.agents == before.agents
        and replace(history, failures=rest.history.failures) == rest.history
        and all(p.resource is not None for p in observed.pending)
    )
    if not is_same:
        return None
    known = before.instances
    keys = {key for key, i in observed.instances.items() if known.get(key) is not i and known.get(key) != i}
    keys |= known.keys() - observed.instances.keys()
    failed = {resource for h in (rest.history, history) for resource, _ in h.failures}
    pending = {p.resource for p in observed.pending if p.resource is not None}
    return _Touched(names=failed | pending | {resource for resource, _ in keys}, keys=keys)


def _part(around: Surroundings, observed: Observed, keys: Sequence[Key], nodes: set[NodeName]) -> Observed:
    """Return what is observed of some resources, and of the nodes that matter to them."""
    wanted = [*around.intent.hosts, *sorted(nodes - around.intent.hosts.keys())]
    return replace(
        observed,
        nodes={node: observed.nodes[node] for node in wanted if node in observed.nodes},
        instances={key: observed.instances[key] for key in keys if key in observed.instances},
    )


def _is_within(rest: Rest, part: Transition, names: set[ResourceId]) -> bool:
    """Tell whether a plan for a part changes nothing outside of it."""
    addresses = {f"resource/{name}" for name in names}
    return (
        not part.gates
        and not part.counts_load
        and not part.holds_places
        and all(action.subject in names for action in part.actions.values())
        and all(change.address in addresses for change in part.changes)
        and all(blocked.address in addresses for blocked in part.blocked)
        and all(rest.transition.placement[r] == n for r, n in part.placement.items() if r not in names)
    )


def _merged(rest: Rest, part: Transition, names: set[ResourceId]) -> Transition:
    """Return the plan for all: what is to do in the part, and the places of all."""
    placed = {name: part.placement[name] for name in names}
    return replace(
        part, placement={**rest.transition.placement, **placed}, guest_nodes=rest.transition.guest_nodes
    )
