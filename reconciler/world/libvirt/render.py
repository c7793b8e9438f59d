"""Renders a guest's libvirt domain XML from its declared hardware; it must not look at any host.

What libvirt chooses well by itself (PCI addresses, controllers, the emulator's path) is left to it.
"""

from ipaddress import ip_address

from lxml import etree

from reconciler.model.errors import HypervisorError
from reconciler.model.names import ResourceId
from reconciler.model.node import GuestType
from reconciler.model.resource import Disk, Hardware, Nic, Resource
from reconciler.world.libvirt.xml_element import element

QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"
"""libvirt's own, for QEMU's command line (drvqemu, "Pass-through of arbitrary QEMU commands")."""

# Every QEMU and libvirt know these two, so that emulated guests can move between all hosts.
_EMULATED_CPU = "qemu64"
_EMULATED_MACHINE = "pc"
_CPU_MODES = frozenset({"host-model", "host-passthrough", "maximum"})
# A container's address is given without its network's size.
_PREFIX_BITS = {4: "24", 6: "64"}
# libvirt gives PCI slots from the first up, some of them only after QEMU has started (disks with <transient/>).
_LAST_SLOT = 0x1D
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def render_domain(
    guest: Resource, guest_type: GuestType, hardware: Hardware, seed: str | None
) -> etree._Element:
    """Return a <domain> without name, UUID and metadata.

    Args:
        guest: for its remote node's address, which a container's first interface gets.
        guest_type: VM or LXC.
        hardware: what it consists of.
        seed: the NoCloud image's path on the host; None: no seed.

    Raises:
        HypervisorError: a field has no meaning for this type of guest.
    """
    if guest_type is GuestType.LXC:
        return _container(guest, hardware)
    return _machine(guest.id, hardware, seed)


def _machine(name: ResourceId, hardware: Hardware, seed: str | None) -> etree._Element:
    if hardware.rootfs is not None:
        raise HypervisorError(f"{name}: rootfs is for lxc guests; a vm takes disks")
    domain = element(
        "domain",
        {"type": "qemu" if hardware.emulation else "kvm"},
        *_size(hardware),
        _machine_os(hardware),
        element("features", element("acpi"), element("apic")),
        *_cpu(hardware),
        element("clock", {"offset": "utc"}),
        element("on_poweroff", "destroy"),
        element("on_reboot", "restart"),
        element("on_crash", "destroy"),
    )
    devices = etree.SubElement(domain, "devices")
    disks = [*hardware.disks, *([Disk(path=seed, read_only=True)] if seed is not None else [])]
    if len(disks) > len(_LETTERS):
        raise HypervisorError(f"{name}: more than {len(_LETTERS)} disks")
    devices.extend(_disk(disk, f"vd{letter}") for disk, letter in zip(disks, _LETTERS, strict=False))
    user_nics = [nic for nic in hardware.nics if nic.forwards]
    devices.extend(_nic(nic) for nic in hardware.nics if not nic.forwards)
    console_log = f"/var/log/libvirt/qemu/{name}-console.log"
    devices.append(
        element(
            "serial",
            {"type": "pty"},
            element("log", {"file": console_log, "append": "on"}),
            element("target", {"port": "0"}),
        )
    )
    devices.append(element("console", {"type": "pty"}, element("target", {"type": "serial", "port": "0"})))
    # Booting waits for randomness on machines that have little else to draw it from.
    devices.append(
        element("rng", {"model": "virtio"}, element("backend", {"model": "random"}, "/dev/urandom"))
    )
    if user_nics:
        domain.append(_forwarded_nics(user_nics))
    return domain


