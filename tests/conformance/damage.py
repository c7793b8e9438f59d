"""Damages CIBs in the ways that people, merges and old tools do, by a seed: the same seed damages alike."""

from copy import deepcopy
from random import Random

from lxml import etree

VALUES = (
    "", "INFINITY", "-INFINITY", "+INFINITY", "0", "-1", "1", "true", "false", "9" * 20, "9" * 5000, "1s", "1e9", "P1D",
    "abc", "\u00e9", "#uname", "$", "*", "%", "-", "a:0", "a:99999999", "stop;start", "10:20:30", "Promoted", "Started",
    "Stopped", "ignore", "fence", "../x",
)  # fmt: skip
MOST_EDITS = 6


def damaged(cib: bytes, chance: Random) -> bytes:
    """Return a CIB with a few elements or attributes lost, doubled, moved, renamed, or with other values."""
    root = etree.fromstring(cib)
    for _ in range(chance.choice([1, 1, 2, 3, MOST_EDITS])):
        everything = list(root.iter("*"))
        chance.choice(_EDITS)(chance.choice(everything), chance.choice(everything), chance)
    return etree.tostring(root)


def _drop(element: etree._Element, _: etree._Element, __: Random) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _forget(element: etree._Element, _: etree._Element, chance: Random) -> None:
    if element.attrib:
        del element.attrib[chance.choice(sorted(element.attrib))]


def _change(element: etree._Element, _: etree._Element, chance: Random) -> None:
    if element.attrib:
        element.set(chance.choice(sorted(element.attrib)), chance.choice(VALUES))


def _confuse(element: etree._Element, other: etree._Element, chance: Random) -> None:
    if element.attrib and other.attrib:
        name, source = chance.choice(sorted(element.attrib)), chance.choice(sorted(other.attrib))
        element.set(name, str(other.attrib[source]))


def _double(element: etree._Element, _: etree._Element, __: Random) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.append(deepcopy(element))


def _graft(element: etree._Element, other: etree._Element, _: Random) -> None:
    element.append(deepcopy(other))


def _retag(element: etree._Element, other: etree._Element, _: Random) -> None:
    element.tag = other.tag


_EDITS = (_drop, _forget, _change, _confuse, _double, _graft, _retag)
