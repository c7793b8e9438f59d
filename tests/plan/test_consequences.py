"""What a failure leads to."""

from reconciler.model.observed import Failure
from reconciler.model.resource import OnFail, Operation
from reconciler.plan.consequences import on_fail_of
from tests.plan.worlds import changes, dummy, empty_world, intent, plan, running, seen

IGNORES = dummy("a", operations=(Operation(name="monitor", interval_ms=10_000, on_fail=OnFail.IGNORE),))


def failed(*, is_missing: bool) -> Failure:
    return Failure(operation="monitor", rc=5, text="gone", interval_ms=10_000, is_missing=is_missing)


def test_a_failure_leads_to_what_is_declared_for_its_operation() -> None:
    assert on_fail_of(IGNORES, failed(is_missing=False)) is OnFail.IGNORE
    assert on_fail_of(IGNORES, Failure(operation="start", rc=1, text="no")) is OnFail.RESTART


def test_that_the_program_is_missing_is_not_ignored_and_bans_the_node() -> None:
    assert on_fail_of(IGNORES, failed(is_missing=True)) is OnFail.BAN
    asked = intent("h1 h2", IGNORES)
    world = seen(empty_world(asked), running(asked, "a", "h1", failure=failed(is_missing=True)))
    assert changes(plan(asked, world)) == ["recover resource/a h1 -> h2"]
