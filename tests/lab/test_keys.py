"""A container's key changes through the file that its host mounts, and nothing of it is found anywhere else."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import libvirt

from agent import tls
from agent.wire.keys import identity_for
from tests.agent.controller import Client
from tests.daemon.secrets import files_below, leaks, memory_of, said_of_processes
from tests.daemon.stage import TIMEOUT_S, Stage, both, dummy_yaml, is_started, uses_key
from tests.lab.lab_hosts import SUBNET, Lab
from tests.lab.lab_images import Images, copy_root
from tests.lab.lab_stage import declare, ledger_lines

ADDRESS = f"{SUBNET}.100"


def lxc_yaml(root: Path, keys: str = "") -> str:
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm-guest1}}
spec:
  type: lxc
  remoteNode: {{name: guest1, address: {ADDRESS}, connectTimeout: 30s{keys}}}
  hardware:
    memory: 256Mi
    rootfs: {root}
    nics: [{{bridge: br0}}]
  placement: {{on: [a]}}
"""


def declared_key(stage: Stage) -> bytes:
    return bytes.fromhex(stage.reconcile("key", "show", "guest1").stdout)


@contextlib.contextmanager
def visitor(key: bytes) -> Iterator[Client]:
    """Somebody who has this key, and registers with the agent."""
    with socket.create_connection((ADDRESS, 3121), timeout=TIMEOUT_S) as plain:
        client = Client(plain, tls.client_credentials(key, identity_for("lrmd", key)))
        assert client.register("visitor").rc == 0
        yield client
        client.close()


def is_refused(key: bytes) -> bool:
    try:
        with visitor(key):
            return False
    except (tls.TLSError, ConnectionError):
        return True


def domain_xml(lab: Lab) -> bytes:
    connection = libvirt.open(lab["a"].local_lxc_uri)
    with contextlib.closing(connection):
        return str(connection.lookupByName("vm-guest1").XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)).encode()


def test_a_container_gets_new_keys_while_it_runs(
    stage: Stage, lab: Lab, images: Images, tmp_path: Path
) -> None:
    root = copy_root(images.agent_root(), tmp_path / "root")
    fake = dummy_yaml("FAKE", Path("/var/tmp/ledger"))
    declare(stage, lab, lxc_yaml(root), fake)
    stage.start_daemon()
    stage.until(both(uses_key("guest1", 0), is_started("FAKE", "guest1")))
    first, process = declared_key(stage), lab["a"].processes("python3")

    declare(stage, lab, lxc_yaml(root, ", keyEpoch: 1"), fake)
    stage.until(both(uses_key("guest1", 1), is_started("FAKE", "guest1")))
    second = declared_key(stage)
    assert is_refused(first)

    with visitor(second) as thief:
        declare(stage, lab, lxc_yaml(root, ", keyEpoch: 2, minKeyEpoch: 2"), fake)
        stage.until(both(uses_key("guest1", 2), is_started("FAKE", "guest1")))
        thief.wait_for_end()
    assert is_refused(second)

    assert ledger_lines(root / "var/tmp/ledger") == ["start guest1"]
    assert lab["a"].processes("python3") == process
    keys = {"first": first, "second": second, "third": declared_key(stage)}
    keys["root"] = (stage.state / "keys" / "root.key").read_bytes()
    places = [
        *said_of_processes(),
        *files_below(stage.state, but=("keys",)),
        *files_below(root / "run"),
        ("the daemon's log", stage.daemon_log.read_bytes()),
        ("the domain", domain_xml(lab)),
        *memory_of(process[0]),
    ]
    assert leaks(places, keys) == []
