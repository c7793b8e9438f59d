"""Assigns groups: members one after the other; that each must be with the one before makes them one."""

from reconciler.model.names import NodeName, ResourceId
from reconciler.plan.place.primitives import assign_primitive
from reconciler.plan.place.state import Assignment


def assign_part(
    assignment: Assignment, name: ResourceId, prefer: NodeName | None = None, *, is_tentative: bool = False
) -> NodeName | None:
    """Assign a primitive or a group, and return its node; of a group, that of the first member that has one."""
    group = assignment.situation.groups.get(name)
    if group is None:
        return assign_primitive(assignment, name, prefer, is_tentative=is_tentative)
    nodes = [assign_primitive(assignment, m, prefer, is_tentative=is_tentative) for m in group.members]
    assignment.done.add(name)
    if not group.is_colocated:
        return None
    return next((node for node in nodes if node is not None), None)


def release_part(assignment: Assignment, name: ResourceId) -> None:
    """Undo `assign_part`."""
    for leaf in assignment.situation.leaves(name):
        assignment.unsettle(assignment.situation.resources[leaf])
    assignment.done.discard(name)
