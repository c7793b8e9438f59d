"""Words of the wire and words of the model."""

from __future__ import annotations

import pytest

from agent import wire
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.operation import Monitor, OperationRequest, OperationResult
from reconciler.model.resource import ResourceAgent
from reconciler.world.links import translate

DUMMY = ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy")
REQUEST = OperationRequest(resource=ResourceId("web"), agent=DUMMY, operation="start", uid="u1", commit="c")


def test_what_the_user_declared_wins_over_what_is_added() -> None:
    request = OperationRequest(
        resource=ResourceId("web"), agent=DUMMY, operation="start", params={"CRM_meta_timeout": "7"}
    )
    params = translate.exec_of(request, NodeName("n"), is_ours=True).params
    assert params["CRM_meta_timeout"] == "7"


def test_only_changes_of_a_monitor_are_asked_for() -> None:
    monitor = OperationRequest(
        resource=ResourceId("web"), agent=DUMMY, operation="monitor", interval_ms=10_000
    )
    options = [
        translate.exec_of(request, NodeName("n"), is_ours=True).call_options for request in (REQUEST, monitor)
    ]
    assert options == [0, wire.CALL_NOTIFY_CHANGES_ONLY]


@pytest.mark.parametrize(("is_ours", "uid"), [(True, "ours"), (False, "echoed")])
def test_a_stock_agent_cannot_name_an_action_but_by_echoing_it(*, is_ours: bool, uid: str) -> None:
    result = wire.OperationResult("web", "start", 1, 0, 0, userdata="echoed", uid="ours")
    assert translate.result_of(result, is_ours=is_ours).uid == uid


def test_results_of_monitors_belong_to_no_action() -> None:
    result = wire.OperationResult("web", "monitor", 1, 7, 0, interval_ms=10, userdata="13:4:0:other")
    assert translate.result_of(result, is_ours=False).uid == ""


def test_what_a_guest_says_cannot_forge_log_lines() -> None:
    forged = "no\n2026-01-01 ERROR all guests \x1b[31mlost\u202e\x00" + "x" * 5000
    result = wire.OperationResult("web", "start", 1, 1, 0, exit_reason=forged, output=forged)
    got = translate.result_of(result, is_ours=True)
    assert got.reason.isprintable()
    assert got.reason.startswith("no 2026-01-01 ERROR all guests [31mlost")
    assert len(got.reason) == 1024
    assert "\x1b" not in got.output


def test_a_refusal_is_a_failed_operation_that_says_so() -> None:
    assert translate.refusal_of(REQUEST, -22) == OperationResult(
        resource=ResourceId("web"),
        operation="start",
        rc=1,
        status=4,
        reason="the agent refused the request (-22)",
        uid="u1",
    )


def test_monitors_are_grouped_by_resource() -> None:
    operations = [
        wire.RecurringOperation("a", "monitor", 10, 20),
        wire.RecurringOperation("b", "monitor", 30, 40),
        wire.RecurringOperation("a", "monitor", 50, 60),
    ]
    assert translate.monitors_of(operations) == {
        "a": (Monitor(interval_ms=10, timeout_ms=20), Monitor(interval_ms=50, timeout_ms=60)),
        "b": (Monitor(interval_ms=30, timeout_ms=40),),
    }


def test_a_record_of_a_start_that_has_not_ended_has_no_result() -> None:
    record = wire.StartRecord(
        "web", "ocf", "p", "t", "c", "u", "k", "h", wire.Phase.STARTING, 5, params={"a": "b"}
    )
    got = translate.records_of([record])[ResourceId("web")]
    assert (got.phase, got.result, got.params, got.in_flight) == ("starting", None, {"a": "b"}, None)
