"""TLS with pre-shared keys: who is believed, who is not, and what each failure is called."""

from __future__ import annotations

import datetime as dt
import os
import socket
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent import gnutls, tls
from agent.tls import Profile, TLSSocket

if TYPE_CHECKING:
    pass
from tests.agent.tls_ends import (
    KEY,
    OTHER_KEY,
    ROOT,
    against_openssl,
    closing,
    connected,
    fill,
    handshakes,
    handshakes_through,
    interpreter,
    listening_to,
    only_1_2,
    outcome,
    pair,
    repeat,
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rogue")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    signed = builder.public_key(key.public_key()).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("rogue") / "rogue.pem"
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()) + signed.public_bytes(pem))
    return path


@pytest.mark.parametrize("size", [16, 64, 256, 512, 513, 4096, 20_000])
def test_keys_of_any_length_make_a_connection(size: int) -> None:
    key = (KEY * 5)[:size]
    with pair(client_key=key, server_key=key) as (client, server):
        got = handshakes(client, server)
        assert got == [tls.Parameters("TLS1.3", ""), tls.Parameters("TLS1.3", "lrmd")]
        client.send(b"hello")
        assert repeat(server.receive, server) == b"hello"


def test_a_short_key_is_refused_before_use() -> None:
    with pytest.raises(tls.TLSError, match="at least 16 bytes, this one has 15"):
        tls.client_credentials(KEY[:15])


def test_a_wrong_key_and_an_unknown_identity_look_alike() -> None:
    with pair(client_key=OTHER_KEY) as ends:
        wrong_key = handshakes(*ends)
    with pair(identity="somebody") as ends:
        unknown = handshakes(*ends)
    assert [type(error) for error in wrong_key] == [tls.WrongKeyError, tls.WrongKeyError]
    assert [(type(error), str(error)) for error in wrong_key] == [
        (type(error), str(error)) for error in unknown
    ]


@pytest.mark.parametrize("key", [None, b"", b"short"])
def test_an_unusable_key_on_the_server_fails_closed(key: bytes | None) -> None:
    with pair(server_key=key) as ends:
        assert [type(error) for error in handshakes(*ends)] == [tls.WrongKeyError, tls.WrongKeyError]


def test_an_exception_while_looking_up_a_key_fails_closed() -> None:
    def broken(_identity: str) -> bytes | None:
        raise RuntimeError("the key store is gone")

    with pair(lookup=broken) as ends:
        assert [type(error) for error in handshakes(*ends)] == [tls.WrongKeyError, tls.WrongKeyError]


def test_the_key_can_depend_on_the_identity() -> None:
    keys = {"a": KEY, "b": OTHER_KEY}
    for identity, key in keys.items():
        with pair(lookup=keys.get, client_key=key, identity=identity) as (client, server):
            assert handshakes(client, server)[1] == tls.Parameters("TLS1.3", identity)


def test_only_tls_1_3_is_spoken_by_default() -> None:
    with pair(server_profile=only_1_2()) as ends:
        assert [type(error) for error in handshakes(*ends)] == [tls.TooOldError, tls.TooOldError]
    with pair(client_profile=only_1_2()) as ends:
        assert [type(error) for error in handshakes(*ends)] == [tls.TooOldError, tls.TooOldError]


def test_the_compatibility_profile_speaks_1_2_when_it_must_and_1_3_when_it_can() -> None:
    with pair(client_profile=Profile.TLS12.value, server_profile=only_1_2()) as ends:
        assert handshakes(*ends) == [tls.Parameters("TLS1.2", ""), tls.Parameters("TLS1.2", "lrmd")]
    with pair(client_profile=Profile.TLS12.value) as ends:
        assert handshakes(*ends) == [tls.Parameters("TLS1.3", ""), tls.Parameters("TLS1.3", "lrmd")]


def test_a_wrong_key_is_a_wrong_key_in_tls_1_2_too() -> None:
    with pair(client_key=OTHER_KEY, client_profile=Profile.TLS12.value, server_profile=only_1_2()) as ends:
        assert [type(error) for error in handshakes(*ends)] == [tls.WrongKeyError, tls.WrongKeyError]


