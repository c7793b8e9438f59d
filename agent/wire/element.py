"""XML elements without text, as the remote protocol uses them: parse and write. Must not know any message.

This is the one place where the product reads or writes the wire's markup. Everything travels in attributes
(Pacemaker lib/common/xml.c); text between elements is ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.parsers import expat

from agent.wire.errors import LocalProtocolError, MarkupError
from agent.wire.frame import DEFAULT_MAX_MESSAGE
from agent.wire.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPLACEMENT = "\ufffd"  # written so: a name would have the compiler load unicodedata, 1 MB of it
"""Stands for every character that XML 1.0 cannot carry."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile("&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


@dataclass(frozen=True)
class Limits:
    """What a peer may send in one message; more is a protocol error.

    `message_bytes` counts the header; `depth` is nested elements, `attributes` those of one element,
    `elements` those of one message.
    """

    message_bytes: int = DEFAULT_MAX_MESSAGE
    depth: int = 32
    attributes: int = 1024
    elements: int = 20_000


@dataclass(frozen=True)
class Element:
    """One XML element. Values stay out of `repr`: parameters may be secrets."""

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    children: tuple[Element, ...] = ()

    def first(self, tag: str) -> Element | None:
        """Return the first child of that tag, or None."""
        return next(self.all(tag), None)

    def all(self, tag: str) -> Iterator[Element]:
        """Yield the children of that tag, in order."""
        return (child for child in self.children if child.tag == tag)


def is_name(text: str) -> bool:
    """Whether `text` may stand as an attribute name for every parser that we know.

    Names that begin with "xml" are reserved (an attribute "xmlns" would vanish); a colon means a namespace.
    """
    return _NAME.fullmatch(text) is not None and not text.lower().startswith("xml")


def clean_text(text: str, limit: int) -> str:
    """Return `text` with what XML cannot carry replaced, cut to its last `limit` characters.

    For what programs print: their last words say why they failed.
    """
    return _FORBIDDEN.sub(REPLACEMENT, text[-limit:])


def parse(text: bytes, limits: Limits) -> Element:
    """Return the element that `text` holds.

    Bytes that are not UTF-8 and characters that XML forbids become U+FFFD rather than an error: a stock agent
    passes on whatever a resource agent prints, and that must not cost the connection.

    Raises:
        MarkupError: It is not XML, has a DTD, an entity or a processing instruction, or exceeds the limits.
    """
    builder = _Builder(limits)
    try:
        builder.parser.Parse(_tolerated(text), True)
    except expat.ExpatError as error:
        raise MarkupError(f"not well-formed XML: {error}") from error
    if builder.root is None:
        raise MarkupError("no XML element")
    return builder.root


def write(root: Element) -> bytes:
    """Return the element as unformatted UTF-8 text, without an XML declaration.

    Raises:
        LocalProtocolError: A name is not an XML name, or a value has characters that XML cannot carry. The
            message names the attribute, never its value.
    """
    parts: list[str] = []
    _write_into(parts, root)
    return "".join(parts).encode()


def _write_into(parts: list[str], element: Element) -> None:
    if not is_name(element.tag):
        raise LocalProtocolError(f"not an XML element name: {element.tag!r}")
    parts.append(f"<{element.tag}")
    for name, value in element.attributes.items():
        if not is_name(name):
            raise LocalProtocolError(f"not an XML attribute name: {name!r}")
        if _FORBIDDEN.search(value):
            raise LocalProtocolError(f"the value of {name!r} has characters that XML cannot carry")
        parts.append(f' {name}="{value.translate(_ESCAPES)}"')
    if not element.children:
        parts.append("/>")
        return
    parts.append(">")
    for child in element.children:
        _write_into(parts, child)
    parts.append(f"</{element.tag}>")


def _tolerated(text: bytes) -> str:
    decoded = _FORBIDDEN.sub(REPLACEMENT, text.decode("utf-8", errors="replace"))
    if "&#" in decoded:
        decoded = _REFERENCE.sub(_replace_forbidden_reference, decoded)
    return decoded


def _replace_forbidden_reference(match: re.Match[str]) -> str:
    """Pacemaker 3 writes a control character as a reference that XML 1.0 does not allow."""
    code = int(match[1], 16) if match[1] else int(match[2])
    if code > 0x10FFFF or _FORBIDDEN.match(chr(code)):
        return REPLACEMENT
    return match[0]


class _Builder:
    """Build elements from expat's calls; raise at the first thing that is not plain elements."""

    def __init__(self, limits: Limits) -> None:
        self.root: Element | None = None
        self._limits = limits
        self._elements = 0
        self._open: list[tuple[str, dict[str, str], list[Element]]] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = _refuse("a document type")
        self.parser.EntityDeclHandler = _refuse("an entity declaration")
        self.parser.UnparsedEntityDeclHandler = _refuse("an entity declaration")
        self.parser.ExternalEntityRefHandler = _refuse("an external entity")
        self.parser.SkippedEntityHandler = _refuse("an entity reference")
        self.parser.ProcessingInstructionHandler = _refuse("a processing instruction")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self._limits.elements:
            raise MarkupError(f"more than {self._limits.elements} elements")
        if len(self._open) >= self._limits.depth:
            raise MarkupError(f"elements nested deeper than {self._limits.depth}")
        if len(attributes) > self._limits.attributes:
            raise MarkupError(f"an element with more than {self._limits.attributes} attributes")
        self._open.append((tag, attributes, []))

    def _end(self, _tag: str) -> None:
        tag, attributes, children = self._open.pop()
        element = Element(tag, attributes, tuple(children))
        if self._open:
            self._open[-1][2].append(element)
        else:
            self.root = element


def _refuse(what: str) -> Callable[..., int]:
    """Return a parser callback that refuses what it is called for, whatever the arguments."""

    def refuse(*_arguments: object) -> int:
        raise MarkupError(f"{what} is not accepted")

    return refuse
