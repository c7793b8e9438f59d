"""Opens a CIB: XML text in, its parts out. Knows where things stand, and nothing of what they mean.

The parser loads nothing from outside and expands no entities, for a CIB may come from anywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from reconciler.model.errors import SourceError
from reconciler.model.names import Where

Element = etree._Element  # noqa: SLF001  lxml offers no public name for the type of its elements

MAX_BYTES = 64 * 1024 * 1024
"""Pacemaker's own largest messages are 20 MiB."""

RESOURCES = ("primitive", "group", "clone", "master", "bundle")
"""The elements that are resources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """Something that a CIB asks for, and that is not taken into account."""

    where: Where
    feature: str
    """Short and stable, such as `group`."""
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


@dataclass(slots=True)
class Cib:
    """One CIB while it is being read, with what could not be expressed."""

    file: str
    root: Element
    now: float
    """Epoch seconds at which rules with dates are judged."""
    unsupported: list[Unsupported] = field(default_factory=list)
    ids: dict[str, Element] = field(default_factory=dict)

    def where(self, element: Element) -> Where:
        """Return where an element stands."""
        return Where(file=self.file, line=int(str(element.sourceline)))

    def note(self, element: Element, feature: str, text: str) -> None:
        """Remember that something is not taken into account."""
        self.unsupported.append(Unsupported(where=self.where(element), feature=feature, text=text))

    def section(self, path: str) -> Iterator[Element]:
        """Return the elements in a section, such as `configuration/nodes`; none if it is missing."""
        section = self.root.find(path)
        return iter(()) if section is None else elements(section)

    def resolve(self, element: Element) -> Element:
        """Return what an element stands for: another one, if it refers to that by `id-ref`."""
        reference = element.get("id-ref")
        found = self.ids.get(reference) if reference is not None else None
        return element if found is None else found


def open_cib(data: bytes, file: str, now: float) -> Cib:
    """Parse a CIB.

    Args:
        data: the XML.
        file: how messages name it.
        now: epoch seconds.

    Raises:
        SourceError: it is no XML, no CIB, or too large, or its resources are not named apart.
    """
    if len(data) > MAX_BYTES:
        raise SourceError(f"{file} is larger than {MAX_BYTES >> 20} MiB")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(f"{file} is no XML: {error}") from error
    if root.tag != "cib":
        raise SourceError(f"{file} is no CIB: its first element is <{root.tag}>, not <cib>")
    configuration = root.find("configuration")
    if configuration is None:
        raise SourceError(f"{file} is no CIB: it has no <configuration>")
    cib = Cib(file=file, root=root, now=now)
    for element in configuration.iter("*"):
        name = element.get("id")
        if name is not None:
            cib.ids.setdefault(name, element)
    _check_names(cib)
    return cib


def _check_names(cib: Cib) -> None:
    """Refuse what Pacemaker's schema refuses too: names by which histories and constraints could mean something else.

    `NAME:NUMBER` is an instance of a clone.
    """
    seen: dict[str, Element] = {}
    resources = cib.root.find("configuration/resources")
    for element in () if resources is None else resources.iter(*RESOURCES):
        name = element.get("id", "")
        first = seen.setdefault(name, element)
        if first is not element:
            text = f"there is a resource named {name!r} already, at {cib.where(first)}; each needs an id of its own"
            raise SourceError(f"{cib.where(element)}: {text}")
        if ":" in name:
            text = f"{name!r} is no id of a resource, for it has a colon; write a dash instead"
            raise SourceError(f"{cib.where(element)}: {text}")


def elements(parent: Element, *tags: str) -> Iterator[Element]:
    """Return the child elements, those with one of the tags if any is named, without comments."""
    return parent.iterchildren(*(tags or ("*",)))
