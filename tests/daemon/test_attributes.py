"""What a resource says of its node, from the program inside to the status, and past the controller's end."""

from pathlib import Path

import pytest

from reconciler.model.intent import Cluster
from reconciler.world.agent_file import build_agent_file
from tests.daemon.stage import Stage, guest_yaml, has_attributes, host_yaml, is_node

pytestmark = pytest.mark.slow


def talker_yaml(prefix: str, script: Path) -> str:
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: talker}}
spec:
  agent: "ocf:reconciler:Process"
  params: {{command: "/bin/sh {script}", environment: "RECONCILER_PROGRAMS={prefix}"}}
  placement: {{prefer: {{guest1: INFINITY}}}}
"""


def test_a_resource_in_a_guest_sets_its_nodes_attributes(stage: Stage) -> None:
    agent = build_agent_file(stage.folder / "agent")
    prefix = f"reconciler-{Cluster(name=stage.cluster).uuid_of('vm-guest1')}-"
    refused = stage.folder / "refused"
    script = stage.folder / "talker.sh"
    command = f"python3 -I -S {agent} attribute"
    script.write_text(
        f"{command} standby --value on 2> {refused}\n"
        f"{command} load --value 3\nOCF_RESOURCE_INSTANCE=db {command} --promotion --value 7\nexec sleep 1000\n"
    )
    stage.commit(
        host=host_yaml(stage.cluster), guest=guest_yaml(stage.port), talker=talker_yaml(prefix, script)
    )
    has_said = has_attributes("guest1", **{"load": "3", "master-db": "7"})
    stage.start_daemon()
    stage.until(has_said)
    assert refused.read_text() == f"reconciler-agent: error: {prefix}attrd: refused\n"
    assert "standby, which is not the node's to decide" in stage.daemon_log.read_text()
    assert "* load=3" in stage.reconcile("status").stdout

    stage.kill_daemon()
    script.write_text("exec sleep 1000\n")
    stage.start_daemon()
    assert has_said(stage.until(is_node("guest1", "online")))
    stage.stop_daemon()
