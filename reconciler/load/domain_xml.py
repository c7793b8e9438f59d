"""The user's own libvirt XML: found, read without side effects, and checked as far as the host's type asks."""

import posixpath
from collections.abc import Mapping

from lxml import etree

from reconciler.load.guards import MAX_FILE_BYTES
from reconciler.load.problems import Problems
from reconciler.load.suggest import did_you_mean
from reconciler.model.names import Where
from reconciler.model.node import GuestType


def read_domain_xml(
    files: Mapping[str, bytes], written: str, guest_type: GuestType, where: Where, problems: Problems
) -> str | None:
    """Return the text of a domain's XML, or None when it cannot be used, with the reason in `problems`.

    Args:
        files: the whole declaration.
        written: the path, relative to the folder of the YAML file.
        guest_type: VM or LXC, which the domain's type must fit.
        where: the place of the path; its file is what the path is relative to.
        problems: takes the findings.
    """
    path = posixpath.normpath(posixpath.join(posixpath.dirname(where.file), written))
    if written.startswith("/") or path.startswith("../") or path == "..":
        text = f'"{written}" leads out of the folder of the declaration'
        problems.add(where, "bad-path", text, "write a path relative to this file")
        return None
    content = files.get(path)
    if content is None:
        near = [
            posixpath.relpath(p, posixpath.dirname(where.file) or ".") for p in files if p.endswith(".xml")
        ]
        hint = did_you_mean(written, near) if written.endswith(".xml") else "its name must end in .xml"
        problems.add(where, "no-file", f"there is no file {path}", hint)
        return None
    return _read(path, content, guest_type, where, problems)


def _read(path: str, content: bytes, guest_type: GuestType, where: Where, problems: Problems) -> str | None:
    if len(content) > MAX_FILE_BYTES:
        problems.add(where, "too-large", f"{path} has {len(content)} bytes", "a domain's XML may have 1 MiB")
        return None
    # A document type could pull in files and addresses, or blow up; libvirt needs none.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
        text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except etree.XMLSyntaxError as error:
        line, column = error.position
        problems.add(where, "bad-xml", f"{path}:{line}:{column}: {error.msg}", "it must be well-formed XML")
        return None
    except (UnicodeDecodeError, ValueError) as error:
        problems.add(where, "bad-xml", f"{path}: {error}", "save it as UTF-8")
        return None
    document = root.getroottree().docinfo
    if document.internalDTD is not None:
        problems.add(where, "bad-xml", f"{path} has a document type", "remove <!DOCTYPE ...>")
        return None
    if (document.encoding or "UTF-8").upper() not in {"UTF-8", "ASCII", "US-ASCII"}:
        problems.add(where, "bad-xml", f"{path} says that it is {document.encoding}", "save it as UTF-8")
        return None
    if root.tag != "domain":
        problems.add(
            where, "bad-xml", f"{path} begins with <{root.tag}>", "a domain's XML begins with <domain>"
        )
        return None
    return text if _fits(path, root.get("type"), guest_type, where, problems) else None


def _fits(path: str, written: str | None, guest_type: GuestType, where: Where, problems: Problems) -> bool:
    # libvirt, "Domain XML format": type names the hypervisor; lxc is the only one for containers of ours.
    if written is None:
        hint = "write <domain type='lxc'>" if guest_type is GuestType.LXC else "write <domain type='kvm'>"
        problems.add(where, "bad-xml", f"{path}: <domain> has no type", hint)
        return False
    if (written == "lxc") != (guest_type is GuestType.LXC):
        text = f"{path} has <domain type='{written}'>, which does not fit type: {guest_type.value}"
        hint = "write type: lxc" if written == "lxc" else "write type: vm"
        problems.add(where, "wrong-type", text, hint)
        return False
    return True
