import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from reconciler.loop.readings import Readings
from reconciler.model.names import NodeName
from reconciler.model.node import GuestType, Host
from reconciler.observe.domains import HypervisorKey, Hypervisors
from reconciler.ports import Domain, Hypervisor, Wake
from reconciler.settings import Settings
from reconciler.sim.eventloop import run as run_in_virtual_time
from tests.plan.worlds import intent


class Listing:
    """Hypervisors that run nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.watched: list[tuple[str, ...]] = []

    async def domains(self, host: Host, guest_type: GuestType) -> Sequence[Domain]:
        self.asked.append(f"{host.name} {guest_type.value}")
        return []

    async def watch(self, hosts: Sequence[Host], wake: Wake) -> None:
        self.watched.append(tuple(h.name for h in hosts))
        wake()
        await asyncio.Event().wait()


def test_pollers_follow_the_declaration() -> None:
    listing = Listing()
    told: list[HypervisorKey] = []
    heard = Hypervisors().read((NodeName("h1"), GuestType.LXC), [], 1, "test")

    async def run() -> list[object]:
        seen: list[object] = []
        async with asyncio.TaskGroup() as group:
            hypervisor = cast("Hypervisor", listing)
            readings = Readings(group, hypervisor, Settings(), lambda: 1, lambda key, *_: told.append(key))
            readings.follow(intent("h1 h2"))
            await asyncio.sleep(0.01)
            seen += [readings.unheard(heard), readings.all_heard(heard)]
            readings.follow(intent("h1 h2"))
            await asyncio.sleep(0.01)
            seen.append(list(listing.watched))
            changed = intent("h1")
            moved = replace(changed.hosts[NodeName("h1")], libvirt={GuestType.LXC: "lxc+ssh://h1/"})
            readings.follow(replace(changed, hosts={moved.name: moved}))
            await asyncio.sleep(0.01)
            seen += [list(listing.watched), readings.all_heard(heard)]
            readings.stop()
        return seen

    assert run_in_virtual_time(run()) == [
        [(NodeName("h2"), GuestType.LXC)],
        False,
        [("h1", "h2")],
        [("h1", "h2"), ("h1",)],
        True,
    ]
    # The watch wakes all of them once; what did not change is not begun anew.
    assert listing.asked.count("h2 lxc") == 2
    assert set(told) == {(NodeName("h1"), GuestType.LXC), (NodeName("h2"), GuestType.LXC)}
