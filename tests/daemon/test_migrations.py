"""A resource moved live between two guests: as asked, with failures at either end, and over the controller's death.

Real agents, one host. To take over takes a while, by the parameter `delay`.
"""

import pytest

from tests.daemon.stage import Stage, Status, free_port, host_yaml

pytestmark = pytest.mark.slow


def declare(stage: Stage, ports: tuple[int, int], preferred: str, delay: str = "0s") -> None:
    """Commit two guests with a resource that prefers one of them."""
    files = {f"guest{n}": _guest(n, port) for n, port in enumerate(ports, start=1)}
    stage.commit(host=host_yaml(stage.cluster), db=_resource(stage, preferred, delay), **files)


def _guest(number: int, port: int) -> str:
    return f"""\
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm{number}}}
spec:
  type: process
  remoteNode: {{name: g{number}, address: 127.0.0.1, port: {port}, connectTimeout: 20s}}
"""


def _resource(stage: Stage, preferred: str, delay: str) -> str:
    return f"""\
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: db}}
spec:
  agent: "ocf:reconciler:Dummy"
  params: {{ledger: {stage.ledger}, fail: {stage.folder}/fail, delay: {delay}}}
  allowMigration: true
  stickiness: 0
  op: {{monitor: {{interval: 1s}}}}
  placement: {{on: [g1, g2], prefer: {{{preferred}: 100}}}}
"""


def runs_on(status: Status, node: str) -> bool:
    """Whether db runs on a node and nowhere else, with nothing under way or wrong."""
    db = next(r for r in status["resources"] if r["name"] == "db")
    is_busy = any(i["pending"] or i["failed"] for i in db["instances"]) or db["problem"] is not None
    return not is_busy and db["nodes"] == [node] and db["role"] == "Started"


@pytest.fixture
def settled(stage: Stage) -> tuple[int, int]:
    """The ports of two guests; db runs in the first."""
    ports = (free_port(), free_port())
    declare(stage, ports, "g1")
    stage.start_daemon()
    stage.until(lambda s: runs_on(s, "g1"))
    return ports


def test_a_resource_is_handed_over_and_not_stopped(stage: Stage, settled: tuple[int, int]) -> None:
    declare(stage, settled, "g2")
    stage.until(lambda s: runs_on(s, "g2"))
    assert stage.lines() == ["start db g1", "migrate_to db g1", "migrate_from db g2"]
    stage.reconcile("plan", "--detailed-exitcode")


def test_what_cannot_leave_is_stopped_and_started(stage: Stage, settled: tuple[int, int]) -> None:
    (stage.folder / "fail").write_text("migrate_to 1 it holds a lock\n")
    declare(stage, settled, "g2")
    stage.until(lambda s: runs_on(s, "g2"))
    assert stage.lines() == ["start db g1", "stop db g1", "start db g2"]


def test_what_cannot_be_taken_over_is_stopped_at_both_ends_and_started(
    stage: Stage, settled: tuple[int, int]
) -> None:
    (stage.folder / "fail").write_text("migrate_from 1 it came incomplete\n")
    declare(stage, settled, "g2")
    stage.until(lambda s: runs_on(s, "g2"))
    assert stage.lines() == ["start db g1", "migrate_to db g1", "start db g2"]


def test_a_controller_that_starts_in_the_middle_goes_on_with_it(stage: Stage) -> None:
    ports = (free_port(), free_port())
    declare(stage, ports, "g1", delay="3s")
    stage.start_daemon()
    stage.until(lambda s: runs_on(s, "g1"))
    declare(stage, ports, "g2", delay="3s")
    stage.wait_for_log("taking over db on g2")
    stage.kill_daemon()
    stage.start_daemon()
    stage.until(lambda s: runs_on(s, "g2"))
    assert stage.lines() == ["start db g1", "migrate_to db g1", "migrate_from db g2"]
