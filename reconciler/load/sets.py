"""Constraint documents: sets of resources, taken apart into orders and colocations of two.

An order leads from each set to the next, and a colocation likewise: what comes first in the list is started, or
placed, first. Within a sequential set it leads from each resource to the next; where a colocation keeps apart, each
keeps away from all before it.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from reconciler.load.constraints import Desugaring
from reconciler.load.document import ConstraintDocument
from reconciler.load.document_placement import ColocationOfSets, OrderedSet, OrderOfSets, PlacedSet
from reconciler.load.positions import Path, RawDocument
from reconciler.load.resources import role_of
from reconciler.model.constraint import Colocation, Ordering, OrderKind
from reconciler.model.names import ResourceId, Where
from reconciler.model.score import INFINITY

Named = tuple[ResourceId, Where]
"""A resource of a set, and where it is named."""


def add_constraint(desugaring: Desugaring, raw: RawDocument, document: ConstraintDocument) -> None:
    """Add what one Constraint document asks for."""
    spec, name = document.spec, document.metadata.name
    where = raw.key_at(("spec",))
    match spec.order, spec.colocation:
        case (None, None):
            text = "this constraint asks for nothing"
            desugaring.problems.add(where, "missing-field", text, "add order: or colocation:")
        case (order, None) if order is not None:
            _add_order(desugaring, raw, name, order)
        case (None, colocation) if colocation is not None:
            _add_colocation(desugaring, raw, name, colocation)
        case _:
            text = "order and colocation are two constraints"
            desugaring.problems.add(where, "does-not-fit", text, "write a document for each")


def _add_order(desugaring: Desugaring, raw: RawDocument, name: str, order: OrderOfSets) -> None:
    kind = OrderKind(order.kind or "mandatory")
    if kind is OrderKind.SERIALIZE and order.symmetrical:
        where = raw.key_at(("spec", "order", "symmetrical"))
        text = "serialize orders have no direction, and so no opposite one"
        desugaring.problems.add(where, "does-not-fit", text, "remove symmetrical")
    sets = _members(desugaring, raw, ("spec", "order", "sets"), order.sets)

    def add(first: Named, then: Named, actions: tuple[str, str], alternatives: str = "") -> None:
        desugaring.orderings.append(
            Ordering(
                id=desugaring.new_id(f"{name}-{first[0]}-then-{then[0]}"),
                first=first[0],
                then=then[0],
                where=then[1],
                kind=kind,
                first_action=actions[0],
                then_action=actions[1],
                is_symmetrical=kind is not OrderKind.SERIALIZE and order.symmetrical is not False,
                alternatives=alternatives,
            )
        )

    for written, members in zip(order.sets, sets, strict=True):
        action = written.action or "start"
        for first, then in pairwise(members) if _is_sequential(written) else ():
            add(first, then, (action, action))
    for index, (before, after) in enumerate(pairwise(zip(order.sets, sets, strict=True))):
        is_any = before[0].require_all is False
        alternatives = name if index == 0 else f"{name}-{index}"
        firsts = before[1] if is_any else _last(*before)
        actions = (before[0].action or "start", after[0].action or "start")
        for first in firsts:
            for then in _first(*after):
                add(first, then, actions, alternatives if is_any else "")


def _add_colocation(
    desugaring: Desugaring, raw: RawDocument, name: str, colocation: ColocationOfSets
) -> None:
    score = INFINITY if colocation.score is None else colocation.score
    if score == 0:
        where = raw.key_at(("spec", "colocation", "score"))
        desugaring.problems.add(
            where, "bad-score", "a score of 0 asks for nothing", "write another, or remove it"
        )
    sets = list(
        zip(
            colocation.sets,
            _members(desugaring, raw, ("spec", "colocation", "sets"), colocation.sets),
            strict=True,
        )
    )
    found: list[tuple[PlacedSet, Named, PlacedSet, Named]] = []
    for written, members in sets:
        chain = combinations(members, 2) if score < 0 else pairwise(members)
        found += [(written, a, written, b) for a, b in (chain if _is_sequential(written) else ())]
    for before, after in pairwise(sets):
        found += [(before[0], a, after[0], b) for a in _last(*before) for b in _first(*after)]
    for primaries, primary, dependents, dependent in found:
        desugaring.colocations.append(
            Colocation(
                id=desugaring.new_id(f"{name}-{dependent[0]}-{primary[0]}"),
                dependent=dependent[0],
                primary=primary[0],
                score=score,
                where=dependent[1],
                dependent_role=role_of(dependents.role),
                primary_role=role_of(primaries.role),
                node_attribute=colocation.same,
                has_influence=colocation.influence is not False,
            )
        )


def _members(
    desugaring: Desugaring, raw: RawDocument, path: Path, sets: Sequence[OrderedSet | PlacedSet]
) -> list[list[Named]]:
    """Return the resources of each set; each may stand in one set, once."""
    seen: dict[ResourceId, Where] = {}
    found = []
    for index, written in enumerate(sets):
        members = list(_named(desugaring, raw, (*path, index, "resources"), written.resources, seen))
        found.append(members)
    if sum(map(len, found)) == 1 and len(sets) == 1 and len(sets[0].resources) == 1:
        text = "there is one resource here, and nothing that it is constrained with"
        desugaring.problems.add(raw.at(path), "no-effect", text, "name others, or remove this document")
    return found


def _named(
    desugaring: Desugaring, raw: RawDocument, path: Path, names: Sequence[str], seen: dict[ResourceId, Where]
) -> Iterator[Named]:
    for index, name in enumerate(names):
        where = raw.at((*path, index))
        resource = desugaring.names.resource(name, where)
        if resource is None:
            continue
        if resource in seen:
            text = f"{resource} is named twice"
            desugaring.problems.add(where, "duplicate", text, f"first at {seen[resource]}")
            continue
        relative = next((r for r in seen if r in desugaring.kin.get(resource, ())), None)
        if relative is not None:
            text = f"{resource} and {relative} belong together already"
            desugaring.problems.add(where, "own-group", text, "name the group, or its members")
            continue
        seen[resource] = where
        yield resource, where


def _is_sequential(written: OrderedSet | PlacedSet) -> bool:
    return written.sequential is not False


def _first(written: OrderedSet | PlacedSet, members: list[Named]) -> list[Named]:
    return members[:1] if _is_sequential(written) else members


def _last(written: OrderedSet | PlacedSet, members: list[Named]) -> list[Named]:
    return members[-1:] if _is_sequential(written) else members
