"""Tickets for people and tools: whether this cluster holds them, and what needs them. Pure."""

from datetime import UTC, datetime

from reconciler.model.constraint import TicketConstraint
from reconciler.model.history import History, TicketState
from reconciler.model.intent import Intent
from reconciler.report.document import Document, listed


def ticket_documents(intent: Intent, history: History) -> list[Document]:
    """Return one document for each ticket that is declared, in the order of the declaration."""
    needs: dict[str, list[TicketConstraint]] = {}
    for need in intent.tickets:
        needs.setdefault(need.ticket, []).append(need)
    return [
        {
            "name": name,
            "granted": state.is_granted,
            "standby": state.is_standby,
            "last_granted": state.last_granted,
            "needed_by": [_need(need) for need in found],
        }
        for name, found in needs.items()
        for state in [history.tickets.get(found[0].ticket, TicketState())]
    ]


def ticket_lines(tickets: list[Document]) -> list[str]:
    """Return a line for each ticket."""
    width = max((len(ticket["name"]) for ticket in tickets), default=0)
    return [_line(ticket, width) for ticket in tickets]


def _need(need: TicketConstraint) -> Document:
    return {
        "resource": need.resource,
        "role": need.role.value if need.role is not None else None,
        "on_loss": need.on_loss.value,
        "file": need.where.file,
        "line": need.where.line,
    }


def _line(ticket: Document, width: int) -> str:
    state = TicketState(is_granted=ticket["granted"], is_standby=ticket["standby"]).describe()
    at = ticket["last_granted"]
    since = "" if at is None else f" (last granted {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ})"
    needs = [_need_text(need) for need in listed(ticket, "needed_by")]
    return f"{ticket['name']:<{width}}  {state}{since}; needed by {', '.join(needs)}"


def _need_text(need: Document) -> str:
    role = f" {need['role']}" if need["role"] else ""
    return f"{need['resource']}{role} ({need['file']}:{need['line']})"
