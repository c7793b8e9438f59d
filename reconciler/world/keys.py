"""Derives and reads the keys of nodes; it must not log, print or pass a key anywhere but to its caller.

Wiring: `NodeKeys(state / "keys")` is the Keys port. `make_root_key` and `fingerprint` stand for themselves, for
`reconcile key init` and the status; `show_key` is what `reconcile key show NODE` prints.
"""

import ctypes
import hashlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.wire.keys import encode_delivery
from reconciler.model.errors import KeyStoreError
from reconciler.model.intent import Cluster
from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress
from reconciler.world.atomic_file import create_atomically

ROOT_KEY_NAME = "root.key"
ROOT_KEY_BYTES = 32
NODE_KEY_BYTES = 64
MIN_KEY_BYTES = 16
# Twice what Pacemaker's guide ("dd if=/dev/urandom ... bs=4096 count=1") makes is common; this is a limit, not advice.
MAX_KEY_BYTES = 64 * 1024
# A node's incarnation would have to be known before its guest starts, and `Keys.key_of` is not told one: the same node
# keeps its key over its restarts, until its epoch is raised.
_INCARNATION = "0"
# linux/prctl.h
_PR_SET_DUMPABLE = 4


class KeyBytes(bytes):
    """A key, which shows its length only where a value is printed for debugging.

    A subclass, so that no `repr` of a dataclass, no traceback and no log record that holds a key can show it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<key of {len(self)} bytes>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)


class NodeKeys:
    """The Keys port: keys derived from one root key, or read from the files that the declaration names."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of the root key, which is made at the first need."""
        self._folder = folder

    def key_of(self, cluster: Cluster, node: NodeName, agent: AgentAddress) -> bytes | None:
        """Return a node's pre-shared key; None for an agent on the local socket.

        Args:
            cluster: its uuid salts the derivation.
            node: compared without case, as all names are.
            agent: a `key_file` in it is read instead of deriving; neither that nor an address means the local socket.
                Another `key_epoch` is another key; `reconcile key rotate` raises it.

        Raises:
            KeyStoreError: it is missing, unreadable, readable for others, or too short.
        """
        if agent.key_file is not None:
            return read_key_file(Path(agent.key_file))
        if agent.address is None:
            return None
        return derive_key(make_root_key(self._folder), cluster, node, agent.key_epoch)

    def fingerprint(self) -> str | None:
        """Return the root key's fingerprint; None when there is none yet, which this does not change.

        Raises:
            KeyStoreError: there is one, and it cannot be used.
        """
        path = self._folder / ROOT_KEY_NAME
        return fingerprint(read_root_key(self._folder)) if path.exists() else None

    def __repr__(self) -> str:
        return f"NodeKeys({str(self._folder)!r})"


def leave_no_core_dump() -> None:
    """See to it that this process, which has keys in its memory, leaves no core dump, whatever its limits are.

    What it starts is not affected (prctl(2), PR_SET_DUMPABLE: a program that is executed begins anew).
    """
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def make_root_key(folder: Path) -> KeyBytes:
    """Return the root key of a folder, made there first if there is none; a crash leaves one or none, never a part.

    Raises:
        KeyStoreError: it cannot be made or used.
    """
    path = folder / ROOT_KEY_NAME
    if not path.exists():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_atomically(path, secrets.token_bytes(ROOT_KEY_BYTES), 0o600)
        except OSError as error:
            raise KeyStoreError(f"the root key {path} cannot be made: {error.strerror}") from error
    return read_root_key(folder)


def read_root_key(folder: Path) -> KeyBytes:
    """Return the root key of a folder.

    Raises:
        KeyStoreError: there is none, or it cannot be used.
    """
    path = folder / ROOT_KEY_NAME
    key = read_key_file(path)
    if len(key) != ROOT_KEY_BYTES:
        raise KeyStoreError(
            f"the root key {path} must hold {ROOT_KEY_BYTES} bytes, not {len(key)}; restore its backup"
        )
    return key


def derive_key(root: bytes, cluster: Cluster, node: NodeName, epoch: int) -> KeyBytes:
    """Return the key of one node: 64 bytes of HKDF-SHA256 (RFC 5869), from which nobody can learn another node's.

    Args:
        root: the root key.
        cluster: its uuid's bytes are the salt.
        node: its uuid within the cluster is part of the info.
        epoch: 0 and up.
    """
    label = f"reconciler/psk/1|{cluster.uuid_of(node)}|{_INCARNATION}|{epoch}"
    derivation = HKDF(algorithm=SHA256(), length=NODE_KEY_BYTES, salt=cluster.uuid.bytes, info=label.encode())
    return KeyBytes(derivation.derive(root))


def fingerprint(root: bytes) -> str:
    """Return what may be shown of a root key: ``SHA256:`` and 16 hexadecimal digits of a hash made for this alone."""
    return "SHA256:" + hashlib.sha256(b"reconciler/fingerprint/1|" + root).hexdigest()[:16]


def delivery_of(key: bytes, agent: AgentAddress) -> bytes:
    """Return a key as a running agent takes it, in its authkey.next or through its channel."""
    return encode_delivery(key, is_alone=agent.min_key_epoch == agent.key_epoch > 0)


def show_key(key: bytes) -> str:
    """Return a key as text that a person asked for: one line of hexadecimal digits."""
    return key.hex()


def read_key_file(path: Path) -> KeyBytes:
    """Return the raw bytes of a key file (Pacemaker's authkey: no encoding, a newline at its end is part of it).

    Raises:
        KeyStoreError: it is missing, no plain file, open to others, shorter than 16 bytes or longer than 64 KiB.
    """
    try:
        # Without O_NONBLOCK, a named pipe in the key's place would hold the controller for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyStoreError(f"the key file {path} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise KeyStoreError(f"the key file {path} is not a plain file")
        # A group may read it, and no more: Pacemaker's own authkey is 0640 with group haclient.
        if status.st_mode & 0o037:
            raise KeyStoreError(
                f"the key file {path} is open to others (mode {stat.S_IMODE(status.st_mode):04o}); "
                f"run: chmod 600 {path}"
            )
        content = file.read(MAX_KEY_BYTES + 1)
    if not MIN_KEY_BYTES <= len(content) <= MAX_KEY_BYTES:
        raise KeyStoreError(
            f"the key file {path} must hold {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, "
            f"not {'more' if len(content) > MAX_KEY_BYTES else len(content)}"
        )
    return KeyBytes(content)
