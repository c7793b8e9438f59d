"""A container's key changes through the file that its host mounts, and nothing of it is found anywhere else."""

from pathlib import Path

from tests.daemon.secrets import files_below, leaks, memory_of, said_of_processes
from tests.daemon.stage import Stage, both, dummy_yaml, is_started, uses_key
from tests.lab.lab_hosts import SUBNET, Lab
from tests.lab.lab_images import Images, copy_root
from tests.lab.lab_keys import declared_key, domain_xml, is_refused, visitor
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


def test_a_container_gets_new_keys_while_it_runs(
    stage: Stage, lab: Lab, images: Images, tmp_path: Path
) -> None:
    root = copy_root(images.agent_root(), tmp_path / "root")
    fake = dummy_yaml("FAKE", Path("/var/tmp/ledger"))
    declare(stage, lab, lxc_yaml(root), fake)
    stage.start_daemon()
    stage.until(both(uses_key("guest1", 0), is_started("FAKE", "guest1")))
    first, process = declared_key(stage, "guest1"), lab["a"].processes("python3")

    declare(stage, lab, lxc_yaml(root, ", keyEpoch: 1"), fake)
    stage.until(both(uses_key("guest1", 1), is_started("FAKE", "guest1")))
    second = declared_key(stage, "guest1")
    assert is_refused(ADDRESS, first)

    with visitor(ADDRESS, second) as thief:
        declare(stage, lab, lxc_yaml(root, ", keyEpoch: 2, minKeyEpoch: 2"), fake)
        stage.until(both(uses_key("guest1", 2), is_started("FAKE", "guest1")))
        thief.wait_for_end()
    assert is_refused(ADDRESS, second)

    assert ledger_lines(root / "var/tmp/ledger") == ["start guest1"]
    assert lab["a"].processes("python3") == process
    keys = {"first": first, "second": second, "third": declared_key(stage, "guest1")}
    keys["root"] = (stage.state / "keys" / "root.key").read_bytes()
    places = [
        *said_of_processes(),
        *files_below(stage.state, but=("keys",)),
        *files_below(root / "run"),
        ("the daemon's log", stage.daemon_log.read_bytes()),
        ("the domain", domain_xml(lab["a"].local_lxc_uri, "vm-guest1")),
        *memory_of(process[0]),
    ]
    assert leaks(places, keys) == []
