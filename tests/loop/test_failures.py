from dataclasses import replace

from reconciler.act.outcome import Outcome
from reconciler.loop.failures import (
    with_answer,
    with_connection_failure,
    with_found_failures,
    with_operation_failure,
)
from reconciler.model.history import ConnectionFailure, FailureCount, History
from reconciler.model.node import LinkReason
from reconciler.model.observed import Failure
from reconciler.model.operation import OperationResult
from reconciler.model.transition import ActionKind
from reconciler.observe.domains import Hypervisors
from tests.loop.memories import ASKED, DOMAIN, FAKE, G1, H1, LXC, NOW, VM1, action
from tests.plan.worlds import running

FAILED = OperationResult(resource=FAKE, operation="start", rc=1, reason="no disk")
UP = Hypervisors().read(LXC, [DOMAIN], 0, "test")


def connecting(reason: LinkReason) -> Outcome:
    return Outcome(action=action(ActionKind.CONNECT, G1), uid="u", reason=reason, text="says nothing")


def test_each_failure_counts_once_more_and_the_last_is_told() -> None:
    first = with_operation_failure(History(), ASKED, G1, FAILED, NOW)
    second = with_operation_failure(first, ASKED, G1, replace(FAILED, operation="monitor", rc=7), NOW + 1)
    assert first.failures == {
        (FAKE, G1): FailureCount(count=1, last_at=NOW, operation="start", text="rc 1: no disk")
    }
    assert second.failures == {
        (FAKE, G1): FailureCount(count=2, last_at=NOW + 1, operation="monitor", text="not running")
    }


def test_a_failed_start_bans_its_node_where_that_is_declared() -> None:
    fatal = replace(ASKED.resources[FAKE], start_failure_is_fatal=True)
    asked = replace(ASKED, resources={FAKE: fatal})
    assert with_operation_failure(History(), asked, G1, FAILED, NOW).failures[FAKE, G1].is_fatal
    monitor = replace(FAILED, operation="monitor")
    assert not with_operation_failure(History(), asked, G1, monitor, NOW).failures[FAKE, G1].is_fatal


def test_an_error_beyond_cure_bans_its_node() -> None:
    missing = replace(FAILED, rc=5)
    assert with_operation_failure(History(), ASKED, G1, missing, NOW).failures[FAKE, G1].is_fatal


def test_an_agent_that_stays_away_counts_against_its_guest_where_it_runs() -> None:
    got = with_connection_failure(History(), ASKED.resources[VM1], UP, connecting(LinkReason.SILENT), NOW)
    silent = ConnectionFailure(count=1, last_at=NOW, reason=LinkReason.SILENT, text="says nothing")
    failure = FailureCount(count=1, last_at=NOW, operation="connect", text="silent: says nothing")
    assert got == History(connections={G1: silent}, failures={(VM1, H1): failure})


def test_an_agent_that_cannot_be_trusted_or_left_in_order_counts_against_nobody() -> None:
    for reason in LinkReason:
        got = with_connection_failure(History(), ASKED.resources[VM1], UP, connecting(reason), NOW)
        assert (reason, bool(got.failures)) == (reason, reason.is_failure)
        assert got.connections[G1].count == 1


def test_attempts_in_a_row_are_counted() -> None:
    once = with_connection_failure(History(), None, UP, connecting(LinkReason.REFUSED), NOW)
    twice = with_connection_failure(once, None, UP, connecting(LinkReason.REFUSED), NOW + 9)
    assert (twice.connections[G1].count, twice.connections[G1].last_at, twice.failures) == (2, NOW + 9, {})


def test_failures_that_are_found_on_connecting_count_unless_they_were_known() -> None:
    broken = Failure(operation="monitor", rc=1, text="rc 1: no disk", interval_ms=10_000)
    fake = running(ASKED, "FAKE", "guest1", failure=broken)
    counted = History(
        failures={(FAKE, G1): FailureCount(count=1, last_at=NOW, operation="monitor", text="rc 1: no disk")}
    )
    well = replace(fake, failure=None)
    assert with_found_failures(History(), ASKED, {}, [fake], NOW) == counted
    assert with_found_failures(History(), ASKED, {FAKE: well}, [fake], NOW) == counted
    assert with_found_failures(History(), ASKED, {FAKE: fake}, [fake, well], NOW) == History()


def test_a_failure_that_an_earlier_controller_has_counted_is_not_counted_again() -> None:
    broken = Failure(operation="monitor", rc=1, text="rc 1: no disk", interval_ms=10_000)
    fake = running(ASKED, "FAKE", "guest1", failure=broken)
    counted = with_found_failures(History(), ASKED, {}, [fake], NOW)
    assert with_found_failures(counted, ASKED, {}, [fake], NOW + 9) == counted


def test_the_same_failure_after_a_start_is_another_one() -> None:
    broken = Failure(operation="monitor", rc=1, text="rc 1: no disk", interval_ms=10_000)
    fake = running(ASKED, "FAKE", "guest1", failure=broken)
    started = OperationResult(resource=FAKE, operation="start")
    outcome = Outcome(action=action(ActionKind.START, G1, FAKE), uid="u", result=started)
    answered = with_answer(with_found_failures(History(), ASKED, {}, [fake], NOW), outcome)
    again = with_found_failures(answered, ASKED, {}, [fake], NOW + 9)
    assert (again.failures[FAKE, G1].count, again.failures[FAKE, G1].is_answered) == (2, False)