def test_a_downgrade_in_the_middle_is_noticed_by_both_ends() -> None:
    def middle(speaker: str, said: bytes) -> bytes:
        # The extension that offers TLS 1.3 (RFC 8446, 4.2.1) becomes one that nobody knows.
        offer = b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03"
        assert speaker == "server" or offer in said or not said.startswith(b"\x16")
        return said.replace(offer, b"\x7a\x7a" + offer[2:]) if speaker == "client" else said

    errors = handshakes_through(middle, Profile.TLS12)
    assert [type(error) for error in errors] == [tls.WrongKeyError, tls.WrongKeyError]


def test_a_recorded_server_is_not_believed_again() -> None:
    said: list[bytes] = []

    def middle(speaker: str, chunk: bytes) -> bytes:
        if speaker == "server":
            said.append(chunk)
        return chunk

    want = [tls.Parameters("TLS1.3", ""), tls.Parameters("TLS1.3", "lrmd")]
    assert handshakes_through(middle, Profile.TLS13) == want
    with listening_to(b"".join(said)) as client:
        assert isinstance(outcome(client), tls.WrongKeyError)


def test_a_key_exchange_without_forward_secrecy_is_never_agreed() -> None:
    plain = only_1_2().replace(":+ECDHE-PSK:+DHE-PSK", ":+PSK")
    with pair(client_profile=Profile.TLS12.value, server_profile=plain) as ends:
        assert all(isinstance(error, tls.TLSError) for error in handshakes(*ends))
    with pair(server_profile=plain, client_profile=plain) as ends:
        assert [type(error) for error in handshakes(*ends)] == [tls.RogueError, tls.RogueError]


def test_pacemakers_own_priorities_are_understood_in_both_directions() -> None:
    stock = "NORMAL:+DHE-PSK:+PSK"
    want = [tls.Parameters("TLS1.3", ""), tls.Parameters("TLS1.3", "lrmd")]
    with pair(client_profile=stock) as ends:
        assert handshakes(*ends) == want
    with pair(server_profile=stock) as ends:
        assert handshakes(*ends) == want


@pytest.mark.parametrize("profile", list(Profile))
def test_a_server_with_a_certificate_and_no_key_is_a_rogue(profile: Profile, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    assert isinstance(against_openssl(context, profile), tls.RogueError)


def test_a_rogue_that_speaks_only_1_2_is_too_old_or_a_rogue(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert isinstance(against_openssl(context, Profile.TLS13), tls.TooOldError)
    assert isinstance(against_openssl(context, Profile.TLS12), tls.RogueError)


def test_a_client_without_a_key_is_a_rogue() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain, ours = socket.socketpair()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    plain.sendall(outgoing.read())
    with plain, closing(TLSSocket(ours, tls.server_credentials(lambda _: KEY))) as server:
        assert isinstance(outcome(server), tls.RogueError)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", tls.GarbageError),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", tls.GarbageError),
        (b"\x16\x16" * 1000, tls.GarbageError),
        (b"\x17\x03\x03\x00\x05hello", tls.GarbageError),
        (b"\x15\x03\x03\x00\x02\x02\x46", tls.TooOldError),
        (b"\x15\x03\x03\x00\x02\x02\x28", tls.RogueError),
        (b"\x15\x03\x03\x00\x02\x02\x33", tls.WrongKeyError),
        (b"\x15\x03\x03\x00\x02\x01\x00", tls.HangUpError),
        (b"", tls.HangUpError),
    ],
    ids=["http", "ssh", "noise", "data", "old", "refusal", "decrypt-error", "goodbye", "hang-up"],
)
def test_what_a_server_says_instead_of_a_handshake_is_told_apart(
    answer: bytes, kind: type[tls.TLSError]
) -> None:
    with listening_to(answer) as client:
        assert type(outcome(client)) is kind
        assert not client.has_answered


@pytest.mark.parametrize(
    ("hello", "kind"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", tls.GarbageError),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", tls.TLSError),
        (b"", tls.ClosedError),
    ],
    ids=["http", "broken-hello", "hang-up"],
)
def test_a_server_survives_what_is_no_handshake(hello: bytes, kind: type[tls.TLSError]) -> None:
    plain, ours = socket.socketpair()
    with plain, closing(TLSSocket(ours, tls.server_credentials(lambda _: KEY))) as server:
        plain.sendall(hello)
        plain.shutdown(socket.SHUT_WR)
        assert isinstance(outcome(server), kind)


def test_a_silent_server_only_makes_the_client_wait() -> None:
    plain, ours = socket.socketpair()
    with plain, closing(TLSSocket(ours, tls.client_credentials(KEY))) as client:
        for _ in range(3):
            with pytest.raises(tls.WantReadError):
                client.handshake()
        assert plain.recv(1) == b"\x16"


