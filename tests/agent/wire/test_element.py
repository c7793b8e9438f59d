"""XML as the wire uses it: round trips, limits, and text that must be refused or tolerated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire.element import Element, Limits, clean_text, is_name, parse, write
from agent.wire.errors import LocalProtocolError, MarkupError

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True).filter(is_name)
CHARACTERS = st.characters(
    blacklist_categories=["Cs"],
    blacklist_characters=[chr(code) for code in range(32) if code not in (9, 10, 13)] + ["\ufffe", "\uffff"],
)
ATTRIBUTES = st.dictionaries(NAMES, st.text(CHARACTERS), max_size=4)
ELEMENTS = st.recursive(
    st.builds(Element, NAMES, ATTRIBUTES),
    lambda inner: st.builds(Element, NAMES, ATTRIBUTES, st.lists(inner, max_size=3).map(tuple)),
    max_leaves=8,
)
BOMB = (
    b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a x="&c;"/>'
)


@given(ELEMENTS)
def test_what_is_written_is_read_back(element: Element) -> None:
    assert parse(write(element), Limits(depth=64)) == element


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<!DOCTYPE a><a/>",
        b"<?php exit ?><a/>",
        b"<a>&undeclared;</a>",
        b"<a>" * 33 + b"</a>" * 33,
        b"<a>" * 100_000,
        b"<a " + b" ".join(b'b%d=""' % n for n in range(1025)) + b"/>",
        b"<a>" + b"<b/>" * 20_000 + b"</a>",
        b'<a b="1" b="2"/>',
        b"<a/><b/>",
        b"<a>",
        b"",
        b"hello",
    ],
    ids=[
        "bomb", "external-dtd", "external-entity", "dtd", "instruction", "undeclared", "depth", "deep",
        "attributes", "elements", "duplicate", "two-roots", "open", "empty", "text",
    ],
)  # fmt: skip
def test_markup_that_is_refused(text: bytes) -> None:
    with pytest.raises(MarkupError):
        parse(text, Limits())


def test_each_limit_can_be_reached() -> None:
    limits = Limits(depth=2, attributes=1, elements=3)
    element = Element("a", {"x": "1"}, (Element("b"), Element("c")))
    assert parse(write(element), limits) == element


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (b"caf\xe9", "caf\ufffd"),
        (b"\x1b[31mred", "\ufffd[31mred"),
        (b"&#x1B;[31mred", "\ufffd[31mred"),
        (b"&#27;&#xD800;&#x110000;", "\ufffd\ufffd\ufffd"),
        (b"&#65;&#xe9;&#10;", "Aé\n"),
        (b"&lt;&amp;&quot;", '<&"'),
    ],
    ids=["latin-1", "raw-control", "control-reference", "forbidden-references", "references", "escapes"],
)
def test_whatever_a_program_printed_does_not_cost_the_connection(value: bytes, want: str) -> None:
    assert parse(b'<a x="' + value + b'"/>', Limits()) == Element("a", {"x": want})


def test_an_encoding_declaration_cannot_change_how_bytes_are_read() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><a x="é"/>'.encode()
    assert parse(text, Limits()) == Element("a", {"x": "é"})


def test_text_between_elements_is_ignored() -> None:
    assert parse(b"<a>x<b/>y</a>", Limits()) == Element("a", {}, (Element("b"),))


@pytest.mark.parametrize(
    "element",
    [
        Element("a b"),
        Element("a", {"1": ""}),
        Element("a", {"xmlns": ""}),
        Element("a", {"b:c": ""}),
        Element("a", {"b": "\x00"}),
        Element("a", {"b": "\udce9"}),
    ],
)
def test_what_cannot_be_carried_is_not_written(element: Element) -> None:
    with pytest.raises(LocalProtocolError):
        write(element)


def test_clean_text_keeps_the_last_characters_and_replaces_the_rest() -> None:
    assert clean_text("first\x1b\udce9last", 6) == "\ufffd\ufffdlast"
    parse(write(Element("a", {"b": clean_text("".join(map(chr, range(0x10000))), 0x10000)})), Limits())


def test_children_are_found_by_tag() -> None:
    element = Element("a", {}, (Element("b", {"n": "1"}), Element("c"), Element("b", {"n": "2"})))
    assert element.first("b") == Element("b", {"n": "1"})
    assert [child.attributes["n"] for child in element.all("b")] == ["1", "2"]
    assert element.first("d") is None
