"""Gives every resource the scores that it begins with; `scores` says by which rules.

Invariant: a table of scores is never changed once it is made, so that all that score alike share one.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from reconciler.model.constraint import Discovery, Location
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import GuestType
from reconciler.model.resource import FENCING, Resource
from reconciler.model.score import INFINITY, add_scores
from reconciler.plan.place.health import node_health
from reconciler.plan.place.scores import Reach, Scores, ban_of, possible_nodes, reach_of
from reconciler.plan.place.trace import Cause, Step, Trace
from reconciler.plan.place.tree import Tree
from reconciler.plan.situation import Situation

_EXCLUSIVE = Discovery.EXCLUSIVE
"""At hand, for Python 3.11 takes ten times as long to find it in the Enum."""

Labels = Mapping[NodeName, Mapping[str, str]]


_HEALTH = "#health"
"""The id of a location that nobody declared: what the health of a node is worth."""
_NOWHERE = Where(file="", line=0, column=0)


def node_labels(situation: Situation) -> Labels:
    """Return the labels of every node."""
    labels: dict[NodeName, Mapping[str, str]] = {h.name: h.labels for h in situation.intent.hosts.values()}
    labels |= {node: remote.labels for node, remote in situation.intent.remote_nodes().items()}
    return labels


def own_scores(tree: Tree, labels: Labels, trace: Trace | None = None) -> dict[ResourceId, Scores]:
    """Return the scores of all primitives, groups and clones by what concerns each alone."""
    situation, policy = tree.situation, tree.situation.intent.cluster.policy
    others = _not_anywhere(situation)
    plain = next((r for name, r in situation.resources.items() if name not in others), None)
    tables = _Tables(
        tree=tree,
        wishes=_wishes_by_subject(tree),
        is_symmetric=policy.is_symmetric,
        is_any_exclusive=bool([c for c in situation.intent.locations if c.discovery is _EXCLUSIVE]),
        others=others,
        anywhere={} if plain is None else dict.fromkeys(possible_nodes(situation, plain), 0),
        health=node_health(policy, labels),
        failed_on=_failed_on(situation),
        kinds={},
        scores={},
        trace=trace,
    )
    for top in (*tree.tops, *tree.bundles):
        tables.add(top)
    return tables.scores


def with_wishes(scores: Mapping[NodeName, int], wishes: Iterable[Location]) -> Scores:
    """Return scores with location constraints added; a node that had none gets one."""
    result = dict(scores)
    for wish in wishes:
        node, score = wish.node, wish.score
        before = result.get(node)
        result[node] = add_scores(before, score) if before else score
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    """The tables while they are made."""

    tree: Tree
    wishes: Mapping[ResourceId, Sequence[Location]]
    """The location constraints on what nothing contains, and on members of groups."""
    is_symmetric: bool
    is_any_exclusive: bool
    others: Set[ResourceId]
    """What cannot run just wherever an agent is."""
    anywhere: Scores
    """The nodes for all else, each scored 0."""
    health: Mapping[NodeName, int]
    failed_on: Mapping[ResourceId, Sequence[NodeName]]
    """By the names that nodes know."""
    kinds: dict[tuple[GuestType | None, Reach], Scores]
    """The nodes for those, each scored 0, by what decides on them."""
    scores: dict[ResourceId, Scores]
    trace: Trace | None

    def add(self, top: ResourceId) -> None:
        """Score what nothing contains, and all that it contains."""
        situation, wishes = self.tree.situation, self.wishes.get(top, ())
        if self.health:
            wishes = [*self._health_of(top), *wishes]
        if top in situation.resources:
            self._add_primitive(top, wishes)
            return
        clone = situation.clones.get(top)
        if clone is None:
            self._add_part(top, wishes)
            return
        banned = () if clone.clone.is_unique else self._bans_within(top)
        self.scores[top] = self._table(top, self.tree.sample(top), wishes, banned)
        for instance in clone.instances:
            self._add_part(instance, wishes, banned)

    def _add_part(
        self, name: ResourceId, wishes: Sequence[Location], banned: Sequence[NodeName] = ()
    ) -> None:
        """Score a primitive, or a group with its members."""
        group = self.tree.situation.groups.get(name)
        if group is None:
            self._add_primitive(name, wishes, banned)
            return
        self.scores[name] = self._table(name, self.tree.sample(name), wishes, banned)
        for member in group.members:
            own = self.wishes.get(member, ())
            self._add_primitive(member, [*wishes, *own] if own else wishes, banned)
            if group.is_colocated and member == group.members[0]:
                wishes = [replace(wish, score=0) for wish in wishes]

    def _add_primitive(
        self, name: ResourceId, wishes: Sequence[Location], banned: Sequence[NodeName] = ()
    ) -> None:
        situation = self.tree.situation
        resource = situation.resources[name]
        has_own_name = resource.instance_of is None and resource.named is None
        if self.failed_on and not banned and (name in self.failed_on or not has_own_name):
            banned = self._bans_of(resource)
        scores = self._table(name, resource, wishes, banned)
        active = situation.running.get(name, ())
        if len(active) == 1 and resource.is_managed and resource.stickiness > 0:
            node = active[0].node
            if node in scores:
                before = scores
                scores = {**scores, node: add_scores(scores[node], resource.stickiness)}
                if self.trace is not None:
                    self.trace.add(name, Step(cause=Cause.STICKINESS, before=before, after=scores))
        self.scores[name] = scores

    def _table(
        self, name: ResourceId, resource: Resource, wishes: Sequence[Location], banned: Sequence[NodeName]
    ) -> Scores:
        """Return the scores that constraints and bans come to; the resource speaks for what it is in."""
        if resource.only_on:
            return self._table_in_bundle(name, resource, banned)
        possible = self._possible(resource)
        start = possible if self.is_symmetric else {}
        if self.trace is not None:
            self.trace.begin(name, start)
        if not wishes and not banned:
            return start
        counted = [wish for wish in wishes if wish.node in possible]
        scores = with_wishes(start, counted)
        if banned or self.is_any_exclusive:
            exclusive = {wish.node for wish in wishes if wish.discovery is _EXCLUSIVE}
            for node in scores:
                if node in banned or (exclusive and node not in exclusive):
                    scores[node] = -INFINITY
        if self.trace is not None:
            self._note(name, counted, banned, scores)
        return scores

    def _table_in_bundle(self, name: ResourceId, resource: Resource, banned: Sequence[NodeName]) -> Scores:
        """Return the scores of what is in a bundle: an instance must be on its node, and the clone may be on all."""
        score = INFINITY if resource.instance_of is not None else 0
        scores = {node: -INFINITY if node in banned else score for node in resource.only_on}
        if self.trace is not None:
            self.trace.begin(name, scores)
        return scores

    def _note(
        self, name: ResourceId, wishes: Sequence[Location], banned: Sequence[NodeName], scores: Scores
    ) -> None:
        """Note how a table has come about, constraint by constraint."""
        assert self.trace is not None
        exclusive = [wish for wish in wishes if wish.discovery is _EXCLUSIVE]
        table = self.trace.add_wishes(
            name, ((w.node, w.score, w if w.id != _HEALTH else None) for w in wishes)
        )
        if exclusive:
            named = {wish.node for wish in exclusive}
            others = [node for node in table if node not in named]
            table = self.trace.ban(name, Cause.EXCLUSIVE, others, exclusive[0])
        if banned:
            table = self.trace.ban(name, Cause.FAILURE, banned)
        assert table == scores
        self.trace.replace_last(name, scores)

    def _possible(self, resource: Resource) -> Scores:
        if resource.id not in self.others:
            return self.anywhere
        reach = reach_of(self.tree.situation, resource)
        kind = (resource.guest.type if resource.guest is not None else None, reach)
        if kind not in self.kinds:
            self.kinds[kind] = dict.fromkeys(possible_nodes(self.tree.situation, resource), 0)
        return self.kinds[kind]

    def _health_of(self, top: ResourceId) -> Iterable[Location]:
        allows_unhealthy = self.tree.sample(top).allows_unhealthy
        for node, health in self.health.items():
            if health > 0 or not allows_unhealthy:
                yield Location(id=_HEALTH, resource=top, node=node, score=health, where=_NOWHERE)

    def _bans_of(self, resource: Resource) -> Sequence[NodeName]:
        situation = self.tree.situation
        nodes = self.failed_on.get(resource.known_as, ())
        return [node for node in nodes if ban_of(situation, resource, node) is not None] if nodes else ()

    def _bans_within(self, clone: ResourceId) -> Sequence[NodeName]:
        """Return the nodes where anything of a clone failed too often; its instances share their failures."""
        situation = self.tree.situation
        first = situation.clones[clone].instances[:1]
        leaves = [situation.resources[leaf] for instance in first for leaf in situation.leaves(instance)]
        return [node for leaf in leaves for node in self._bans_of(leaf)]


def _wishes_by_subject(tree: Tree) -> Mapping[ResourceId, Sequence[Location]]:
    """Return the location constraints on each resource; those on a part of a clone are on the clone."""
    declared = tree.situation.index.wishes
    if tree.inside.keys().isdisjoint(declared):
        return declared
    found: dict[ResourceId, Sequence[Location]] = {}
    for name, wishes in declared.items():
        subject = tree.inside.get(name, name)
        found[subject] = [*found[subject], *wishes] if subject in found else wishes
    return found


def _not_anywhere(situation: Situation) -> set[ResourceId]:
    """Return what cannot run just wherever an agent is: see `reach_of`; guests, and what runs those."""
    found = {guest.id for guest in situation.guests.values()} | situation.contents.keys()
    return found | {
        r.id
        for r in situation.resources.values()
        if r.guest is not None or r.only_on or r.agent.standard == FENCING
    }


def _failed_on(situation: Situation) -> dict[ResourceId, list[NodeName]]:
    """Return the nodes on which each resource failed, by the name that nodes know."""
    found: dict[ResourceId, dict[NodeName, None]] = {}
    for resource, node in situation.history.failures:
        found.setdefault(resource, {})[node] = None
    for (resource, node), instance in situation.observed.instances.items():
        if instance.failure is not None:
            found.setdefault(resource, {})[node] = None
    for container, contents in situation.contents.items():
        for part in contents:
            if part.known_as in found:
                found.setdefault(situation.known_as(container), {}).update(found[part.known_as])
    return {resource: list(nodes) for resource, nodes in found.items()}
