"""The Hypervisor port: hands each guest to what runs its type; it must not know how.

Wiring::

    agent_file = build_agent_file(state / "agent")
    hypervisor = Hypervisors(
        ProcessGuests(state / "guests", agent_file, sys.executable),
        LibvirtGuests(cluster.name, agent_file),
    )
    ...
    hypervisor.close()
"""

import asyncio
from collections.abc import Sequence

from agent.wire.keys import encode_delivery
from reconciler.model.errors import HypervisorError
from reconciler.model.names import ResourceId
from reconciler.model.node import AddressFinding, AddressOwner, GuestType, Host
from reconciler.model.resource import Resource
from reconciler.ports import Domain, GuestStart, Wake
from reconciler.world.libvirt.guests import LibvirtGuests
from reconciler.world.neighbours import resolve
from reconciler.world.process.guests import ProcessGuests


class Hypervisors:
    """All guests of all hosts, whatever runs them."""

    def __init__(self, processes: ProcessGuests, libvirt: LibvirtGuests) -> None:
        """Take what runs guests; the libvirt binding is not loaded before a host is asked through it."""
        self._processes = processes
        self._libvirt = libvirt

    async def domains(self, host: Host, guest_type: GuestType) -> Sequence[Domain]:
        """Return the guests of one type on one host that carry a mark of ours, whichever cluster's.

        Raises:
            HypervisorUnreachableError: the host cannot be asked; what it runs is unknown.
            HypervisorError: it has nothing that runs guests of this type, or answered with an error.
        """
        if guest_type is GuestType.PROCESS:
            return await self._processes.domains(host)
        return await self._libvirt.domains(host, guest_type)

    async def start(self, host: Host, start: GuestStart) -> None:
        """Start a guest that is not running there; started already by the same uid is success.

        Raises:
            HypervisorUnreachableError: whether it started is unknown.
            HypervisorError: it did not start.
        """
        guest = start.guest.guest
        if guest is None:
            raise HypervisorError(f"{start.guest.id} is no guest")
        if guest.type is GuestType.PROCESS:
            await self._processes.start(host, start)
        else:
            await self._libvirt.start(host, start)

    async def stop(self, host: Host, resource: ResourceId, guest_type: GuestType, shutdown_ms: int) -> None:
        """Shut a guest down in order within `shutdown_ms` (0: at once), then destroy it; absent is success.

        Raises:
            HypervisorUnreachableError: whether it stopped is unknown.
            HypervisorError: it still runs.
        """
        if guest_type is GuestType.PROCESS:
            await self._processes.stop(resource, shutdown_ms)
        else:
            await self._libvirt.stop(host, resource, guest_type, shutdown_ms)

    async def deliver_key(self, host: Host, guest: Resource, key: bytes, *, is_alone: bool) -> None:
        """Bring a new key to the agent of a guest that runs on a host.

        Raises:
            HypervisorError: there is no way, or it is not known to have arrived.
        """
        if guest.guest is None:
            raise HypervisorError(f"{guest.id} is no guest")
        delivery = encode_delivery(key, is_alone=is_alone)
        if guest.guest.type is GuestType.PROCESS:
            await self._processes.deliver_key(guest.id, delivery)
        else:
            await self._libvirt.deliver_key(host, guest, delivery)

    async def owner_of(self, host: Host, guest: Resource, address: str) -> AddressFinding:
        """Return whose a guest's address is, which was connected just now, by all that its host knows.

        Raises:
            HypervisorUnreachableError: the host cannot be asked.
        """
        if guest.guest is None or guest.remote_node is None:
            raise HypervisorError(f"{guest.id} is no guest with an agent")
        port = guest.remote_node.agent.port
        numbers = await asyncio.to_thread(resolve, address, port)
        if len(numbers) != 1:
            text = f"{address} stands for {len(numbers)} addresses, not for one"
            return AddressFinding(owner=AddressOwner.UNKNOWN, text=text)
        if guest.guest.type is GuestType.PROCESS:
            return await self._processes.owner_of(guest.id, numbers[0], port)
        return await self._libvirt.owner_of(host, guest, numbers[0])

    async def watch(self, hosts: Sequence[Host], wake: Wake) -> None:
        """Call `wake` whenever a guest on these hosts, or a connection to one, changes; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._processes.watch(wake))
            group.create_task(self._libvirt.watch(hosts, wake))

    def close(self) -> None:
        """End all connections; what runs goes on."""
        self._libvirt.close()
