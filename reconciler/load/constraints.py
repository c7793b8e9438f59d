"""The shorthand of placement and after, desugared to constraints with derived ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.load.document import AfterItem, Common, LabelSelector, Placement, WithItem
from reconciler.load.namespace import Namespace
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.model.constraint import Colocation, Discovery, Location, Ordering, OrderKind
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.resource import Resource, Role
from reconciler.model.score import INFINITY


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTable:
    """What selecting nodes by labels needs to know of them."""

    hosts: Mapping[NodeName, Mapping[str, str]]
    """The labels of each host."""
    remote_nodes: Mapping[NodeName, Mapping[str, str]]
    """The labels of each node that a guest or resource becomes."""
    is_complete: bool
    """False when a document is broken: what selects nothing may select something of it."""


@dataclass(slots=True)
class Desugaring:
    """Collects the constraints of all documents."""

    names: Namespace
    nodes: NodeTable
    problems: Problems
    locations: list[Location] = field(default_factory=list)
    colocations: list[Colocation] = field(default_factory=list)
    orderings: list[Ordering] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)

    def add(self, raw: RawDocument, resource: Resource, spec: Common) -> None:
        """Add the constraints that one document implies."""
        if spec.placement is not None:
            exclusive = self._add_on(raw, resource, spec.placement)
            self._add_prefer(raw, resource, spec.placement, exclusive)
            others: dict[ResourceId, Where] = {}
            self._add_with(raw, resource.id, spec.placement.with_ or (), others, is_apart=False)
            self._add_with(raw, resource.id, spec.placement.apart_from or (), others, is_apart=True)
        self._add_after(raw, resource.id, spec.after or ())

    def _add_on(self, raw: RawDocument, resource: Resource, placement: Placement) -> frozenset[NodeName]:
        """Add what `on` says; returns its nodes, none when it is not there."""
        match placement.on:
            case None:
                return frozenset()
            case LabelSelector(labels=labels):
                found = self._select(raw, resource, labels)
            case names:
                found = self._named(raw, resource, names)
        for node, where in found:
            self.locations.append(
                Location(
                    id=self._id(f"location-{resource.id}-on-{node}"),
                    resource=resource.id,
                    node=node,
                    score=0,
                    where=where,
                    discovery=Discovery.EXCLUSIVE,
                )
            )
        return frozenset(node for node, _ in found)

    def _named(
        self, raw: RawDocument, resource: Resource, names: Sequence[str]
    ) -> list[tuple[NodeName, Where]]:
        found: dict[NodeName, Where] = {}
        for index, name in enumerate(names):
            where = raw.at(("spec", "placement", "on", index))
            node = self.names.node(name, where)
            if node is None or not self._may_hold(resource, node, where):
                continue
            if node in found:
                self.problems.add(where, "duplicate", f"{node} is listed twice", f"first at {found[node]}")
            found.setdefault(node, where)
        return list(found.items())

    def _select(
        self, raw: RawDocument, resource: Resource, labels: Mapping[str, str]
    ) -> list[tuple[NodeName, Where]]:
        where = raw.key_at(("spec", "placement", "on", "labels"))
        table = self.nodes.hosts if _is_guest(resource) else {**self.nodes.hosts, **self.nodes.remote_nodes}
        found = [
            (node, where)
            for node, has in table.items()
            if node != (resource.remote_node.name if resource.remote_node else None)
            and all(has.get(name) == value for name, value in labels.items())
        ]
        if not found and self.nodes.is_complete:
            wanted = ", ".join(f"{name}: {value}" for name, value in labels.items())
            kind = "host" if _is_guest(resource) else "node"
            hint = f"give a {kind} these labels, or select others"
            self.problems.add(where, "selects-nothing", f"no {kind} has the labels {wanted}", hint)
        return found

    def _may_hold(self, resource: Resource, node: NodeName, where: Where) -> bool:
        # Pacemaker Remote: guest nodes cannot run resources that are nodes themselves; ours run no guests at all.
        if not _is_guest(resource) or node in self.nodes.hosts:
            return True
        text = f"{node} is a guest node, which can't run the guest {resource.id}"
        self.problems.add(where, "guest-in-guest", text, "guests run on hosts")
        return False

    def _add_prefer(
        self, raw: RawDocument, resource: Resource, placement: Placement, exclusive: frozenset[NodeName]
    ) -> None:
        seen: dict[NodeName, Where] = {}
        for name, score in (placement.prefer or {}).items():
            where = raw.key_at(("spec", "placement", "prefer", name))
            node = self.names.node(name, where)
            if node is None or not self._may_hold(resource, node, where):
                continue
            if node in seen:
                self.problems.add(where, "duplicate", f"{node} is listed twice", f"first at {seen[node]}")
                continue
            seen[node] = where
            if exclusive and node not in exclusive:
                text = f"{resource.id} never runs on {node}, whatever its score"
                self.problems.warn(where, "no-effect", text, "add it to placement.on, or remove it here")
            self.locations.append(
                Location(
                    id=self._id(f"location-{resource.id}-prefer-{node}"),
                    resource=resource.id,
                    node=node,
                    score=score,
                    where=where,
                )
            )

    def _add_with(
        self,
        raw: RawDocument,
        dependent: ResourceId,
        items: Sequence[str | WithItem],
        others: dict[ResourceId, Where],
        *,
        is_apart: bool,
    ) -> None:
        word, path = ("apart-from", "apartFrom") if is_apart else ("with", "with")
        for index, item in enumerate(items):
            written = WithItem(resource=item) if isinstance(item, str) else item
            where = raw.at(("spec", "placement", path, index))
            primary = self._other(written.resource, dependent, where)
            if primary is None:
                continue
            if primary in others:
                text = f"{primary} is named twice in with and apartFrom"
                self.problems.add(where, "duplicate", text, f"first at {others[primary]}")
                continue
            others[primary] = where
            score = INFINITY if written.score is None else written.score
            if score <= 0:
                hint = "write it under with:" if is_apart else "write it under apartFrom:, above zero"
                self.problems.add(where, "bad-score", f"the score {score} is not above zero", hint)
                continue
            self.colocations.append(
                Colocation(
                    id=self._id(f"colocation-{dependent}-{word}-{primary}"),
                    dependent=dependent,
                    primary=primary,
                    score=-score if is_apart else score,
                    where=where,
                    primary_role=Role(written.role) if written.role else None,
                )
            )

    def _add_after(self, raw: RawDocument, then: ResourceId, items: Sequence[str | AfterItem]) -> None:
        seen: dict[tuple[ResourceId, str, str], Where] = {}
        for index, item in enumerate(items):
            written = AfterItem(resource=item) if isinstance(item, str) else item
            where = raw.at(("spec", "after", index))
            first = self._other(written.resource, then, where)
            if first is None:
                continue
            first_action, then_action = written.action or "start", written.then_action or "start"
            key = (first, first_action, then_action)
            if key in seen:
                text = f"{first} is listed twice in after"
                self.problems.add(where, "duplicate", text, f"first at {seen[key]}")
                continue
            seen[key] = where
            kind = OrderKind(written.kind or "mandatory")
            if kind is OrderKind.SERIALIZE and written.symmetrical:
                text = "serialize orders have no direction, and so no opposite one"
                self.problems.add(where, "does-not-fit", text, "remove symmetrical")
            actions = "" if key[1:] == ("start", "start") else f"-{first_action}-{then_action}"
            self.orderings.append(
                Ordering(
                    id=self._id(f"order-{first}-then-{then}{actions}"),
                    first=first,
                    then=then,
                    where=where,
                    kind=kind,
                    first_action=first_action,
                    then_action=then_action,
                    is_symmetrical=kind is not OrderKind.SERIALIZE and written.symmetrical is not False,
                )
            )

    def _other(self, name: str, own: ResourceId, where: Where) -> ResourceId | None:
        other = self.names.resource(name, where)
        if other == own:
            self.problems.add(where, "names-itself", f"{own} names itself", "remove it")
            return None
        return other

    def _id(self, wanted: str) -> str:
        # Names may contain dashes, so that two different pairs can lead to the same id.
        number, unique = 1, wanted
        while unique in self._ids:
            number += 1
            unique = f"{wanted}-{number}"
        self._ids.add(unique)
        return unique


def _is_guest(resource: Resource) -> bool:
    return resource.guest is not None or resource.remote_node is not None
