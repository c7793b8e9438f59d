"""Assigns every resource to a node, or to none.

The order is that of `order`; what is assigned is a primitive, a group or a clone with all that it contains. The same
inputs give the same places.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.names import NodeName, ResourceId
from reconciler.plan.place.clones import assign_clone
from reconciler.plan.place.groups import assign_part
from reconciler.plan.place.order import assignment_order
from reconciler.plan.place.state import begin
from reconciler.plan.situation import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where each resource is to run."""

    nodes: Mapping[ResourceId, NodeName | None]
    """Of primitives and instances; None: nowhere, by declaration or because no node will do."""
    obstacles: Mapping[ResourceId, str]
    """For those that should run and find no node: why, in a sentence."""


def place(situation: Situation) -> Placement:
    """Assign all resources of a situation."""
    assignment = begin(situation)
    for name in assignment_order(assignment):
        if name in situation.clones:
            assign_clone(assignment, name)
        else:
            assign_part(assignment, name)
    for resource_id in situation.resources:
        assignment.nodes.setdefault(resource_id, None)
    return Placement(nodes=assignment.nodes, obstacles=assignment.obstacles)
