import pytest

from reconciler.load.load import load
from tests.load.texts import HOST, XML, guest

HEAD = HOST + guest("vm-guest1", guest_type="lxc")


def problems_of(xml: bytes, path: str = "vm.xml", guest_type: str = "lxc") -> list[str]:
    text = HOST + guest("g", f"domain: {{xml: {path}}}", guest_type=guest_type)
    loaded = load({"sub/a.yaml": text.encode(), "sub/vm.xml": xml})
    return [str(problem).removeprefix("sub/a.yaml:") for problem in loaded.problems]


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("vm.xml", "sub/vm.xml"),
        ("./vm.xml", "sub/vm.xml"),
        ("../vm.xml", "vm.xml"),
        ("x/vm.xml", "sub/x/vm.xml"),
    ],
)
def test_paths_are_relative_to_the_yaml_file(written: str, file: str) -> None:
    text = HOST + guest("g", f"domain: {{xml: {written}}}", guest_type="lxc")
    loaded = load({"sub/a.yaml": text.encode(), file: XML})
    assert loaded.intent is not None
    (resource,) = loaded.intent.resources.values()
    assert resource.guest is not None
    assert resource.guest.domain_xml == XML.decode()


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("/etc/vm.xml", '11:17: error[bad-path]: "/etc/vm.xml" leads out of the folder of the declaration; '
                        "write a path relative to this file"),
        ("../../vm.xml", '11:17: error[bad-path]: "../../vm.xml" leads out of the folder of the declaration; '
                         "write a path relative to this file"),
        ("wm.xml", "11:17: error[no-file]: there is no file sub/wm.xml; did you mean vm.xml?"),
        ("vm.txt", "11:17: error[no-file]: there is no file sub/vm.txt; its name must end in .xml"),
    ],
)  # fmt: skip
def test_files_that_are_not_there(path: str, want: str) -> None:
    assert problems_of(XML, path) == [want]


@pytest.mark.parametrize(
    ("xml", "want"),
    [
        pytest.param(b"", "bad-xml]: sub/vm.xml:1:1: Document is empty", id="empty"),
        pytest.param(
            b"<domain type='lxc'>\n<name>x</domain>",
            "bad-xml]: sub/vm.xml:2:17: Opening and ending tag mismatch: name line 2 and domain",
            id="not well-formed",
        ),
        pytest.param(b"<network/>", "bad-xml]: sub/vm.xml begins with <network>", id="another root"),
        pytest.param(b"<domain/>", "bad-xml]: sub/vm.xml: <domain> has no type", id="no type"),
        pytest.param(
            b"<domain type='kvm'/>",
            "wrong-type]: sub/vm.xml has <domain type='kvm'>, which does not fit type: lxc",
            id="a VM's type",
        ),
        pytest.param(
            b"<!DOCTYPE domain [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><domain type='lxc'>&a;</domain>",
            "bad-xml]: sub/vm.xml has a document type",
            id="an entity from a file",
        ),
        pytest.param(
            b"<?xml version='1.0' encoding='ISO-8859-1'?><domain type='lxc'/>",
            "bad-xml]: sub/vm.xml says that it is ISO-8859-1",
            id="another encoding",
        ),
        pytest.param(
            "<domain type='lxc'/>".encode("utf-16"),
            "bad-xml]: sub/vm.xml: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
            id="utf-16",
        ),
        pytest.param(
            b"<domain type='lxc'/>" + b" " * 2**20,
            "too-large]: sub/vm.xml has 1048596 bytes",
            id="too large",
        ),
    ],
)
def test_what_is_no_domain_for_this_guest_is_refused(xml: bytes, want: str) -> None:
    (got,) = problems_of(xml)
    assert got.split("; ")[0].split(", line")[0] == f"11:17: error[{want}"


def test_a_billion_laughs_do_not_even_start() -> None:
    entities = b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    xml = b"<!DOCTYPE domain [<!ENTITY a0 'ha'>" + entities + b"]><domain type='lxc'>&a9;</domain>"
    assert len(problems_of(xml)) == 1


@pytest.mark.parametrize("written", ["kvm", "qemu", "xen"])
def test_every_other_type_is_a_vm(written: str) -> None:
    xml = f"<?xml version='1.0' encoding='utf-8'?>\n<domain type='{written}'/>".encode()
    assert problems_of(xml, guest_type="vm") == []


def test_a_container_is_no_vm() -> None:
    want = "11:17: error[wrong-type]: sub/vm.xml has <domain type='lxc'>, which does not fit type: vm; write type: lxc"
    assert problems_of(XML, guest_type="vm") == [want]
