"""Runs guests of type vm and lxc on any number of libvirt hosts; between calls it keeps nothing but connections.

Wiring: `LibvirtGuests(cluster.name, agent_file)`, with the path that `build_agent_file` returned; one for the life of
the controller. `close` at its end.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.model.errors import HypervisorError
from reconciler.model.names import ResourceId
from reconciler.model.node import AddressFinding, AddressOwner, GuestType, Host
from reconciler.model.resource import Disk, Resource
from reconciler.ports import Domain, GuestStart, Wake
from reconciler.world.libvirt.addresses import Evidence, Question, evidence_of
from reconciler.world.libvirt.connection import CALL_TIMEOUT_S, LibvirtConnection
from reconciler.world.libvirt.definition import AGENT_NAME, KEY_NAME, SEED_NAME, Definition, define_domain
from reconciler.world.libvirt.delivery import deliver, remove_delivery
from reconciler.world.libvirt.disks import Workplace, make_missing_disks
from reconciler.world.libvirt.domains import (
    create,
    destroy,
    find_marks,
    is_gone,
    is_started,
    list_marked,
    shut_down,
)
from reconciler.world.libvirt.key_change import bring_key
from reconciler.world.libvirt.library import Connection, error_text, load_libvirt
from reconciler.world.libvirt.mark import DomainMark
from reconciler.world.libvirt.seed import make_seed
from reconciler.world.listeners import listeners_at
from reconciler.world.neighbours import macs_at

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
"""For virDomainCreateXML, which returns when the guest's first instruction runs: hooks and far storage take time."""
DISKS_TIMEOUT_S = 1800.0
"""For all disks of a guest that have to be made first."""
DESTROY_TIMEOUT_S = 30.0
KEY_TIMEOUT_S = 20.0
"""For bringing a new key to a running guest."""
RECONNECT_S = 5.0
"""How long after a failed connection the next is tried."""

_POLL_S = 0.5
_DELIVERY_ROOT = "/run/reconciler/guests"


