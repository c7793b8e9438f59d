"""Virtual time: nothing waits, nothing is forgotten, and what can never end is said."""

import asyncio

import pytest

from reconciler.sim.eventloop import DeadlockError, LivelockError, run


def test_time_jumps_to_the_next_timer() -> None:
    async def sleepers() -> list[tuple[str, float]]:
        loop, seen = asyncio.get_running_loop(), list[tuple[str, float]]()

        async def sleep(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((name, loop.time()))

        async with asyncio.TaskGroup() as group:
            group.create_task(sleep("late", 86_400.0))
            group.create_task(sleep("early", 0.5))
        return seen

    assert run(sleepers()) == [("early", 0.5), ("late", 86_400.0)]


def test_a_timeout_is_kept() -> None:
    async def wait() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30.0):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(wait()) == 30.0


def test_a_forgotten_wake_up_is_a_deadlock() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="nothing is scheduled"):
        run(wait())


def test_spinning_is_a_livelock() -> None:
    async def spin() -> None:
        loop = asyncio.get_running_loop()

        def again() -> None:
            loop.call_soon(again)

        again()
        await asyncio.sleep(1.0)

    with pytest.raises(LivelockError, match="time stands still"):
        run(spin())
