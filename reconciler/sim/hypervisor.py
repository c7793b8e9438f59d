"""The Hypervisor port in memory: what was asked for goes on though the connection, or the controller, is gone."""

import asyncio
from collections.abc import Sequence

from reconciler.model.errors import HypervisorError, HypervisorUnreachableError
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import AddressFinding, AddressOwner, GuestType, Host
from reconciler.model.resource import Resource
from reconciler.ports import Domain, GuestStart, Wake
from reconciler.sim.chance import Chance
from reconciler.sim.life import Life
from reconciler.sim.machines import Machine, Machines, SimDomain, in_order
from reconciler.sim.truth import Copy
from reconciler.sim.witness import Witness

UNREACHABLE_S = 10.0
"""After which a call to a host that does not answer is given up."""

DESTROY_S = (0.05, 1.0)


class SimHypervisor:
    """The hypervisors of all hosts, as one controller reaches them."""

    def __init__(self, machines: Machines, witness: Witness, chance: Chance, life: Life) -> None:
        self._machines = machines
        self._witness = witness
        self._chance = chance
        self._life = life

    async def domains(self, host: Host, guest_type: GuestType) -> Sequence[Domain]:
        """Return the guests of one type on one host that carry a mark.

        Raises:
            HypervisorUnreachableError: the host cannot be asked.
        """
        with self._life:
            machine = await self._reach(host.name)
        await self._wait(self._machines.faults.listing_s)
        listed = [d.domain for d in machine.domains.values() if d.guest_type is guest_type]
        listed += machine.strangers
        ended = self._ended(host.name)
        await self._wait(self._machines.faults.listing_s)
        if not self._is_reachable(machine) or self._is_lost():
            raise HypervisorUnreachableError(f"the connection to {host.name} broke")
        with self._life:
            self._witness.learn_guest_ends(ended)
            return in_order(listed)

    async def start(self, host: Host, start: GuestStart) -> None:
        """Start a guest.

        Raises:
            HypervisorUnreachableError: whether it started is unknown.
            HypervisorError: it did not start.
        """
        with self._life:
            machine = await self._reach(host.name)
            self._witness.see_guest_start(machine, start)
            done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            self._begin_start(machine, start, done)
        await self._finish(machine, done, start.guest.id)

    async def stop(self, host: Host, resource: ResourceId, guest_type: GuestType, shutdown_ms: int) -> None:
        """Shut a guest down, then destroy it; absent is success.

        Raises:
            HypervisorUnreachableError: whether it stopped is unknown.
            HypervisorError: it still runs.
        """
        with self._life:
            machine = await self._reach(host.name)
            found = machine.domains.get(resource)
            assert found is None or found.guest_type is guest_type, (
                f"{resource} is no {guest_type.value} guest"
            )
            self._witness.see_guest_stop(machine, found, resource, shutdown_ms)
            self._machines.truth.note("stop", resource, machine.name, "" if shutdown_ms else "at once")
            done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            self._begin_stop(machine, found, shutdown_ms, done)
        await self._finish(machine, done, resource)

    async def deliver_key(self, host: Host, guest: Resource, key: bytes, *, is_alone: bool) -> None:
        """Bring a new key to a guest's agent: here, all agents know all keys.

        Raises:
            HypervisorUnreachableError: whether it arrived is unknown.
        """
        assert guest.guest is not None
        assert key or is_alone
        with self._life:
            await self._reach(host.name)

    async def owner_of(self, host: Host, guest: Resource, address: str) -> AddressFinding:  # noqa: ARG002  the port's
        """Return that it is the guest's: addresses are never mixed up here."""
        return AddressFinding(owner=AddressOwner.GUEST, text=f"{guest.id} has {address}")

    async def watch(self, hosts: Sequence[Host], wake: Wake) -> None:
        """Call `wake` whenever a domain on these hosts changes; until cancelled."""
        assert hosts is not None

        def unless_dead() -> None:
            if not self._life.is_dead:
                wake()

        self._machines.watchers.append(unless_dead)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._machines.watchers.remove(unless_dead)

    def _begin_start(self, machine: Machine, start: GuestStart, done: "asyncio.Future[str | None]") -> None:
        machines, faults = self._machines, self._machines.faults
        present, boots = machine.domains.get(start.guest.id), machine.boots
        if present is not None:
            text = None if present.domain.uid == start.uid else f"{start.guest.id} runs there already"
            self._settle(done, text)
            return
        if start.guest.id in machine.starting:
            self._settle(done, f"{start.guest.id} is being started there already")
            return
        machine.starting.add(start.guest.id)
        copy = machines.guest_copy(machine, start.guest.id, start.uid)
        machines.truth.begin_start(copy)
        fails = self._chance.happens(faults.guest_start_fails)

        def appear() -> None:
            if not machine.is_up or machine.boots != boots:
                return
            machine.starting.discard(start.guest.id)
            if fails or start.guest.id in machine.domains:
                machines.truth.end_start(copy, is_ok=False, is_running=False)
                machines.truth.copies[copy].has_ended = True
            else:
                machines.create(machine, start)

        takes_s = self._chance.between(*faults.guest_start_s)
        machines.after((takes_s, takes_s), appear)
        text = "it did not start" if fails else None
        machines.after((takes_s, takes_s + 1.0), lambda: self._settle(done, text))

    def _begin_stop(
        self, machine: Machine, found: SimDomain | None, shutdown_ms: int, done: "asyncio.Future[str | None]"
    ) -> None:
        if found is None:
            self._settle(done, None)
            return
        is_working = found.domain.is_running
        takes_s = self._chance.between(*self._machines.faults.guest_stop_s)
        range_s = (0.0, min(takes_s, shutdown_ms / 1000)) if is_working and shutdown_ms else DESTROY_S
        fails = self._chance.happens(self._machines.faults.guest_stop_fails)

        def end() -> None:
            if fails:
                self._settle(done, "it still runs")
                return
            self._machines.destroy(machine, found, "guest-stopped")
            self._settle(done, None)

        self._machines.after((range_s[1], range_s[1] + DESTROY_S[1]), end)

    async def _finish(
        self, machine: Machine, done: "asyncio.Future[str | None]", resource: ResourceId
    ) -> None:
        """Wait for a call's end, or for the connection to break in the middle."""
        breaks_after_s = self._chance.between(0.0, 8.0) if self._is_lost() else None
        waited_s = 0.0
        while not done.done():
            if not self._is_reachable(machine) or (breaks_after_s is not None and waited_s > breaks_after_s):
                raise HypervisorUnreachableError(f"the connection to {machine.name} broke")
            step_s = 0.5
            try:
                async with asyncio.timeout(step_s):
                    await asyncio.shield(done)
            except TimeoutError:
                waited_s += step_s
        with self._life:
            text = done.result()
            self._witness.learn_guest_ends([c for c in self._ended(machine.name) if c.resource == resource])
            if text is not None:
                raise HypervisorError(f"{resource} on {machine.name}: {text}")

    async def _reach(self, name: NodeName) -> Machine:
        machine = self._machines.hosts[name]
        if not self._is_reachable(machine):
            await asyncio.sleep(UNREACHABLE_S)
            raise HypervisorUnreachableError(f"{name} does not answer")
        return machine

    def _is_reachable(self, machine: Machine) -> bool:
        return machine.is_up and machine.name not in self._machines.network.hypervisors_cut_off

    def _is_lost(self) -> bool:
        return self._chance.happens(self._machines.faults.hypervisor_call_lost)

    def _ended(self, host: NodeName) -> list[Copy]:
        """Return the guests' starts on a host that are over."""
        return [
            copy
            for copy, facts in self._machines.truth.copies.items()
            if copy.node == host and facts.has_ended and copy.variant[0][0] == "uid"
        ]

    async def _wait(self, range_s: tuple[float, float]) -> None:
        await asyncio.sleep(self._chance.between(*range_s))

    def _settle(self, done: "asyncio.Future[str | None]", text: str | None) -> None:
        if not done.done():
            done.set_result(text)
