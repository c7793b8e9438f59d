"""Frees capacity before it is taken again.

The rule (Pacemaker Explained, "Utilization and Placement"): where capacity counts, what takes some of a node's starts
there, or is migrated there, only after all has stopped that gives some back. A circle is left open there: the node is
then overloaded for a moment.
"""

from collections.abc import Mapping

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.policy import PlacementStrategy
from reconciler.model.resource import Resource
from reconciler.model.transition import Action, ActionKind, Milestone
from reconciler.plan.place.placement import Placement
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps

_LEAVING = {ActionKind.STOP}
_COMING = {ActionKind.START, ActionKind.MIGRATE_FROM}


def order_loads(situation: Situation, placement: Placement, steps: Steps) -> tuple[Milestone, ...]:
    """Add the edges of the rule; return the points at which the capacity of each node is free."""
    if situation.intent.cluster.policy.placement is PlacementStrategy.DEFAULT:
        return ()
    weighty = {r.id: r for r in situation.resources.values() if r.needs}
    milestones = []
    for node in _nodes(situation, placement.allowed, weighty):
        leaving = _on(steps, node, _LEAVING, weighty)
        for coming in _on(steps, node, _COMING, weighty):
            for action in _first_of(steps, coming):
                for stop in leaving:
                    if stop.subject != coming.subject and not steps.reaches(action.id, stop.id):
                        steps.order(stop.id, action.id)
        after = tuple(sorted(stop.id for stop in leaving))
        milestones.append(Milestone(name=f"load_stopped_{node}", subject=ResourceId(node), after=after))
    return tuple(milestones)


def _nodes(
    situation: Situation,
    allowed: Mapping[ResourceId, frozenset[NodeName]],
    weighty: Mapping[ResourceId, Resource],
) -> list[NodeName]:
    """Return the nodes whose capacity counts: where something runs, or may, that takes some."""
    found = {i.node for name in weighty for i in situation.active(name)}
    return sorted(found.union(*(allowed.get(name, ()) for name in weighty)))


def _on(
    steps: Steps, node: NodeName, kinds: set[ActionKind], weighty: Mapping[ResourceId, Resource]
) -> list[Action]:
    return [a for a in steps.by_node.get(node, []) if a.kind in kinds and a.subject in weighty]


def _first_of(steps: Steps, coming: Action) -> list[Action]:
    """Return what has to wait: of a migration, that the other node begins it."""
    if coming.kind is ActionKind.START:
        return [coming]
    assert coming.subject is not None
    return list(steps.of(ActionKind.MIGRATE_TO, coming.subject))