def _container(guest: Resource, hardware: Hardware) -> etree._Element:
    unfit = {"disks": hardware.disks, "kernel": hardware.kernel, "seed": hardware.seed}
    for field, value in unfit.items():
        if value:
            raise HypervisorError(f"{guest.id}: {field} is for vm guests; an lxc guest takes rootfs")
    if hardware.rootfs is None:
        raise HypervisorError(f"{guest.id}: an lxc guest needs hardware.rootfs")
    devices = element("devices", _mount(hardware.rootfs, "/"), element("console", {"type": "pty"}))
    for index, nic in enumerate(hardware.nics):
        if nic.user:
            raise HypervisorError(
                f"{guest.id}: a user nic is QEMU's; an lxc guest takes a network or a bridge"
            )
        interface = _nic(nic)
        address = guest.remote_node.agent.address if guest.remote_node is not None else None
        if index == 0 and address is not None and (prefix := _prefix(address)) is not None:
            # libvirt's container driver gives the interface its address before the first program runs.
            interface.append(element("ip", {"address": address, "prefix": prefix}))
        devices.append(interface)
    kind = element("os", element("type", "exe"))
    kind.extend(element("initarg" if index else "init", word) for index, word in enumerate(hardware.init))
    return element(
        "domain",
        {"type": "lxc"},
        *_size(hardware),
        kind,
        element("on_poweroff", "destroy"),
        element("on_reboot", "restart"),
        element("on_crash", "destroy"),
        devices,
    )


def _size(hardware: Hardware) -> list[etree._Element]:
    return [
        element("memory", {"unit": "b"}, str(hardware.memory_bytes)),
        element("vcpu", str(hardware.vcpus)),
    ]


def _machine_os(hardware: Hardware) -> etree._Element:
    machine = hardware.machine or (_EMULATED_MACHINE if hardware.emulation else None)
    made = element("os", element("type", {"machine": machine} if machine is not None else {}, "hvm"))
    if hardware.kernel is None:
        made.append(element("boot", {"dev": "hd"}))
        return made
    made.append(element("kernel", hardware.kernel.path))
    if hardware.kernel.initrd is not None:
        made.append(element("initrd", hardware.kernel.initrd))
    made.append(element("cmdline", hardware.kernel.arguments))
    return made


def _cpu(hardware: Hardware) -> list[etree._Element]:
    cpu = hardware.cpu or (_EMULATED_CPU if hardware.emulation else "host-model")
    if cpu in _CPU_MODES:
        return [element("cpu", {"mode": cpu})]
    return [
        element("cpu", {"mode": "custom", "match": "exact"}, element("model", {"fallback": "forbid"}, cpu))
    ]


def _disk(disk: Disk, target: str) -> etree._Element:
    made = element(
        "disk",
        {"type": "file", "device": "disk"},
        element("driver", {"name": "qemu", "type": disk.format}),
        element("source", {"file": disk.path}),
        element("target", {"dev": target, "bus": "virtio"}),
    )
    if disk.read_only:
        made.append(element("readonly"))
    if disk.discard_writes:
        made.append(element("transient"))
    return made


def _nic(nic: Nic) -> etree._Element:
    if nic.network is not None:
        made = element("interface", {"type": "network"}, element("source", {"network": nic.network}))
    elif nic.bridge is not None:
        made = element("interface", {"type": "bridge"}, element("source", {"bridge": nic.bridge}))
    else:
        made = element("interface", {"type": "user"})
    if nic.mac is not None:
        made.append(element("mac", {"address": nic.mac}))
    made.append(element("model", {"type": nic.model}))
    return made


def _forwarded_nics(nics: list[Nic]) -> etree._Element:
    """Return QEMU arguments for user-mode networks with forwarded ports.

    libvirt's own <portForward> needs the program passt; QEMU's built-in network needs nothing.
    """
    line = etree.Element(f"{{{QEMU_NAMESPACE}}}commandline", nsmap={"qemu": QEMU_NAMESPACE})
    for index, nic in enumerate(nics):
        forwards = "".join(f",hostfwd=tcp:{host}:{port}-:{inner}" for host, port, inner in nic.forwards)
        model = "virtio-net-pci" if nic.model == "virtio" else nic.model
        mac = f",mac={nic.mac}" if nic.mac is not None else ""
        arguments = [
            *("-netdev", f"user,id=forwarded{index}{forwards}"),
            *("-device", f"{model},netdev=forwarded{index},addr={_LAST_SLOT - index:#x}{mac}"),
        ]
        for argument in arguments:
            etree.SubElement(line, f"{{{QEMU_NAMESPACE}}}arg", value=argument)
    return line


def _mount(source: str, target: str) -> etree._Element:
    return element(
        "filesystem",
        {"type": "mount", "accessmode": "passthrough"},
        element("source", {"dir": source}),
        element("target", {"dir": target}),
    )


def _prefix(address: str) -> str | None:
    try:
        return _PREFIX_BITS[ip_address(address).version]
    except ValueError:
        return None  # a name: its owner sees to the address
