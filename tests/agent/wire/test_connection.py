"""Both roles of agent.wire.connection, talking to each other and to broken peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import wire
from agent.wire import Connection, Element, Role, State
from agent.wire.frame import encode_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

REGISTER = wire.Register("shop", cluster="shop", epoch=7)
REGISTERED = wire.RegisterReply(0, 1, client_id="c1", protocol_version="1.1", uptime_s=3)
START = wire.Exec("web", "start", timeout_ms=20_000, params={"port": "80"}, uid="u1", commit="abc")


def test_client_and_server_understand_each_other() -> None:
    client, server = opened()
    request_id, chunks = client.send_request(START)
    assert events(server, chunks) == [wire.RequestReceived(request_id, START)]
    reply = wire.Reply(8, 8)
    result = wire.OperationResult("web", "start", 8, 0, 0, params={"port": "80"}, uid="u1")
    chunks = server.send_reply(request_id, reply) + server.send_notice(result)
    want = [wire.ReplyReceived(request_id, START, reply), wire.NoticeReceived(result)]
    assert events(client, chunks) == want
    assert (client.unanswered, server.unanswered) == ((), ())


def test_bytes_one_at_a_time_give_the_same_events() -> None:
    whole, single = opened()[0], opened()[0]
    _, server = opened()
    results = [wire.OperationResult("web", "monitor", n, n, 0, output="ü\n" * n) for n in range(5)]
    chunks = [chunk for result in results for chunk in server.send_notice(result)]
    want = [wire.NoticeReceived(result) for result in results]
    assert events(whole, [b"".join(chunks)]) == want
    assert events(single, (bytes([byte]) for byte in b"".join(chunks))) == want


def test_a_notice_may_overtake_the_reply_to_a_cancel() -> None:
    client, server = opened()
    cancel = wire.Cancel("web", "monitor", 10_000)
    request_id, chunks = client.send_request(cancel)
    events(server, chunks)
    cancelled = wire.OperationResult("web", "monitor", 4, 0, wire.ExecStatus.CANCELLED, interval_ms=10_000)
    chunks = server.send_notice(cancelled) + server.send_reply(request_id, wire.Reply(0, 5))
    want = [wire.NoticeReceived(cancelled), wire.ReplyReceived(request_id, cancel, wire.Reply(0, 5))]
    assert events(client, chunks) == want


def test_replies_may_come_in_any_order() -> None:
    client, server = opened()
    first, chunks = client.send_request(wire.ResourceInfo("a"))
    second, more = client.send_request(wire.GetRecurring())
    events(server, chunks + more)
    recurring = wire.RecurringReply(0, 3, (wire.RecurringOperation("a", "monitor", 10_000, 20_000),))
    missing = wire.ResourceInfoReply(wire.RC_NO_SUCH_RESOURCE, 2)
    chunks = server.send_reply(second, recurring) + server.send_reply(first, missing)
    assert events(client, chunks) == [
        wire.ReplyReceived(second, wire.GetRecurring(), recurring),
        wire.ReplyReceived(first, wire.ResourceInfo("a"), missing),
    ]


def test_a_refused_registration_ends_both_sides() -> None:
    client, server = Connection(Role.CLIENT), Connection(Role.SERVER)
    request_id, chunks = client.send_request(REGISTER)
    events(server, chunks)
    stale = wire.RegisterReply(wire.RC_STALE_EPOCH, 1)
    want = [wire.ReplyReceived(request_id, REGISTER, stale)]
    assert events(client, server.send_reply(request_id, stale)) == want
    assert (client.state, server.state) == (State.REFUSED, State.REFUSED)
    with pytest.raises(wire.LocalProtocolError, match="refused"):
        client.send_request(wire.Poke())


def test_nothing_may_be_asked_before_registering() -> None:
    with pytest.raises(wire.LocalProtocolError, match="new"):
        Connection(Role.CLIENT).send_request(wire.Poke())
    client, _ = opened()
    server = Connection(Role.SERVER)
    with pytest.raises(wire.MessageError, match="Poke on a connection that is new"):
        events(server, client.send_request(wire.Poke())[1])
    assert server.state is State.FAILED
    assert server.next_event() is None


def test_a_server_sends_no_notice_to_a_client_that_has_not_registered() -> None:
    with pytest.raises(wire.LocalProtocolError):
        Connection(Role.SERVER).send_notice(wire.NewClient())


def test_registering_again_keeps_the_connection_open() -> None:
    client, server = opened()
    request_id, chunks = client.send_request(REGISTER)
    events(server, chunks)
    events(client, server.send_notice(wire.PokeNotice()))
    events(client, server.send_reply(request_id, REGISTERED))
    assert (client.state, server.state) == (State.OPEN, State.OPEN)


def test_an_unknown_operation_can_be_refused_or_left_unanswered() -> None:
    client, server = opened()
    unknown = wire.UnknownRequest("lrmd_new_thing", Element("lrmd_command", {"t": "lrmd"}))
    request_id, chunks = client.send_request(unknown)
    (event,) = events(server, chunks)
    assert isinstance(event, wire.RequestReceived)
    assert isinstance(event.request, wire.UnknownRequest)
    assert event.request.operation == "lrmd_new_thing"
    refusal = wire.Reply(wire.RC_UNSUPPORTED, 2)
    want = [wire.ReplyReceived(request_id, unknown, refusal)]
    assert events(client, server.send_reply(request_id, refusal)) == want
    check_id, chunks = client.send_request(wire.UnknownRequest(wire.OP_CHECK, Element("lrmd_command")))
    events(server, chunks)
    server.drop_request(check_id)
    assert server.unanswered == ()


def test_events_before_an_error_are_delivered() -> None:
    client, server = opened()
    good = b"".join(server.send_notice(wire.PokeNotice()))
    client.receive_bytes(good + b"HTTP/1.1 400 Bad Request\r\n")
    assert client.next_event() == wire.NoticeReceived(wire.PokeNotice())
    with pytest.raises(wire.HeaderError):
        client.next_event()
    assert client.state is State.FAILED
    with pytest.raises(wire.LocalProtocolError):
        client.receive_bytes(b"more")


@pytest.mark.parametrize("attributes", [{}, {"lrmd_remote_msg_type": "reply", "lrmd_remote_msg_id": "99"}])
def test_a_message_that_answers_nothing_is_an_error(attributes: dict[str, str]) -> None:
    client, server = opened()
    element = Element("lrmd_reply", {"lrmd_rc": "0", **attributes})
    chunks = server._chunks(element)
    with pytest.raises(wire.MessageError):
        events(client, chunks)


def test_a_request_id_cannot_be_used_twice_at_once() -> None:
    client, server = opened()
    _, chunks = client.send_request(wire.Poke())
    events(server, chunks)
    with pytest.raises(wire.MessageError, match="not new"):
        events(server, chunks)


def test_a_server_refuses_what_is_not_a_request() -> None:
    _, server = opened()
    _, other = opened()
    with pytest.raises(wire.MessageError, match="not a request"):
        events(server, other.send_notice(wire.PokeNotice()))


def test_each_role_sends_only_its_own_messages() -> None:
    client, server = opened()
    with pytest.raises(wire.LocalProtocolError):
        server.send_request(wire.Poke())
    with pytest.raises(wire.LocalProtocolError):
        client.send_notice(wire.PokeNotice())
    with pytest.raises(wire.LocalProtocolError):
        client.send_reply(1, wire.Reply(0))
    with pytest.raises(wire.LocalProtocolError):
        server.send_reply(17, wire.Reply(0))


def test_a_value_that_cannot_be_sent_leaves_the_connection_usable() -> None:
    client, server = opened()
    with pytest.raises(wire.LocalProtocolError, match="'secret'") as caught:
        client.send_request(wire.Exec("web", "start", 1, params={"secret": "hunter2\x00"}))
    assert "hunter2" not in str(caught.value)
    _, chunks = client.send_request(wire.Poke())
    assert len(events(server, chunks)) == 1


def test_an_end_inside_a_message_is_an_error_and_between_messages_is_not() -> None:
    client, server = opened()
    chunks = server.send_notice(wire.PokeNotice())
    client.receive_bytes(chunks[0])
    assert client.next_event() is None
    assert client.is_mid_message
    with pytest.raises(wire.RemoteProtocolError, match="inside a message"):
        client.receive_end()
    other, _ = opened()
    other.receive_end()
    assert other.state is State.CLOSED


@given(st.data())
def test_a_damaged_message_raises_a_remote_error_or_is_understood(data: st.DataObject) -> None:
    _, server = opened()
    record = wire.StartRecord("w", "ocf", "p", "t", "c", "u", "k", "h", wire.Phase.STARTED, 1)
    client, other = opened()
    request_id, chunks = client.send_request(wire.GetRecords())
    events(other, chunks)
    sent = other.send_reply(request_id, wire.RecordsReply(0, 1, (record,)))
    text = bytearray(b"".join(sent)[40:-1])
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    for receiver in (client, server):
        try:
            events(receiver, encode_frame(bytes(text), 1))
        except wire.RemoteProtocolError:
            assert receiver.state is State.FAILED


def test_parameters_stay_out_of_repr() -> None:
    values = [
        START,
        wire.OperationResult("web", "start", 1, 0, 0, params={"port": "80"}, output="80"),
        wire.StartRecord(
            "w", "ocf", "p", "t", "c", "u", "k", "h", wire.Phase.STARTED, 1, params={"port": "80"}
        ),
        Element("attributes", {"port": "80"}),
    ]
    assert [value for value in values if "80'" in repr(value)] == []


def opened() -> tuple[Connection, Connection]:
    """A client and a server that have registered."""
    client, server = Connection(Role.CLIENT), Connection(Role.SERVER)
    assert server.state is State.NEW
    request_id, chunks = client.send_request(REGISTER)
    assert events(server, chunks) == [wire.RequestReceived(request_id, REGISTER)]
    chunks = server.send_reply(request_id, REGISTERED)
    assert events(client, chunks) == [wire.ReplyReceived(request_id, REGISTER, REGISTERED)]
    return client, server


def events(receiver: Connection, chunks: Iterable[bytes]) -> list[wire.Event]:
    got: list[wire.Event] = []
    for chunk in chunks:
        receiver.receive_bytes(chunk)
        while (event := receiver.next_event()) is not None:
            got.append(event)
    return got
