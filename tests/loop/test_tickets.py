"""Orders about tickets change their states, which are kept as long as something declared needs them."""

from dataclasses import replace

import pytest

from reconciler.loop.tickets import TicketOrder, order_ticket
from reconciler.model.constraint import TicketConstraint
from reconciler.model.errors import UsageError
from reconciler.model.history import History, TicketState
from reconciler.model.intent import Source
from reconciler.model.names import TicketName
from reconciler.ports import SourceTree
from reconciler.sim.journal import Pages
from tests.loop.memories import ASKED, FAKE, NOW, WEB, memory
from tests.plan.worlds import WHERE

T, U = TicketName("site-a"), TicketName("site-b")
NEEDING = replace(
    ASKED,
    tickets=(
        TicketConstraint(id="t", resource=FAKE, ticket=T, where=WHERE),
        TicketConstraint(id="u", resource=WEB, ticket=U, where=WHERE),
    ),
)
HELD = TicketState(is_granted=True, last_granted=7.0)
AT_REST = TicketState(is_granted=True, is_standby=True, last_granted=7.0)


@pytest.mark.parametrize(
    ("before", "order", "after", "said"),
    [
        (None, TicketOrder.GRANT, TicketState(is_granted=True, last_granted=NOW), "granted"),
        (HELD, TicketOrder.GRANT, TicketState(is_granted=True, last_granted=NOW), "granted"),
        (
            TicketState(is_standby=True),
            TicketOrder.GRANT,
            TicketState(is_granted=True, is_standby=True, last_granted=NOW),
            "granted, on standby",
        ),
        (None, TicketOrder.REVOKE, TicketState(), "not granted"),
        (HELD, TicketOrder.REVOKE, TicketState(last_granted=7.0), "not granted"),
        (HELD, TicketOrder.STANDBY, AT_REST, "granted, on standby"),
        (
            AT_REST,
            TicketOrder.REVOKE,
            TicketState(is_standby=True, last_granted=7.0),
            "not granted, on standby",
        ),
        (AT_REST, TicketOrder.ACTIVATE, HELD, "granted"),
        (None, TicketOrder.ACTIVATE, TicketState(), "not granted"),
    ],
)
def test_an_order_changes_one_tickets_state_and_keeps_it(
    before: TicketState | None, order: TicketOrder, after: TicketState, said: str
) -> None:
    states = {U: HELD} if before is None else {U: HELD, T: before}
    pages = Pages()
    known = memory(NEEDING, pages=pages, history=History(tickets=states))
    assert order_ticket(known, order, "SITE-A", NOW) == f"ticket site-a is {said}"
    assert known.history == History(tickets={U: HELD, T: after})
    assert pages.history == (known.history if known.history.tickets != states else History())


def test_a_ticket_that_nothing_needs_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^there is no ticket 'site-c'; did you mean site-b\?$"):
        order_ticket(memory(NEEDING), TicketOrder.GRANT, "site-c", NOW)
    with pytest.raises(UsageError, match=r"^there is no ticket 'site-a'; there is none$"):
        order_ticket(memory(), TicketOrder.GRANT, "site-a", NOW)


def test_a_ticket_is_forgotten_when_nothing_declared_needs_it_any_more() -> None:
    known = memory(NEEDING, history=History(tickets={T: HELD, U: HELD}))
    tree = SourceTree(source=Source(folder="/"), files={})
    known.accept(tree, replace(NEEDING, tickets=NEEDING.tickets[:1]))
    assert known.history.tickets == {T: HELD}
    known.accept(tree, NEEDING)
    assert known.history.tickets == {T: HELD}, "another site may have been granted it meanwhile"
