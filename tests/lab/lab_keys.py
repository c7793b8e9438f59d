"""Keys of the lab's guests: what is declared, what an agent takes, and where a key may be found."""

import contextlib
import socket
from collections.abc import Iterator

import libvirt

from agent import tls
from agent.wire.keys import identity_for
from tests.agent.controller import Client
from tests.daemon.stage import TIMEOUT_S, Stage

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


def domain_xml(uri: str, name: str) -> bytes:
    """Return all that libvirt tells of a domain, secrets included."""
    connection = libvirt.open(uri)
    with contextlib.closing(connection):
        return str(connection.lookupByName(name).XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)).encode()
