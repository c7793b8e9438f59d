"""A simulation says what Pacemaker does to its own records."""

from reconciler.pacemaker.simulation import executed_lines
from tests.pacemaker.cibs import NOW, cib, dummy, meta, op, ran, simulate

EMPTY = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
"""The digest of no parameters."""


def lines(resources: str, status: str, counts: str = "", options: str = "") -> set[str]:
    """What is executed, without monitors of one node or the other."""
    block = f'<instance_attributes id="t">{counts}</instance_attributes>'
    block = f'<transient_attributes id="1">{block}</transient_attributes>'
    text = cib(resources, status=status, options=options).decode()
    text = text.replace('<lrm id="1">', f'{block}<lrm id="1">')
    executed = executed_lines(simulate(text.encode()))
    return {" ".join(line.split()) for line in executed if "monitor" not in line}


def failed(resource: str, ago: int) -> str:
    return (
        f'<nvpair id="f" name="fail-count-{resource}#monitor_5000" value="2"/>'
        f'<nvpair id="l" name="last-failure-{resource}#monitor_5000" value="{int(NOW) - ago}"/>'
    )


def test_expired_failures_are_cleared() -> None:
    old, new = str(int(NOW) - 100), str(int(NOW) - 10)
    resource = dummy("r", meta(failure_timeout="60s"))
    status = ran("r", op("start", 1, last_rc_change=old))
    assert lines(resource, status, failed("r", 100)) == {"* Cluster action: clear_failcount for r on n1"}
    assert lines(resource, ran("r", op("start", 1, last_rc_change=new)), failed("r", 10)) == set()


def test_what_is_removed_is_stopped_and_its_records_are_deleted() -> None:
    assert lines("", ran("r", op("start", 1)), failed("r", 1)) == {
        "* Resource action: r stop on n1",
        "* Resource action: r delete on n1",
        "* Cluster action: clear_failcount for r on n1",
    }
    kept = '<nvpair id="k" name="stop-removed-resources" value="false"/>'
    assert lines("", ran("r", op("start", 1)), options=kept) == set()


def test_a_start_that_was_sent_is_listed_once_more() -> None:
    status = ran("r", op("start", -1, status=-1, op_digest=EMPTY))
    assert lines(dummy("r"), status) == {"* Resource action: r start on n1"}


def test_what_happened_at_no_known_time_does_not_expire() -> None:
    resource = dummy("r", meta(failure_timeout="60s"))
    assert lines(resource, ran("r", op("start", 1, op_digest=EMPTY)), failed("r", 100)) == set()
