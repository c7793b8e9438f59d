"""Agents in memory do with monitors what ours does."""

import asyncio
from dataclasses import replace

import pytest

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.operation import OCF_NOT_RUNNING, STATUS_CANCELLED, OperationRequest, OperationResult
from reconciler.model.resource import ResourceAgent
from reconciler.sim.agent import Connection, SimAgent
from reconciler.sim.chance import Chance
from reconciler.sim.eventloop import run
from reconciler.sim.faults import Faults
from reconciler.sim.truth import Truth

MONITOR = OperationRequest(
    resource=ResourceId("a"),
    agent=ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy"),
    operation="monitor",
    interval_ms=10_000,
    timeout_ms=20_000,
    uid="u1",
)


@pytest.mark.parametrize("monitor_s", [0.04, 3.0])
def test_a_monitor_armed_again_while_the_cancelled_one_is_under_way_is_asked_after_it(
    monitor_s: float,
) -> None:
    """The cancelled one ends by itself, or is killed."""

    async def ask_twice() -> list[OperationResult]:
        agent = SimAgent(NodeName("h1"), "life1", Truth(), Chance("1"), is_stock=False)
        agent.faults = replace(
            Faults(), monitor_s=(monitor_s, monitor_s), operation_hangs=0.0, monitor_lies=0.0
        )
        connection = Connection("c", 1, lambda _: None, lambda _: None, lambda: None)
        agent.boot()
        agent.accept(connection)
        results: list[OperationResult] = []
        agent.ask(connection, MONITOR, results.append)
        await asyncio.sleep(0.01)
        agent.cancel(MONITOR.resource, MONITOR.interval_ms)
        agent.ask(connection, replace(MONITOR, uid="u2"), results.append)
        await asyncio.sleep(9.0)
        agent.end()
        return results

    assert [(r.uid, r.rc, r.status == STATUS_CANCELLED) for r in run(ask_twice())] == [
        ("u1", 1, True),
        ("u2", OCF_NOT_RUNNING, False),
    ]
