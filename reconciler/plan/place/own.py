"""Gives every resource the scores that it begins with; `scores` says by which rules.

Invariant: a table of scores is never changed once it is made, so that all that score alike share one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model.constraint import Discovery, Location
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import GuestType
from reconciler.model.resource import Resource, Role
from reconciler.model.score import INFINITY, add_scores
from reconciler.plan.place.health import node_health
from reconciler.plan.place.scores import Reach, Scores, ban_of, possible_nodes, reach_of
from reconciler.plan.place.trace import Cause, Step, Trace
from reconciler.plan.place.tree import Tree
from reconciler.plan.situation import Situation

_ROLES_OF_OTHERS = {Role.PROMOTED, Role.STOPPED}
"""What is being assigned is started, and not promoted yet: constraints for these roles do not concern it."""

_EXCLUSIVE = Discovery.EXCLUSIVE
"""At hand, for Python 3.11 takes ten times as long to find it in the Enum."""

Labels = Mapping[NodeName, Mapping[str, str]]


Wish = tuple[NodeName, int, bool, Location | None]
"""One location constraint, without whom it is on: the node, the score, and whether it is exclusive.

Last where it comes from; None: from the health of the node. A plain tuple, for there are several for each resource.
"""


def node_labels(situation: Situation) -> Labels:
    """Return the labels of every node."""
    labels: dict[NodeName, Mapping[str, str]] = {h.name: h.labels for h in situation.intent.hosts.values()}
    labels |= {node: remote.labels for node, remote in situation.intent.remote_nodes().items()}
    return labels


def own_scores(tree: Tree, labels: Labels, trace: Trace | None = None) -> dict[ResourceId, Scores]:
    """Return the scores of all primitives, groups and clones by what concerns each alone."""
    tables = _Tables(
        tree=tree,
        wishes=_wishes_by_subject(tree),
        health=node_health(tree.situation.intent.cluster.policy, labels),
        failed_on=_failed_on(tree.situation),
        kinds={},
        scores={},
        trace=trace,
    )
    for top in (*tree.tops, *tree.bundles):
        tables.add(top)
    return tables.scores


def wishes_on(tree: Tree, name: ResourceId) -> list[Wish]:
    """Return the location constraints on a resource itself."""
    return [
        (c.node, c.score, c.discovery is _EXCLUSIVE, c)
        for c in tree.situation.index.locations.get(name, ())
        if c.role is None or c.role not in _ROLES_OF_OTHERS
    ]


def with_wishes(scores: Mapping[NodeName, int], wishes: Iterable[Wish]) -> Scores:
    """Return scores with location constraints added; a node that had none gets one."""
    result = dict(scores)
    for node, score, _, _ in wishes:
        before = result.get(node, 0)
        result[node] = add_scores(before, score) if before else score
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    """The tables while they are made."""

    tree: Tree
    wishes: Mapping[ResourceId, list[Wish]]
    health: Mapping[NodeName, int]
    failed_on: Mapping[ResourceId, Sequence[NodeName]]
    """By the names that nodes know."""
    kinds: dict[tuple[GuestType | None, Reach], Scores]
    """Possible nodes, each scored 0, by what decides on them."""
    scores: dict[ResourceId, Scores]
    trace: Trace | None

    def add(self, top: ResourceId) -> None:
        """Score what nothing contains, and all that it contains."""
        situation = self.tree.situation
        wishes = self.wishes.get(top, [])
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

    def _add_part(self, name: ResourceId, wishes: list[Wish], banned: Sequence[NodeName] = ()) -> None:
        """Score a primitive, or a group with its members."""
        group = self.tree.situation.groups.get(name)
        if group is None:
            self._add_primitive(name, wishes, banned)
            return
        self.scores[name] = self._table(name, self.tree.sample(name), wishes, banned)
        for member in group.members:
            own = self.wishes.get(member, [])
            self._add_primitive(member, [*wishes, *own] if own else wishes, banned)
            if group.is_colocated and member == group.members[0]:
                wishes = [(node, 0, is_exclusive, source) for node, _, is_exclusive, source in wishes]

    def _add_primitive(self, name: ResourceId, wishes: list[Wish], banned: Sequence[NodeName] = ()) -> None:
        situation = self.tree.situation
        resource = situation.resources[name]
        if not banned and self.failed_on:
            banned = self._bans_of(resource)
        scores = self._table(name, resource, wishes, banned)
        active = situation.active(name) if name in situation.instances else ()
        if len(active) == 1 and resource.is_managed and resource.stickiness > 0:
            node = active[0].node
            if node in scores:
                before = scores
                scores = {**scores, node: add_scores(scores[node], resource.stickiness)}
                if self.trace is not None:
                    self.trace.add(name, Step(cause=Cause.STICKINESS, before=before, after=scores))
        self.scores[name] = scores

    def _table(
        self, name: ResourceId, resource: Resource, wishes: list[Wish], banned: Sequence[NodeName]
    ) -> Scores:
        """Return the scores that constraints and bans come to; the resource speaks for what it is in."""
        if resource.only_on:
            return self._table_in_bundle(name, resource, banned)
        possible = self._possible(resource)
        is_symmetric = self.tree.situation.intent.cluster.policy.is_symmetric
        start = possible if is_symmetric else {}
        if self.trace is not None:
            self.trace.begin(name, start)
        if not wishes and not banned:
            return start
        scores, exclusive = dict(start), []
        for node, score, is_exclusive, _ in wishes:
            if node in possible:
                before = scores.get(node, 0)
                scores[node] = add_scores(before, score) if before else score
            if is_exclusive:
                exclusive.append(node)
        if banned or exclusive:
            for node in scores:
                if node in banned or (exclusive and node not in exclusive):
                    scores[node] = -INFINITY
        if self.trace is not None:
            self._note(name, [w for w in wishes if w[0] in possible], banned, scores)
        return scores

    def _table_in_bundle(self, name: ResourceId, resource: Resource, banned: Sequence[NodeName]) -> Scores:
        """Return the scores of what is in a bundle: an instance must be on its node, and the clone may be on all."""
        score = INFINITY if resource.instance_of is not None else 0
        scores = {node: -INFINITY if node in banned else score for node in resource.only_on}
        if self.trace is not None:
            self.trace.begin(name, scores)
        return scores

    def _note(self, name: ResourceId, wishes: list[Wish], banned: Sequence[NodeName], scores: Scores) -> None:
        """Note how a table has come about, constraint by constraint."""
        assert self.trace is not None
        exclusive = [(node, source) for node, _, is_exclusive, source in wishes if is_exclusive]
        table = self.trace.add_wishes(name, ((node, score, source) for node, score, _, source in wishes))
        if exclusive:
            named = {node for node, _ in exclusive}
            others = [node for node in table if node not in named]
            table = self.trace.ban(name, Cause.EXCLUSIVE, others, exclusive[0][1])
        if banned:
            table = self.trace.ban(name, Cause.FAILURE, banned)
        assert table == scores
        self.trace.replace_last(name, scores)

    def _possible(self, resource: Resource) -> Scores:
        reach = reach_of(self.tree.situation, resource)
        kind = (resource.guest.type if resource.guest is not None else None, reach)
        if kind not in self.kinds:
            self.kinds[kind] = dict.fromkeys(possible_nodes(self.tree.situation, resource), 0)
        return self.kinds[kind]

    def _health_of(self, top: ResourceId) -> Iterable[Wish]:
        allows_unhealthy = self.tree.sample(top).allows_unhealthy
        for node, health in self.health.items():
            if health > 0 or not allows_unhealthy:
                yield node, health, False, None

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


def _wishes_by_subject(tree: Tree) -> dict[ResourceId, list[Wish]]:
    found: dict[ResourceId, list[Wish]] = {}
    for name in tree.situation.index.locations:
        subject = tree.subject(name)
        wishes = wishes_on(tree, name) if subject is not None else []
        if subject is not None and wishes:
            found[subject] = [*found[subject], *wishes] if subject in found else wishes
    return found


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
