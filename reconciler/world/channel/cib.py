"""Answers as Pacemaker's CIB manager does to who reads, and to a node that sets its own permanent attributes. Pure.

Source: Pacemaker daemons/based/based_callbacks.c, lib/cib/cib_native.c (messages), lib/cib/cib_ops.c (queries) and
lib/cib/cib_attrs.c (what `crm_attribute` writes).
"""

import re
from collections.abc import Iterable

from lxml import etree

from agent import wire
from reconciler.model.attribute import AttributeChange, NodeAttributes
from reconciler.world.channel.answer import Answer, Question, acknowledgement
from reconciler.world.channel.cib_view import attribute_id
from reconciler.world.channel.rules import problem_of

XPATH, NO_CHILDREN, XPATH_ADDRESS, SYNCHRONOUS = 0x2, 0x20, 0x40, 0x1000
"""Call options (include/crm/cib/cib_types.h, enum cib_call_options)."""

OK, MISSING, DENIED, UNSUPPORTED = 0, -6, -13, -95
"""Results: 0, ENXIO, EACCES and EOPNOTSUPP."""

_MAX_XPATH = 2048
_ATTRIBUTE = r"(?:@[\w-]+|translate\(@[\w-]+, ?'[A-Z]+', ?'[a-z]+'\))"
_VALUE = r"(?:'[^']*'|\"[^\"]*\")"
_CONDITION = rf"(?:{_ATTRIBUTE}(?: ?= ?{_VALUE})?|starts-with\(@[\w-]+, ?{_VALUE}\))"
_STEP = rf"//?(?:[A-Za-z_][\w-]*|\*)(?:\[{_CONDITION}(?: (?:and|or) {_CONDITION})*\])*"
_XPATH = re.compile(rf"(?:{_STEP}){{1,12}}(?:\|(?:{_STEP}){{1,12}}){{0,7}}", re.ASCII)
"""The expressions that the programs use; whatever else XPath can do might keep us busy."""


def answer(question: Question, cib: etree._Element, *, is_writable: bool) -> Answer:
    """Return the answer to a message for the CIB manager.

    Args:
        question: The message.
        cib: The root of the view.
        is_writable: Whether it came where programs write.
    """
    operation = question.attributes.get("cib_op", "")
    if operation == "register":
        attributes = {"cib_op": "register", "cib_clientid": question.session}
        return Answer(response=wire.Element("cib_registered", attributes))
    if operation == "cib_notify":
        return Answer(response=acknowledgement())
    if operation == "cib_query":
        return _reply(question, *_query(question, cib))
    if operation in {"cib_modify", "cib_delete"} and is_writable:
        return _write(question, is_removal=operation == "cib_delete")
    section = question.attributes.get("cib_section", "")
    return _denied(question, f"{operation} of {section[:40] or 'the CIB'}")


def _query(question: Question, cib: etree._Element) -> tuple[int, wire.Element | None]:
    options = question.option("cib_callopt")
    section = question.attributes.get("cib_section", "")
    if options & XPATH_ADDRESS:
        return UNSUPPORTED, None
    if options & XPATH:
        if len(section) > _MAX_XPATH or _XPATH.fullmatch(section) is None:
            return UNSUPPORTED, None
        found = cib.xpath(section)
        assert isinstance(found, list), "the expressions that are taken select elements"
        matches = [element for element in found if isinstance(element, etree._Element)]  # noqa: SLF001
    else:
        matches = [cib] if section in {"", "all", "cib"} else list(_sections(cib, section))
    if not matches:
        return MISSING, None
    elements = tuple(_element(match, is_shallow=bool(options & NO_CHILDREN)) for match in matches)
    return OK, elements[0] if len(elements) == 1 else wire.Element("xpath-query", {}, elements)


def _sections(cib: etree._Element, name: str) -> Iterable[etree._Element]:
    configuration = cib.find("configuration")
    assert configuration is not None
    return [e for e in (*cib, *configuration) if e.tag == name]


def _element(found: etree._Element, *, is_shallow: bool) -> wire.Element:
    children = () if is_shallow else tuple(_element(child, is_shallow=False) for child in found)
    attributes = {str(name): str(value) for name, value in found.attrib.items()}
    return wire.Element(str(found.tag), attributes, children)


def _reply(
    question: Question, rc: int, content: wire.Element | None, changes: tuple[AttributeChange, ...] = ()
) -> Answer:
    """Return a reply as a response or, to who does not wait for one, as an event."""
    asked = question.attributes
    attributes = {
        "t": "cib",
        "cib_op": asked.get("cib_op", ""),
        "cib_callid": asked.get("cib_callid", "0"),
        "cib_clientid": question.session,
        "cib_callopt": asked.get("cib_callopt", "0"),
        "cib_rc": str(rc),
    }
    data = (wire.Element("cib_calldata", {}, (content,)),) if content is not None else ()
    reply = wire.Element("cib-reply", attributes, data)
    if question.option("cib_callopt") & SYNCHRONOUS:
        return Answer(response=reply, changes=changes)
    return Answer(response=acknowledgement(), event=reply, changes=changes)


def _denied(question: Question, what: str) -> Answer:
    reply = _reply(question, DENIED, None)
    return Answer(response=reply.response, event=reply.event, refused=what)


def _write(question: Question, *, is_removal: bool) -> Answer:
    """Carry out what `crm_attribute` writes about its own node; nothing else."""
    section = question.attributes.get("cib_section", "")
    what = f"{question.attributes.get('cib_op')} of {section[:40] or 'the CIB'}"
    data = question.body.first("cib_calldata")
    if (
        section != "nodes"
        or question.option("cib_callopt") & XPATH
        or data is None
        or len(data.children) != 1
    ):
        return _denied(question, what)
    own = question.view.attributes.get(question.node, NodeAttributes())
    pair = _own_pair(question, data.children[0])
    name = pair.attributes.get("name", "") if pair is not None else ""
    value = None if is_removal or pair is None else pair.attributes.get("value", "")
    change = AttributeChange(name=name, value=value, is_permanent=True)
    problem = problem_of(change, own) if pair is not None else what
    if problem:
        return _denied(question, problem)
    return _reply(question, OK, None, changes=(change,))


def _own_pair(question: Question, data: wire.Element) -> wire.Element | None:
    """Return the one name and value that data writes to the asking node; None: it writes something else.

    A new one comes within its node, one that exists comes alone, with the id that the view has for it.
    """
    if data.tag == "nvpair":
        mine = attribute_id(question.node, data.attributes.get("name", ""))
        return data if data.attributes.get("id") == mine else None
    found = data
    for tag in ("nodes", "node", "instance_attributes", "nvpair"):
        if found.tag != tag or (tag == "node" and found.attributes.get("id") != question.node):
            return None
        if tag == "nvpair":
            return found
        if len(found.children) != 1:
            return None
        found = found.children[0]
    return None
