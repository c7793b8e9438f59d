"""Connections to guest nodes are told as resources that start and stop beside their guests."""

from reconciler.pacemaker.simulation import executed_lines, simulation_document
from tests.pacemaker.cibs import cib, dummy, meta, op, ran, simulate

UP = ran("vm", op("start", 1)) + ran("inner", op("start", 2))


def told(status: str, **more: str) -> tuple[list[str], set[str]]:
    simulation = simulate(cib(dummy("vm", meta(remote_node="inner", **more)), status=status))
    lines = simulation_document(simulation)["transition"]
    assert isinstance(lines, list)
    executed = {
        " ".join(x.split()) for x in executed_lines(simulation) if "inner" in x and "monitor on" not in x
    }
    return [" ".join(x.split()) for x in lines], executed


def test_a_guest_that_starts_is_connected_and_watched() -> None:
    lines, executed = told("")
    assert lines == ["* Start vm ( n1 )", "* Start inner ( n1 )"]
    assert executed == {
        "* Resource action: inner start on n1",
        "* Resource action: inner monitor=30000 on n1",
    }


def test_a_guest_that_stops_is_disconnected() -> None:
    lines, executed = told(UP, target_role="Stopped")
    assert "* Stop inner ( n1 ) due to node availability" in lines
    assert executed == {"* Resource action: inner stop on n1"}


def test_a_guest_that_runs_on_stays_connected() -> None:
    assert told(UP) == ([], set())
