"""Domain definitions: the user's XML is kept, the mark is ours alone, and no key is ever in it."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from reconciler.model.errors import HypervisorError
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, AgentFlavor, GuestType, RemoteNode
from reconciler.model.resource import Disk, Guest, Hardware, Kernel, Nic, Resource, ResourceAgent
from reconciler.ports import GuestStart
from reconciler.world.libvirt.definition import Definition, define_domain
from reconciler.world.libvirt.mark import NAMESPACE, DomainMark, read_mark

HERE = Where(file="x.yaml", line=1)
CLUSTER = Cluster(name="shop")
UUID = str(CLUSTER.uuid_of("web"))
ROOT = "/run/reconciler/guests"
KEY = b"very secret key!"

OWN_LXC = """<?xml version="1.0" encoding="UTF-8"?>
<!-- kept -->
<domain type="lxc">
  <name>other-name</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <metadata><app:note xmlns:app="urn:app">kept</app:note></metadata>
  <memory unit="MiB">128</memory>
  <os><type>exe</type><init>/sbin/my-init</init></os>
  <devices>
    <filesystem type="mount"><source dir="/srv/root"/><target dir="/"/></filesystem>
    <console type="pty"/>
  </devices>
</domain>
"""
LXC = Hardware(rootfs="/srv/root", nics=(Nic(bridge="br0", mac="52:54:00:00:00:01"),))
VM = Hardware(
    vcpus=2,
    disks=(
        Disk(path="/srv/a.img", discard_writes=True),
        Disk(path="/srv/b.qcow2", format="qcow2", read_only=True),
    ),
    nics=(Nic(network="default"), Nic(user=True, forwards=(("127.0.0.1", 2222, 22),))),
    kernel=Kernel(path="/srv/vmlinuz", initrd="/srv/initrd", arguments="root=/dev/vda"),
    seed={"user-data": "#cloud-config\n"},
    emulation=True,
)


def a_start(guest: Guest, *, flavor: AgentFlavor | None = AgentFlavor.RECONCILER) -> GuestStart:
    remote = None
    if flavor is not None:
        agent = AgentAddress(address="192.0.2.7", port=4000, flavor=flavor)
        remote = RemoteNode(name=NodeName("web-node"), where=HERE, agent=agent)
    resource = Resource(
        id=ResourceId("web"),
        agent=ResourceAgent(standard="guest", type=guest.type.value),
        where=HERE,
        guest=guest,
        remote_node=remote,
    )
    key = KEY if flavor is not None else None
    return GuestStart(guest=resource, cluster=CLUSTER, uid="u1", digest="d1", commit="c1", key=key)


def define(
    guest: Guest, flavor: AgentFlavor | None = AgentFlavor.RECONCILER
) -> tuple[Definition, etree._Element]:
    definition = define_domain(a_start(guest, flavor=flavor), ROOT)
    assert KEY.decode() not in definition.xml
    return definition, etree.fromstring(definition.xml)


def own(xml: str = OWN_LXC, guest_type: GuestType = GuestType.LXC) -> Guest:
    return Guest(type=guest_type, domain_xml=xml)


def test_own_xml_is_kept_but_for_mark_and_key() -> None:
    definition, domain = define(own())
    assert (definition.name, definition.uuid) == ("other-name", "11111111-2222-3333-4444-555555555555")
    assert domain.findtext("metadata/{urn:app}note") == "kept"
    assert domain.findtext("os/init") == "/sbin/my-init"
    targets = [element.get("dir") for element in domain.findall("devices/filesystem/target")]
    assert targets == ["/", "/opt/reconciler"]
    mount = domain.findall("devices/filesystem")[1]
    assert mount.find("readonly") is not None
    assert mount.find("source").get("dir") == definition.folder == f"{ROOT}/{definition.uuid}"  # type: ignore[union-attr]  # it is there
    assert definition.files == ("authkey", "agent.pyz")


def test_mark_is_read_back_only_for_its_own_domain() -> None:
    definition, domain = define(own())
    element = domain.find(f"metadata/{{{NAMESPACE}}}guest")
    assert element is not None
    want = DomainMark(
        cluster="shop",
        resource=ResourceId("web"),
        type=GuestType.LXC,
        node=NodeName("web-node"),
        uuid=definition.uuid,
        digest="d1",
        uid="u1",
        commit="c1",
    )
    text = etree.tostring(element, encoding="unicode")
    assert read_mark(text, definition.uuid) == want == definition.mark
    assert read_mark(text, UUID) is None  # virt-clone
    assert read_mark("<guest/>", definition.uuid) is None
    assert read_mark("<guest", definition.uuid) is None


def test_missing_name_and_uuid_are_derived() -> None:
    definition, domain = define(own("<domain type='lxc'><uuid/></domain>"))
    assert (definition.name, definition.uuid) == ("web", UUID)
    assert (domain.findtext("name"), domain.findtext("uuid")) == ("web", UUID)


def test_mark_in_the_users_xml_is_replaced() -> None:
    marked = define(own())[0].xml
    domain = define(own(marked))[1]
    assert len(domain.findall(f"metadata/{{{NAMESPACE}}}guest")) == 1
    assert len(domain.findall("devices/filesystem")) == 2


def test_container_without_init_runs_our_agent_with_a_fresh_run_folder() -> None:
    domain = define(Guest(type=GuestType.LXC, hardware=LXC))[1]
    words = [domain.findtext("os/init"), *(element.text for element in domain.findall("os/initarg"))]
    assert words == [
        *("/usr/bin/python3", "-I", "-S", "/opt/reconciler/agent.pyz", "serve", "--init"),
        *("--listen", "0.0.0.0:4000", "--key-file", "/opt/reconciler/authkey", "--identity", "lrmd"),
        *("--node", "web-node", "--state", "/run/reconciler-agent", "--serve-programs"),
    ]
    assert [each.get("type") for each in domain.findall("devices/filesystem")] == ["mount", "mount", "ram"]
    address = domain.find("devices/interface/ip")
    assert address is not None
    assert sorted(address.items()) == [("address", "192.0.2.7"), ("prefix", "24")]


def test_stock_agent_finds_its_key_where_it_looks() -> None:
    definition, domain = define(Guest(type=GuestType.LXC, hardware=LXC), AgentFlavor.STOCK)
    assert domain.findtext("os/init") == "/sbin/init"
    assert domain.findall("os/initarg") == []
    targets = [element.get("dir") for element in domain.findall("devices/filesystem/target")]
    assert targets == ["/", "/etc/pacemaker/authkey"]
    assert definition.files == ("authkey",)


def test_machine_gets_files_through_its_firmware() -> None:
    definition, domain = define(Guest(type=GuestType.VM, hardware=VM))
    entries = {
        entry.get("name"): entry.get("file") for entry in domain.findall("sysinfo[@type='fwcfg']/entry")
    }
    assert entries == {
        "opt/reconciler/authkey": f"{ROOT}/{UUID}/authkey",
        "opt/reconciler/agent.pyz": f"{ROOT}/{UUID}/agent.pyz",
    }
    assert definition.files == ("authkey", "agent.pyz", "seed.img")


def test_plain_guest_gets_nothing_but_the_mark() -> None:
    definition, domain = define(Guest(type=GuestType.VM, hardware=replace(VM, seed={})), None)
    assert domain.find("sysinfo") is None
    assert definition.files == ()
    assert definition.mark.node is None


def test_root_of_a_mapped_container_owns_its_key() -> None:
    xml = "<domain type='lxc'><idmap><uid start='0' target='100000' count='1000'/></idmap></domain>"
    assert define(own(xml))[0].owner == 100000
    assert define(own())[0].owner == 0


@pytest.mark.parametrize(
    ("guest", "text"),
    [
        (own("<domain"), "not well-formed"),
        (own("<network/>"), "starts with <network>"),
        (own("<domain type='kvm'/>"), "has type 'kvm', the guest has lxc"),
        (own(OWN_LXC, GuestType.VM), "has type 'lxc', the guest has vm"),
        (Guest(type=GuestType.VM), "neither domain XML nor hardware"),
        (Guest(type=GuestType.LXC, hardware=Hardware()), "needs hardware.rootfs"),
        (Guest(type=GuestType.VM, hardware=LXC), "rootfs is for lxc"),
        (Guest(type=GuestType.LXC, hardware=replace(VM, rootfs="/x")), "disks is for vm"),
        (
            Guest(type=GuestType.LXC, hardware=Hardware(rootfs="/x", nics=(Nic(user=True),))),
            "user nic is QEMU's",
        ),
        (Guest(type=GuestType.VM, hardware=Hardware(disks=(Disk(path="/x"),) * 27)), "more than 26 disks"),
    ],
)
def test_unusable_guest_is_refused(guest: Guest, text: str) -> None:
    with pytest.raises(HypervisorError, match=text):
        define(guest)


def test_entities_are_refused_unread() -> None:
    xml = "<!DOCTYPE domain [<!ENTITY f SYSTEM 'file:///etc/hostname'>]><domain type='lxc'><title>&f;</title></domain>"
    with pytest.raises(HypervisorError, match="uses entities"):
        define(own(xml))


@pytest.mark.skipif(
    shutil.which("virt-xml-validate") is None, reason="virt-xml-validate (libvirt-clients) is missing"
)
@pytest.mark.parametrize(
    ("guest", "flavor"),
    [
        (own(), AgentFlavor.RECONCILER),
        (Guest(type=GuestType.LXC, hardware=LXC), AgentFlavor.RECONCILER),
        (Guest(type=GuestType.LXC, hardware=LXC), AgentFlavor.STOCK),
        (Guest(type=GuestType.VM, hardware=VM), AgentFlavor.RECONCILER),
        (Guest(type=GuestType.VM, hardware=replace(VM, emulation=False, cpu="host-passthrough")), None),
    ],
)
def test_libvirts_schema_accepts_it(tmp_path: Path, guest: Guest, flavor: AgentFlavor | None) -> None:
    (tmp_path / "domain.xml").write_text(define(guest, flavor)[0].xml)
    done = subprocess.run(
        ["virt-xml-validate", tmp_path / "domain.xml", "domain"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
