"""Reads ordering constraints, and the sets in them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from reconciler.model.constraint import Ordering, OrderKind
from reconciler.model.names import ResourceId
from reconciler.pacemaker.constraint_names import Reading
from reconciler.pacemaker.document import Element, elements
from reconciler.pacemaker.values import boolean, score

_ACTIONS = {"start", "stop", "promote", "demote"}


def read_order(reading: Reading, element: Element) -> None:
    """Add what one constraint asks for."""
    sets = [reading.cib.resolve(block) for block in elements(element, "resource_set")]
    if sets:
        _read_sets(reading, element, sets)
        return
    first_action = element.get("first-action", "start")
    then_action = element.get("then-action", first_action)
    for first in reading.expand(element, element.get("first")):
        for then in reading.expand(element, element.get("then")):
            _add(reading, element, (first, first_action), (then, then_action))


def _read_sets(reading: Reading, element: Element, sets: Sequence[Element]) -> None:
    """Order the members of each sequential set, and each set before the next."""
    for block in sets:
        action = block.get("action", "start")
        members = reading.members(block)
        if reading.is_sequential(block):
            for first, then in pairwise(members):
                _add(reading, element, (first, action), (then, action))
    for block, following in pairwise(sets):
        is_any = not boolean(block.get("require-all"), default=True)
        firsts, thens = reading.members(block), reading.members(following)
        for first in firsts[-1:] if reading.is_sequential(block) and not is_any else firsts:
            for then in thens[:1] if reading.is_sequential(following) else thens:
                before = (first, block.get("action", "start"))
                after = (then, following.get("action", "start"))
                _add(reading, element, before, after, block.get("id", "") if is_any else "")


def _add(
    reading: Reading,
    element: Element,
    first: tuple[ResourceId, str],
    then: tuple[ResourceId, str],
    alternatives: str = "",
) -> None:
    if not {first[1], then[1]} <= _ACTIONS:
        text = f"order {element.get('id')} names actions that are not supported"
        reading.cib.note(element, "order-action", text)
        return
    kind = _kind(element)
    ordering = Ordering(
        id=element.get("id", ""),
        first=first[0],
        then=then[0],
        where=reading.cib.where(element),
        kind=kind,
        first_action=first[1],
        then_action=then[1],
        is_symmetrical=boolean(element.get("symmetrical"), default=kind is not OrderKind.SERIALIZE),
        needs_all=boolean(element.get("require-all"), default=True),
    )
    reading.found.orderings.append(replace(ordering, alternatives=alternatives))


def _kind(element: Element) -> OrderKind:
    text = element.get("kind")
    if text is None:
        is_optional = element.get("score") is not None and score(element.get("score")) == 0
        return OrderKind.OPTIONAL if is_optional else OrderKind.MANDATORY
    return OrderKind(text.lower()) if text.lower() in {k.value for k in OrderKind} else OrderKind.MANDATORY
