"""Messages as the bytes that stock daemons expect (recorded from Pacemaker 2.1.5)."""

from __future__ import annotations

import pytest

from agent import wire
from agent.wire import encode
from agent.wire.element import Element, write

REQUESTS = [
    (
        wire.Register("rec", is_ipc_provider=True),
        '<lrmd_command t="lrmd" lrmd_op="register" lrmd_timeout="0" lrmd_callopt="0" lrmd_clientname="rec"'
        ' lrmd_protocol_version="1.1" lrmd_is_ipc_provider="true"'
        ' lrmd_remote_msg_id="4" lrmd_remote_msg_type="request"/>',
    ),
    (
        wire.Register("rec", cluster="shop", epoch=0),
        '<lrmd_command t="lrmd" lrmd_op="register" lrmd_timeout="0" lrmd_callopt="0" lrmd_clientname="rec"'
        ' lrmd_protocol_version="1.1" reconciler_cluster="shop" reconciler_epoch="0"'
        ' lrmd_remote_msg_id="4" lrmd_remote_msg_type="request"/>',
    ),
    (
        wire.Exec(
            "d1", "monitor", 20_000, 10_000, 0, "13:4:0:U", {"state": "/run/d1", "1st": "a"},
            wire.CALL_NOTIFY_CHANGES_ONLY,
        ),
        '<lrmd_command t="lrmd" lrmd_op="lrmd_rsc_exec" lrmd_timeout="20000" lrmd_callopt="4"'
        ' lrmd_remote_msg_id="4" lrmd_remote_msg_type="request"><lrmd_calldata>'
        '<lrmd_rsc lrmd_origin="reconciler" lrmd_rsc_id="d1" lrmd_rsc_action="monitor"'
        ' lrmd_rsc_userdata_str="13:4:0:U" lrmd_rsc_interval="10000" lrmd_timeout="20000"'
        ' lrmd_rsc_start_delay="0"><attributes state="/run/d1"><param name="1st" value="a"/></attributes>'
        "</lrmd_rsc></lrmd_calldata></lrmd_command>",
    ),
    (
        wire.GetRecurring(),
        '<lrmd_command t="lrmd" lrmd_op="lrmd_get_recurring" lrmd_timeout="0" lrmd_callopt="0"'
        ' lrmd_remote_msg_id="4" lrmd_remote_msg_type="request"/>',
    ),
    (
        wire.GetRecords(),
        '<lrmd_command t="lrmd" lrmd_op="reconciler_records" lrmd_timeout="0" lrmd_callopt="0"'
        ' lrmd_remote_msg_id="4" lrmd_remote_msg_type="request"/>',
    ),
    (
        wire.ProxyResponse("S", 1, Element("ack", {"status": "0"})),
        '<lrmd_ipc_proxy lrmd_ipc_op="response" lrmd_ipc_session="S" lrmd_ipc_msg_id="1" t="lrmd"'
        ' lrmd_op="ipc_fwd" lrmd_remote_msg_id="4" lrmd_remote_msg_type="request">'
        '<lrmd_ipc_msg><ack status="0"/></lrmd_ipc_msg></lrmd_ipc_proxy>',
    ),
    (
        wire.ShutdownAck(),
        '<lrmd_ipc_proxy lrmd_ipc_op="shutdown_ack" t="lrmd" lrmd_op="ipc_fwd"'
        ' lrmd_remote_msg_id="4" lrmd_remote_msg_type="request"/>',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "want"), REQUESTS, ids=[type(r).__name__ for r, _ in REQUESTS])
def test_requests_are_written_as_stock_daemons_read_them(request_: wire.Request, want: str) -> None:
    assert write(encode.request_element(request_, 4)).decode() == want


def test_replies_echo_the_id_of_the_request() -> None:
    want = (
        '<lrmd_reply lrmd_origin="reconciler" lrmd_rc="8" lrmd_callid="8"'
        ' lrmd_remote_msg_id="5" lrmd_remote_msg_type="reply"/>'
    )
    assert write(encode.reply_element(wire.Reply(8, 8), 5)).decode() == want


def test_a_reply_to_register_says_nothing_of_ours_unless_it_is_ours() -> None:
    stock = encode.reply_element(wire.RegisterReply(0, 1, node="n1", boot="b"), 1)
    ours = encode.reply_element(wire.RegisterReply(0, 1, agent="1.0", node="n1", has_records=True), 1)
    assert [name for name in stock.attributes if name.startswith("reconciler")] == []
    assert ours.attributes["reconciler_records"] == "1"


def test_notices_are_written_as_stock_controllers_read_them() -> None:
    poke = write(encode.notice_element(wire.PokeNotice())).decode()
    assert poke == (
        '<lrmd_notify lrmd_origin="reconciler" lrmd_rc="0" lrmd_callid="0" lrmd_op="lrmd_rsc_poke"'
        ' lrmd_remote_msg_id="0" lrmd_remote_msg_type="notify"/>'
    )
    new_client = write(encode.notice_element(wire.NewClient())).decode()
    assert new_client == (
        '<lrmd_notify lrmd_origin="reconciler" lrmd_op="lrmd_rsc_new_client"'
        ' lrmd_remote_msg_id="0" lrmd_remote_msg_type="notify"/>'
    )


def test_what_a_program_printed_is_cleaned_and_cut() -> None:
    result = wire.OperationResult("d", "start", 1, 1, 0, exit_reason="\x1bno", output="x" * 100_000)
    attributes = encode.notice_element(result).attributes
    assert attributes["lrmd_rsc_exit_reason"] == "\ufffdno"
    assert len(attributes["lrmd_rsc_output"]) == wire.MAX_RESULT_TEXT


def test_recurring_operations_are_grouped_by_resource() -> None:
    operations = tuple(
        wire.RecurringOperation(r, "monitor", i, 20) for r, i in [("a", 1), ("b", 2), ("a", 3)]
    )
    element = encode.reply_element(wire.RecurringReply(0, 1, operations), 1)
    assert [(child.attributes["lrmd_rsc_id"], len(child.children)) for child in element.children] == [
        ("a", 2),
        ("b", 1),
    ]
