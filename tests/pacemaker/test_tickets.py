"""Constraints of tickets, and what a CIB says of the tickets, are read; the planner heeds them."""

import pytest

from reconciler.model.constraint import LossPolicy, TicketConstraint
from reconciler.model.history import TicketState
from reconciler.model.names import ResourceId, TicketName, Where
from reconciler.model.resource import Role
from tests.pacemaker.cibs import cib, dummy, read

T = TicketName("T")


def constraints(more: str, inside: str = "", tag: str = 'rsc="c"') -> list[TicketConstraint]:
    rule = f'<rsc_ticket id="t" {tag} ticket="T" {more}>{inside}</rsc_ticket>'
    given = read(cib(f'<clone id="c">{dummy("r")}</clone>{dummy("a")}{dummy("b")}', rule))
    return list(given.intent.tickets)


def needs(resource: str, role: Role | None = None, on_loss: LossPolicy = LossPolicy.STOP) -> TicketConstraint:
    where = Where(file="cib.xml", line=5)
    return TicketConstraint(
        id="t", resource=ResourceId(resource), ticket=T, where=where, role=role, on_loss=on_loss
    )


@pytest.mark.parametrize(
    ("more", "role", "on_loss"),
    [
        ("", None, LossPolicy.STOP),
        ('loss-policy="Freeze"', None, LossPolicy.FREEZE),
        ('loss-policy="fence"', None, LossPolicy.FENCE),
        ('rsc-role="Started" loss-policy="demote"', None, LossPolicy.STOP),
        ('rsc-role="Slave"', None, LossPolicy.STOP),
        ('rsc-role="Master"', Role.PROMOTED, LossPolicy.DEMOTE),
        ('rsc-role="Promoted" loss-policy="stop"', Role.PROMOTED, LossPolicy.STOP),
        ('rsc-role="Promoted" loss-policy="nonsense"', Role.PROMOTED, LossPolicy.DEMOTE),
    ],
)
def test_role_and_loss_policy_are_read(more: str, role: Role | None, on_loss: LossPolicy) -> None:
    assert constraints(more) == [needs("c", role, on_loss)]


def test_each_member_of_a_set_needs_the_ticket() -> None:
    sets = (
        '<resource_set id="s"><resource_ref id="a"/><resource_ref id="b"/></resource_set>'
        '<resource_set id="p" role="Promoted"><resource_ref id="c"/></resource_set>'
    )
    got = constraints("", sets, tag="")
    assert got == [needs("a"), needs("b"), needs("c", Role.PROMOTED, LossPolicy.DEMOTE)]


@pytest.mark.parametrize(
    ("state", "want"),
    [
        ("", {}),
        ('<ticket_state id="T"/>', {T: TicketState()}),
        (
            '<ticket_state id="T" granted="true" last-granted="1700000000"/>',
            {T: TicketState(is_granted=True, last_granted=1_700_000_000.0)},
        ),
        (
            '<ticket_state id="T" granted="false" standby="yes" last-granted="-1"/>',
            {T: TicketState(is_standby=True)},
        ),
    ],
)
def test_the_states_of_tickets_are_history(state: str, want: dict[TicketName, TicketState]) -> None:
    text = cib(dummy("a")).decode().replace("<status>", f"<status><tickets>{state}</tickets>")
    assert read(text.encode()).history.tickets == want
