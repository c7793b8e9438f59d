from dataclasses import replace

from reconciler.model.constraint import LossPolicy, TicketConstraint
from reconciler.model.history import History, TicketState
from reconciler.model.names import ResourceId, TicketName, Where
from reconciler.model.resource import Role
from reconciler.report.tickets import ticket_documents, ticket_lines
from tests.plan.worlds import intent

SHOP = TicketConstraint(
    id="a",
    resource=ResourceId("web"),
    ticket=TicketName("shop"),
    where=Where(file="web.yaml", line=7),
)
PROMOTED = replace(
    SHOP,
    resource=ResourceId("database-clone"),
    where=Where(file="db.yaml", line=9),
    role=Role.PROMOTED,
    on_loss=LossPolicy.DEMOTE,
)
OTHER = replace(SHOP, ticket=TicketName("b"))
ASKED = replace(intent("host1"), tickets=(SHOP, OTHER, PROMOTED))
HISTORY = History(tickets={SHOP.ticket: TicketState(is_granted=True, last_granted=1_700_000_000.0)})


def test_each_ticket_is_told_with_all_that_needs_it() -> None:
    web = {"resource": "web", "role": None, "on_loss": "stop", "file": "web.yaml", "line": 7}
    database = {
        "resource": "database-clone", "role": "Promoted", "on_loss": "demote", "file": "db.yaml", "line": 9,
    }  # fmt: skip
    assert ticket_documents(ASKED, HISTORY) == [
        {
            "name": "shop",
            "granted": True,
            "standby": False,
            "last_granted": 1_700_000_000.0,
            "needed_by": [web, database],
        },
        {"name": "b", "granted": False, "standby": False, "last_granted": None, "needed_by": [web]},
    ]


def test_people_see_the_state_and_the_lines() -> None:
    assert ticket_lines(ticket_documents(ASKED, HISTORY)) == [
        "shop  granted (last granted 2023-11-14 22:13:20Z); "
        "needed by web (web.yaml:7), database-clone Promoted (db.yaml:9)",
        "b     not granted; needed by web (web.yaml:7)",
    ]
