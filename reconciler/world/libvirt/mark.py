"""The mark in a domain's <metadata> that makes it ours; it must not ask libvirt anything."""

from dataclasses import asdict, dataclass

from lxml import etree

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import GuestType

NAMESPACE = "urn:reconciler:guest:1"
"""Of our element in <metadata>; libvirt keeps one element for each namespace and never looks inside."""

_NAME = "guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainMark:
    """Whose a domain is and what it was started from."""

    cluster: str
    resource: ResourceId
    type: GuestType
    node: NodeName | None
    uuid: str
    """Of the domain itself: virt-clone copies metadata, and a copy is not ours."""
    digest: str
    uid: str
    """Of the action that started it."""
    commit: str

    def is_of(self, cluster: str, resource: ResourceId) -> bool:
        """Tell whether it is the mark of this cluster's guest; names are compared without case."""
        return (self.cluster.lower(), self.resource.lower()) == (cluster.lower(), resource.lower())


def write_mark(domain: etree._Element, mark: DomainMark) -> None:
    """Put the mark into a domain's <metadata>, in the place of one that is there; other metadata stays."""
    metadata = domain.find("metadata")
    if metadata is None:
        metadata = etree.SubElement(domain, "metadata")
    for old in metadata.findall(f"{{{NAMESPACE}}}*"):
        metadata.remove(old)
    element = etree.SubElement(metadata, f"{{{NAMESPACE}}}{_NAME}", nsmap={"reconciler": NAMESPACE})
    for name, value in asdict(mark).items():
        if value is not None:
            element.set(name, value.value if isinstance(value, GuestType) else value)


def read_mark(text: str, domain_uuid: str) -> DomainMark | None:
    """Return the mark that virDomainGetMetadata gave for our namespace, which it strips from the element.

    Returns:
        None for what is not ours: not understood, or made for a domain of another UUID.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        element = etree.fromstring(text, parser)
        fields = {str(name): str(value) for name, value in element.attrib.items()}
        mark = DomainMark(
            cluster=fields["cluster"],
            resource=ResourceId(fields["resource"]),
            type=GuestType(fields["type"]),
            node=NodeName(fields["node"]) if "node" in fields else None,
            uuid=fields["uuid"],
            digest=fields["digest"],
            uid=fields["uid"],
            commit=fields["commit"],
        )
    except (etree.XMLSyntaxError, KeyError, ValueError):
        return None
    return mark if mark.uuid.lower() == domain_uuid.lower() else None