def test_each_send_is_a_record_of_its_own_and_is_drained_without_the_socket() -> None:
    with connected() as (client, server):
        for size in (40, 5, tls.MAX_RECORD):
            assert client.send(b"x" * size) == size
        assert len(repeat(server.receive, server)) == 40
        assert [len(server.receive()), len(server.receive())] == [5, tls.MAX_RECORD]
        assert server.pending == 0
        with pytest.raises(tls.WantReadError):
            server.receive()


def test_a_full_socket_takes_the_same_chunk_again_and_loses_nothing() -> None:
    with connected() as (client, server):
        chunk = os.urandom(tls.MAX_RECORD)
        sent = fill(client, chunk)
        with pytest.raises(ValueError, match="still unsent"):
            client.send(b"something else")
        received = b""
        while len(received) < sent:
            received += repeat(server.receive, server)
        sent += client.send(chunk)
        received += repeat(server.receive, server)
        assert received == chunk * (sent // tls.MAX_RECORD)


@pytest.mark.parametrize("size", [0, tls.MAX_RECORD + 1])
def test_a_chunk_that_is_no_record_is_refused(size: int) -> None:
    with connected() as (client, _), pytest.raises(ValueError, match="1 to 16384"):
        client.send(b"x" * size)


def test_an_orderly_close_is_an_end_and_a_cut_is_an_error() -> None:
    with connected() as (client, server):
        server.close()
        assert repeat(client.receive, client) == b""
    with connected() as (client, server):
        with socket.socket(fileno=os.dup(server.fileno())) as plain:
            plain.shutdown(socket.SHUT_RDWR)
        with pytest.raises(tls.ClosedError):
            repeat(client.receive, client)
        with pytest.raises(tls.ClosedError):
            client.send(b"x")


def test_a_damaged_record_is_garbage() -> None:
    with connected() as (client, server), socket.socket(fileno=os.dup(server.fileno())) as plain:
        plain.sendall(b"\x17\x03\x03\x00\x40" + bytes(64))
        with pytest.raises(tls.GarbageError):
            repeat(client.receive, client)


def test_closing_twice_is_allowed() -> None:
    with connected() as (client, _):
        client.close()
        client.close()
        assert client.fileno() == -1


def test_tcp_sends_small_segments_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = socket.create_connection(listener.getsockname())
        with closing(TLSSocket(plain, tls.client_credentials(KEY))):
            assert plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert not plain.getblocking()


def test_no_key_is_shown_by_anything() -> None:
    key = b"hunter2-hunter2-hunter2-hunter2"
    credentials = tls.client_credentials(key)
    with pair(client_key=key) as ends:
        shown = [repr(error) for error in handshakes(*ends)]
        shown += [repr(ends), repr(vars(ends[0])), repr(credentials), repr(vars(credentials))]
    assert [text for text in shown if "hunter2" in text or key.hex() in text] == []


def test_a_missing_library_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    load = gnutls.load.__wrapped__
    monkeypatch.setattr(gnutls, "load", lambda: load("libgnutls-is-not-here.so.30"))
    with pytest.raises(tls.LibraryMissingError, match=r"libgnutls30t64 .libgnutls30 "):
        tls.client_credentials(KEY)


@pytest.mark.slow
@pytest.mark.parametrize("minor", range(9, 14))
def test_every_supported_python_imports_the_wire_and_makes_a_connection(minor: int) -> None:
    python = interpreter(f"python3.{minor}")
    if python is None:
        pytest.skip(f"no python3.{minor} here")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import socket\n"
        "import agent.wire\n"
        "from agent import tls\n"
        "a, b = socket.socketpair()\n"
        "ends = [tls.TLSSocket(a, tls.client_credentials(b'k' * 64)),\n"
        "        tls.TLSSocket(b, tls.server_credentials(lambda name: b'k' * 64))]\n"
        "while ends:\n"
        "    for end in list(ends):\n"
        "        try:\n"
        "            print(end.handshake().version)\n"
        "            ends.remove(end)\n"
        "        except tls.WantReadError:\n"
        "            pass\n"
    )
    command = [python, "-I", "-S", "-W", "error", "-c", script, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("TLS1.3\nTLS1.3\n", 0), done.stderr
