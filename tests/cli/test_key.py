from pathlib import Path

from tests.cli.conftest import DECLARED, Run

GUEST = """\
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {name: vm1}
spec: {type: process, remoteNode: {name: guest1, address: 127.0.0.1, port: 4}}
"""


def test_a_root_key_is_made_once_and_only_its_fingerprint_printed(cli: Run, tmp_path: Path) -> None:
    first = cli("key", "init")
    assert (first.code, first.err) == (0, "")
    key = (tmp_path / "state" / "keys" / "root.key").read_bytes()
    assert key.hex() not in first.out
    assert oct((tmp_path / "state" / "keys" / "root.key").stat().st_mode & 0o777) == "0o600"
    assert cli("key", "init") == first


def test_the_key_of_a_guest_node_can_be_shown(cli: Run, declared: Path) -> None:
    (declared / "cluster.yaml").write_text(DECLARED + GUEST)
    cli("key", "init")
    shown = cli("key", "show", "guest1")
    assert (shown.code, len(shown.out.strip()) > 20) == (0, True)
    assert cli("key", "show", "guest1") == shown


def test_a_local_agent_has_no_key(cli: Run) -> None:
    cli("key", "init")
    done = cli("key", "show", "host1")
    assert (done.code, done.err) == (1, "error: host1's agent is local, and needs no key\n")


def test_a_node_that_is_not_there_is_a_usage_error(cli: Run) -> None:
    done = cli("key", "show", "guest9")
    assert (done.code, done.out) == (64, "")
    assert done.err == "error: there is no node 'guest9' with an agent; there is host1\n"


def test_status_shows_the_fingerprint_and_never_the_key(cli: Run, tmp_path: Path) -> None:
    fingerprint = cli("key", "init").out.strip()
    out = cli("status", "-o", "json").out
    assert f'"key_fingerprint": "{fingerprint}"' in out
    assert (tmp_path / "state" / "keys" / "root.key").read_bytes().hex() not in out
