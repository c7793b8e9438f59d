"""Groups and clones: who belongs to which group, and what a collective may consist of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.load.document import Clone, GroupDocument, ResourceDocument
from reconciler.load.namespace import Namespace
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.load.validate import Checked
from reconciler.model import collective as model
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Resource
from reconciler.plan.place.scores import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReading:
    """A group document whose members are known."""

    raw: RawDocument
    document: GroupDocument
    id: ResourceId
    members: tuple[ResourceId, ...]
    """Without those that cannot be members."""
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What placement and order of one document are about: a resource, a group, or all instances of one."""

    id: ResourceId
    kin: frozenset[ResourceId]
    """What it consists of, and what it belongs to: no constraint can stand between them and it."""
    reach: Reach = "all"
    """What makes a node runs in no guest; guests need hosts."""
    own_nodes: frozenset[NodeName] = frozenset()
    """Nodes that it becomes, and so cannot run on."""
    is_critical: bool = True
    """What it is placed with is moved for its sake too, where nothing else is said."""


def read_groups(usable: Sequence[tuple[int, Checked]], names: Namespace) -> list[GroupReading]:
    """Return the groups; each resource is a member of one at most.

    Args:
        usable: documents with their ranks.
        names: learns who is a member.
    """
    found = []
    for rank, checked in usable:
        raw, document = checked.raw, checked.document
        if not isinstance(document, GroupDocument):
            continue
        group = ResourceId(document.metadata.name)
        members = [
            names.add_member(name, group, raw.at(("spec", "members", index)))
            for index, name in enumerate(document.spec.members)
        ]
        found.append(
            GroupReading(
                raw=raw,
                document=document,
                id=group,
                members=tuple(m for m in members if m is not None),
                rank=rank if document.spec.rank is None else document.spec.rank,
            )
        )
    return found


def collectives_of(
    groups: Sequence[GroupReading],
    resources: Sequence[tuple[RawDocument, Resource, ResourceDocument]],
    bundles: Iterable[tuple[int, model.Collective]],
    problems: Problems,
) -> dict[ResourceId, model.Collective]:
    """Return the groups, the clones of them and of resources, and what bundles consist of, in rank order.

    Args:
        groups: with their members.
        resources: those that may be cloned, with their documents.
        bundles: bundles, and the clones in them, with their ranks.
        problems: takes what does not fit together.
    """
    found: list[tuple[int, model.Collective]] = list(bundles)
    for group in groups:
        spec = group.document.spec
        declared = model.Group(
            id=group.id,
            members=group.members,
            where=group.raw.at(("metadata", "name")),
            is_ordered=spec.ordered is not False,
            is_colocated=spec.colocated is not False,
            priority=spec.priority,
        )
        found.append((group.rank, declared))
        if spec.clone is not None:
            found.append((group.rank, _clone(group.raw, group.id, spec.clone, problems)))
    for raw, resource, document in resources:
        if document.spec.clone is not None:
            found.append((resource.rank, _clone(raw, resource.id, document.spec.clone, problems)))
    return {collective.id: collective for _, collective in sorted(found, key=lambda pair: pair[0])}


def check_cloned(
    collectives: Mapping[ResourceId, model.Collective],
    resources: Mapping[ResourceId, Resource],
    problems: Problems,
) -> None:
    """Refuse nodes that would exist several times: what becomes a node has one name and one address."""
    for clone in collectives.values():
        if not isinstance(clone, model.Clone):
            continue
        inner = collectives.get(clone.member)
        members = inner.members if isinstance(inner, model.Group) else (clone.member,)
        for member in members:
            resource = resources.get(member)
            if resource is not None and (resource.guest is not None or resource.remote_node is not None):
                what = "a guest" if resource.guest is not None else "a node"
                text = f"{member} is {what}, of which there is one, and {clone.member} is cloned"
                problems.add(
                    clone.where, "guest-in-clone", text, "declare each guest by itself, or remove clone:"
                )


def subjects(
    resources: Mapping[ResourceId, Resource],
    groups_read: Sequence[GroupReading],
    collectives: Mapping[ResourceId, model.Collective],
) -> dict[ResourceId, Subject]:
    """Return what the constraints of each document are about, by the document's name."""
    clone_of = {c.member: c.id for c in collectives.values() if isinstance(c, model.Clone)}
    groups = [c for c in collectives.values() if isinstance(c, model.Group)]
    mild = {group.id for group in groups_read if group.document.spec.critical is False}
    found = {}
    for group in groups:
        members = [resources[m] for m in group.members if m in resources]
        clone = clone_of.get(group.id)
        found[group.id] = Subject(
            id=clone or group.id,
            kin=frozenset({group.id, *group.members, *([clone] if clone else [])}),
            reach="hosts" if any(map(_makes_node, members)) else "all",
            own_nodes=frozenset(m.remote_node.name for m in members if m.remote_node is not None),
            is_critical=group.id not in mild,
        )
    group_of = {member: group.id for group in groups for member in group.members}
    for resource in resources.values():
        around = group_of.get(resource.id)
        clone = clone_of.get(resource.id)
        kin = {resource.id, clone or resource.id}
        kin |= {around, clone_of.get(around, around)} if around is not None else set()
        found[resource.id] = Subject(
            id=clone or resource.id,
            kin=frozenset(kin),
            reach="hosts" if _makes_node(resource) else "all",
            own_nodes=frozenset({resource.remote_node.name} if resource.remote_node else ()),
            is_critical=resource.is_critical,
        )
    return found


def _makes_node(resource: Resource) -> bool:
    return resource.guest is not None or resource.remote_node is not None


def _clone(raw: RawDocument, member: ResourceId, written: Clone, problems: Problems) -> model.Clone:
    if (written.node_max or 1) > 1 and not written.unique:
        where = raw.key_at(("spec", "clone", "nodeMax"))
        text = "several instances on one node must be told apart"
        problems.add(where, "does-not-fit", text, "add unique: true, or remove nodeMax")
    if written.max is not None and (written.min or 0) > written.max:
        where = raw.key_at(("spec", "clone", "min"))
        text = f"min {written.min} is more than max {written.max}: what comes after could never start"
        problems.add(where, "does-not-fit", text, "lower min, or raise max")
    promotion = written.promotable
    return model.Clone(
        id=ResourceId(written.name or f"{member}-clone"),
        member=member,
        where=raw.at(("spec", "clone", "name")) if written.name else raw.key_at(("spec", "clone")),
        max=written.max,
        node_max=written.node_max or 1,
        min=written.min or 0,
        is_interleaved=written.interleave is True,
        is_ordered=written.ordered is True,
        is_unique=written.unique is True,
        notifies=written.notify is True,
        promotion=None
        if promotion is None
        else model.Promotion(max=promotion.max or 1, node_max=promotion.node_max or 1),
    )
