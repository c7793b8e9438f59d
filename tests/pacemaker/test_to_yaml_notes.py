"""What is written as it is at the time of a CIB is listed."""

import pytest

from tests.pacemaker.cibs import cib, dummy
from tests.pacemaker.test_to_yaml import assert_same, converted


def losses(data: bytes) -> list[tuple[str, str]]:
    return [(loss.feature, loss.text) for loss in converted(data).lost]


def ticketed(state: str) -> bytes:
    rule = '<rsc_ticket id="t" rsc="a" ticket="T"/>'
    text = cib(dummy("a"), rule).decode()
    return text.replace("<status>", f'<status><tickets><ticket_state id="T" {state}/></tickets>').encode()


@pytest.mark.parametrize(
    ("state", "what", "said"),
    [
        ('granted="true"', "granted", "`reconcile ticket grant T`"),
        (
            'granted="true" standby="true"',
            "granted and on standby",
            "`reconcile ticket grant T` and `reconcile ticket standby T`",
        ),
        ('granted="false" standby="true"', "on standby", "`reconcile ticket standby T`"),
    ],
)
def test_the_state_of_a_ticket_is_to_be_ordered(state: str, what: str, said: str) -> None:
    text = f"the ticket T is {what}, which is not declared: say {said}, once this cluster has taken over"
    assert losses(ticketed(state)) == [("ticket", text)]


def test_a_ticket_that_is_not_granted_needs_no_order() -> None:
    assert losses(ticketed('granted="false"')) == []


def test_what_is_kept_for_nodes_that_shut_down_is_written_as_it_is_now() -> None:
    data = cib(dummy("a"), options='<nvpair id="x" name="shutdown-lock" value="true"/>')
    text = (
        "shutdown-lock: nothing is kept here for a node that shuts down; what is kept at the time of the CIB "
        "is written as where resources may run"
    )
    assert losses(data) == [("shutdown-lock", text)]


def test_parameters_of_an_operation_that_differ_by_node_are_left_out_and_listed() -> None:
    compares = '<expression id="e" attribute="rack" operation="eq" value="r1"/>'
    own = f'<instance_attributes id="i"><rule id="r">{compares}</rule><nvpair id="n" name="x" value="1"/>'
    op = f'<operations><op id="m" name="monitor" interval="10s">{own}</instance_attributes></op></operations>'
    data = cib(dummy("a", op))
    text = "what the rule r is for is left out: operations are the same on every node here"
    assert losses(data) == [("rule", text)]
    assert_same(data)
