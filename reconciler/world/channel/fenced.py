"""Answers as Pacemaker's fencer does to who looks: programs are told of no fencing, and may do none. Pure.

Source: Pacemaker lib/fencing/st_client.c. A connection that ends would have `stonith_admin` try again for a minute.
"""

from agent import wire
from reconciler.world.channel.answer import Answer, Question, acknowledgement

_SYNCHRONOUS = 0x1000  # st_opt_sync_call
_DONE = {"st_rc": "0", "op-status": "0", "rc-code": "0"}
_DENIED = {"st_rc": "-13", "op-status": "4", "rc-code": "4", "exit-reason": "a node may not use fencing"}
"""EACCES, ExecStatus.ERROR, and the exit code for it (CRM_EX_INSUFFICIENT_PRIV)."""


def answer(question: Question) -> Answer:
    """Return the answer to a message for the fencer."""
    operation = question.attributes.get("st_op", "")
    if operation == "register":
        attributes = {"st_op": "register", "st_clientid": question.session}
        return Answer(response=wire.Element("st_registered", attributes))
    if operation == "st_notify":
        return Answer(response=acknowledgement())
    if operation == "st_fence_history" and not _changes_history(question):
        return _reply(question, _DONE, "")
    return _reply(question, _DENIED, f"fencing: {operation or 'a message that asks nothing'}")


def _changes_history(question: Question) -> bool:
    """Tell whether it would clear the history (st_opt_cleanup)."""
    return bool(question.option("st_callopt") & 0x80000)


def _reply(question: Question, result: dict[str, str], refused: str) -> Answer:
    asked = question.attributes
    attributes = {
        "t": "stonith-ng",
        "st_op": asked.get("st_op", ""),
        "st_clientid": question.session,
        "st_callid": asked.get("st_callid", "0"),
        "st_callopt": asked.get("st_callopt", "0"),
        **result,
    }
    reply = wire.Element("st-reply", attributes)
    if question.option("st_callopt") & _SYNCHRONOUS:
        return Answer(response=reply, refused=refused)
    return Answer(response=acknowledgement(), event=reply, refused=refused)
