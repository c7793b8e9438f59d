"""Assigns groups: members one after the other; that each must be with the one before makes them one."""

from reconciler.model.names import NodeName, ResourceId
from reconciler.plan.place.primitives import assign_primitive
from reconciler.plan.place.state import Assignment, Course


def assign_part(
    assignment: Assignment, name: ResourceId, prefer: NodeName | None = None, *, is_tentative: bool = False
) -> Course:
    """Assign a primitive or a group; the node of a group is that of the first member that has one."""
    group = assignment.situation.groups.get(name)
    if group is None:
        return (yield from assign_primitive(assignment, name, prefer, is_tentative=is_tentative))
    assignment.begun.add(name)
    nodes: list[NodeName | None] = []
    for member in group.members:
        node = yield from assign_primitive(assignment, member, prefer, is_tentative=is_tentative)
        nodes.append(node)
    assignment.done.add(name)
    if not group.is_colocated:
        return None
    return next((node for node in nodes if node is not None), None)


def release_part(assignment: Assignment, name: ResourceId) -> None:
    """Undo `assign_part`."""
    for leaf in assignment.situation.leaves(name):
        assignment.unsettle(assignment.situation.resources[leaf])
    assignment.done.discard(name)
