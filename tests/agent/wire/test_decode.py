"""Messages read back, and messages that lack what they must have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import wire
from agent.wire import decode, encode
from agent.wire.element import Element, Limits, parse, write

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=12)
NAME = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=12)
NUMBER = st.integers(0, 2**40)
CODE = st.integers(-200, 300)
PARAMS = st.dictionaries(NAME, TEXT, max_size=4)
BODY = st.builds(Element, st.just("create_attrd_op"), st.dictionaries(st.just("attr"), TEXT))
RECURRING = st.builds(wire.RecurringOperation, st.just("web"), NAME, NUMBER, NUMBER)
RECORD = st.builds(
    wire.StartRecord, st.just("web"), TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.sampled_from(wire.Phase),
    NUMBER, st.none() | CODE, st.none() | CODE, TEXT, PARAMS, st.lists(RECURRING, max_size=2).map(tuple),
    st.none() | st.builds(wire.InFlight, NAME, NUMBER, TEXT, NUMBER, NUMBER, NUMBER),
)  # fmt: skip
REQUESTS = st.one_of(
    st.builds(wire.Register, NAME, TEXT, st.booleans(), TEXT, NUMBER),
    st.builds(wire.Poke),
    st.builds(wire.ResourceInfo, NAME),
    st.builds(wire.ResourceRegister, NAME, TEXT, TEXT, TEXT, st.integers(0, 7)),
    st.builds(wire.ResourceUnregister, NAME),
    st.builds(wire.Exec, NAME, NAME, NUMBER, NUMBER, NUMBER, TEXT, PARAMS, st.integers(0, 7), TEXT, TEXT),
    st.builds(wire.Cancel, NAME, NAME, NUMBER),
    st.builds(wire.GetRecurring, TEXT),
    st.builds(wire.GetRecords),
    st.builds(wire.ProxyResponse, TEXT, NUMBER, BODY),
    st.builds(wire.ProxyEvent, TEXT, BODY),
    st.builds(wire.ProxyDestroy, TEXT),
    st.builds(wire.ShutdownAck),
    st.builds(wire.ShutdownNack),
)
REPLIES = st.one_of(
    st.tuples(st.just(wire.Poke()), st.builds(wire.Reply, CODE, NUMBER)),
    st.tuples(
        st.just(wire.Register("c")),
        st.builds(
            wire.RegisterReply, CODE, NUMBER, TEXT, TEXT, st.none() | NUMBER, TEXT, NAME, TEXT, TEXT, TEXT,
            st.none() | NUMBER, st.booleans(),
        ),
    ),
    st.tuples(
        st.just(wire.ResourceInfo("a")),
        st.builds(wire.ResourceInfoReply, CODE, NUMBER, TEXT, TEXT, TEXT, TEXT),
    ),
    st.tuples(
        st.just(wire.GetRecurring()),
        st.builds(wire.RecurringReply, CODE, NUMBER, st.lists(RECURRING, max_size=3).map(tuple)),
    ),
    st.tuples(
        st.just(wire.GetRecords()),
        st.builds(wire.RecordsReply, CODE, NUMBER, st.lists(RECORD, max_size=2).map(tuple)),
    ),
)  # fmt: skip
NOTICES = st.one_of(
    st.builds(
        wire.OperationResult, NAME, NAME, NUMBER, CODE, CODE, NUMBER, NUMBER, NUMBER, st.booleans(), NUMBER,
        NUMBER, NUMBER, NUMBER, TEXT, TEXT, TEXT, PARAMS, TEXT,
    ),
    st.builds(wire.PokeNotice),
    st.builds(wire.NewClient),
    st.builds(
        wire.ResourceNotice,
        st.sampled_from([wire.OP_RESOURCE_REGISTER, wire.OP_RESOURCE_UNREGISTER]), NAME, CODE, NUMBER,
    ),
    st.builds(wire.ProxyNew, TEXT, TEXT),
    st.builds(wire.ProxyRequest, TEXT, TEXT, TEXT, NUMBER, NUMBER, BODY),
    st.builds(wire.ProxyDestroy, TEXT),
    st.builds(wire.ShutdownRequest),
)  # fmt: skip


@given(REQUESTS, st.integers(1, 2**31))
def test_requests_round_trip(request: wire.Request, message_id: int) -> None:
    root = through_text(encode.request_element(request, message_id))
    assert (decode.message_type(root), decode.message_id(root)) == ("request", message_id)
    assert decode.request_of(root) == request


@given(REPLIES, st.integers(1, 2**31))
def test_replies_round_trip(exchange: tuple[wire.Request, wire.AnyReply], message_id: int) -> None:
    request, reply = exchange
    root = through_text(encode.reply_element(reply, message_id))
    assert (decode.message_type(root), decode.message_id(root)) == ("reply", message_id)
    assert decode.reply_of(root, request) == reply


@given(NOTICES)
def test_notices_round_trip(notice: wire.Notice) -> None:
    root = through_text(encode.notice_element(notice))
    assert (decode.message_type(root), decode.message_id(root)) == ("notify", 0)
    assert decode.notice_of(root) == notice


def test_a_result_of_stock_pacemaker_is_understood() -> None:
    text = (
        b'<lrmd_notify lrmd_origin="send_cmd_complete_notify" lrmd_timeout="20000" lrmd_rsc_interval="10000"'
        b' lrmd_rsc_start_delay="0" lrmd_exec_rc="0" lrmd_exec_op_status="0" lrmd_callid="8"'
        b' lrmd_rsc_deleted="0" lrmd_run_time="1795355495" lrmd_rcchange_time="0" lrmd_exec_time="6"'
        b' lrmd_queue_time="0" lrmd_op="lrmd_rsc_exec" lrmd_rsc_id="d1" lrmd_rsc_action="monitor"'
        b' lrmd_rsc_userdata_str="13:4:0:UUID" lrmd_remote_msg_id="0" lrmd_remote_msg_type="notify">'
        b'<attributes CRM_meta_timeout="20000" state="/run/d1"/></lrmd_notify>'
    )
    assert decode.notice_of(parse(text, Limits())) == wire.OperationResult(
        "d1",
        "monitor",
        call_id=8,
        exec_rc=0,
        op_status=0,
        interval_ms=10_000,
        timeout_ms=20_000,
        ran_at_s=1_795_355_495,
        exec_time_ms=6,
        userdata="13:4:0:UUID",
        params={"CRM_meta_timeout": "20000", "state": "/run/d1"},
    )


@pytest.mark.parametrize("missing", ["lrmd_exec_rc", "lrmd_exec_op_status", "lrmd_callid", "lrmd_rsc_id"])
def test_a_result_without_its_codes_is_never_a_success(missing: str) -> None:
    whole = encode.notice_element(wire.OperationResult("d1", "start", 1, 0, 0))
    rest = {name: value for name, value in whole.attributes.items() if name != missing}
    with pytest.raises(wire.MessageError, match=missing):
        decode.notice_of(Element(whole.tag, rest))


@pytest.mark.parametrize("number", ["", "x", "1.0", "+1", "0x1", "1e3", " 1", "9" * 19, "\u0661"])
def test_a_code_that_is_no_number_is_an_error(number: str) -> None:
    with pytest.raises(wire.MessageError):
        decode.reply_of(Element("lrmd_reply", {"lrmd_rc": number}), wire.Poke())


@pytest.mark.parametrize(
    "root",
    [
        Element("lrmd_command"),
        Element("lrmd_command", {"lrmd_op": "lrmd_rsc_exec"}),
        Element("lrmd_command", {"lrmd_op": "lrmd_rsc_exec"}, (Element("lrmd_calldata"),)),
        Element(
            "lrmd_command",
            {"lrmd_op": "lrmd_rsc_info"},
            (Element("lrmd_calldata", {}, (Element("lrmd_rsc"),)),),
        ),
        Element("lrmd_ipc_proxy", {"lrmd_op": "ipc_fwd", "lrmd_ipc_op": "event"}),
    ],
)
def test_a_request_that_names_no_subject_is_an_error(root: Element) -> None:
    with pytest.raises(wire.MessageError):
        decode.request_of(root)


def test_what_is_not_known_is_passed_on() -> None:
    request = Element("lrmd_command", {"lrmd_op": "lrmd_alert_exec"})
    assert decode.request_of(request) == wire.UnknownRequest("lrmd_alert_exec", request)
    notice = Element("lrmd_notify", {"lrmd_op": "lrmd_future"})
    assert decode.notice_of(notice) == wire.UnknownNotice("lrmd_future", notice)


def test_a_record_in_an_unknown_phase_is_an_error() -> None:
    record = Element("reconciler_record", {"lrmd_rsc_id": "a", "phase": "dancing", "since": "1"})
    reply = Element("lrmd_reply", {"lrmd_rc": "0"}, (record,))
    with pytest.raises(wire.MessageError, match="dancing"):
        decode.reply_of(reply, wire.GetRecords())


def test_a_parameter_given_as_a_child_wins_over_an_attribute() -> None:
    params = Element("attributes", {"a": "1", "b": "2"}, (Element("param", {"name": "a", "value": "3"}),))
    body = Element("lrmd_rsc", {"lrmd_rsc_id": "r", "lrmd_rsc_action": "start"}, (params,))
    root = Element("lrmd_command", {"lrmd_op": "lrmd_rsc_exec"}, (Element("lrmd_calldata", {}, (body,)),))
    assert decode.request_of(root) == wire.Exec("r", "start", 0, params={"a": "3", "b": "2"})


def through_text(element: Element) -> Element:
    return parse(write(element), Limits())
