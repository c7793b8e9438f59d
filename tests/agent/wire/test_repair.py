"""What Pacemaker 2.1.5 sends when a resource agent prints control characters."""

from __future__ import annotations

import pytest

from agent import wire
from agent.wire import Connection, Role
from agent.wire.frame import encode_frame
from agent.wire.repair import mend_result

# Recorded from Pacemaker 2.1.5, for an agent that printed an escape sequence, Latin-1, markup and a tab.
RECORDED = (
    b'<lrmd_notify lrmd_origin="send_cmd_complete_notify" lrmd_timeout="20000" lrmd_rsc_interval="0"'
    b' lrmd_rsc_start_delay="0" lrmd_exec_rc="1" lrmd_exec_op_status="0" lrmd_callid="5" lrmd_rsc_deleted="0"'
    b' lrmd_run_time="1795364977" lrmd_rcchange_time="1795364977" lrmd_exec_time="4" lrmd_queue_time="0"'
    b' lrmd_op="lrmd_rsc_exec" lrmd_rsc_id="d3" lrmd_rsc_action="start" lrmd_rsc_userdata_str="u6"'
    b' lrmd_rsc_exit_reason="no\\033 way" lrmd_rsc_output="ocf-exit-reason:no\\033 way\\n\\033[31mred'
    b' caf\\37777777751 \xc3\xa9 \x01 <&">\n\ttab" lrmd_remote_msg_id="0" lrmd_remote_msg_type="notify">'
    b'<attributes state="/run/d3.state"/></lrmd_notify>'
)


def test_a_result_with_unescaped_output_is_understood() -> None:
    (notice,) = notices(RECORDED)
    assert isinstance(notice, wire.OperationResult)
    assert (notice.exec_rc, notice.userdata, notice.exit_reason) == (1, "u6", "no\\033 way")
    # XML turns a raw line break and tab into spaces.
    assert notice.output.endswith('caf\\37777777751 é \ufffd <&">  tab')
    assert notice.params == {"state": "/run/d3.state"}


def test_output_that_imitates_attributes_changes_no_result() -> None:
    fake = RECORDED.replace(
        b'<&">', b'" lrmd_exec_rc="0" lrmd_remote_msg_id="0" lrmd_remote_msg_type="notify"><x'
    )
    (notice,) = notices(fake)
    assert isinstance(notice, wire.OperationResult)
    assert notice.exec_rc == 1


def test_text_that_was_escaped_stays_as_it_was() -> None:
    text = b'<lrmd_notify lrmd_rsc_exit_reason="&lt;&#10;&amp;" lrmd_rsc_output="&quot;&#x1B;"'
    text += b' lrmd_remote_msg_id="0" lrmd_remote_msg_type="notify"/>'
    assert mend_result(text) == text


@pytest.mark.parametrize(
    "text", [b'<lrmd_reply lrmd_rc="<"/>', b'<lrmd_notify lrmd_rsc_id="<" lrmd_op="x"/>']
)
def test_nothing_else_is_mended(text: bytes) -> None:
    assert mend_result(text) == text
    with pytest.raises(wire.MarkupError):
        notices(text)


def notices(text: bytes) -> list[wire.Notice]:
    """What a registered client makes of a message."""
    client, server = Connection(Role.CLIENT), Connection(Role.SERVER)
    request_id, chunks = client.send_request(wire.Register("c"))
    server.receive_bytes(b"".join(chunks))
    server.next_event()
    client.receive_bytes(b"".join(server.send_reply(request_id, wire.RegisterReply(0))))
    client.next_event()
    client.receive_bytes(b"".join(encode_frame(text, 2)))
    event = client.next_event()
    assert isinstance(event, wire.NoticeReceived)
    return [event.notice]
