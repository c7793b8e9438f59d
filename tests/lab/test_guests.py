"""The whole command with real guests: commits, destroyed guests, and what runs in them."""

from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from tests.daemon.stage import Stage, both, dummy_yaml, host_yaml, is_node, is_started
from tests.lab.lab_hosts import SUBNET, Lab, LabHost
from tests.lab.lab_images import Images, copy_root


@pytest.fixture
def stage(tmp_path: Path, lab: Lab) -> Iterator[Stage]:
    """A stage in the controller's network; guests that it leaves are destroyed."""
    made = Stage(tmp_path / "stage")
    yield made
    made.end()
    for host in lab.hosts:
        for uri in (host.local_lxc_uri, host.local_vm_uri):
            connection = libvirt.open(uri)
            for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
                domain.destroy()
            connection.close()


def destroy(uri: str, name: str) -> None:
    """What `virsh destroy` does."""
    connection = libvirt.open(uri)
    connection.lookupByName(name).destroy()
    connection.close()


def lab_host_yaml(host: LabHost) -> str:
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {{name: {host.name}}}
spec: {{libvirt: {{lxc: "{host.lxc_uri}", vm: "{host.vm_uri}"}}}}
"""


def lxc_yaml(root: Path, *, number: int = 100, flavor: str = "reconciler", init: str = "", on: str = "a") -> str:
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm-guest1}}
spec:
  type: lxc
  remoteNode: {{name: guest1, address: {SUBNET}.{number}, connectTimeout: 30s, agent: {flavor}}}
  hardware:
    memory: 256Mi
    rootfs: {root}
    nics: [{{bridge: br0}}]
{init}
  placement: {{on: [{on}]}}
"""


def declare(stage: Stage, lab: Lab, guest: str, fake: str) -> str:
    hosts = host_yaml(stage.cluster) + "".join(lab_host_yaml(host) for host in lab.hosts)
    return stage.commit(hosts=hosts, guest=guest, fake=fake)


def ledger_lines(path: Path) -> list[str]:
    """The ledger as `ACTION NODE`."""
    if not path.exists():
        return []
    return [f"{words[2]} {words[4]}" for line in path.read_text().splitlines() if (words := line.split())]


def test_fake_lives_in_an_lxc_guest_through_all_changes(
    stage: Stage, lab: Lab, images: Images, tmp_path: Path
) -> None:
    root = copy_root(images.agent_root(), tmp_path / "root")
    guest, ledger = lxc_yaml(root), Path("/var/tmp/ledger")
    inside = root / "var/tmp/ledger"
    declare(stage, lab, guest, dummy_yaml("FAKE", ledger))
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))

    destroy(lab["a"].local_lxc_uri, "vm-guest1")
    stage.until(lambda s: len(ledger_lines(inside)) == 2 and is_started("FAKE", "guest1")(s))
    assert ledger_lines(inside) == ["start guest1", "start guest1"]

    declare(stage, lab, guest, dummy_yaml("FAKE", stage.ledger, prefer="host1: INFINITY"))
    stage.until(is_started("FAKE", "host1"))
    assert ledger_lines(inside) == ["start guest1", "start guest1", "stop guest1"]
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
    assert ledger_lines(inside) == [
        "start guest1",
        "start guest1",
        "stop guest1",
        "start guest1",
        "stop guest1",
    ]


def test_stock_agent_in_an_lxc_guest_runs_and_recovers_a_dummy(
    stage: Stage, lab: Lab, images: Images, tmp_path: Path
) -> None:
    root = copy_root(images.stock_root(), tmp_path / "root")
    init = '    init: ["/usr/sbin/pacemaker_remoted"]'
    state = "/run/resource-agents/Dummy-FAKE.state"
    fake = dummy_yaml("FAKE", stage.ledger).replace("ocf:reconciler:Dummy", "ocf:heartbeat:Dummy")
    fake = fake.replace(f"    ledger: {stage.ledger}", f"    state: {state}")
    declare(stage, lab, lxc_yaml(root, number=101, flavor="stock", init=init), fake)
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))
    inside = root / state.removeprefix("/")
    assert inside.exists()

    inside.unlink()
    status = stage.until(lambda s: _failures(s, "FAKE") == 1 and is_started("FAKE", "guest1")(s))
    assert inside.exists()
    assert is_node("guest1", "online")(status)

    stage.kill_daemon()
    stage.start_daemon()
    stage.until(both(is_started("FAKE", "guest1"), is_node("guest1", "online")))
    logs = [line for line in stage.reconcile("logs", "FAKE").stdout.splitlines() if " start on " in line]
    assert len(logs) == 2


def _failures(status: dict[str, list[dict[str, int]]], name: str) -> int:
    return sum(r["failures"] for r in status["resources"] if r["name"] == name)
