from agent import wire
from reconciler.world.channel.answer import Answer
from reconciler.world.channel.controld import answer
from tests.world.channel.questions import ask, plain


def asked(task: str, **attributes: str) -> Answer:
    names = {"crm_task": task, "crm_sys_to": "crmd", "crm_sys_from": "17_crm_node", "reference": "r-1"}
    return answer(ask(wire.Element("create_request_adv", {"t": "crmd", **names, **attributes})))


def content(found: Answer) -> object:
    assert found.event is not None
    body = found.event.first("crm_xml")
    assert body is not None
    return plain(body.children[0])


GUEST = {"crm_subsystem": "crmd", "have-quorum": "true", "id": "guest1", "uname": "guest1", "crmd": "member"}


def test_a_reply_names_the_request_and_goes_back_where_it_came_from() -> None:
    got = asked("node-info")
    assert (got.response, got.refused) == (wire.Element("ack", {"status": "0"}), "")
    assert got.event is not None
    assert got.event.attributes == {
        "t": "crmd",
        "version": "3.16.2",
        "subt": "response",
        "reference": "r-1",
        "crm_task": "node-info",
        "crm_sys_to": "17_crm_node",
        "crm_sys_from": "crmd",
    }


def test_who_asks_for_no_node_is_told_its_own_name() -> None:
    assert content(asked("node-info")) == ("node", {**GUEST, "remote_node": "true"}, [])
    assert content(asked("node-info", id="0")) == ("node", {**GUEST, "remote_node": "true"}, [])


def test_a_host_has_a_number_and_is_no_remote_node() -> None:
    want: object = ("node", {**GUEST, "id": "1", "uname": "host1", "remote_node": "false"}, [])
    assert content(asked("node-info", id="1")) == want
    assert content(asked("node-info", uname="host1")) == want


def test_a_node_that_is_not_there_has_no_name() -> None:
    assert content(asked("node-info", id="7")) == (
        "node",
        {"crm_subsystem": "crmd", "have-quorum": "true"},
        [],
    )


def test_nodes_are_the_hosts() -> None:
    assert content(asked("list-nodes")) == (
        "nodes",
        {},
        [("node", {"id": "1", "uname": "host1", "in_ccm": "member"}, [])],
    )


def test_the_controller_is_well() -> None:
    assert content(asked("ping")) == (
        "ping_response",
        {"crm_subsystem": "crmd", "crmd_state": "S_IDLE", "result": "ok"},
        [],
    )


def test_what_would_change_something_ends_the_connection() -> None:
    for task in ("rm_node_cache", "lrm_fail", "lrm_delete", "reprobe", "shutdown_req", ""):
        assert asked(task) == Answer(refused=f"task {task}")
    assert asked("hello") == Answer(response=wire.Element("ack", {"status": "0"}))
