from reconciler.model.names import NodeName, ResourceId
from reconciler.model.operation import OperationResult
from reconciler.ports import LogEntry
from reconciler.report.logs import log_entry, logs_text
from tests.report.schemas import problems

FAILED = LogEntry(
    node=NodeName("guest1"),
    finished_at=1_700_000_000.0,
    commit="c0ffee",
    result=OperationResult(
        resource=ResourceId("web"),
        operation="monitor",
        interval_ms=10_000,
        rc=1,
        reason="no answer",
        output="curl: (7)\ngave up\n",
        took_ms=31,
    ),
)


def test_a_result_as_a_document() -> None:
    got = [log_entry(FAILED)]
    assert got == [
        {
            "finished_at": 1_700_000_000.0,
            "node": "guest1",
            "operation": "monitor",
            "interval_ms": 10_000,
            "rc": 1,
            "status": 0,
            "reason": "no answer",
            "output": "curl: (7)\ngave up\n",
            "took_ms": 31,
            "commit": "c0ffee",
            "text": "rc 1: no answer",
        }
    ]
    assert problems("logs", got) == []


def test_results_for_people_have_their_output_below() -> None:
    start = LogEntry(
        node=NodeName("n1"),
        finished_at=0.0,
        result=OperationResult(resource=ResourceId("web"), operation="start"),
    )
    assert logs_text([log_entry(FAILED), log_entry(start)]).splitlines() == [
        "2023-11-14 22:13:20Z  monitor every 10s on guest1: rc 1: no answer (31 ms)",
        "    curl: (7)",
        "    gave up",
        "1970-01-01 00:00:00Z  start on n1: ok",
    ]


def test_no_results_are_said() -> None:
    assert logs_text([]) == "No results yet."
