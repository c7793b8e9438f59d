"""Reads colocation constraints, and the sets in them."""

from dataclasses import dataclass
from itertools import combinations, pairwise

from reconciler.model.constraint import Colocation
from reconciler.model.names import ResourceId
from reconciler.model.resource import Role
from reconciler.pacemaker.constraint_names import Reading
from reconciler.pacemaker.document import Element, elements
from reconciler.pacemaker.values import boolean, role_of, score


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bond:
    """What the pairs of one constraint, or of one set, share."""

    element: Element
    score: int
    dependent_role: Role | None = None
    primary_role: Role | None = None


def read_colocation(reading: Reading, element: Element) -> None:
    """Add what one constraint asks for."""
    points = score(element.get("score"))
    sets = [reading.cib.resolve(block) for block in elements(element, "resource_set")]
    if not sets:
        bond = _Bond(
            element=element,
            score=points,
            dependent_role=_role(element.get("rsc-role")),
            primary_role=_role(element.get("with-rsc-role")),
        )
        for dependent in reading.expand(element, element.get("rsc")):
            for primary in reading.expand(element, element.get("with-rsc")):
                _add(reading, bond, dependent, primary)
        return
    for block in sets:
        _read_set(reading, element, block, points)
    for block, following in pairwise(sets):
        bond = _Bond(
            element=element,
            score=points,
            dependent_role=_role(block.get("role")),
            primary_role=_role(following.get("role")),
        )
        dependents, primaries = reading.members(block), reading.members(following)
        for dependent in dependents[:1] if reading.is_sequential(block) else dependents:
            for primary in primaries[-1:] if reading.is_sequential(following) else primaries:
                _add(reading, bond, dependent, primary)


def _read_set(reading: Reading, element: Element, block: Element, points: int) -> None:
    """Colocate the members of a set with each other, if they follow each other."""
    if not reading.is_sequential(block):
        return
    own = score(block.get("score"), points)
    role = _role(block.get("role"))
    bond = _Bond(element=element, score=own, dependent_role=role, primary_role=role)
    members = reading.members(block)
    # To keep all apart from each other, each is kept apart from all that are listed before it.
    chain = combinations(members, 2) if own < 0 else pairwise(members)
    is_with_previous = own < 0 or block.get("ordering", "group").lower() == "group"
    for earlier, later in chain:
        if is_with_previous:
            _add(reading, bond, later, earlier)
        else:
            _add(reading, bond, earlier, later)


def _add(reading: Reading, bond: _Bond, dependent: ResourceId, primary: ResourceId) -> None:
    if dependent == primary or bond.score == 0:
        return
    element = bond.element
    critical = boolean(reading.resources.meta[dependent].get("critical"), default=True)
    reading.found.colocations.append(
        Colocation(
            id=element.get("id", ""),
            dependent=dependent,
            primary=primary,
            score=bond.score,
            where=reading.cib.where(element),
            dependent_role=bond.dependent_role,
            primary_role=bond.primary_role,
            node_attribute=element.get("node-attribute"),
            has_influence=boolean(element.get("influence"), default=critical),
        )
    )


def _role(text: str | None) -> Role | None:
    role = role_of(text)
    return None if role is Role.STARTED else role
