"""Reads ordering constraints, and the sets in them.

Of several orders of the same two actions Pacemaker heeds the first one, so that an optional one before a mandatory one
makes that void (lib/pengine/utils.c, order_actions: what has a flag in common with what is there counts as a
duplicate). We leave out what is void, and say so. Serializing orders, and those of which one instance or one
alternative is enough, stand for themselves.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from reconciler.model.collective import Clone
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
    ordering = replace(ordering, alternatives=alternatives)
    earlier = _earlier(reading, ordering)
    if earlier is None:
        reading.found.orderings.append(ordering)
    elif earlier.kind is not kind:
        text = f"order {ordering.id} is void: {earlier.id} is before it, on the same actions, and {earlier.kind.value}"
        reading.cib.note(element, "order", text)


def _earlier(reading: Reading, ordering: Ordering) -> Ordering | None:
    """Return an order that was read before, and makes one void; else remember that one for those after it."""
    if ordering.kind is OrderKind.SERIALIZE or ordering.alternatives or _is_number_enough(reading, ordering):
        return None
    actions = (ordering.first, ordering.first_action, ordering.then, ordering.then_action)
    earlier = reading.found.first_orders.setdefault(actions, ordering)
    is_covering = earlier.is_symmetrical or not ordering.is_symmetrical
    return earlier if is_covering and earlier is not ordering else None


def _is_number_enough(reading: Reading, ordering: Ordering) -> bool:
    """Tell whether what comes then waits for a number of instances only."""
    first = reading.resources.collectives.get(ordering.first)
    return isinstance(first, Clone) and (bool(first.min) or not ordering.needs_all)


def _kind(element: Element) -> OrderKind:
    text = element.get("kind")
    if text is None:
        is_optional = element.get("score") is not None and score(element.get("score")) == 0
        return OrderKind.OPTIONAL if is_optional else OrderKind.MANDATORY
    return OrderKind(text.lower()) if text.lower() in {k.value for k in OrderKind} else OrderKind.MANDATORY
