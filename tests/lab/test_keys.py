"""A container's key changes through the file that its host mounts, and nothing of it is found anywhere else."""

from pathlib import Path

from tests.daemon.secrets import files_below, leaks, memory_of, said_of_processes
from tests.daemon.stage import Stage, dummy_yaml, is_started
from tests.lab.lab_hosts import SUBNET, Lab
from tests.lab.lab_images import Images, copy_root
from tests.lab.lab_keys import domain_xml, renew_keys
from tests.lab.lab_stage import container_yaml, declare, ledger_lines

ADDRESS = f"{SUBNET}.100"


def test_a_container_gets_new_keys_while_it_runs(
    stage: Stage, lab: Lab, images: Images, tmp_path: Path
) -> None:
    root = copy_root(images.agent_root(), tmp_path / "root")
    fake = dummy_yaml("FAKE", Path("/var/tmp/ledger"))

    def with_keys(keys: str) -> None:
        declare(stage, lab, container_yaml(root, ADDRESS, keys), fake)

    with_keys("")
    stage.start_daemon()
    stage.until(is_started("FAKE", "guest1"))
    process = lab["a"].processes("python3")
    keys = renew_keys(stage, ADDRESS, with_keys)
    assert ledger_lines(root / "var/tmp/ledger") == ["start guest1"]
    assert lab["a"].processes("python3") == process
    places = [
        *said_of_processes(),
        *files_below(stage.state, but=("keys",)),
        *files_below(root / "run"),
        ("the daemon's log", stage.daemon_log.read_bytes()),
        ("the domain", domain_xml(lab["a"].local_lxc_uri, "vm-guest1")),
        *memory_of(process[0]),
    ]
    assert leaks(places, keys) == []
