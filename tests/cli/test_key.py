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


def test_a_node_gets_a_new_key_by_a_change_of_one_number(cli: Run, declared: Path) -> None:
    (declared / "cluster.yaml").write_text(DECLARED + GUEST)
    before = cli("key", "show", "guest1").out
    done = cli("key", "rotate", "GUEST1")
    line = next(n for n, text in enumerate((DECLARED + GUEST).splitlines(), 1) if "remoteNode" in text)
    assert (done.code, done.out) == (0, f"guest1: keyEpoch 0 is 1 (cluster.yaml:{line})\n")
    assert "`reconcile status` shows which are in use" in done.err
    text = (DECLARED + GUEST).replace("{name: guest1, address", "{name: guest1, keyEpoch: 1, address")
    assert (declared / "cluster.yaml").read_text() == text
    assert cli("key", "show", "guest1").out != before


def test_a_dry_run_changes_no_file(cli: Run, declared: Path) -> None:
    (declared / "cluster.yaml").write_text(DECLARED + GUEST)
    done = cli("key", "rotate", "--dry-run")
    assert (done.code, done.out.split(" (")[0]) == (0, "guest1: keyEpoch 0 would be 1")
    assert (declared / "cluster.yaml").read_text() == DECLARED + GUEST


def test_revoking_raises_the_lowest_epoch_too(cli: Run, declared: Path) -> None:
    (declared / "cluster.yaml").write_text(DECLARED + GUEST)
    assert cli("key", "revoke", "guest1").code == 0
    assert "{name: guest1, minKeyEpoch: 1, keyEpoch: 1, address" in (declared / "cluster.yaml").read_text()
    assert cli("validate").code == 0


def test_a_key_file_is_not_ours_to_change(cli: Run, declared: Path) -> None:
    guest = GUEST.replace("port: 4", "keyFile: /etc/k")
    (declared / "cluster.yaml").write_text(DECLARED + guest)
    done = cli("key", "rotate", "guest1")
    assert (done.code, done.err) == (64, "error: guest1's key is what /etc/k holds: replace that\n")
    assert (declared / "cluster.yaml").read_text() == DECLARED + guest


def test_a_host_is_given_its_new_key_by_hand(cli: Run, declared: Path) -> None:
    far = DECLARED.replace("agent: local", "agent: {address: h.test}")
    (declared / "cluster.yaml").write_text(far)
    done = cli("key", "rotate", "host1")
    assert done.code == 0
    assert "before you commit: reconcile --worktree key show host1 --delivery | ssh host1" in done.err


def test_a_commit_is_not_changed(cli: Run) -> None:
    done = cli("--revision", "HEAD", "key", "rotate")
    assert (done.code, done.out) == (64, "")
    assert "HEAD is a commit, which cannot be changed" in done.err


def test_the_root_key_can_be_kept_elsewhere(cli: Run, tmp_path: Path) -> None:
    fingerprint = cli("key", "init").out
    copy = tmp_path / "copy"
    done = cli("key", "backup", str(copy))
    assert (done.code, done.out) == (0, fingerprint)
    assert copy.read_bytes() == (tmp_path / "state" / "keys" / "root.key").read_bytes()
    assert oct(copy.stat().st_mode & 0o777) == "0o600"


def test_without_a_root_key_there_is_nothing_to_keep(cli: Run, tmp_path: Path) -> None:
    done = cli("key", "backup", str(tmp_path / "copy"))
    assert (done.code, (tmp_path / "copy").exists()) == (1, False)
    assert "root.key cannot be read: No such file" in done.err
