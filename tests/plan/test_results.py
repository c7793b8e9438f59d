"""What a result tells of a resource, above all of its role."""

import pytest

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Failure, Instance, StartedAs
from reconciler.model.operation import OperationRequest, OperationResult
from reconciler.model.resource import ResourceAgent, Role
from reconciler.plan.results import after_monitor, after_result, in_role

A, H1 = ResourceId("a"), NodeName("h1")
AGENT = ResourceAgent(standard="ocf", provider="reconciler", type="Dummy")
USES = StartedAs(agent=AGENT)


def instance(role: Role, failure: Failure | None = None) -> Instance:
    return Instance(resource=A, node=H1, role=role, started_as=USES, failure=failure)


def result(rc: int, operation: str = "monitor") -> OperationResult:
    return OperationResult(resource=A, operation=operation, rc=rc)


@pytest.mark.parametrize(
    ("role", "rc", "role_then", "is_failed"),
    [
        (Role.STARTED, 0, Role.STARTED, False),
        (Role.STARTED, 190, Role.STARTED, False),
        (Role.STARTED, 7, Role.STARTED, True),
        (Role.STARTED, 8, Role.PROMOTED, True),
        (Role.UNPROMOTED, 0, Role.UNPROMOTED, False),
        (Role.PROMOTED, 8, Role.PROMOTED, False),
        (Role.PROMOTED, 191, Role.PROMOTED, False),
        (Role.PROMOTED, 0, Role.UNPROMOTED, True),
        (Role.PROMOTED, 7, Role.UNPROMOTED, True),
        (Role.PROMOTED, 9, Role.PROMOTED, True),
        (Role.PROMOTED, 1, Role.PROMOTED, True),
    ],
)
def test_what_is_found_in_another_role_has_failed_and_is_in_that_role(
    role: Role, rc: int, role_then: Role, *, is_failed: bool
) -> None:
    after = after_monitor(instance(role), result(rc))
    assert (after.role, after.failure is not None) == (role_then, is_failed)


def test_what_a_monitor_does_not_find_answers_a_probe_that_failed() -> None:
    by_probe = instance(Role.STARTED, Failure(operation="monitor", rc=1, text="timed out"))
    assert after_monitor(by_probe, result(7)) == Instance(resource=A, node=H1, role=Role.STOPPED)
    assert after_monitor(by_probe, result(1)).role is Role.STARTED
    by_monitor = instance(Role.STARTED, Failure(operation="monitor", rc=1, text="rc 1", interval_ms=10_000))
    assert after_monitor(by_monitor, result(7)).role is Role.STARTED


@pytest.mark.parametrize(("rc", "role"), [(0, Role.STARTED), (8, Role.PROMOTED), (191, Role.PROMOTED)])
def test_a_probe_and_a_question_for_the_role_find_it_out(rc: int, role: Role) -> None:
    probe = OperationRequest(resource=A, agent=AGENT, operation="monitor")
    assert after_result(instance(Role.STARTED), probe, result(rc), H1) == instance(role)
    assert in_role(instance(Role.STARTED), result(rc)) == instance(role)


def test_a_role_is_what_was_reached_and_a_failure_what_was_not() -> None:
    def asked(operation: str) -> OperationRequest:
        return OperationRequest(resource=A, agent=AGENT, operation=operation)

    promoted = after_result(instance(Role.STARTED), asked("promote"), result(0, "promote"), H1)
    assert promoted == instance(Role.PROMOTED)
    assert after_result(promoted, asked("demote"), result(0, "demote"), H1) == instance(Role.UNPROMOTED)
    failed = after_result(instance(Role.STARTED), asked("promote"), result(1, "promote"), H1)
    assert failed == instance(Role.PROMOTED, Failure(operation="promote", rc=1, text="rc 1"))
    assert after_result(promoted, asked("notify"), result(1, "notify"), H1) == promoted


@pytest.mark.parametrize(
    ("rc", "reason", "want"),
    [
        (0, "", "ok"),
        (8, "", "promoted"),
        (190, "one disk of two", "ok, degraded: one disk of two"),
        (191, "", "promoted, degraded"),
        (9, "no disk", "rc 9: no disk"),
    ],
)
def test_results_are_described_by_what_they_mean(rc: int, reason: str, want: str) -> None:
    assert OperationResult(resource=A, operation="monitor", rc=rc, reason=reason).describe() == want
