"""What is written as it is at the time of a CIB is listed."""

from tests.pacemaker.cibs import cib, dummy
from tests.pacemaker.test_to_yaml import assert_same, converted


def losses(data: bytes) -> list[tuple[str, str]]:
    return [(loss.feature, loss.text) for loss in converted(data).lost]


def test_tickets_are_written_as_what_they_mean_now() -> None:
    data = cib(dummy("a"), '<rsc_ticket id="t" rsc="a" ticket="site" loss-policy="stop"/>')
    text = (
        "t: there are no tickets here; what its ticket allows and forbids at the time of the CIB is written "
        "as where resources may run"
    )
    assert losses(data) == [("ticket", text)]
    assert_same(data)


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
