"""The shorthand of placement and after, desugared to constraints with derived ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.load.collectives import Subject
from reconciler.load.document_common import Common
from reconciler.load.document_placement import (
    AfterItem,
    LabelSelector,
    Placement,
    Rule,
    TicketItem,
    WithItem,
)
from reconciler.load.namespace import Namespace
from reconciler.load.positions import Path, RawDocument
from reconciler.load.problems import Problems
from reconciler.load.resources import role_of
from reconciler.load.rules import Rules
from reconciler.load.units import UnitError, parse_score_text
from reconciler.model.constraint import (
    Colocation,
    Discovery,
    Location,
    LossPolicy,
    Ordering,
    OrderKind,
    TicketConstraint,
)
from reconciler.model.names import NodeName, ResourceId, TicketName, Where
from reconciler.model.node import Host, NodeKind
from reconciler.model.rule import Condition, LocationRule
from reconciler.model.score import INFINITY
from reconciler.plan.rules import Facts, facts_about, holds, is_fixed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node, as far as labels and rules see it."""

    name: NodeName
    labels: Mapping[str, str]
    kind: NodeKind

    def facts(self) -> Facts:
        """Return what rules see of it, at no particular time."""
        return facts_about(self.name, self.kind, self.labels, {}, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTable:
    """What selecting nodes by labels needs to know of them."""

    machines: Mapping[NodeName, Host]
    """Hosts and RemoteNodes."""
    remote_nodes: Mapping[NodeName, Mapping[str, str]]
    """The labels of each node that a guest or resource becomes."""
    is_complete: bool
    """False when a document is broken: what selects nothing may select something of it."""

    def places(self, subject: Subject) -> list[Place]:
        """Return the nodes that may run something: guests run on hosts, and nothing runs inside itself."""
        found = [Place(name=h.name, labels=h.labels, kind=h.kind) for h in self.machines.values()]
        remote = self.remote_nodes.items()
        found += [Place(name=name, labels=labels, kind=NodeKind.GUEST) for name, labels in remote]
        return [
            place
            for place in found
            if self.may_hold(subject, place.name) and place.name not in subject.own_nodes
        ]

    def may_hold(self, subject: Subject, name: NodeName) -> bool:
        """Tell whether something can run on a node of its kind."""
        match subject.reach:
            case "hosts":
                return name in self.machines and self.machines[name].kind is NodeKind.HOST
            case "machines":
                return name in self.machines
            case _:
                return True


@dataclass(slots=True)
class Desugaring:
    """Collects the constraints of all documents."""

    names: Namespace
    nodes: NodeTable
    problems: Problems
    kin: Mapping[ResourceId, frozenset[ResourceId]]
    """What belongs together anyway, so that no constraint can stand between: a group and its members."""
    locations: list[Location] = field(default_factory=list)
    colocations: list[Colocation] = field(default_factory=list)
    orderings: list[Ordering] = field(default_factory=list)
    location_rules: list[LocationRule] = field(default_factory=list)
    tickets: list[TicketConstraint] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _spellings: dict[str, TicketName] = field(default_factory=dict)
    """Of each ticket the first one, by that without case."""

    def add(self, raw: RawDocument, subject: Subject, spec: Common) -> None:
        """Add the constraints that one document implies."""
        if spec.placement is not None:
            exclusive = self._add_on(raw, subject, spec.placement)
            self._add_prefer(raw, subject, spec.placement, exclusive)
            for index, rule in enumerate(spec.placement.rules or []):
                self._add_rule(raw, subject, index, rule)
            others: dict[tuple[ResourceId, str | None, str | None, str | None], Where] = {}
            self._add_with(raw, subject, spec.placement.with_ or (), others, is_apart=False)
            self._add_with(raw, subject, spec.placement.apart_from or (), others, is_apart=True)
        self._add_after(raw, subject, spec.after or ())
        self._add_tickets(raw, subject, spec.tickets or ())

    def new_id(self, wanted: str) -> str:
        """Return an id that no other constraint has."""
        # Names may contain dashes, so that two different pairs can lead to the same id.
        number, unique = 1, wanted
        while unique in self._ids:
            number += 1
            unique = f"{wanted}-{number}"
        self._ids.add(unique)
        return unique

    def _add_on(self, raw: RawDocument, resource: Subject, placement: Placement) -> frozenset[NodeName]:
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
                    id=self.new_id(f"location-{resource.id}-on-{node}"),
                    resource=resource.id,
                    node=node,
                    score=0,
                    where=where,
                    discovery=Discovery.EXCLUSIVE,
                )
            )
        return frozenset(node for node, _ in found)

    def _named(
        self, raw: RawDocument, resource: Subject, names: Sequence[str]
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
        self, raw: RawDocument, resource: Subject, labels: Mapping[str, str]
    ) -> list[tuple[NodeName, Where]]:
        where = raw.key_at(("spec", "placement", "on", "labels"))
        found = [
            (place.name, where)
            for place in self.nodes.places(resource)
            if all(place.labels.get(name) == value for name, value in labels.items())
        ]
        if not found and self.nodes.is_complete:
            wanted = ", ".join(f"{name}: {value}" for name, value in labels.items())
            kind = "node" if resource.reach == "all" else "host"
            hint = f"give a {kind} these labels, or select others"
            self.problems.add(where, "selects-nothing", f"no {kind} has the labels {wanted}", hint)
        return found

    def _may_hold(self, resource: Subject, node: NodeName, where: Where) -> bool:
        # Pacemaker Remote: such nodes cannot run resources that are nodes themselves; ours run no guests at all.
        if self.nodes.may_hold(resource, node):
            return True
        kind = "remote" if node in self.nodes.machines else "guest"
        what = "guest" if resource.reach == "hosts" else "bundle"
        text = f"{node} is a {kind} node, which can't run the {what} {resource.id}"
        self.problems.add(where, "guest-in-guest", text, "guests run on hosts")
        return False

    def _add_prefer(
        self, raw: RawDocument, resource: Subject, placement: Placement, exclusive: frozenset[NodeName]
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
                    id=self.new_id(f"location-{resource.id}-prefer-{node}"),
                    resource=resource.id,
                    node=node,
                    score=score,
                    where=where,
                )
            )

    def _add_rule(self, raw: RawDocument, resource: Subject, index: int, rule: Rule) -> None:
        path = ("spec", "placement", "rules", index)
        where = raw.at(path)
        if rule.score is not None and rule.score_from is not None:
            text = "score and scoreFrom exclude each other"
            self.problems.add(raw.key_at((*path, "scoreFrom")), "does-not-fit", text, "remove one of them")
        elif rule.score is None and rule.score_from is None and rule.discovery is None:
            text = "this rule changes nothing"
            self.problems.add(where, "missing-field", text, "add score:, scoreFrom: or discovery:")
        when = Rules(names=self.names, problems=self.problems).read(raw, (*path, "when"), rule.when)
        if when is None:
            return
        self._check_rule(raw, path, resource, rule, when)
        self.location_rules.append(
            LocationRule(
                id=self.new_id(f"location-{resource.id}-rule-{index}"),
                resource=resource.id,
                when=when,
                where=where,
                score=rule.score or 0,
                score_attribute=rule.score_from,
                role=role_of(rule.role),
                discovery=Discovery(rule.discovery or "always"),
            )
        )

    def _check_rule(
        self, raw: RawDocument, path: Path, resource: Subject, rule: Rule, when: Condition
    ) -> None:
        """Refuse labels that hold no score, and warn of what holds nowhere, as far as a commit decides on it."""
        places = self.nodes.places(resource)
        if is_fixed(when):
            places = [place for place in places if holds(when, place.facts())]
            if not places and self.nodes.is_complete:
                kind = "node" if resource.reach == "all" else "host"
                text = f"this rule holds for no {kind}"
                self.problems.warn(raw.at(path), "selects-nothing", text, "see its labels")
        for place in places:
            points = place.labels.get(rule.score_from or "")
            try:
                if points is not None:
                    parse_score_text(points)
            except UnitError as error:
                where = raw.at((*path, "scoreFrom"))
                self.problems.add(where, error.code, f"the label of {place.name}: {error.text}", error.hint)

    def _add_with(
        self,
        raw: RawDocument,
        subject: Subject,
        items: Sequence[str | WithItem],
        others: dict[tuple[ResourceId, str | None, str | None, str | None], Where],
        *,
        is_apart: bool,
    ) -> None:
        word, path = ("apart-from", "apartFrom") if is_apart else ("with", "with")
        for index, item in enumerate(items):
            written = WithItem(resource=item) if isinstance(item, str) else item
            where = raw.at(("spec", "placement", path, index))
            primary, dependent = self._other(written.resource, subject, where), subject.id
            if primary is None:
                continue
            key = (primary, written.role, written.own_role, written.same)
            if key in others:
                text = f"{primary} is named twice in with and apartFrom"
                self.problems.add(where, "duplicate", text, f"first at {others[key]}")
                continue
            others[key] = where
            score = INFINITY if written.score is None else written.score
            if score <= 0:
                hint = "write it under with:" if is_apart else "write it under apartFrom:, above zero"
                self.problems.add(where, "bad-score", f"the score {score} is not above zero", hint)
                continue
            self.colocations.append(
                Colocation(
                    id=self.new_id(f"colocation-{dependent}-{word}-{primary}"),
                    dependent=dependent,
                    primary=primary,
                    score=-score if is_apart else score,
                    where=where,
                    dependent_role=role_of(written.own_role),
                    primary_role=role_of(written.role),
                    node_attribute=written.same,
                    has_influence=subject.is_critical if written.influence is None else written.influence,
                )
            )

    def _add_after(self, raw: RawDocument, subject: Subject, items: Sequence[str | AfterItem]) -> None:
        seen: dict[tuple[ResourceId, str, str], Where] = {}
        for index, item in enumerate(items):
            written = AfterItem(resource=item) if isinstance(item, str) else item
            where = raw.at(("spec", "after", index))
            first, then = self._other(written.resource, subject, where), subject.id
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
                    id=self.new_id(f"order-{first}-then-{then}{actions}"),
                    first=first,
                    then=then,
                    where=where,
                    kind=kind,
                    first_action=first_action,
                    then_action=then_action,
                    is_symmetrical=kind is not OrderKind.SERIALIZE and written.symmetrical is not False,
                    needs_all=written.require_all is not False,
                )
            )

    def _add_tickets(self, raw: RawDocument, subject: Subject, items: Sequence[str | TicketItem]) -> None:
        seen: dict[tuple[TicketName, str | None], Where] = {}
        for index, item in enumerate(items):
            written = TicketItem(ticket=item) if isinstance(item, str) else item
            path = ("spec", "tickets", index)
            where, role = raw.at(path), role_of(written.role)
            ticket = self._spellings.setdefault(written.ticket.lower(), TicketName(written.ticket))
            if (ticket, written.role) in seen:
                text, hint = f"{ticket} is listed twice in tickets", f"first at {seen[ticket, written.role]}"
                self.problems.add(where, "duplicate", text, hint)
                continue
            seen[ticket, written.role] = where
            if written.on_loss == "demote" and role is None:
                text = "only what is promoted is demoted, and this ticket is needed to run at all"
                hint = "add role: Promoted, or write onLoss: stop"
                self.problems.add(raw.at((*path, "onLoss")), "does-not-fit", text, hint)
                continue
            self.tickets.append(
                TicketConstraint(
                    id=self.new_id(f"ticket-{ticket}-{subject.id}"),
                    resource=subject.id,
                    ticket=ticket,
                    where=where,
                    role=role,
                    on_loss=LossPolicy(written.on_loss or ("stop" if role is None else "demote")),
                )
            )

    def _other(self, name: str, own: Subject, where: Where) -> ResourceId | None:
        other = self.names.resource(name, where)
        if other == own.id:
            self.problems.add(where, "names-itself", f"{own.id} names itself", "remove it")
            return None
        if other in own.kin:
            text = f"{own.id} and {other} belong together already"
            hint = "members start in the order in which the group lists them, and run on one node; remove it"
            self.problems.add(where, "own-group", text, hint)
            return None
        return other
