"""What consists of what: primitives in groups, and both in clones; and which of them a declared name stands for.

The rules:

* A constraint on anything inside a clone is one on the clone (Pacemaker lib/pacemaker/pcmk_sched_constraints.c,
  pcmk__find_constraint_resource); a member of a group that is not cloned keeps its own.
* Of a group or a clone, rank and stickiness are those of the first primitive in it, and so is priority where it has
  none of its own: members take theirs from what contains them, and not the other way round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from reconciler.model.collective import Clone, Group
from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId
from reconciler.model.resource import Resource
from reconciler.plan.situation import Situation


class Variant(IntEnum):
    """What a resource is; the more it contains, the higher."""

    PRIMITIVE = 1
    GROUP = 2
    CLONE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """All declared resources, by what contains them."""

    situation: Situation
    tops: Sequence[ResourceId]
    """What nothing contains, in rank order."""
    parents: Mapping[ResourceId, ResourceId]
    """Of a group's member the group, of a clone's instance the clone."""
    inside: Mapping[ResourceId, ResourceId]
    """The clone that a declared name is a part of."""
    bundles: Mapping[ResourceId, ResourceId]
    """The bundle that something belongs to which is none of its containers: an address, a connection, the clone."""
    content: Mapping[ResourceId, ResourceId]
    """What is in a bundle's container."""
    samples: Mapping[ResourceId, Resource]
    """The first declared primitive in each group and clone."""

    def subject(self, declared: ResourceId) -> ResourceId | None:
        """Return what a constraint on a declared name is about; None when there is no such thing."""
        clone = self.inside.get(declared)
        if clone is not None:
            return clone
        is_there = declared in self.situation.resources or declared in self.samples
        return declared if is_there else None

    def variant(self, name: ResourceId) -> Variant:
        """Return what a name stands for."""
        if name in self.situation.clones:
            return Variant.CLONE
        return Variant.GROUP if name in self.situation.groups else Variant.PRIMITIVE

    def sample(self, name: ResourceId) -> Resource:
        """Return the primitive that speaks for a name: itself, or the first in a group or clone."""
        found = self.situation.resources.get(name)
        return found if found is not None else self.samples[name]

    def priority(self, name: ResourceId) -> int:
        """Return the priority of a primitive, a group or a clone as a whole."""
        if name in self.situation.resources:
            return self.situation.resources[name].priority
        clone = self.situation.clones.get(name)
        if clone is not None:
            own = clone.clone.priority
            group = self.situation.intent.collectives.get(clone.clone.member)
            own = group.priority if own is None and group is not None else own
        else:
            around = self.situation.groups.get(name)
            own = around.priority if around is not None else None
        return self.sample(name).priority if own is None else own

    def children(self, name: ResourceId) -> tuple[ResourceId, ...]:
        """Return the members of a group, the instances of a clone; of a primitive, nothing."""
        group = self.situation.groups.get(name)
        if group is not None:
            return group.members
        clone = self.situation.clones.get(name)
        return clone.instances if clone is not None else ()

    def speaking_of_roles(self, name: ResourceId) -> ResourceId:
        """Return what has the role of a name: of a bundle its clone, of a container what is in it, else itself."""
        found = self.situation.clones.get(name)
        if found is not None and found.bundle is not None:
            return found.bundle.inner or name
        return self.content.get(name, name)

    def top(self, name: ResourceId) -> ResourceId:
        """Return the outermost resource that contains a name, or is it."""
        while name in self.parents:
            name = self.parents[name]
        return name

    def clone_around(self, name: ResourceId) -> Clone | None:
        """Return the clone that a name is, or is a part of."""
        found = self.situation.clones.get(self.top(name))
        return found.clone if found is not None else None

    def group_around(self, name: ResourceId) -> Group | None:
        """Return the group that a primitive is a member of."""
        return self.situation.groups.get(self.parents.get(name, name))


def tree_of(situation: Situation) -> Tree:
    """Return how the declared resources of a situation contain each other."""
    intent = situation.intent
    parents: dict[ResourceId, ResourceId] = {}
    inside: dict[ResourceId, ResourceId] = {}
    samples: dict[ResourceId, Resource] = {}
    bundles: dict[ResourceId, ResourceId] = {}
    content: dict[ResourceId, ResourceId] = {}
    for clone_id, found in situation.clones.items():
        parents |= dict.fromkeys(found.instances, clone_id)
        if found.bundle is not None:
            samples[clone_id] = situation.resources[found.instances[0]]
            bundles |= dict.fromkeys(found.bundle.belongings(), clone_id)
            inner = situation.clones[found.bundle.inner].instances if found.bundle.inner is not None else ()
            content |= dict(zip(found.instances, inner, strict=False))
            continue
        members = _members(intent, found.clone.member)
        inside |= dict.fromkeys((found.clone.member, *members), clone_id)
        if members:
            samples[clone_id] = intent.resources[members[0]]
    for group_id, group in situation.groups.items():
        parents |= dict.fromkeys(group.members, group_id)
        if group.members:
            samples[group_id] = situation.resources[group.members[0]]
    tops = [
        (r.rank, name)
        for name, r in situation.resources.items()
        if name not in parents and name not in bundles and (r.instance_of or name) in intent.resources
    ]
    inside_others = parents.keys() | bundles.keys()
    tops += [(sample.rank, name) for name, sample in samples.items() if name not in inside_others]
    return Tree(
        situation=situation,
        tops=[name for _, name in sorted(tops)],
        parents=parents,
        inside=inside,
        bundles=bundles,
        content=content,
        samples=samples,
    )


def _members(intent: Intent, name: ResourceId) -> tuple[ResourceId, ...]:
    """Return the primitives that a declared member of a clone consists of."""
    collective = intent.collectives.get(name)
    if collective is None:
        return (name,)
    assert isinstance(collective, Group)
    return collective.members
