"""Readings with a hypervisor in memory, in virtual time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import cast

import pytest

from reconciler.model.errors import HypervisorUnreachableError
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import GuestType, Host
from reconciler.observe.poll import Poller
from reconciler.ports import Domain, Hypervisor
from reconciler.settings import Settings
from reconciler.sim.eventloop import run as run_in_virtual_time
from tests.plan.worlds import host

KEY = (NodeName("h1"), GuestType.LXC)
DOMAIN = Domain(resource=ResourceId("vm"), cluster="shop", digest="d", uid="u", is_running=True)
Told = tuple[Sequence[Domain] | str, int]


class Answers:
    """A hypervisor whose listings come from a function."""

    def __init__(self, answer: Callable[[], Awaitable[Sequence[Domain]]]) -> None:
        self._answer = answer

    async def domains(self, host: Host, guest_type: GuestType) -> Sequence[Domain]:
        assert (host.name, guest_type) == KEY
        return await self._answer()


async def listing() -> Sequence[Domain]:
    return [DOMAIN]


def poll(
    answer: Callable[[], Awaitable[Sequence[Domain]]],
    times: int,
    settings: Settings,
    *,
    is_poked: bool = False,
) -> list[Told]:
    """Return the first results of a poller."""
    told: list[Told] = []
    numbers = count(1)

    async def run() -> None:
        poller = Poller(cast("Hypervisor", Answers(answer)), host("h1"), KEY, settings)
        has_enough = asyncio.Event()

        def deliver(key: object, result: Sequence[Domain] | str, sequence: int) -> None:
            assert key == KEY
            told.append((result, sequence))
            if len(told) >= times:
                has_enough.set()
            elif is_poked:
                asyncio.get_running_loop().call_soon(poller.poke)

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            task = group.create_task(poller.run(lambda: next(numbers), deliver))
            await has_enough.wait()
            task.cancel()

    run_in_virtual_time(run())
    return told


def test_a_hypervisor_is_read_again_though_nothing_happens() -> None:
    assert poll(listing, 3, Settings(resync_s=0.01)) == [([DOMAIN], 1), ([DOMAIN], 2), ([DOMAIN], 3)]


def test_a_hypervisor_is_read_at_once_when_poked() -> None:
    assert len(poll(listing, 3, Settings(resync_s=1000.0), is_poked=True)) == 3


def test_a_hypervisor_that_hangs_is_given_up_and_asked_again() -> None:
    async def hang() -> Sequence[Domain]:
        await asyncio.sleep(1000)
        return []

    got = poll(hang, 2, Settings(hypervisor_timeout_s=0.01, resync_s=0.01))
    assert [result for result, _ in got] == ["no answer within 0.01 s"] * 2


def test_what_a_hypervisor_says_is_wrong_is_passed_on() -> None:
    async def refuse() -> Sequence[Domain]:
        raise HypervisorUnreachableError("no route to host")

    assert poll(refuse, 1, Settings()) == [("no route to host", 1)]


def test_a_defect_in_a_reading_ends_no_poller(caplog: pytest.LogCaptureFixture) -> None:
    async def break_down() -> Sequence[Domain]:
        raise KeyError("x")

    with caplog.at_level(logging.CRITICAL):
        got = poll(break_down, 2, Settings(resync_s=0.01))
    assert [result for result, _ in got] == ["internal error: KeyError: 'x'"] * 2
