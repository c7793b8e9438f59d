"""Builds XML elements from Python values, so that no XML is ever put together from strings."""

from collections.abc import Mapping

from lxml import etree


def element(tag: str, *parts: str | Mapping[str, str] | etree._Element) -> etree._Element:
    """Return an element with the given text, attributes and children, in any number and order."""
    made = etree.Element(tag)
    for part in parts:
        if isinstance(part, str):
            made.text = (made.text or "") + part
        elif isinstance(part, Mapping):
            for name, value in part.items():
                made.set(name, value)
        else:
            made.append(part)
    return made
