from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import wire
from reconciler.model.attribute import AttributeChange
from reconciler.world.channel.answer import Answer
from reconciler.world.channel.cib import answer
from reconciler.world.channel.cib_view import cib_of
from tests.world.channel.questions import VIEW, ask, element, pick, plain

CIB = cib_of(VIEW)
SYNCHRONOUS, XPATH, NO_CHILDREN = 0x1000, 0x2, 0x20


def asked(
    operation: str, section: str = "", *data: wire.Element, options: int = SYNCHRONOUS, rw: bool = True
) -> Answer:
    attributes = {"t": "cib", "cib_op": operation, "cib_callid": "2", "cib_callopt": str(options)}
    content = (element("cib_calldata", *data),) if data else ()
    body = wire.Element("cib_command", {**attributes, "cib_section": section}, content)
    return answer(ask(body), CIB, is_writable=rw)


def result(got: Answer) -> tuple[str, Any]:
    reply = got.response if got.event is None else got.event
    assert reply is not None
    data = reply.first("cib_calldata")
    return reply.attributes["cib_rc"], plain(data.children[0]) if data is not None else None


def test_a_program_registers_and_may_ask_for_notifications() -> None:
    assert plain(asked("register").response) == (
        "cib_registered",
        {"cib_op": "register", "cib_clientid": "s1"},
        [],
    )
    assert plain(asked("cib_notify").response) == ("ack", {"status": "0"}, [])


def test_a_section_is_returned_under_the_call_that_asked_for_it() -> None:
    got = asked("cib_query", "nodes")
    assert pick(got.response, "cib_callid", "cib_clientid", "t") == {
        "cib_callid": "2",
        "cib_clientid": "s1",
        "t": "cib",
    }
    site = {"id": "nodes-guest1-site", "name": "site", "value": "east"}
    block: Any = ("instance_attributes", {"id": "nodes-guest1"}, [("nvpair", site, [])])
    host: Any = ("node", {"id": "1", "uname": "host1"}, [])
    guest: Any = ("node", {"type": "remote", "id": "guest1", "uname": "guest1"}, [block])
    assert result(got) == ("0", ("nodes", {}, [host, guest]))
    assert result(asked("cib_query", "nodes", options=SYNCHRONOUS | NO_CHILDREN)) == ("0", ("nodes", {}, []))
    assert result(asked("cib_query", "nowhere")) == ("-6", None)


def test_who_does_not_wait_gets_the_reply_as_an_event() -> None:
    got = asked("cib_query", "constraints", options=0)
    assert (plain(got.response), result(got)) == (
        ("ack", {"status": "0"}, []),
        ("0", ("constraints", {}, [])),
    )


def test_the_expressions_of_programs_select_elements() -> None:
    def query(path: str) -> tuple[str, Any]:
        return result(asked("cib_query", path, options=SYNCHRONOUS | XPATH))

    remote = {"id": "vm1-meta-remote-node", "name": "remote-node", "value": "guest1"}
    assert query("//nvpair[@name='remote-node']") == ("0", ("nvpair", remote, []))
    upper, lower = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
    by_name = f"/cib/configuration/nodes/node[translate(@uname,'{upper}','{lower}') ='guest1']|/cib/nothing"
    assert query(by_name)[1][1]["id"] == "guest1"
    assert query("//nvpair[starts-with(@name,'pi')]")[1][1]["value"] == "100"
    assert [tag for tag, _, _ in query("//node_state")[1][2]] == ["node_state", "node_state"]
    assert query("//nvpair[@name='x']") == ("-6", None)


LONG = "//a[@b='" + "x" * 3000 + "']"


@pytest.mark.parametrize(
    "path",
    [
        "count(//*)",
        "//*[//*[//*]]",
        "//nvpair[position()=1]",
        "document('x')",
        "//a" * 13,
        LONG,
    ],
)
def test_other_expressions_are_not_supported(path: str) -> None:
    assert result(asked("cib_query", path, options=SYNCHRONOUS | XPATH)) == ("-95", None)


PAIR = element("nvpair", id="nodes-guest1-site", name="site", value="west")
NEW = element("nvpair", id="nodes-guest1-x", name="x", value="1")


def within(pair: wire.Element, node: str = "guest1", block: str = "instance_attributes") -> wire.Element:
    inner = element(block, pair, id=f"nodes-{node}")
    return element("nodes", element("node", inner, id=node, uname=node, type="remote"))


def test_a_node_writes_its_own_permanent_attributes() -> None:
    site = AttributeChange(name="site", value="west", is_permanent=True)
    new = AttributeChange(name="x", value="1", is_permanent=True)
    assert [
        (got.changes, result(got), got.refused)
        for got in (
            asked("cib_modify", "nodes", PAIR),
            asked("cib_modify", "nodes", within(NEW)),
            asked("cib_delete", "nodes", PAIR),
        )
    ] == [
        ((site,), ("0", None), ""),
        ((new,), ("0", None), ""),
        ((AttributeChange(name="site", value=None, is_permanent=True),), ("0", None), ""),
    ]


OTHERS = element("nvpair", id="nodes-host1-site", name="site", value="west")
STANDBY = element("nvpair", id="i", name="standby", value="on")
DENIED = {
    "another node's": asked("cib_modify", "nodes", within(NEW, "host1")),
    "another node's, by its id": asked("cib_modify", "nodes", OTHERS),
    "two at once": asked("cib_modify", "nodes", element("nodes", *within(NEW).children * 2)),
    "utilization": asked("cib_modify", "nodes", within(NEW, block="utilization")),
    "what decides about the node": asked("cib_modify", "nodes", within(STANDBY)),
    "without data": asked("cib_modify", "nodes"),
    "options": asked("cib_modify", "crm_config", PAIR),
    "states": asked("cib_modify", "status", within(NEW)),
    "by an expression": asked("cib_modify", "nodes", PAIR, options=SYNCHRONOUS | XPATH),
    "everything": asked("cib_erase"),
    "another CIB": asked("cib_replace", "", element("cib")),
    "a read-only connection": asked("cib_modify", "nodes", PAIR, rw=False),
    "nothing": asked(""),
}


@pytest.mark.parametrize("name", DENIED)
def test_all_other_writes_are_denied(name: str) -> None:
    got = DENIED[name]
    assert (got.changes, result(got), bool(got.refused)) == ((), ("-13", None), True)


@given(
    path=st.text(alphabet="/@[]='ab*| ()and", max_size=60),
    options=st.sampled_from([0x1000, 0x1002, 0x1022, 0x2]),
)
def test_whatever_is_asked_is_answered(path: str, options: int) -> None:
    got = asked("cib_query", path, options=options)
    assert got.response is not None
