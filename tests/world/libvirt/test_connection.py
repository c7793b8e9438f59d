"""A libvirt connection ends when nobody uses it any more, and not before."""

import asyncio
import threading
from typing import Any

from reconciler.world.libvirt.connection import LibvirtConnection


def test_a_connection_that_is_given_up_stays_open_for_the_calls_that_are_still_under_way() -> None:
    entered, may_go = threading.Event(), threading.Event()

    def slow(connection: Any) -> str:
        entered.set()
        assert may_go.wait(60)
        return str(connection.getType())

    async def scenario() -> tuple[str, str]:
        connection = LibvirtConnection("test:///default")
        under_way = asyncio.create_task(connection.call(slow))
        await asyncio.to_thread(entered.wait, 60)
        connection.close()
        anew = await connection.call(lambda c: str(c.getType()))  # on a connection of its own
        may_go.set()
        try:
            return anew, await under_way
        finally:
            connection.close()

    assert asyncio.run(scenario()) == ("TEST", "TEST")
