"""What needs a ticket runs only while it is held, and its loss has the consequence that was chosen."""

import pytest

from reconciler.model.names import ResourceId
from reconciler.model.resource import Role
from reconciler.model.score import INFINITY
from reconciler.pacemaker.read import CibInput
from tests.pacemaker.cibs import cib, dummy, op, ran, read


def given(policy: str = "", ticket: str = "", role: str = "", running: bool = True) -> CibInput:
    status = ran("r", op("start", 1)) if running else ""
    said = f' loss-policy="{policy}"' if policy else ""
    text = cib(f'<clone id="c">{dummy("r")}</clone>', "", status).decode()
    rule = f'<rsc_ticket id="t" rsc="c" ticket="T"{said}{role}/>'
    text = text.replace("<constraints></constraints>", f"<constraints>{rule}</constraints>")
    state = f'<tickets><ticket_state id="T" {ticket}/></tickets>' if ticket else ""
    return read(text.replace("<status>", f"<status>{state}").encode())


def bans(read_input: CibInput) -> list[tuple[str, str, int, Role | None]]:
    return [(c.resource, c.node, c.score, c.role) for c in read_input.intent.locations]


BANNED = [("c", "n1", -INFINITY, None), ("c", "n2", -INFINITY, None)]


@pytest.mark.parametrize(
    ("ticket", "expected"),
    [
        ("", BANNED),
        ('granted="false"', BANNED),
        ('granted="true"', []),
        ('granted="true" standby="true"', BANNED),
    ],
)
def test_without_its_ticket_nothing_runs_anywhere(ticket: str, expected: list[object]) -> None:
    assert bans(given(ticket=ticket)) == expected


def test_what_needs_a_ticket_to_be_promoted_runs_on_without() -> None:
    assert bans(given(role=' rsc-role="Master"')) == [
        ("c", "n1", -INFINITY, Role.PROMOTED),
        ("c", "n2", -INFINITY, Role.PROMOTED),
    ]


def test_what_is_frozen_stays_as_it_is() -> None:
    frozen = given("freeze")
    assert (frozen.intent.resources[ResourceId("r")].is_managed, bans(frozen)) == (False, [])
    assert bans(given("freeze", running=False)) == BANNED
