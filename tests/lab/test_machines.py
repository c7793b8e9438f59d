"""The whole command with one virtual machine that runs our agent, from one test to the next: a boot takes long.

It learns its name and its address from a NoCloud seed; without, it would not be found.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.secrets import files_below, leaks, said_of_processes
from tests.daemon.stage import Stage, both, dummy_yaml, is_node, is_started
from tests.lab.lab_hosts import SUBNET, Lab
from tests.lab.lab_images import Images
from tests.lab.lab_keys import domain_xml, renew_keys
from tests.lab.lab_stage import declare, destroy, destroy_all, failures

ADDRESS = f"{SUBNET}.110"
BOOT_LIMIT_S = 300.0
"""It is up after a quarter of a minute, where nothing else wants the processors."""
CONSOLE = Path("/dev/console")
"""A ledger there comes out in a file on the host, which no boot takes away."""

pytestmark = pytest.mark.slow


class Machine:
    """One guest on host b, with FAKE in it."""

    def __init__(self, stage: Stage, lab: Lab, images: Images) -> None:
        self.stage = stage
        self.lab = lab
        self._image = images.small_machine()

    def declare(self, keys: str = "", fake: str = "") -> None:
        """Commit the machine, with FAKE in it unless that is declared otherwise."""
        declare(self.stage, self.lab, self._yaml(keys), fake or dummy_yaml("FAKE", CONSOLE))

    def ledger(self) -> list[str]:
        """Return what was done with FAKE in the machine."""
        log = self.lab["b"].folder / "log/qemu/vm-guest1-console.log"
        lines = [line.split() for line in log.read_text(errors="replace").splitlines()]
        return [words[2] for words in lines if words[3:5] == ["FAKE", "guest1"]]

    def _yaml(self, keys: str) -> str:
        image = self._image
        return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm-guest1}}
spec:
  type: vm
  remoteNode: {{name: guest1, address: {ADDRESS}, connectTimeout: 280s{keys}}}
  hardware:
    memory: 256Mi
    emulation: true
    disks: [{{path: {image.disk}, discardWrites: true}}]
    nics: [{{bridge: br0}}]
    kernel: {{path: {image.kernel}, initrd: {image.initrd}, arguments: {image.arguments}}}
    seed:
      meta-data: |
        instance-id: guest1
        local-hostname: guest1
      user-data: |
        #!/bin/sh
        ip address add {ADDRESS}/24 dev "$(ls /sys/class/net | grep ^e)"
  # Nothing in it listens to the button that asks a machine to shut down.
  shutdownTimeout: 1s
  placement: {{on: [b]}}
"""


@pytest.fixture(scope="module")
def machine(lab: Lab, images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The machine, up, with FAKE running in it."""
    stage = Stage(tmp_path_factory.mktemp("machine") / "stage")
    made = Machine(stage, lab, images)
    try:
        made.declare()
        stage.start_daemon()
        stage.until(is_started("FAKE", "guest1"), BOOT_LIMIT_S)
        yield made
    finally:
        stage.end()
        destroy_all(lab)


def test_a_machine_gets_new_keys_through_its_channel_while_it_runs(machine: Machine) -> None:
    stage, host = machine.stage, machine.lab["b"]
    emulator = host.processes("qemu-system-x86")
    before = machine.ledger()
    keys = renew_keys(stage, ADDRESS, machine.declare)
    assert (before, machine.ledger()) == (["start"], ["start"])
    assert (len(emulator), host.processes("qemu-system-x86")) == (1, emulator)
    places = [
        *said_of_processes(),
        *files_below(stage.state, but=("keys",)),
        # All that the host and its libvirt have written, the machine's console among it; only what is delivered is not
        # looked at.
        *files_below(host.folder, but=("guests",)),
        ("the daemon's log", stage.daemon_log.read_bytes()),
        ("the domain", domain_xml(host.local_vm_uri, "vm-guest1")),
    ]
    assert leaks(places, keys) == []


def test_fake_lives_in_a_machine_through_all_changes(machine: Machine) -> None:
    stage = machine.stage
    destroy(machine.lab["b"].local_vm_uri, "vm-guest1")
    stage.until(lambda s: failures(s, "vm-guest1") > 0 or not is_node("guest1", "online")(s), BOOT_LIMIT_S)
    stage.until(both(is_started("FAKE", "guest1"), is_node("guest1", "online")), BOOT_LIMIT_S)
    assert machine.ledger() == ["start"] * 2

    machine.declare(fake=dummy_yaml("FAKE", stage.ledger, prefer="host1: INFINITY"))
    stage.until(is_started("FAKE", "host1"), BOOT_LIMIT_S)
    machine.declare()
    stage.until(is_started("FAKE", "guest1"), BOOT_LIMIT_S)
    assert stage.lines() == ["start FAKE host1", "stop FAKE host1"]
    assert machine.ledger() == ["start", "start", "stop", "start"]

    (stage.repository / "fake.yaml").unlink()
    (stage.repository / "guest.yaml").unlink()
    stage.commit(hosts=(stage.repository / "hosts.yaml").read_text())
    stage.until(both(is_started("FAKE"), is_started("vm-guest1")), BOOT_LIMIT_S)
    log = stage.daemon_log.read_text()
    assert log.rindex("stopped FAKE on guest1") < log.rindex("stopping vm-guest1 on b")
    assert machine.ledger() == ["start", "start", "stop", "start", "stop"]
