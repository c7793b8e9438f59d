"""A promotable clone over two guests: promoted, told of, watched by role. Real agents, one host."""

import pytest

from tests.daemon.stage import Stage, Status, free_port, host_yaml

pytestmark = pytest.mark.slow


def declare(stage: Stage, ports: tuple[int, int], promoted: str) -> None:
    """Commit guests with a clone that runs in each, and which guest is to have the promoted instance."""
    files = {f"guest{n}": _guest(n, port) for n, port in enumerate(ports, start=1)}
    stage.commit(host=host_yaml(stage.cluster), db=_database(stage, promoted), **files)


def _guest(number: int, port: int) -> str:
    return f"""\
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm{number}}}
spec:
  type: process
  remoteNode: {{name: g{number}, address: 127.0.0.1, port: {port}, connectTimeout: 20s}}
"""


def _database(stage: Stage, promoted: str) -> str:
    return f"""\
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: db}}
spec:
  agent: "ocf:reconciler:Dummy"
  params: {{ledger: {stage.ledger}}}
  clone: {{name: dbs, notify: true, promotable: {{max: 1}}}}
  op:
    monitor:
    - {{interval: 1s, role: Promoted}}
    - {{interval: 2s, role: Unpromoted}}
  placement:
    on: [g1, g2]
    rules:
    - {{when: {{nodes: [g1, g2]}}, score: 5, role: Promoted}}
    - {{when: {{nodes: [{promoted}]}}, score: 10, role: Promoted}}
"""


def roles(status: Status) -> dict[str, str]:
    """The role of db on each node where it runs, as long as nothing is under way or wrong with it."""
    db = next(r for r in status["resources"] if r["name"] == "db")
    is_busy = any(i["pending"] or i["failed"] for i in db["instances"]) or db["problem"] is not None
    return {} if is_busy else {i["node"]: i["role"] for i in db["instances"] if i["role"] != "Stopped"}


def test_roles_follow_the_declaration_and_survive_the_controller(stage: Stage) -> None:
    ports = (free_port(), free_port())
    declare(stage, ports, "g1")
    stage.start_daemon()
    stage.until(lambda s: roles(s) == {"g1": "Promoted", "g2": "Unpromoted"})
    assert sorted(stage.lines()[:2]) == ["start db g1", "start db g2"]
    assert sorted(stage.lines()[2:4]) == ["post-start db g1", "post-start db g2"]
    assert stage.lines()[4:] == [
        *_both("pre-promote", stage.lines()[4:6]),
        "promote db g1",
        *_both("post-promote", stage.lines()[7:9]),
    ]
    # A controller that knows nothing but what agents tell must not take the promoted instance for another.
    stage.kill_daemon()
    before = stage.lines()
    stage.start_daemon()
    stage.until(lambda s: roles(s) == {"g1": "Promoted", "g2": "Unpromoted"})
    assert stage.lines() == before
    declare(stage, ports, "g2")
    stage.until(lambda s: roles(s) == {"g1": "Unpromoted", "g2": "Promoted"})
    changed = [line for line in stage.lines()[len(before) :] if not line.startswith(("pre-", "post-"))]
    assert changed == ["demote db g1", "promote db g2"]
    stage.reconcile("plan", "--detailed-exitcode", check=0)


def _both(what: str, got: list[str]) -> list[str]:
    """Both nodes are told, in any order."""
    assert sorted(got) == [f"{what} db g1", f"{what} db g2"]
    return got
