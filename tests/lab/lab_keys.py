"""Keys of the lab's guests: what is declared, what an agent takes, and where a key may be found."""

import contextlib
import socket
from collections.abc import Callable, Iterator

import libvirt

from agent import tls
from agent.wire.keys import identity_for
from tests.agent.controller import Client
from tests.daemon.stage import TIMEOUT_S, Stage, both, is_started, uses_key

PORT = 3121


def declared_key(stage: Stage, node: str) -> bytes:
    """Return the key that the declaration in force gives a node."""
    return bytes.fromhex(stage.reconcile("key", "show", node).stdout)


@contextlib.contextmanager
def visitor(address: str, key: bytes) -> Iterator[Client]:
    """Somebody who has this key, and registers with the agent."""
    with socket.create_connection((address, PORT), timeout=TIMEOUT_S) as plain:
        client = Client(plain, tls.client_credentials(key, identity_for("lrmd", key)))
        assert client.register("visitor").rc == 0
        yield client
        client.close()


def is_refused(address: str, key: bytes) -> bool:
    """Tell whether the agent has no use for a key."""
    try:
        with visitor(address, key):
            return False
    except (tls.TLSError, ConnectionError):
        return True


def renew_keys(stage: Stage, address: str, declare: Callable[[str], object]) -> dict[str, bytes]:
    """Declare two newer keys for guest1 while FAKE runs there, and see each taken up and the one before refused.

    Who is connected with the second loses that connection, for the third revokes it.

    Returns:
        All that must be found nowhere else: the three keys, and that from which they are made.
    """
    stage.until(both(uses_key("guest1", 0), is_started("FAKE", "guest1")))
    keys = {"first": declared_key(stage, "guest1")}
    declare(", keyEpoch: 1")
    stage.until(both(uses_key("guest1", 1), is_started("FAKE", "guest1")))
    keys["second"] = declared_key(stage, "guest1")
    assert is_refused(address, keys["first"])

    with visitor(address, keys["second"]) as thief:
        declare(", keyEpoch: 2, minKeyEpoch: 2")
        stage.until(both(uses_key("guest1", 2), is_started("FAKE", "guest1")))
        thief.wait_for_end()
    assert is_refused(address, keys["second"])
    keys["third"] = declared_key(stage, "guest1")
    return keys | {"root": (stage.state / "keys" / "root.key").read_bytes()}


def domain_xml(uri: str, name: str) -> bytes:
    """Return all that libvirt tells of a domain, secrets included."""
    connection = libvirt.open(uri)
    with contextlib.closing(connection):
        return str(connection.lookupByName(name).XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)).encode()
