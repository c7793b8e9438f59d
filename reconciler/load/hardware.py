"""The YAML of what a guest consists of: the parts of `spec.hardware` and `spec.domain`; see `document.py`."""

from typing import Annotated, Literal

from pydantic import Field

from reconciler.load.fields import Address, HostPath, Mac, Part, Port, Size, Text


class Disk(Part):
    """One block device of a virtual machine."""

    path: HostPath
    """The image or device on the host."""
    format: Literal["raw", "qcow2"] | None = None
    """Default raw."""
    size: Size | None = None
    """The size of a disk that is made at the first start, on the host that runs the guest."""
    source: Annotated[HostPath | None, Field(alias="from")] = None
    """An image on that host that a missing disk is copied from; the host needs qemu-img unless both are raw."""
    read_only: bool | None = None
    """Default false."""
    discard_writes: bool | None = None
    """Run on a throw-away copy (libvirt: transient). Default false."""


class Forward(Part):
    """A TCP port of the host that leads into the guest."""

    address: Address | None = None
    """Of the host, to listen on. Default 127.0.0.1."""
    port: Port
    """Of the host."""
    guest_port: Port
    """Of the guest."""


class Nic(Part):
    """One network interface; exactly one of network, bridge and user."""

    network: Text | None = None
    """A libvirt network, such as default."""
    bridge: Text | None = None
    """A bridge of the host."""
    user: bool | None = None
    """true: QEMU's user-mode network, which needs no privileges and no bridge."""
    forwards: list[Forward] | None = None
    """With `user: true`: ports of the host that lead into the guest."""
    mac: Mac | None = None
    """Default: derived from the guest's name."""
    model: Text | None = None
    """Default virtio."""


class Kernel(Part):
    """Direct kernel boot."""

    path: HostPath
    """The kernel's image on the host."""
    initrd: HostPath | None = None
    """Its initial RAM disk."""
    arguments: str | None = None
    """The kernel's command line."""


class Hardware(Part):
    """What a guest consists of; its domain XML is made from this."""

    vcpus: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Virtual CPUs. Default 1."""
    memory: Size | None = None
    """Default 512Mi."""
    disks: list[Disk] | None = None
    """vm: its disks; it boots from the first one unless there is a kernel."""
    nics: list[Nic] | None = None
    """Its network interfaces."""
    rootfs: HostPath | None = None
    """lxc: the folder on the host that becomes /."""
    init: Annotated[list[Text], Field(min_length=1)] | None = None
    """lxc: the first program and its arguments. Default: the agent, or /sbin/init for a stock agent."""
    kernel: Kernel | None = None
    """vm: a kernel that is booted directly."""
    seed: dict[Literal["user-data", "meta-data", "network-config", "vendor-data"], str] | None = None
    """vm: cloud-init's NoCloud files, their text by name."""
    emulation: bool | None = None
    """vm: QEMU's software emulation instead of KVM; slow, and works everywhere. Default false."""
    machine: Text | None = None
    """vm: QEMU's machine type, such as q35."""
    cpu: Text | None = None
    """vm: the CPU model, such as host-passthrough."""


class Domain(Part):
    """The user's own libvirt XML."""

    xml: Text
    """The file with it, relative to this YAML file and inside the folder of the declaration."""
