"""Answers as Pacemaker's controller does: who and how a node is, and which nodes there are. Pure.

Source: Pacemaker daemons/controld/controld_messages.c and lib/common/ipc_controld.c; the proxy in
controld_execd_state.c, crmd_remote_proxy_cb, fills in the asking node's name, as programs do not know it.
"""

from agent import wire
from reconciler.model.names import NodeName
from reconciler.model.node import NodeKind, NodeState
from reconciler.ports import ClusterView
from reconciler.world.channel.answer import Answer, Question, acknowledgement, refusal
from reconciler.world.channel.cib_view import FEATURE_SET, node_ids


def answer(question: Question) -> Answer:
    """Return the answer to a message for the controller: an acknowledgement, and what is asked as an event."""
    task = question.attributes.get("crm_task", "")
    if task == "hello":
        return Answer(response=acknowledgement())
    if task == "node-info":
        return _reply(question, _node_info(question))
    if task == "ping":
        state = {"crm_subsystem": question.attributes.get("crm_sys_to", "crmd"), "crmd_state": "S_IDLE"}
        return _reply(question, wire.Element("ping_response", {**state, "result": "ok"}))
    if task == "list-nodes":
        return _reply(question, _nodes(question.view))
    return refusal(f"task {task}")


def _reply(question: Question, content: wire.Element) -> Answer:
    asked = question.attributes
    reply = {
        "t": "crmd",
        "version": FEATURE_SET,
        "subt": "response",
        "reference": asked.get("reference", ""),
        "crm_task": asked.get("crm_task", ""),
        "crm_sys_to": asked.get("crm_sys_from", ""),
        "crm_sys_from": asked.get("crm_sys_to", "crmd"),
    }
    body = wire.Element("crm_xml", {}, (content,))
    return Answer(response=acknowledgement(), event=wire.Element("create_reply_adv", reply, (body,)))


def _node_info(question: Question) -> wire.Element:
    asked = question.attributes
    ids = node_ids(question.view.intent)
    by_id = {number: name for name, number in ids.items()}
    name: str = asked.get("uname", "") or by_id.get(asked.get("id", ""), NodeName(""))
    if not name and asked.get("id", "0") == "0":
        name = question.node
    attributes = {"crm_subsystem": "crmd", "have-quorum": _boolean(is_true=question.view.observed.has_quorum)}
    status = question.view.observed.nodes.get(NodeName(name))
    if status is not None or name == question.node:
        is_host = status is not None and status.kind is NodeKind.HOST
        attributes |= {
            "id": ids.get(NodeName(name), "0") if is_host else name,
            "uname": name,
            "crmd": "member" if name == question.node or _is_online(question.view, name) else "lost",
            "remote_node": _boolean(is_true=not is_host),
        }
    return wire.Element("node", attributes)


def _nodes(view: ClusterView) -> wire.Element:
    found = tuple(
        wire.Element(
            "node",
            {"id": number, "uname": name, "in_ccm": "member" if _is_online(view, name) else "lost"},
        )
        for name, number in node_ids(view.intent).items()
    )
    return wire.Element("nodes", {}, found)


def _is_online(view: ClusterView, name: str) -> bool:
    status = view.observed.nodes.get(NodeName(name))
    return status is not None and status.state is NodeState.ONLINE


def _boolean(*, is_true: bool) -> str:
    return "true" if is_true else "false"
