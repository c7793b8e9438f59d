"""What a node ran when it shut down is kept for it, where the cluster asks for that."""

import pytest

from reconciler.pacemaker.simulation import simulation_document
from tests.pacemaker.cibs import NOW, cib, dummy, op, ran, simulate

LOCKS = '<nvpair id="o2" name="shutdown-lock" value="true"/>'
LIMIT = '<nvpair id="o3" name="shutdown-lock-limit" value="1min"/>'
LEAVES = (
    '<transient_attributes id="1"><instance_attributes id="t">'
    '<nvpair id="t1" name="shutdown" value="1"/></instance_attributes></transient_attributes>'
)


def lines(data: str) -> object:
    return simulation_document(simulate(data.encode()))["transition"]


def leaving(resources: str, options: str) -> str:
    text = cib(resources, status=ran("r", op("start", 1)), options=options).decode()
    return text.replace('<lrm id="1">', f'{LEAVES}<lrm id="1">')


def test_what_runs_on_a_node_that_leaves_is_stopped_and_not_moved() -> None:
    assert lines(leaving(dummy("r"), "")) == ["* Move       r   ( n1 -> n2 )"]
    assert lines(leaving(dummy("r"), LOCKS)) == ["* Stop       r   ( n1 )  due to node availability"]


def test_what_is_cloned_is_not_locked() -> None:
    clone = (
        '<clone id="c"><meta_attributes id="m"><nvpair id="x" name="clone-max" value="1"/></meta_attributes>'
    )
    assert lines(leaving(f"{clone}{dummy('r')}</clone>", LOCKS)) == ["* Move       r:0   ( n1 -> n2 )"]


@pytest.mark.parametrize(
    ("options", "locked_at", "expected"),
    [
        (LOCKS, NOW - 61, []),
        (LOCKS + LIMIT, NOW - 60, []),
        (LOCKS + LIMIT, NOW - 61, ["* Start      r   ( n2 )"]),
        ("", NOW, ["* Start      r   ( n2 )"]),
    ],
)
def test_a_lock_that_a_history_tells_of_holds_until_it_expires(
    options: str, locked_at: float, expected: list[str]
) -> None:
    text = cib(dummy("r"), status=ran("r", op("stop", 1)), options=options).decode()
    text = text.replace('lrm_resource id="r"', f'lrm_resource id="r" shutdown-lock="{int(locked_at)}"')
    gone = text.replace('uname="n1" in_ccm="true" crmd="online"', 'uname="n1" in_ccm="false" crmd="offline"')
    assert lines(gone) == expected
