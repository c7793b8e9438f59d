"""Whose an address is, before the first command: guests that one key opens, and that are not where they should be."""

import json
import sys
from pathlib import Path

from tests.daemon.stage import Stage, Status, both, is_node, is_started
from tests.lab.lab_agents import PATIENCE_S
from tests.lab.lab_hosts import SUBNET, Lab, wait_for
from tests.lab.lab_images import Images, copy_root
from tests.lab.lab_stage import declare

STATE = "/run/FAKE.state"
FAKE = f"""\
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: FAKE}}
spec:
  agent: "ocf:heartbeat:Dummy"
  params: {{state: {STATE}}}
  placement: {{on: [guest151]}}
"""


def stock_xml(name: str, root: Path, number: int) -> str:
    """A container with a stock agent, at an address that it is given here."""
    return f"""\
<domain type='lxc'>
  <name>{name}</name>
  <memory unit='MiB'>256</memory>
  <os><type>exe</type><init>/usr/sbin/pacemaker_remoted</init></os>
  <devices>
    <filesystem type='mount'><source dir='{root}'/><target dir='/'/></filesystem>
    <interface type='bridge'><source bridge='br0'/><ip address='{SUBNET}.{number}' prefix='24'/></interface>
    <console type='pty'/>
  </devices>
</domain>
"""


def stock_yaml(number: int, address: int, host: str, key: Path) -> str:
    """A guest, and what is believed to be the end of its address."""
    agent = f"agent: stock, keyFile: {key}, keyFileShared: true"
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm-guest{number}}}
spec:
  type: lxc
  remoteNode: {{name: guest{number}, address: {SUBNET}.{address}, connectTimeout: 30s, detect: 2s, {agent}}}
  domain: {{xml: vm-guest{number}.xml}}
  placement: {{on: [{host}]}}
"""


def addresses(status: Status) -> dict[str, tuple[str | None, bool | None]]:
    """Return why each guest is not talked to, or whether its address is confirmed."""
    guests = [node for node in status["nodes"] if node["kind"] == "guest"]
    return {n["name"]: (n["reason"], n["address"] and n["address"]["confirmed"]) for n in guests}


def test_two_stock_guests_with_one_key_and_swapped_addresses_are_not_taken_for_each_other(
    stage: Stage, lab: Lab, images: Images, tmp_path: Path
) -> None:
    roots = {number: copy_root(images.stock_root(), tmp_path / f"root{number}") for number in (151, 152)}
    key = tmp_path / "authkey"
    key.write_bytes(bytes(range(64)))
    key.chmod(0o600)
    for number, root in roots.items():
        xml = stock_xml(f"vm-guest{number}", root, number)
        (stage.repository / f"vm-guest{number}.xml").write_text(xml)
    declare(stage, lab, stock_yaml(151, 152, "a", key) + stock_yaml(152, 151, "b", key), FAKE)
    stage.start_daemon()
    refused = {"guest151": ("wrong-node", None), "guest152": ("wrong-node", None)}
    status = stage.until(lambda s: addresses(s) == refused)
    (text,) = [node["text"] for node in status["nodes"] if node["name"] == "guest152"]
    assert text.startswith(f"its host says that {SUBNET}.151 is that of the domain vm-guest151 (52:54:00:")
    assert [(root / STATE[1:]).exists() for root in roots.values()] == [False, False]

    declare(stage, lab, stock_yaml(151, 151, "a", key) + stock_yaml(152, 152, "b", key), FAKE)
    for number in roots:
        stage.reconcile("cleanup", f"vm-guest{number}")  # else it is tried again half a minute later
    confirmed = {"guest151": (None, True), "guest152": (None, True)}
    stage.until(both(lambda s: addresses(s) == confirmed, is_started("FAKE", "guest151")))
    assert is_node("guest152", "online")(stage.status())
    assert [(root / STATE[1:]).exists() for root in roots.values()] == [True, False]


def test_containers_in_their_hosts_network_are_known_by_their_processes(
    lab: Lab, images: Images, agent_file: Path, tmp_path: Path
) -> None:
    root = copy_root(images.agent_root(), tmp_path / "root")
    host, said = lab["a"], tmp_path / "said"
    words = [sys.executable, "-m", "tests.lab.lab_shared_network", str(root), str(agent_file), str(said)]
    host.run(words, "shared-network.log")
    log = host.folder / "shared-network.log"
    wait_for(said.exists, f"its end, see {log}", PATIENCE_S)
    assert json.loads(said.read_text()) == {
        "own": ["guest", "its host says that 127.0.0.1 is its own"],
        "swapped": ["stranger", "its host says that 127.0.0.1 is that of the domain two"],
        "elsewhere": [
            "unknown",
            "neither the controller nor a has 127.0.0.1 as a neighbour, in a lease, or from a process",
        ],
    }
