import pytest

from reconciler.model.names import ResourceId
from reconciler.model.operation import STATUS_TIMEOUT, OperationResult

WEB = ResourceId("web")


def result(rc: int = 0, status: int = 0, reason: str = "") -> OperationResult:
    return OperationResult(resource=WEB, operation="monitor", rc=rc, status=status, reason=reason)


@pytest.mark.parametrize(
    ("got", "is_ok", "is_not_running", "words"),
    [
        (result(), True, False, "ok"),
        (result(rc=190), True, False, "ok, degraded"),
        (result(rc=7), False, True, "not running"),
        (result(rc=1), False, False, "rc 1"),
        (result(rc=5, reason="no binary"), False, False, "rc 5: no binary"),
        (result(status=STATUS_TIMEOUT), False, False, "timed out"),
        (result(rc=7, status=STATUS_TIMEOUT, reason="after 20 s"), False, False, "after 20 s"),
        (result(rc=8), False, False, "promoted"),
    ],
)
def test_results_are_judged_and_described(
    got: OperationResult, is_ok: bool, is_not_running: bool, words: str
) -> None:
    assert (got.is_ok, got.is_not_running, got.describe()) == (is_ok, is_not_running, words)
