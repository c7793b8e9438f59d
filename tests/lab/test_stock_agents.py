"""What our link tells of an agent beside its operations' outcomes, which test_interop.py shows."""

import asyncio

import pytest

from reconciler.model.errors import LinkError
from reconciler.model.names import ResourceId
from reconciler.model.node import LinkReason
from reconciler.model.operation import Monitor, OperationRequest
from tests.lab.lab_hosts import wait_for
from tests.lab.lab_links import CONNECT_MS, DUMMY, KEY, a_link, begin
from tests.lab.lab_nodes import Node, OurNode
from tests.lab.lab_pacemaker import PATIENCE_S
from tests.world.links.peer import Heard

FAKE = ResourceId("FAKE")
MONITOR = OperationRequest(
    resource=FAKE,
    agent=DUMMY,
    operation="monitor",
    interval_ms=500,
    timeout_ms=60_000,
    params={"state": "/run/FAKE.state"},
)

flavors = pytest.mark.parametrize("node", ["ours", "stock-2.1.5", "stock-3.0.0"], indirect=True)


@pytest.mark.slow
@flavors
def test_a_monitor_reports_each_change_and_is_known_to_who_comes_back(node: Node) -> None:
    begin(node)
    state, heard = node.root / "run/FAKE.state", Heard()

    async def scenario() -> None:
        link = a_link(node, heard)
        session = await link.connect(CONNECT_MS)
        assert (session.is_ours, session.recurring) == (isinstance(node, OurNode), {})
        assert (await link.execute(MONITOR)).rc == 7
        state.touch()
        await heard.on("result", 1)
        state.unlink()
        await heard.on("result", 2)
        assert [result.rc for result in heard.results] == [0, 7]

        await link.close()
        armed = await link.connect(CONNECT_MS)
        assert armed.recurring == {FAKE: (Monitor(interval_ms=500, timeout_ms=60_000),)}
        await link.cancel(FAKE, "monitor", 500)
        await link.cancel(FAKE, "monitor", 500)
        assert heard.lost == []
        await link.close()

    async def limited() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await scenario()

    asyncio.run(limited())


@pytest.mark.slow
@flavors
def test_a_wrong_key_is_told_apart_and_an_orderly_end_is_heard(node: Node) -> None:
    begin(node)
    heard = Heard()

    async def scenario() -> None:
        wrong = a_link(node, Heard(), KEY[::-1])
        with pytest.raises(LinkError) as refused:
            await wrong.connect(CONNECT_MS)
        assert refused.value.reason is LinkReason.WRONG_KEY
        link = a_link(node, heard)
        session = await link.connect(CONNECT_MS)
        node.stop()
        while not heard.leaving and not heard.lost:
            heard.changed.clear()
            await heard.changed.wait()
        # 2.1.5, which does not say since when it runs, ends without waiting for the answer.
        assert heard.leaving == 1 or not session.instance
        await link.close()

    async def limited() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await scenario()

    asyncio.run(limited())
    wait_for(lambda: not node.pids(), "the agent's end", PATIENCE_S)
