import pytest

from agent import wire
from reconciler.world.channel.answer import Answer
from reconciler.world.channel.fenced import answer
from tests.world.channel.questions import ask, pick, plain


def asked(operation: str, options: int = 0x1000) -> Answer:
    attributes = {"t": "stonith-ng", "st_op": operation, "st_callid": "3", "st_callopt": str(options)}
    return answer(ask(wire.Element("stonith_command", attributes)))


def test_a_program_may_look_at_a_history_without_entries() -> None:
    assert plain(asked("register").response) == (
        "st_registered",
        {"st_op": "register", "st_clientid": "s1"},
        [],
    )
    assert plain(asked("st_notify").response) == ("ack", {"status": "0"}, [])
    got = asked("st_fence_history")
    assert (pick(got.response, "st_rc", "st_callid"), got.refused) == ({"st_rc": "0", "st_callid": "3"}, "")


@pytest.mark.parametrize("operation", ["st_fence", "st_execute", "st_query", "st_device_register", ""])
def test_nothing_is_fenced_and_the_program_is_told_at_once(operation: str) -> None:
    got = asked(operation)
    assert (pick(got.response, "st_rc"), bool(got.refused)) == ({"st_rc": "-13"}, True)
    later = asked(operation, 0)
    assert (plain(later.response), pick(later.event, "st_rc")) == (
        ("ack", {"status": "0"}, []),
        {"st_rc": "-13"},
    )


def test_the_history_is_not_cleared() -> None:
    assert pick(asked("st_fence_history", 0x81000).response, "st_rc") == {"st_rc": "-13"}
