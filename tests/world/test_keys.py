"""Keys: derived ones differ by everything that names a node, and no key shows itself."""

import hmac
import logging
import os
from pathlib import Path

import pytest

from reconciler.model.errors import KeyStoreError
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress
from reconciler.world.keys import (
    KeyBytes,
    NodeKeys,
    derive_key,
    fingerprint,
    make_root_key,
    read_key_file,
    show_key,
)

REMOTE = AgentAddress(address="192.0.2.1")
SHOP = Cluster(name="shop")
ROOT = bytes(range(32))


def write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_root_key_is_made_once_and_private(tmp_path: Path) -> None:
    keys = NodeKeys(tmp_path / "keys")
    first = keys.key_of(SHOP, NodeName("g1"), REMOTE)
    assert first is not None
    assert len(first) == 64
    path = tmp_path / "keys" / "root.key"
    assert (path.stat().st_mode & 0o777, path.stat().st_size) == (0o600, 32)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert NodeKeys(tmp_path / "keys").key_of(SHOP, NodeName("g1"), REMOTE) == first
    assert [entry.name for entry in path.parent.iterdir()] == ["root.key"]


def test_derived_key_is_known_for_known_input() -> None:
    # Computed apart from this code, with hmac alone; a change would lock every running guest out.
    got = derive_key(ROOT, SHOP, NodeName("g1"), 0)
    assert got.hex() == hkdf_by_hand(ROOT, SHOP, "g1", 0)


def hkdf_by_hand(root: bytes, cluster: Cluster, node: str, epoch: int) -> str:
    secret = hmac.digest(cluster.uuid.bytes, root, "sha256")
    info = f"reconciler/psk/1|{cluster.uuid_of(node)}|0|{epoch}".encode()
    first = hmac.digest(secret, info + b"\x01", "sha256")
    return (first + hmac.digest(secret, first + info + b"\x02", "sha256")).hex()


def test_keys_differ_by_root_cluster_node_and_epoch() -> None:
    keys = {
        derive_key(ROOT, SHOP, NodeName("g1"), 0),
        derive_key(bytes(32), SHOP, NodeName("g1"), 0),
        derive_key(ROOT, Cluster(name="other"), NodeName("g1"), 0),
        derive_key(ROOT, SHOP, NodeName("g2"), 0),
        derive_key(ROOT, SHOP, NodeName("g1"), 1),
    }
    assert len(keys) == 5
    assert derive_key(ROOT, SHOP, NodeName("G1"), 0) in keys


def test_local_socket_needs_no_key(tmp_path: Path) -> None:
    assert NodeKeys(tmp_path / "keys").key_of(SHOP, NodeName("h1"), AgentAddress()) is None
    assert not (tmp_path / "keys").exists()


def test_key_file_is_taken_raw(tmp_path: Path) -> None:
    content = b"sixteen bytes..\n"
    path = write(tmp_path / "authkey", content)
    agent = AgentAddress(address="192.0.2.1", key_file=str(path))
    assert NodeKeys(tmp_path / "keys").key_of(SHOP, NodeName("g1"), agent) == content
    assert read_key_file(write(tmp_path / "large", bytes(65536))) == bytes(65536)


@pytest.mark.parametrize(
    ("content", "mode", "text"),
    [
        (b"k" * 15, 0o600, "must hold 16 to 65536 bytes, not 15"),
        (b"k" * 65537, 0o600, "must hold 16 to 65536 bytes, not more"),
        (b"k" * 16, 0o660, "run: chmod 600 "),
        (b"k" * 16, 0o604, "run: chmod 600 "),
    ],
)
def test_unfit_key_file_is_refused(tmp_path: Path, content: bytes, mode: int, text: str) -> None:
    with pytest.raises(KeyStoreError, match=text):
        read_key_file(write(tmp_path / "authkey", content, mode))


def test_key_file_that_is_missing_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match="No such file"):
        read_key_file(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyStoreError, match="not a plain file"):
        read_key_file(tmp_path / "pipe")


def test_damaged_root_key_is_refused_and_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    path = write(tmp_path / "keys" / "root.key", bytes(31))
    with pytest.raises(KeyStoreError, match="must hold 32 bytes, not 31"):
        make_root_key(tmp_path / "keys")
    assert path.read_bytes() == bytes(31)


def test_fingerprint_is_there_only_with_a_key_and_tells_nothing(tmp_path: Path) -> None:
    keys = NodeKeys(tmp_path / "keys")
    assert keys.fingerprint() is None
    root = make_root_key(tmp_path / "keys")
    assert keys.fingerprint() == fingerprint(root)
    assert fingerprint(ROOT) == "SHA256:" + fingerprint(ROOT)[7:]
    assert len(fingerprint(ROOT)) == 23


def test_key_never_shows_in_any_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key = KeyBytes(b"very secret, this")
    logging.getLogger("test").warning("%s %r %s", key, [key], {"key": key})
    texts = [repr(key), str(key), f"{key}", f"{key!r:>40}", repr(NodeKeys(tmp_path)), caplog.text]
    assert not any("secret" in text for text in texts)
    assert repr(key) == "<key of 17 bytes>"
    assert show_key(key) == b"very secret, this".hex()
