"""The whole command with real guests: commits, destroyed guests, and what runs in them."""

import subprocess
from pathlib import Path

from tests.daemon.stage import Stage, both, dummy_yaml, has_attributes, is_node, is_started
from tests.lab.lab_hosts import SUBNET, Lab
from tests.lab.lab_images import Images, copy_root
from tests.lab.lab_stage import ask_to_end, container_yaml, declare, destroy, failures, ledger_lines


def in_guest(lab: Lab, agent: str, *argv: str) -> None:
    """Run a program in the guest on host a, beside its agent, which has that command name."""
    pid = lab["a"].processes(agent)[0]
    namespaces = ("--mount", "--net", "--pid", "--ipc", "--root", "--wd")
    done = subprocess.run(
        ["nsenter", f"--target={pid}", *namespaces, *argv], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_fake_lives_in_an_lxc_guest_through_all_changes(
    stage: Stage, lab: Lab, images: Images, tmp_path: Path
) -> None:
    root = copy_root(images.agent_root(), tmp_path / "root")
    guest, ledger = container_yaml(root, f"{SUBNET}.100"), Path("/var/tmp/ledger")
    inside = root / "var/tmp/ledger"
    declare(stage, lab, guest, dummy_yaml("FAKE", ledger))
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))
    # The lifetime of a node's attributes is that of its guest.
    attribute = ("python3", "-I", "-S", "/opt/reconciler/agent.pyz", "attribute", "load", "--value", "3")
    in_guest(lab, "python3", *attribute)
    stage.until(has_attributes("guest1", load="3"))

    destroy(lab["a"].local_lxc_uri, "vm-guest1")
    stage.until(has_attributes("guest1"))
    stage.until(lambda s: len(ledger_lines(inside)) == 2 and is_started("FAKE", "guest1")(s))
    assert ledger_lines(inside) == ["start guest1", "start guest1"]

    # Asked to end in order, it is emptied first. Then its container has ended, and it is declared.
    ask_to_end(lab["a"].local_lxc_uri, "vm-guest1")
    stage.until(lambda s: len(ledger_lines(inside)) == 4 and is_started("FAKE", "guest1")(s))
    assert ledger_lines(inside)[2:] == ["stop guest1", "start guest1"]

    declare(stage, lab, guest, dummy_yaml("FAKE", stage.ledger, prefer="host1: INFINITY"))
    stage.until(is_started("FAKE", "host1"))
    assert ledger_lines(inside)[4:] == ["stop guest1"]
    assert stage.lines() == ["start FAKE host1"]

    (stage.repository / "fake.yaml").unlink()
    stage.commit(hosts=(stage.repository / "hosts.yaml").read_text())
    stage.until(both(is_started("FAKE"), is_started("vm-guest1", "a")))
    assert stage.lines() == ["start FAKE host1", "stop FAKE host1"]

    declare(stage, lab, guest, dummy_yaml("FAKE", ledger))
    stage.until(is_started("FAKE", "guest1"))
    (stage.repository / "fake.yaml").unlink()
    (stage.repository / "guest.yaml").unlink()
    stage.commit(hosts=(stage.repository / "hosts.yaml").read_text())
    stage.until(both(is_started("FAKE"), is_started("vm-guest1")))
    log = stage.daemon_log.read_text()
    assert log.rindex("stopped FAKE on guest1") < log.rindex("stopping vm-guest1 on a")
    assert ledger_lines(inside)[4:] == ["stop guest1", "start guest1", "stop guest1"]


def own_xml(root: Path) -> str:
    """The XML that a user brings: pacemaker_remoted is the first program of a container on a bridge."""
    return f"""\
<domain type='lxc'>
  <name>vm-guest1</name>
  <memory unit='MiB'>256</memory>
  <os><type>exe</type><init>/usr/sbin/pacemaker_remoted</init></os>
  <devices>
    <filesystem type='mount'><source dir='{root}'/><target dir='/'/></filesystem>
    <interface type='bridge'>
      <source bridge='br0'/><ip address='{SUBNET}.101' prefix='24'/>
    </interface>
    <console type='pty'/>
  </devices>
</domain>
"""


def stock_yaml() -> str:
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm-guest1}}
spec:
  type: lxc
  remoteNode: {{name: guest1, address: {SUBNET}.101, connectTimeout: 30s, agent: stock}}
  domain: {{xml: vm-guest1.xml}}
  placement: {{on: [a]}}
"""


def starts_of_fake(stage: Stage) -> int:
    lines = stage.reconcile("logs", "FAKE", "-n", "50").stdout.splitlines()
    return sum("  start on " in line for line in lines)


def test_stock_agent_in_the_users_own_container_runs_and_recovers_a_dummy(
    stage: Stage, lab: Lab, images: Images, tmp_path: Path
) -> None:
    root = copy_root(images.stock_root(), tmp_path / "root")
    state = "/run/resource-agents/Dummy-FAKE.state"
    inside = root / state.removeprefix("/")
    fake = dummy_yaml("FAKE", stage.ledger).replace("ocf:reconciler:Dummy", "ocf:heartbeat:Dummy")
    (stage.repository / "vm-guest1.xml").write_text(own_xml(root))
    declare(stage, lab, stock_yaml(), fake.replace(f"    ledger: {stage.ledger}", f"    state: {state}"))
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))
    assert inside.exists()
    # Stock daemons and programs share memory there, more than there is in the /dev that libvirt makes for a container.
    shared = "mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm"
    score = f"{shared} && OCF_RESOURCE_INSTANCE=FAKE crm_attribute --promotion -v 10"
    in_guest(lab, "pacemaker_remot", "sh", "-c", score)
    stage.until(has_attributes("guest1", **{"master-FAKE": "10"}))

    inside.unlink()
    stage.until(both(lambda s: failures(s, "FAKE") == 1, is_started("FAKE", "guest1")))
    assert inside.exists()

    stage.kill_daemon()
    stage.start_daemon()
    stage.until(both(is_started("FAKE", "guest1"), is_node("guest1", "online")))
    assert starts_of_fake(stage) == 2
    began = inside.stat().st_mtime_ns

    stage.kill_daemon()
    for file in stage.state.glob("journal.sqlite*"):
        file.unlink()
    stage.start_daemon()
    status = stage.until(lambda s: any(p["code"] == "adopt" for p in s["problems"]))
    (entry,) = [r for r in status["resources"] if r["name"] == "FAKE"]
    assert (entry["role"], is_node("guest1", "unknown")(status)) == ("Unknown", True)
    stage.reconcile("adopt", "guest1")
    stage.until(both(is_started("FAKE", "guest1"), is_node("guest1", "online")))
    assert (starts_of_fake(stage), inside.stat().st_mtime_ns) == (0, began)
