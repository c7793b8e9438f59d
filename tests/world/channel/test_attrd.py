from typing import Any

import pytest

from agent import wire
from reconciler.model.attribute import AttributeChange
from reconciler.world.channel.answer import Answer
from reconciler.world.channel.attrd import answer
from tests.world.channel.questions import ask, plain


def asked(task: str, **attributes: str) -> Answer:
    return answer(ask(wire.Element("create_attrd_op", {"t": "attrd", "task": task, **attributes})))


ACK: Any = ("ack", {"status": "0"}, [])


@pytest.mark.parametrize("task", ["update", "update-both"])
@pytest.mark.parametrize(
    "host", [{}, {"attr_host": "guest1"}, {"attr_host": "GUEST1"}, {"attr_host": "localhost"}]
)
def test_a_node_sets_its_own_attributes_however_it_is_named(task: str, host: dict[str, str]) -> None:
    got = asked(task, attr_name="rack", attr_value="r1", **host)
    assert (got.changes, plain(got.response), got.refused) == (
        (AttributeChange(name="rack", value="r1"),),
        ACK,
        "",
    )


def test_an_attribute_without_a_value_goes() -> None:
    assert asked("update", attr_name="load").changes == (AttributeChange(name="load", value=None),)


@pytest.mark.parametrize(
    ("value", "want"), [("value++", "4"), ("value+=7", "10"), ("value+=9999999", "1000000")]
)
def test_a_value_may_add_to_the_present_one(value: str, want: str) -> None:
    assert asked("update", attr_name="load", attr_value=value).changes == (
        AttributeChange(name="load", value=want),
    )


def test_a_simple_pattern_stands_for_the_attributes_that_are_there() -> None:
    assert asked("update", attr_regex="^lo.*", attr_value="9").changes == (
        AttributeChange(name="load", value="9"),
    )
    assert asked("update", attr_regex="^x", attr_value="9").changes == ()


@pytest.mark.parametrize("task", ["update-delay", "refresh", "flush"])
def test_what_is_about_when_values_are_written_is_acknowledged(task: str) -> None:
    got = asked(task)
    assert (got.changes, plain(got.response)) == ((), ACK)


REFUSED = {
    "an attribute of host1": {"task": "update", "attr_host": "host1", "attr_name": "a", "attr_value": "1"},
    "a regular expression that is not simple": {"task": "update", "attr_regex": "(a+)+$", "attr_value": "1"},
    "a private attribute": {"task": "update", "attr_name": "a", "attr_value": "1", "attr_is_private": "1"},
    "task peer-remove": {"task": "peer-remove", "attr_host": "guest1"},
    "task clear-failure": {"task": "clear-failure", "attr_resource": "FAKE"},
    "a query that names no attribute": {"task": "query"},
    "task ": {},
}


@pytest.mark.parametrize(("what", "attributes"), REFUSED.items(), ids=REFUSED)
def test_all_else_ends_the_connection_and_changes_nothing(what: str, attributes: dict[str, str]) -> None:
    assert answer(ask(wire.Element("op", {"t": "attrd", **attributes}))) == Answer(refused=what)


def test_a_query_returns_the_transient_values_of_one_node_or_of_all() -> None:
    reply = {"t": "attrd", "subt": "query", "attr_version": "4"}
    load = {"attr_host": "guest1", "attr_value": "3"}
    named: Any = ("attrd_reply", {**reply, "attr_name": "load"}, [("node", load, [])])
    assert plain(asked("query", attr_name="load").response) == named
    assert plain(asked("query", attr_name="load", attr_host="guest1").response) == named
    other = plain(asked("query", attr_name="pingd", attr_host="guest1").response)
    assert other == ("attrd_reply", {**reply, "attr_name": "pingd"}, [("node", {"attr_host": "guest1"}, [])])
    assert plain(asked("query", attr_name="site").response) == ("attrd_reply", reply, [])