class LibvirtGuests:
    """The part of the Hypervisor port for guests that libvirt runs."""

    def __init__(self, cluster: str, agent_file: Path) -> None:
        """Take whose guests are started and stopped; nothing is connected yet.

        Args:
            cluster: its name; a guest of the same name that another cluster runs on the host is left alone.
            agent_file: the agent's zip file, delivered to guests that run our agent.
        """
        self._cluster = cluster
        self._agent_file = agent_file
        self._connections: dict[str, LibvirtConnection] = {}
        self._copying: dict[str, LibvirtConnection] = {}
        """By URI too. Copies hold their connection's threads for long, in which nothing else would be answered."""

    async def domains(self, host: Host, guest_type: GuestType) -> Sequence[Domain]:
        """Return the guests of one type on one host that carry a mark of ours, whichever cluster's.

        Raises:
            HypervisorUnreachableError: the host cannot be asked; what it runs is unknown.
        """
        marked = await self._connection(host, guest_type).call(partial(list_marked, guest_type=guest_type))
        return [
            Domain(
                resource=each.mark.resource,
                cluster=each.mark.cluster,
                digest=each.mark.digest,
                uid=each.mark.uid,
                is_running=each.is_working,
                text=each.text,
                node=each.mark.node,
            )
            for each in marked
        ]

    async def start(self, host: Host, start: GuestStart) -> None:
        """Start a guest that is not running there; started already by the same uid is success.

        Raises:
            HypervisorUnreachableError: whether it started is unknown.
            HypervisorError: it did not start.
        """
        guest = start.guest.guest
        if guest is None:
            raise HypervisorError(f"{start.guest.id} is no guest")
        connection = self._connection(host, guest.type)
        definition = define_domain(start, _delivery_root(connection.uri))
        if await connection.call(partial(is_started, definition=definition)):
            return
        if guest.hardware is not None and guest.domain_xml is None:
            await self._make_missing_disks(host, connection.uri, guest.hardware.disks)
        files = await asyncio.to_thread(self._files, start, definition)

        def deliver_and_create(connected: Connection) -> None:
            if files:
                deliver(connected, definition.folder, files, definition.owner)
            try:
                create(connected, definition)
            except Exception:
                if files:
                    _clean_up(connected, definition.folder)
                raise

        await connection.call(deliver_and_create, START_TIMEOUT_S)

    async def stop(self, host: Host, resource: ResourceId, guest_type: GuestType, shutdown_ms: int) -> None:
        """Shut a guest down in order within `shutdown_ms` (0: at once), then destroy it; absent is success.

        Raises:
            HypervisorUnreachableError: whether it stopped is unknown.
            HypervisorError: it still runs.
        """
        connection = self._connection(host, guest_type)
        marks = await connection.call(partial(find_marks, cluster=self._cluster, resource=resource))
        for mark in marks:
            is_asked = shutdown_ms > 0 and await connection.call(partial(shut_down, mark=mark))
            if not (is_asked and await _wait_until_gone(connection, mark, shutdown_ms / 1000)):
                await connection.call(partial(destroy, mark=mark), DESTROY_TIMEOUT_S)
                if not await _wait_until_gone(connection, mark, DESTROY_TIMEOUT_S):
                    raise HypervisorError(f"{resource} still runs on {host.name} after it was destroyed")
            folder = f"{_delivery_root(connection.uri)}/{mark.uuid}"
            await connection.call(partial(_clean_up, folder=folder))

    async def deliver_key(self, host: Host, guest: Resource, delivery: bytes) -> None:
        """Bring a new key to the agent of a running guest.

        Raises:
            HypervisorError: it does not run there, or there is no way into it.
        """
        assert guest.guest is not None, "only guests run here"
        connection = self._connection(host, guest.guest.type)
        marks = await connection.call(partial(find_marks, cluster=self._cluster, resource=guest.id))
        if not marks:
            raise HypervisorError(f"{guest.id} does not run on {host.name}")
        for mark in marks:
            folder = f"{_delivery_root(connection.uri)}/{mark.uuid}"
            bring = partial(bring_key, mark=mark, folder=folder, delivery=delivery)
            await connection.call(bring, KEY_TIMEOUT_S)

    async def owner_of(
        self, host: Host, guest: Resource, address: IPv4Address | IPv6Address
    ) -> AddressFinding:
        """Return whose a guest's address is, by its host, and by the others should another's guest have answered.

        Raises:
            HypervisorUnreachableError: the host cannot be asked.
        """
        assert guest.guest is not None, "only guests run here"
        own = self._connection(host, guest.guest.type)
        question = await asyncio.to_thread(self._question, own.uri, guest, address)
        ask = partial(evidence_of, question=question)
        found = [await own.call(ask)]
        if found[0] is None or found[0].finding.owner is not AddressOwner.GUEST:
            others = self._others(host, own, is_any=bool(question.macs))
            found += [await _ask_if_there(each, ask) for each in others]
        known = [each for each in found if each is not None]
        if known:
            return min(known, key=lambda each: each.weight).finding
        text = f"neither the controller nor {host.name} has {address} as a neighbour, in a lease, or from a process"
        if question.macs:
            text = f"{', '.join(sorted(question.macs))} answers at {address}, which is no known guest's"
        return AddressFinding(owner=AddressOwner.UNKNOWN, text=text)

    async def watch(self, hosts: Sequence[Host], wake: Wake) -> None:
        """Call `wake` whenever a domain on these hosts, or a connection to one, changes; until cancelled."""
        async with asyncio.TaskGroup() as group:
            for uri in sorted({uri for host in hosts for uri in host.libvirt.values()}):
                group.create_task(self._watch_one(self._connection_to(uri), wake))

    def close(self) -> None:
        """End all connections."""
        for connection in (*self._connections.values(), *self._copying.values()):
            connection.close()

    async def _watch_one(self, connection: LibvirtConnection, wake: Wake) -> None:
        """Keep one connection up, so that its events come, and tell when it comes and goes."""
        was_up = False
        changed = asyncio.Event()

        def on_event() -> None:
            changed.set()
            wake()

        with connection.subscribed(on_event):
            while True:
                changed.clear()
                try:
                    await connection.call(_nothing)
                    is_up = True
                except HypervisorError:
                    is_up = False
                if was_up and not is_up:
                    wake()
                was_up = is_up
                try:
                    async with asyncio.timeout(RECONNECT_S):
                        await changed.wait()
                except TimeoutError:
                    continue

    async def _make_missing_disks(self, host: Host, uri: str, disks: Sequence[Disk]) -> None:
        if all(disk.source is None and disk.size_bytes is None for disk in disks):
            return

        def make(connected: Connection) -> None:
            place = Workplace(
                connection=connected, host=host.name, deadline=time.monotonic() + DISKS_TIMEOUT_S
            )
            make_missing_disks(place, disks)

        copying = self._copying.setdefault(uri, LibvirtConnection(uri))
        await copying.call(make, DISKS_TIMEOUT_S + CALL_TIMEOUT_S)

    def _files(self, start: GuestStart, definition: Definition) -> Mapping[str, bytes]:
        files: dict[str, bytes] = {}
        for name in definition.files:
            if name == KEY_NAME:
                files[name] = start.key or b""
            elif name == AGENT_NAME:
                files[name] = self._agent_file.read_bytes()
            elif name == SEED_NAME:
                hardware = start.guest.guest.hardware if start.guest.guest is not None else None
                seed = hardware.seed if hardware is not None else {}
                files[name] = make_seed(seed, definition.uuid, definition.name)
        return files

    def _question(self, uri: str, guest: Resource, address: IPv4Address | IPv6Address) -> Question:
        """Return what to ask hypervisors, with all that is known here. Blocks."""
        assert guest.remote_node is not None, "only nodes are connected"
        macs = macs_at(address)
        is_here = not macs and urlsplit(uri).hostname is None
        return Question(
            cluster=self._cluster,
            resource=guest.id,
            address=address,
            macs=macs,
            listeners=listeners_at(address, guest.remote_node.agent.port) if is_here else (),
        )

    def _others(self, host: Host, own: LibvirtConnection, *, is_any: bool) -> list[LibvirtConnection]:
        """Return the other connections: of the host only, or of any host."""
        uris = sorted(self._connections) if is_any else sorted(host.libvirt.values())
        return [self._connection_to(uri) for uri in uris if uri != own.uri]

    def _connection(self, host: Host, guest_type: GuestType) -> LibvirtConnection:
        uri = host.libvirt.get(guest_type)
        if uri is None:
            raise HypervisorError(
                f"host {host.name} has no libvirt URI for guests of type {guest_type.value}"
            )
        return self._connection_to(uri)

    def _connection_to(self, uri: str) -> LibvirtConnection:
        return self._connections.setdefault(uri, LibvirtConnection(uri))


