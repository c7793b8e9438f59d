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


def test_failures_of_what_has_other_parameters_now_are_cleared_and_ban_nothing() -> None:
    only_here = '<rsc_location id="l" rsc="r" node="n2" score="-INFINITY"/>'
    count = '<nvpair id="f" name="fail-count-r#start_0" value="INFINITY"/>'
    block = f'<transient_attributes id="1"><instance_attributes id="t">{count}</instance_attributes>'
    failed_start = op("start", 1, rc=1, op_digest="other").replace('id="start-1"', 'id="r_last_failure_0"')
    status = ran("r", failed_start, op("stop", 2))
    text = cib(dummy("r"), only_here, status).decode()
    data = text.replace('<lrm id="1">', f'{block}</transient_attributes><lrm id="1">').encode()
    executed = {" ".join(line.split()) for line in executed_lines(simulate(data))}
    assert executed == {
        "* Resource action: r start on n1",
        "* Cluster action: clear_failcount for r on n1",
    } | {"* Resource action: r monitor on n2"}


def test_failures_of_what_is_not_managed_are_kept_though_its_parameters_are_others() -> None:
    failed_start = op("start", 1, rc=1, op_digest="other").replace('id="start-1"', 'id="r_last_failure_0"')
    resource = dummy("r", meta(is_managed="false"))
    assert lines(resource, ran("r", failed_start, op("stop", 2)), failed("r", 1)) == set()


def test_a_monitor_that_is_declared_no_more_is_ended_where_its_resource_stops() -> None:
    status = ran("r", op("start", 1), op("monitor", 2, interval=5000))
    banned = "".join(f'<rsc_location id="l{n}" rsc="r" node="n{n}" score="-INFINITY"/>' for n in (1, 2))
    executed = executed_lines(simulate(cib(dummy("r"), banned, status)))
    assert {" ".join(line.split()) for line in executed if "n1" in line} == {
        "* Resource action: r stop on n1",
        "* Resource action: r cancel=5000 on n1",
    }


def test_a_history_under_the_bare_name_of_what_a_unique_clone_is_made_of_is_deleted() -> None:
    clone = f'<clone id="c">{meta(globally_unique="true", clone_max="1")}{dummy("r")}</clone>'
    found = lines(clone, ran("r", op("start", 1)))
    assert {"* Resource action: r stop on n1", "* Resource action: r delete on n1"} < found
