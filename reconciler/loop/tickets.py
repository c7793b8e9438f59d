"""What an operator, or a ticket manager such as booth, may order about tickets.

Nothing here makes sure that no other site has the same ticket: that is for who grants it (crm_ticket(8) likewise).
"""

from dataclasses import replace
from enum import Enum

from reconciler.loop.memory import Memory
from reconciler.loop.orders import match_name
from reconciler.model.history import TicketState
from reconciler.model.names import TicketName


class TicketOrder(Enum):
    """What may be done with a ticket."""

    GRANT = "grant-ticket"
    """What needs it may run here; one on standby stays so."""
    REVOKE = "revoke-ticket"
    """It is taken from this cluster: its loss is answered as each constraint says."""
    STANDBY = "standby-ticket"
    """What needs it is stopped, or demoted, in good order, before it is revoked."""
    ACTIVATE = "activate-ticket"
    """Its standby ends."""


def order_ticket(memory: Memory, order: TicketOrder, name: str, now: float) -> str:
    """Change and keep the state of a ticket (now: epoch seconds), and say what it is.

    Raises:
        UsageError: nothing that is declared needs such a ticket.
    """
    known = [need.ticket for need in memory.intent.tickets] if memory.intent else []
    ticket = TicketName(match_name(name, known, "ticket"))
    state = _after(memory.history.tickets.get(ticket, TicketState()), order, now)
    memory.remember(replace(memory.history, tickets={**memory.history.tickets, ticket: state}))
    return f"ticket {ticket} is {state.describe()}"


def _after(state: TicketState, order: TicketOrder, now: float) -> TicketState:
    match order:
        case TicketOrder.GRANT:
            return replace(state, is_granted=True, last_granted=now)
        case TicketOrder.REVOKE:
            return replace(state, is_granted=False)
        case TicketOrder.STANDBY:
            return replace(state, is_standby=True)
        case TicketOrder.ACTIVATE:
            return replace(state, is_standby=False)
