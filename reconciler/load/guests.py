"""Guest documents to the model's guests: the domain's XML or hardware, and what each type may have."""

from collections.abc import Mapping
from typing import assert_never

from reconciler.load import defaults, hardware
from reconciler.load.document import GuestDocument, GuestSpec
from reconciler.load.domain_xml import read_domain_xml
from reconciler.load.nodes import LOOPBACK, remote_node_of
from reconciler.load.operations import guest_operations_of
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.load.resources import Given
from reconciler.model import resource as model
from reconciler.model.names import ResourceId
from reconciler.model.node import GuestType

_VM_ONLY = ("disks", "kernel", "seed", "emulation", "machine", "cpu")
_LXC_ONLY = ("rootfs", "init")


def guest_of(
    raw: RawDocument, document: GuestDocument, given: Given, files: Mapping[str, bytes], problems: Problems
) -> model.Resource:
    """Return the guest that a document declares, as a resource; `problems` takes what does not fit together."""
    spec = document.spec
    settings = given.settings.overridden(spec)
    guest_type = GuestType(spec.type)
    remote = spec.remote_node
    _check_type(raw, spec, guest_type, problems)
    default_address = LOOPBACK if guest_type is GuestType.PROCESS or remote is None else remote.name
    agent = model.ResourceAgent(standard="guest", type=guest_type.value)
    return model.Resource(
        id=ResourceId(document.metadata.name),
        agent=agent,
        where=raw.at(("metadata", "name")),
        operations=guest_operations_of(spec.op),
        state=settings.state,
        is_managed=settings.is_managed and not settings.in_maintenance,
        is_monitored=not settings.in_maintenance,
        multiple_active=settings.multiple_active,
        stickiness=settings.stickiness,
        priority=settings.priority,
        failure_limit=settings.failure_limit,
        failure_timeout_ms=settings.failure_timeout_ms,
        start_failure_is_fatal=settings.start_failure_is_fatal,
        rank=given.rank if spec.rank is None else spec.rank,
        guest=_guest(raw, spec, guest_type, files, problems),
        remote_node=remote_node_of(raw, remote, default_address) if remote is not None else None,
        container=None if spec.container is None else ResourceId(spec.container),
        needs=dict(spec.needs or {}),
        allows_migration=spec.allow_migration is True,
        allows_unhealthy=spec.allow_unhealthy is True,
        requires=defaults.requires(spec.requires, agent, given.policy),
        is_critical=settings.is_critical,
        fields=raw.fields(),
    )


def _guest(
    raw: RawDocument, spec: GuestSpec, guest_type: GuestType, files: Mapping[str, bytes], problems: Problems
) -> model.Guest:
    xml = None
    if spec.domain is not None and guest_type is not GuestType.PROCESS:
        where = raw.at(("spec", "domain", "xml"))
        xml = read_domain_xml(files, spec.domain.xml, guest_type, where, problems)
    return model.Guest(
        type=guest_type,
        domain_xml=xml,
        hardware=_hardware(raw, spec.hardware, problems) if spec.hardware is not None else None,
        shutdown_ms=defaults.SHUTDOWN_MS if spec.shutdown_timeout is None else spec.shutdown_timeout,
    )


def _check_type(raw: RawDocument, spec: GuestSpec, guest_type: GuestType, problems: Problems) -> None:
    match guest_type:
        case GuestType.PROCESS:
            _check_process(raw, spec, problems)
        case GuestType.VM:
            _check_domain(raw, spec, problems)
            _refuse(raw, spec, _LXC_ONLY, "vm", problems)
            parts = spec.hardware
            if parts is not None and not parts.disks and parts.kernel is None:
                hint = "add disks: or kernel:"
                problems.add(raw.key_at(("spec", "hardware")), "missing-field", "nothing to boot from", hint)
        case GuestType.LXC:
            _check_domain(raw, spec, problems)
            _refuse(raw, spec, _VM_ONLY, "lxc", problems)
            if spec.hardware is not None and spec.hardware.rootfs is None:
                hint = "add rootfs: with the folder that becomes /"
                where = raw.key_at(("spec", "hardware"))
                problems.add(where, "missing-field", "spec.hardware.rootfs is missing", hint)
            for index, nic in enumerate((spec.hardware.nics if spec.hardware else None) or []):
                if nic.user:
                    where = raw.key_at(("spec", "hardware", "nics", index, "user"))
                    problems.add(
                        where, "does-not-fit", "only type: vm has QEMU's user network", "write network:"
                    )
        case _:
            assert_never(guest_type)


