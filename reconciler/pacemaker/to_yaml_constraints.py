"""Writes constraints: each with the resource that it concerns, and alternatives as documents of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.model.collective import Clone, parts_of
from reconciler.model.constraint import (
    Colocation,
    Discovery,
    Location,
    LossPolicy,
    Ordering,
    OrderKind,
    TicketConstraint,
)
from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId, TicketName, is_legal_name
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from reconciler.pacemaker.to_yaml_rules import written_rule
from reconciler.pacemaker.to_yaml_values import Losses, Map, score

_Written = tuple[str, Map, Map]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked of each resource, group and clone."""

    placements: Mapping[ResourceId, Map]
    orders: Mapping[ResourceId, list[object]]
    tickets: Mapping[ResourceId, list[object]]
    documents: list[_Written]
    """Constraints that need documents of their own: kind, metadata and spec."""

    def of(self, name: ResourceId) -> Map:
        """Return the fields placement, after and tickets."""
        found: Map = {}
        if self.placements.get(name):
            found["placement"] = self.placements[name]
        if self.orders.get(name):
            found["after"] = self.orders[name]
        if self.tickets.get(name):
            found["tickets"] = self.tickets[name]
        return found


@dataclass(slots=True)
class _Collection:
    intent: Intent
    names: frozenset[ResourceId]
    losses: Losses
    kin: Mapping[ResourceId, frozenset[ResourceId]]
    prefer: dict[ResourceId, Map] = field(default_factory=dict)
    rules: dict[ResourceId, list[object]] = field(default_factory=dict)
    bonds: dict[ResourceId, dict[str, list[object]]] = field(default_factory=dict)
    orders: dict[ResourceId, list[object]] = field(default_factory=dict)

    def can_stand(self, constraint: Colocation | Ordering, one: ResourceId, other: ResourceId) -> bool:
        """Tell whether a constraint between two can be written; if not, that is a loss."""
        if one not in self.names or other not in self.names:
            return False
        if other in self.kin.get(one, ()) or one == other:
            text = f"{constraint.id} stands between {one} and {other}, which belong together anyway"
            self.losses.add(constraint.where, "constraint", text)
            return False
        return True


def wishes_of(intent: Intent, names: frozenset[ResourceId], losses: Losses) -> Wishes:
    """Return all constraints, those on what is left out excepted."""
    found = _Collection(intent=intent, names=names, losses=losses, kin=_kin(intent))
    remote = intent.remote_nodes()
    guest_nodes = {
        node for node, guest in intent.guest_nodes().items() if guest.id in names or remote[node].is_reserved
    }
    nodes = {str(name) for name in (*intent.hosts, *guest_nodes)}
    for location in intent.locations:
        # Guests run on hosts only, as in Pacemaker, and nothing is asked of nodes that are left out.
        is_guest = any(intent.resources[r].remote_node for r in _resources(intent, location.resource))
        is_inside = location.role is Role.PROMOTED or not is_guest
        is_there = location.node in intent.hosts or (location.node in guest_nodes and is_inside)
        if location.resource in names and is_there:
            _add_location(found, location)
    for rule in intent.location_rules:
        if rule.resource in names:
            found.rules.setdefault(rule.resource, []).append(written_rule(rule, nodes))
    _add_colocations(found, intent.colocations)
    _add_orders(found, [o for o in intent.orderings if not o.alternatives])
    placements: dict[ResourceId, Map] = {}
    for name in names:
        parts: Map = {}
        parts |= {"prefer": found.prefer[name]} if name in found.prefer else {}
        parts |= {"rules": found.rules[name]} if name in found.rules else {}
        placements[name] = {**parts, **found.bonds.get(name, {})}
    documents = _alternatives(found, [o for o in intent.orderings if o.alternatives])
    tickets = _tickets(found, [need for need in intent.tickets if need.resource in names])
    return Wishes(placements=placements, orders=found.orders, tickets=tickets, documents=documents)


def _kin(intent: Intent) -> dict[ResourceId, frozenset[ResourceId]]:
    """Return what belongs together: groups, their members, and the clones of them."""
    found: dict[ResourceId, set[ResourceId]] = {}
    for collective in intent.collectives.values():
        parts = parts_of(collective)
        inner = [intent.collectives[part] for part in parts if part in intent.collectives]
        for part in (*parts, *(p for group in inner for p in parts_of(group))):
            found.setdefault(part, set()).add(collective.id)
            found.setdefault(collective.id, set()).add(part)
    return {name: frozenset(parts) for name, parts in found.items()}


def _resources(intent: Intent, name: ResourceId) -> tuple[ResourceId, ...]:
    """Return the primitives that a name stands for."""
    found = intent.collectives.get(name)
    if found is None:
        return (name,) if name in intent.resources else ()
    return tuple(r for part in parts_of(found) for r in _resources(intent, part))


def _add_location(found: _Collection, location: Location) -> None:
    """Write a score by the node's name where that says it all, else a rule for this node."""
    prefer = found.prefer.setdefault(location.resource, {})
    is_plain = location.discovery is Discovery.ALWAYS and location.role is None
    if is_plain and str(location.node) not in prefer:
        prefer[str(location.node)] = score(location.score)
    else:
        rule: Map = {"when": {"nodes": [str(location.node)]}, "score": score(location.score)}
        rule |= {"role": location.role.value} if location.role is not None else {}
        rule |= {"discovery": location.discovery.value} if location.discovery is not Discovery.ALWAYS else {}
        found.rules.setdefault(location.resource, []).append(rule)
    if not prefer:
        del found.prefer[location.resource]


