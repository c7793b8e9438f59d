"""What is sent for an operation, and in what order."""

import asyncio
from dataclasses import dataclass, field

from reconciler.act.resources import arm
from reconciler.model.names import ResourceId
from reconciler.model.operation import (
    OCF_OK,
    STATUS_CANCELLED,
    STATUS_DONE,
    OperationRequest,
    OperationResult,
)
from reconciler.model.resource import ResourceAgent

CHECK = OperationRequest(
    resource=ResourceId("FAKE"),
    agent=ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy"),
    operation="monitor",
    interval_ms=10_000,
    own_params={"OCF_CHECK_LEVEL": "10"},
)


@dataclass
class FakeAgent:
    """An agent whose next results are known."""

    statuses: list[int]
    sent: list[str] = field(default_factory=list)

    async def cancel(self, resource: ResourceId, operation: str, interval_ms: int) -> None:
        self.sent.append(f"cancel {resource} {operation} {interval_ms}")

    async def execute(self, request: OperationRequest) -> OperationResult:
        self.sent.append(f"execute {request.resource} {request.operation} {request.interval_ms}")
        return OperationResult(
            resource=request.resource, operation=request.operation, rc=OCF_OK, status=self.statuses.pop(0)
        )


def armed(*statuses: int) -> tuple[int, list[str]]:
    agent = FakeAgent(list(statuses))
    result = asyncio.run(arm(agent, CHECK))  # type: ignore[arg-type]  # it asks for these two methods only
    return result.status, agent.sent


def test_a_monitor_is_cancelled_before_it_is_armed_for_a_stock_agent_would_keep_its_old_params() -> None:
    want = ["cancel FAKE monitor 10000", "execute FAKE monitor 10000"]
    assert armed(STATUS_DONE) == (STATUS_DONE, want)


def test_a_monitor_that_ends_with_the_old_one_is_armed_once_more() -> None:
    status, sent = armed(STATUS_CANCELLED, STATUS_DONE)
    assert (status, sent[1:]) == (STATUS_DONE, ["execute FAKE monitor 10000"] * 2)
