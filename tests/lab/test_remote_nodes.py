"""Bare remote nodes: machines with nothing but an agent, ours or stock ones of two generations."""

from pathlib import Path

import pytest

from tests.daemon.stage import Stage, both, is_node, is_started
from tests.lab.lab_agents import wait_for_agent
from tests.lab.lab_hosts import wait_for
from tests.lab.lab_images import Images
from tests.lab.lab_nodes import Node, OurNode
from tests.lab.lab_pacemaker import PATIENCE_S

KEY = bytes(range(255, -1, -1)) * 16


def declare(stage: Stage, node: Node, key_file: Path, state: str = "running") -> None:
    flavor = "reconciler" if isinstance(node, OurNode) else "stock"
    stage.commit(
        all=f"""\
apiVersion: reconciler/v1alpha1
kind: Cluster
metadata: {{name: {stage.cluster}}}
---
apiVersion: reconciler/v1alpha1
kind: RemoteNode
metadata: {{name: far}}
spec: {{address: {node.address}, agent: {flavor}, keyFile: {key_file}}}
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: FAKE}}
spec:
  agent: "ocf:pacemaker:Dummy"
  params: {{state: /run/FAKE.state}}
  op: {{monitor: {{interval: 1s, timeout: 60s}}, start: {{timeout: 60s}}, stop: {{timeout: 60s}}}}
  state: {state}
"""
    )


@pytest.mark.slow
@pytest.mark.parametrize("node", ["ours", "stock-2.1.5", "stock-3.0.0"], indirect=True)
def test_a_bare_remote_node_runs_a_resource_through_restarts_of_both_ends(
    stage: Stage, node: Node, images: Images
) -> None:
    key_file = stage.folder / "authkey"
    key_file.write_bytes(KEY)
    key_file.chmod(0o600)
    node.set_key(KEY)
    node.start()
    wait_for_agent(node.address, 3121, KEY)
    declare(stage, node, key_file)
    is_up = both(is_node("far", "online"), is_started("FAKE", "far"))
    state = node.root / "run/FAKE.state"
    stage.start_daemon()
    if not isinstance(node, OurNode):
        stage.until(lambda s: any(p["code"] == "adopt" for p in s["problems"]), PATIENCE_S)
        assert not state.exists()
        stage.reconcile("adopt", "far")
    stage.until(is_up, PATIENCE_S)
    began = state.stat().st_ctime_ns

    stage.kill_daemon()
    stage.start_daemon()
    stage.until(is_up, PATIENCE_S)
    node.kill()
    stage.until(is_node("far", "unclean"), PATIENCE_S)
    node.start()
    stage.until(is_up, PATIENCE_S)
    assert state.stat().st_ctime_ns == began

    if node.overlay.image != images.stock_root() or isinstance(node, OurNode):
        node.stop()  # 2.1.5 does not wait, so that what runs there is lost with it
        wait_for(lambda: not node.pids(), "the agent's end", PATIENCE_S)
        assert not state.exists()
        stage.until(is_node("far", "offline"), PATIENCE_S)
        node.start()
        stage.until(is_up, PATIENCE_S)

    state.unlink()
    wait_for(state.exists, "the resource's recovery", PATIENCE_S)
    declare(stage, node, key_file, "stopped")
    stage.until(is_started("FAKE"), PATIENCE_S)
    assert not state.exists()