def _check_process(raw: RawDocument, spec: GuestSpec, problems: Problems) -> None:
    for name, written in (("domain", spec.domain), ("hardware", spec.hardware)):
        if written is not None:
            text = f"a guest of type process has no {name}"
            problems.add(
                raw.key_at(("spec", name)), "does-not-fit", text, "remove it, or write type: vm or lxc"
            )
    remote = spec.remote_node
    if remote is None:
        hint = "add remoteNode: with a name and a port"
        text = "a guest of type process is nothing but a node"
        problems.add(raw.at(("spec", "type")), "missing-field", text, hint)
    elif remote.agent == "stock":
        where = raw.at(("spec", "remoteNode", "agent"))
        text = "a guest of type process is our own agent"
        problems.add(where, "does-not-fit", text, "remove agent: stock, or write type: vm or lxc")


def _check_domain(raw: RawDocument, spec: GuestSpec, problems: Problems) -> None:
    if spec.domain is None and spec.hardware is None:
        text = f"a guest of type {spec.type} needs a domain"
        hint = "add domain: {xml: FILE} with libvirt's XML, or hardware:"
        problems.add(raw.key_at(("spec",)), "missing-field", text, hint)
    if spec.domain is not None and spec.hardware is not None:
        where = max(raw.key_at(("spec", "domain")), raw.key_at(("spec", "hardware")))
        problems.add(where, "does-not-fit", "domain and hardware exclude each other", "remove one of them")


def _refuse(
    raw: RawDocument, spec: GuestSpec, fields: tuple[str, ...], name: str, problems: Problems
) -> None:
    for field in fields:
        if spec.hardware is not None and getattr(spec.hardware, field) is not None:
            text = f"a guest of type {name} has no {field}"
            problems.add(raw.key_at(("spec", "hardware", field)), "does-not-fit", text, "remove it")


def _hardware(raw: RawDocument, written: hardware.Hardware, problems: Problems) -> model.Hardware:
    kernel = written.kernel
    standard = model.Hardware()
    return model.Hardware(
        vcpus=written.vcpus or standard.vcpus,
        memory_bytes=written.memory or standard.memory_bytes,
        disks=tuple(_disk(raw, index, disk, problems) for index, disk in enumerate(written.disks or [])),
        nics=tuple(_nic(raw, index, nic, problems) for index, nic in enumerate(written.nics or [])),
        rootfs=written.rootfs,
        init=tuple(written.init or []),
        kernel=None
        if kernel is None
        else model.Kernel(path=kernel.path, initrd=kernel.initrd, arguments=kernel.arguments or ""),
        seed={str(name): text for name, text in (written.seed or {}).items()},
        emulation=written.emulation is True,
        machine=written.machine,
        cpu=written.cpu,
    )


def _disk(raw: RawDocument, index: int, written: hardware.Disk, problems: Problems) -> model.Disk:
    if written.read_only and written.discard_writes:
        where = raw.key_at(("spec", "hardware", "disks", index, "discardWrites"))
        text = "a disk that is read-only has no writes to discard"
        problems.add(where, "does-not-fit", text, "remove readOnly or discardWrites")
    return model.Disk(
        path=written.path,
        format=written.format or "raw",
        size_bytes=written.size,
        source=written.source,
        read_only=written.read_only is True,
        discard_writes=written.discard_writes is True,
    )


def _nic(raw: RawDocument, index: int, written: hardware.Nic, problems: Problems) -> model.Nic:
    path = ("spec", "hardware", "nics", index)
    chosen = [written.network is not None, written.bridge is not None, written.user is True]
    if sum(chosen) != 1:
        text = "a network interface is one of network, bridge and user"
        problems.add(raw.at(path), "does-not-fit", text, "write exactly one, such as network: default")
    if written.forwards and written.user is not True:
        text = "only user: true has forwards"
        problems.add(
            raw.key_at((*path, "forwards")), "does-not-fit", text, "remove them, or write user: true"
        )
    return model.Nic(
        network=written.network,
        bridge=written.bridge,
        user=written.user is True,
        forwards=tuple((f.address or LOOPBACK, f.port, f.guest_port) for f in written.forwards or []),
        mac=written.mac.lower() if written.mac else None,
        model=written.model or "virtio",
    )
