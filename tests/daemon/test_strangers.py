"""Who is at an agent's address and is not our agent: each gives its own state and message, and no restart."""

import contextlib
import datetime as dt
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reconciler.world.agent_file import build_agent_file
from tests.daemon.stage import Stage, dummy_yaml, guest_yaml, host_yaml, is_started

pytestmark = pytest.mark.slow


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each connection with a function, in threads that have ended when the block has.

    A thread closes its own socket and nobody else does: a descriptor that is closed under a thread becomes that of
    another test's connection.
    """
    server = socket.create_server(("127.0.0.1", 0))
    served: list[tuple[socket.socket, threading.Thread]] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            served.append((connection.dup(), thread))
            thread.start()

    def serve(connection: socket.socket) -> None:
        # Who is answered may have left, with a reset if it has left anything unread.
        with connection, contextlib.suppress(OSError):
            answer(connection)

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    yield int(server.getsockname()[1])
    server.shutdown(socket.SHUT_RDWR)
    acceptor.join()
    server.close()
    for handle, thread in served:
        with handle, contextlib.suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)
        thread.join()


def say_nothing(connection: socket.socket) -> None:
    """Accept, and leave it at that."""
    while connection.recv(4096):
        pass


def greet_as_ssh(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    say_nothing(connection)


def certificate(folder: Path) -> Path:
    """A self-signed certificate with its key, as a rogue would have it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "guest1")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    path = folder / "rogue.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def tls_with_certificate(folder: Path) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(1)

    return answer


@contextmanager
def agent_with_another_key(folder: Path) -> Iterator[int]:
    """A real agent of ours, with a key that the controller does not have."""
    key = folder / "another.key"
    key.write_bytes(os.urandom(64))
    key.chmod(0o600)
    agent = build_agent_file(folder)
    command = [sys.executable, "-I", "-S", str(agent), "serve", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--key-file", str(key), "--state", str(folder / "agent-state")],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    greeting = process.stderr.readline()
    assert "listening on " in greeting
    yield int(greeting.rpartition(":")[2])
    process.kill()
    process.communicate()


@contextmanager
def stranger(kind: str, folder: Path) -> Iterator[int]:
    folder.mkdir(exist_ok=True)
    if kind == "wrong-key":
        with agent_with_another_key(folder) as port:
            yield port
        return
    answers = {"silent": say_nothing, "garbage": greet_as_ssh, "rogue": tls_with_certificate(folder)}
    with listening(answers[kind]) as port:
        yield port


def remote_host(port: int) -> str:
    return f"""\
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {{name: host2}}
spec: {{agent: {{address: 127.0.0.1, port: {port}, connectTimeout: 7s}}}}
"""


@pytest.mark.parametrize("kind", ["wrong-key", "rogue", "silent", "garbage"])
def test_a_stranger_is_named_and_nothing_is_placed_with_it(stage: Stage, kind: str, tmp_path: Path) -> None:
    with stranger(kind, tmp_path / "stranger") as port:
        stage.commit(
            host=host_yaml(stage.cluster),
            guest=guest_yaml(stage.port),
            other=remote_host(port),
            fake=dummy_yaml("FAKE", stage.ledger),
        )
        done = stage.reconcile(check=1)
        status = stage.status()
    (node,) = [n for n in status["nodes"] if n["name"] == "host2"]
    assert (node["reason"], node["state"] in {"offline", "unknown"}) == (kind, True)
    assert kind in done.stdout
    assert stage.lines() == []


def test_a_changed_key_is_shown_and_restarts_no_guest(stage: Stage) -> None:
    key = stage.folder / "guest.key"
    key.write_bytes(os.urandom(4096))
    key.chmod(0o600)
    guest = guest_yaml(stage.port).replace("connectTimeout: 20s", f"connectTimeout: 20s, keyFile: {key}")
    stage.commit(host=host_yaml(stage.cluster), guest=guest, fake=dummy_yaml("FAKE", stage.ledger))
    stage.reconcile()
    before = [r.read_text() for r in (stage.state / "guests").glob("*/guest.json")]
    key.write_bytes(os.urandom(4096))
    stage.reconcile(check=1)
    status = stage.status()
    (node,) = [n for n in status["nodes"] if n["name"] == "guest1"]
    assert (node["state"], node["reason"]) == ("offline", "wrong-key")
    assert is_started("vm-guest1", "host1")(status)
    assert [r.read_text() for r in (stage.state / "guests").glob("*/guest.json")] == before
    assert stage.lines() == ["start FAKE guest1"]
