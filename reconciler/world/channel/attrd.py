"""Answers as Pacemaker's attribute manager does: sets a node's own transient attributes, and tells everybody's. Pure.

Source: Pacemaker daemons/attrd/attrd_ipc.c and lib/common/ipc_attrd.c.
"""

import re
from collections.abc import Mapping

from agent import wire
from reconciler.model.attribute import AttributeChange, NodeAttributes
from reconciler.model.names import NodeName
from reconciler.model.score import INFINITY, read_score
from reconciler.world.channel.answer import Answer, Question, acknowledgement, refusal
from reconciler.world.channel.rules import problem_of

_UPDATES = frozenset({"update", "update-both"})
_HARMLESS = frozenset({"update-delay", "refresh", "flush"})
"""When values are written to a CIB, which we have none of."""

_INCREMENT = re.compile(r"value\+(?:\+|=(-?[0-9]{1,7}))")
_PATTERN = re.compile(r"[\w#:.^$-]*(?:\.\*[\w#:.^$-]*){0,2}", re.ASCII)
"""The regular expressions that are taken: none that could keep us busy."""


def answer(question: Question) -> Answer:
    """Return the answer to a message for the attribute manager."""
    task = question.attributes.get("task", "")
    if question.attributes.get("t") != "attrd":
        return refusal("a message that is not for the attribute manager")
    if task == "query":
        return _query(question)
    if task in _HARMLESS:
        return Answer(response=acknowledgement())
    if task in _UPDATES:
        return _update(question)
    return refusal(f"task {task}")


def _query(question: Question) -> Answer:
    name = question.attributes.get("attr_name")
    if not name:
        return refusal("a query that names no attribute")
    known = question.view.attributes
    found = {node: of.transient[name] for node, of in sorted(known.items()) if name in of.transient}
    reply = {"t": "attrd", "subt": "query", "attr_version": "4"}
    if not found:
        return Answer(response=wire.Element("attrd_reply", reply))
    asked = _host(question)
    values = found if asked is None else {asked: found[asked]} if asked in found else {}
    nodes = tuple(
        wire.Element("node", {"attr_host": node, "attr_value": value}) for node, value in values.items()
    )
    if asked is not None and not nodes:
        nodes = (wire.Element("node", {"attr_host": asked}),)
    return Answer(response=wire.Element("attrd_reply", {**reply, "attr_name": name}, nodes))


def _host(question: Question) -> NodeName | None:
    """Return the node that a message is about, as it is declared; None: it names none."""
    asked = question.attributes.get("attr_host", "")
    if not asked:
        return None
    if asked.lower() in {"localhost", question.node.lower()}:
        return question.node
    return next((n for n in question.view.attributes if n.lower() == asked.lower()), NodeName(asked))


def _update(question: Question) -> Answer:
    host = _host(question)
    if host not in {None, question.node}:
        return refusal(f"an attribute of {host}")
    if question.attributes.get("attr_is_private") == "1":
        return refusal("a private attribute")
    own = question.view.attributes.get(question.node, NodeAttributes())
    names = _names(question.attributes, own)
    if names is None:
        return refusal("a regular expression that is not simple")
    changes = []
    for name in names:
        change = AttributeChange(name=name, value=_value(question.attributes.get("attr_value"), name, own))
        problem = problem_of(change, own)
        if problem:
            return refusal(problem)
        changes.append(change)
    return Answer(response=acknowledgement(), changes=tuple(changes))


def _names(asked: Mapping[str, str], own: NodeAttributes) -> tuple[str, ...] | None:
    """Return the attributes that an update is about; None: it cannot be told."""
    if asked.get("attr_name"):
        return (asked["attr_name"],)
    pattern = asked.get("attr_regex", "")
    if not pattern or _PATTERN.fullmatch(pattern) is None:
        return None
    return tuple(name for name in sorted(own.transient) if re.search(pattern, name))


def _value(asked: str | None, name: str, own: NodeAttributes) -> str | None:
    """Return the value to set; `value++` and `value+=N` add to the present one (attrd_expand_value)."""
    found = _INCREMENT.fullmatch(asked) if asked is not None else None
    if found is None:
        return asked
    value = read_score(own.transient.get(name, "0")) + int(found[1] or 1)
    return str(min(value, INFINITY))