def _add_colocations(found: _Collection, colocations: Iterable[Colocation]) -> None:
    seen: set[tuple[object, ...]] = set()
    for colocation in colocations:
        dependent, primary = colocation.dependent, colocation.primary
        if not found.can_stand(colocation, dependent, primary):
            continue
        roles = (colocation.dependent_role, colocation.primary_role)
        key = (dependent, primary, roles, colocation.node_attribute)
        if key in seen:
            text = f"{colocation.id} is the second colocation of {dependent} with {primary}"
            found.losses.add(colocation.where, "colocation", text)
            continue
        seen.add(key)
        side = "with" if colocation.score > 0 else "apartFrom"
        bonds = found.bonds.setdefault(dependent, {})
        bonds.setdefault(side, []).append(_bond(found, colocation))


def _bond(found: _Collection, colocation: Colocation) -> object:
    item: Map = {"resource": str(colocation.primary)}
    if abs(colocation.score) < INFINITY:
        item["score"] = abs(colocation.score)
    item |= {"role": colocation.primary_role.value} if colocation.primary_role else {}
    item |= {"ownRole": colocation.dependent_role.value} if colocation.dependent_role else {}
    item |= {"same": colocation.node_attribute} if colocation.node_attribute else {}
    declared = found.intent.resources.get(_inside(found.intent, colocation.dependent))
    if colocation.has_influence != (declared is None or declared.is_critical):
        item["influence"] = colocation.has_influence
    return item if len(item) > 1 else str(colocation.primary)


def _inside(intent: Intent, name: ResourceId) -> ResourceId:
    """Return what a clone is made from; everything else is itself."""
    collective = intent.collectives.get(name)
    return collective.member if isinstance(collective, Clone) else name


def _add_orders(found: _Collection, orderings: Iterable[Ordering]) -> None:
    seen: set[tuple[object, ...]] = set()
    for ordering in orderings:
        if not found.can_stand(ordering, ordering.first, ordering.then):
            continue
        key = (ordering.first, ordering.first_action, ordering.then, ordering.then_action)
        if key in seen:
            text = f"{ordering.id} is the second order of {ordering.first} and {ordering.then}"
            found.losses.add(ordering.where, "order", text)
            continue
        seen.add(key)
        item: Map = {"resource": str(ordering.first)}
        item |= {"action": ordering.first_action} if ordering.first_action != "start" else {}
        item |= {"thenAction": ordering.then_action} if ordering.then_action != "start" else {}
        item |= {} if ordering.needs_all else {"requireAll": False}
        item |= _kind(found, ordering)
        orders = found.orders.setdefault(ordering.then, [])
        orders.append(item if len(item) > 1 else str(ordering.first))


def _kind(found: _Collection, ordering: Ordering) -> Map:
    item: Map = {"kind": ordering.kind.value} if ordering.kind is not OrderKind.MANDATORY else {}
    if ordering.kind is OrderKind.SERIALIZE:
        if ordering.is_symmetrical:
            text = f"{ordering.id} is a symmetrical serialize order, which has no direction"
            found.losses.add(ordering.where, "order", text)
        return item
    return item if ordering.is_symmetrical else {**item, "symmetrical": False}


def _alternatives(found: _Collection, orderings: Iterable[Ordering]) -> list[_Written]:
    """Return a document for each set of which one resource is enough, and what starts after it."""
    sets: dict[str, list[Ordering]] = {}
    for ordering in orderings:
        if found.can_stand(ordering, ordering.first, ordering.then):
            sets.setdefault(ordering.alternatives, []).append(ordering)
    documents: list[_Written] = []
    for name, members in sets.items():
        one = members[0]
        if not is_legal_name(name):
            found.losses.add(one.where, "name", f"the set {name} is left out: its name is not legal here")
            continue
        firsts = list(dict.fromkeys(str(o.first) for o in members))
        thens = list(dict.fromkeys(str(o.then) for o in members))
        before: Map = {"resources": firsts, "sequential": False, "requireAll": False}
        after: Map = {"resources": thens, "sequential": False}
        before |= {"action": one.first_action} if one.first_action != "start" else {}
        after |= {"action": one.then_action} if one.then_action != "start" else {}
        order: Map = {"sets": [before, after], **_kind(found, one)}
        documents.append(("Constraint", {"name": name}, {"order": order}))
    return documents


def _tickets(found: _Collection, needs: Iterable[TicketConstraint]) -> dict[ResourceId, list[object]]:
    """Return the tickets that each resource needs; a name counts without case here."""
    written: dict[ResourceId, list[object]] = {}
    spellings: dict[str, TicketName] = {}
    seen: set[tuple[object, ...]] = set()
    for need in needs:
        is_other = spellings.setdefault(need.ticket.lower(), need.ticket) != need.ticket
        if is_other or not is_legal_name(need.ticket):
            text = f"{need.resource} runs without the ticket {need.ticket!r}: its name is taken, or not legal here"
            found.losses.add(need.where, "ticket", text)
        elif (need.resource, need.ticket, need.role) in seen:
            text = f"{need.id} is the second constraint of {need.resource} for the ticket {need.ticket}"
            found.losses.add(need.where, "ticket", text)
        else:
            seen.add((need.resource, need.ticket, need.role))
            written.setdefault(need.resource, []).append(_ticket(need))
    return written


def _ticket(need: TicketConstraint) -> object:
    item: Map = {"ticket": str(need.ticket)}
    item |= {"role": need.role.value} if need.role is not None else {}
    usual = LossPolicy.STOP if need.role is None else LossPolicy.DEMOTE
    item |= {"onLoss": need.on_loss.value} if need.on_loss is not usual else {}
    return item if len(item) > 1 else str(need.ticket)
