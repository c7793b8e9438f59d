"""Describes files to libvirt's storage driver; it must not ask it anything."""

from lxml import etree

from reconciler.world.libvirt.xml_element import element

_QCOW2 = "qcow2"


def volume_xml(name: str, size_bytes: int, image_format: str = "raw", owner: int | None = None) -> str:
    """Return a <volume> for virStorageVolCreateXML and its kin: a file that takes no more room than it holds data.

    Args:
        name: of the file.
        size_bytes: as a guest sees it.
        image_format: raw or qcow2.
        owner: user and group id on the host; None: libvirtd's own.
    """
    permissions = element("permissions", element("mode", "0600"))
    if owner is not None:
        permissions.extend([element("owner", str(owner)), element("group", str(owner))])
    target = element("target", element("format", {"type": image_format}), permissions)
    if image_format == _QCOW2:
        target.append(element("compat", "1.1"))  # for libvirt 9 and older, without it, that of 2009
    volume = element(
        "volume",
        {"type": "file"},
        element("name", name),
        element("capacity", {"unit": "b"}, str(size_bytes)),
        element("allocation", {"unit": "b"}, "0"),
        target,
    )
    return etree.tostring(volume, encoding="unicode")
