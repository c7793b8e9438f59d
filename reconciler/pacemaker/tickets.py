"""Reads tickets: which resources need one, and which of them the cluster holds.

Source: Pacemaker lib/pacemaker/pcmk_sched_tickets.c, pcmk__unpack_rsc_ticket; lib/pengine/unpack.c,
unpack_ticket_state.
"""

from collections.abc import Iterator

from reconciler.model.constraint import LossPolicy, TicketConstraint
from reconciler.model.history import TicketState
from reconciler.model.names import ResourceId, TicketName
from reconciler.model.resource import Role
from reconciler.pacemaker.constraint_names import Reading
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.values import boolean, integer, role_of

_POLICIES = {policy.value: policy for policy in LossPolicy}


def read_ticket(reading: Reading, element: Element) -> None:
    """Add the constraint that each resource of a rsc_ticket is under."""
    for resource, role in _subjects(reading, element):
        is_promotion = role is Role.PROMOTED
        reading.found.tickets.append(
            TicketConstraint(
                id=element.get("id", ""),
                resource=resource,
                ticket=TicketName(element.get("ticket", "")),
                where=reading.cib.where(element),
                role=Role.PROMOTED if is_promotion else None,
                on_loss=_policy(element, is_promotion=is_promotion),
            )
        )


def ticket_states(cib: Cib) -> dict[TicketName, TicketState]:
    """Return what a CIB says of the tickets that were ever granted or revoked."""
    return {
        TicketName(state.get("id", "")): TicketState(
            is_granted=boolean(state.get("granted")),
            is_standby=boolean(state.get("standby")),
            last_granted=float(at) if (at := integer(state.get("last-granted"), 0)) > 0 else None,
        )
        for state in ticket_elements(cib)
    }


def ticket_elements(cib: Cib) -> Iterator[Element]:
    """Yield the elements of all ticket states."""
    for tickets in cib.section("status"):
        if tickets.tag == "tickets":
            yield from elements(tickets, "ticket_state")


def _policy(element: Element, *, is_promotion: bool) -> LossPolicy:
    """Return the loss policy; what is said of the promoted role alone means a stop for every other one."""
    usual = LossPolicy.DEMOTE if is_promotion else LossPolicy.STOP
    found = _POLICIES.get(element.get("loss-policy", "").lower(), usual)
    return LossPolicy.STOP if found is LossPolicy.DEMOTE and not is_promotion else found


def _subjects(reading: Reading, element: Element) -> Iterator[tuple[ResourceId, Role | None]]:
    sets = [reading.cib.resolve(block) for block in elements(element, "resource_set")]
    for block in sets:
        yield from ((r, role_of(block.get("role"))) for r in reading.members(block))
    if not sets:
        role = role_of(element.get("rsc-role"))
        yield from ((r, role) for r in reading.expand(element, element.get("rsc")))
