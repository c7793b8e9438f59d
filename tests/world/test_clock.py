import asyncio
import threading
import time

from reconciler.world.clock import RealClock, Threads


def test_the_wall_clock_tells_epoch_seconds() -> None:
    before = time.time()
    assert before <= RealClock().now() <= time.time()


def test_the_other_clock_counts_through_suspend() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= RealClock().monotonic() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_no_name_is_given_twice() -> None:
    clock = RealClock()
    assert len({clock.new_id() for _ in range(1000)}) == 1000


def test_long_computations_leave_the_loop_alone() -> None:
    async def run() -> tuple[int, bool]:
        place = await Threads().run(threading.get_ident)
        return await Threads().run(divmod_sum, 7, 3), place != threading.get_ident()

    assert asyncio.run(run()) == (3, True)


def divmod_sum(a: int, b: int) -> int:
    return sum(divmod(a, b))