async def _ask_if_there(
    connection: LibvirtConnection, ask: Callable[[Connection], Evidence | None]
) -> Evidence | None:
    """Ask a hypervisor that may be unreachable: then it has nothing to say."""
    try:
        return await connection.call(ask)
    except HypervisorError:
        return None


async def _wait_until_gone(connection: LibvirtConnection, mark: DomainMark, limit_s: float) -> bool:
    """Wait for a domain's end; events shorten the waiting, and the question decides."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    changed = asyncio.Event()
    with connection.subscribed(changed.set):
        while not await connection.call(partial(is_gone, mark=mark)):
            left_s = deadline - loop.time()
            if left_s <= 0:
                return False
            changed.clear()
            try:
                async with asyncio.timeout(min(_POLL_S, left_s)):
                    await changed.wait()
            except TimeoutError:
                continue
    return True


def _clean_up(connection: Connection, folder: str) -> None:
    """Remove what was delivered; that it fails changes nothing of what the guest does."""
    try:
        remove_delivery(connection, folder)
    except load_libvirt().libvirtError as error:
        log.warning(
            "a guest's delivered files are left", extra={"folder": folder, "error": error_text(error)}
        )


def _delivery_root(uri: str) -> str:
    """Return the folder on the host below which each guest gets one: on tmpfs, so that no key outlives a boot."""
    if urlsplit(uri).path != "/session":
        return _DELIVERY_ROOT
    return f"{os.environ.get('XDG_RUNTIME_DIR') or f'/run/user/{os.geteuid()}'}/reconciler/guests"


def _nothing(_connection: Connection) -> None:
    """Ask for nothing: it only takes a connection that is up."""
