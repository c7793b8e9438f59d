"""TLS with pre-shared keys on a plain non-blocking socket, both ends. Must not wait, retry or keep a key.

GnuTLS does the work, because it is what Pacemaker uses and takes keys of any length. There are no certificates
anywhere: an end that does not prove the key is refused, whatever else it shows. Towards stock Pacemaker the
identity is "lrmd" and the key is the raw content of its authkey file (lib/common/remote.c, lib/lrmd).
"""

from __future__ import annotations

import ctypes
import os
import socket
import weakref
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from agent import gnutls
from agent.gnutls import Datum, Library, PskFunction

if TYPE_CHECKING:
    from collections.abc import Callable

STOCK_IDENTITY = "lrmd"
MIN_KEY = 16
"""Bytes of the shortest key: 128 bits (RFC 9257, 6)."""

MAX_RECORD = 16384
"""Bytes that one call of `send` takes, and `receive` returns, at most: one TLS record."""

_RECORD_TYPES = frozenset(range(20, 25))  # RFC 8446, 5.1: the first byte of everything that is TLS
_MAJOR_VERSION = 3  # the second byte, in every version
_RETRY = (gnutls.E_INTERRUPTED, gnutls.E_WARNING_RECEIVED)
_HUNG_UP = (gnutls.E_PREMATURE_END, gnutls.E_SESSION_END)
_GONE = (*_HUNG_UP, gnutls.E_PUSH, gnutls.E_PULL)
_NOT_TLS = (gnutls.E_UNEXPECTED_LENGTH, gnutls.E_UNEXPECTED_PACKET, gnutls.E_UNEXPECTED_HANDSHAKE)
# A peer that has begun a handshake and then cannot be understood has derived other secrets.
_OTHER_SECRETS = (gnutls.E_DECRYPTION_FAILED, gnutls.E_ILLEGAL_PARAMETER, *_NOT_TLS)
_KEY_ALERTS = (
    gnutls.ALERT_BAD_RECORD_MAC,
    gnutls.ALERT_ILLEGAL_PARAMETER,
    gnutls.ALERT_DECRYPT_ERROR,
    gnutls.ALERT_UNKNOWN_PSK_IDENTITY,
)
_COMMON = (
    ":-CIPHER-ALL:+CHACHA20-POLY1305:+AES-128-GCM:+AES-256-GCM:-MAC-ALL:+AEAD"
    ":-KX-ALL:+ECDHE-PSK:+DHE-PSK"
    ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-FFDHE2048:+GROUP-FFDHE3072"
)


class Profile(Enum):
    """Which TLS is spoken. Every one has forward secrecy: plain PSK is in none."""

    TLS13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3" + _COMMON
    TLS12 = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" + _COMMON
    """For peers with GnuTLS before 3.6.3, as in CentOS 7; prefers 1.3."""


class TLSError(Exception):
    """A TLS connection cannot be had or kept."""


class LibraryMissingError(TLSError):
    """libgnutls is not installed."""


class WrongKeyError(TLSError):
    """The peer does not hold the same key, or does not know the identity: which of both is not told."""


class HangUpError(WrongKeyError):
    """The peer hung up on our first message without an answer.

    Stock agents do so on a wrong key, and old ones on TLS 1.3; port forwarders when nothing is behind them.
    """


class RogueError(TLSError):
    """The peer speaks TLS but does not offer to prove a pre-shared key."""


class GarbageError(TLSError):
    """What the peer sends is not TLS, or is damaged."""


class TooOldError(TLSError):
    """The peer does not speak the TLS versions of the profile."""


class ClosedError(TLSError):
    """The connection is gone."""


class WantReadError(TLSError):
    """Not an error: call again, with the same arguments, once the socket is readable."""


class WantWriteError(TLSError):
    """Not an error: call again, with the same arguments, once the socket is writable."""


class Parameters(NamedTuple):
    """What a finished handshake agreed on; `identity` is what the client said, "" on the client's end."""

    version: str
    identity: str


class Credentials:
    """A key, or a way to find keys, inside GnuTLS. Serves any number of connections of one end.

    Make one with `client_credentials` or `server_credentials`.
    """

    def __init__(self, library: Library, profile: Profile, end: int, kind: str) -> None:
        self.library = library
        self.end = end
        self.profile = profile
        self.callback: object = None
        """Kept here because GnuTLS holds only its address."""
        self.handle = ctypes.c_void_p()
        self.priority = library.priority(profile.value)
        _must(library, library.call(f"psk_allocate_{kind}_credentials", ctypes.byref(self.handle)))
        weakref.finalize(self, library.run, f"psk_free_{kind}_credentials", self.handle)


def client_credentials(
    key: bytes, identity: str = STOCK_IDENTITY, profile: Profile = Profile.TLS13
) -> Credentials:
    """Return credentials that prove `key` under `identity`.

    Args:
        key: At least 16 raw bytes; 4096 and more are fine.
        identity: Sent in clear.
        profile: The TLS versions to offer.

    Raises:
        LibraryMissingError: libgnutls is not installed.
        TLSError: The key is too short.
    """
    _check_key(key)
    library = _library()
    credentials = Credentials(library, profile, gnutls.CLIENT, "client")
    buffer = ctypes.create_string_buffer(key, len(key))
    datum = Datum(ctypes.cast(buffer, ctypes.c_void_p), len(key))
    name = identity.encode()
    result = library.call(
        "psk_set_client_credentials", credentials.handle, name, ctypes.byref(datum), gnutls.KEY_RAW
    )
    ctypes.memset(buffer, 0, len(key))
    _must(library, result)
    return credentials


def server_credentials(
    key_of: Callable[[str], bytes | bytearray | None], profile: Profile = Profile.TLS13
) -> Credentials:
    """Return credentials that ask `key_of` for the key of the identity that a client names.

    An identity without a key is answered with a random one, so that it looks like a wrong key. Pacemaker 2
    ignores the identity: to serve it, and to serve stock controllers, return the key whatever the identity.

    Args:
        key_of: Called during handshakes, in their thread; None for an unknown identity. What it raises is
            treated as unknown. A bytearray is wiped after use.
        profile: The TLS versions to accept.

    Raises:
        LibraryMissingError: libgnutls is not installed.
    """
    library = _library()
    credentials = Credentials(library, profile, gnutls.SERVER, "server")

    def find(_session: int | None, name: bytes | None, out: ctypes._Pointer[Datum]) -> int:
        try:
            key = key_of((name or b"").decode())
        except Exception:  # noqa: BLE001 - an exception cannot cross C; fail closed as for an unknown identity
            key = None
        found = bytearray(os.urandom(32)) if key is None or len(key) < MIN_KEY else key
        library.fill(out.contents, found)
        if isinstance(found, bytearray):
            found[:] = bytes(len(found))
        return 0

    credentials.callback = PskFunction(find)
    library.run("psk_set_server_credentials_function", credentials.handle, credentials.callback)
    # TLS 1.2 clients from before RFC 7919 name no group and need the server's.
    level = gnutls.SECURITY_MEDIUM
    _must(library, library.call("psk_set_server_known_dh_params", credentials.handle, level))
    return credentials


class TLSSocket:
    """One TLS connection over a connected socket, which it owns from here on.

    Every call does what it can at once, and raises WantReadError or WantWriteError when the socket must become
    ready first. After any other error only `close` may be called. Use it from one thread.

    Args:
        plain: A connected stream socket. It is made non-blocking, and TCP's delay of small segments is switched
            off: with it a handshake takes 40 ms more.
        credentials: They say which end this is.
    """

    def __init__(self, plain: socket.socket, credentials: Credentials) -> None:
        plain.setblocking(False)
        self._is_tcp = plain.family in (socket.AF_INET, socket.AF_INET6)
        if self._is_tcp:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._plain = plain
        self._credentials = credentials  # keeps the callback and the priorities alive
        self._library = credentials.library
        self._session = ctypes.c_void_p()
        self._is_peer_tls = False
        self._is_open = False
        self._unsent: bytes | None = None
        flags = credentials.end | gnutls.NONBLOCK | gnutls.NO_SIGNAL | gnutls.NO_TICKETS
        self._check(self._library.call("init", ctypes.byref(self._session), flags))
        self._deinit = weakref.finalize(self, self._library.run, "deinit", self._session)
        self._call("priority_set", credentials.priority)
        self._call("credentials_set", gnutls.CREDENTIALS_PSK, credentials.handle)
        self._library.run("transport_set_int2", self._session, plain.fileno(), plain.fileno())

    @property
    def has_answered(self) -> bool:
        """Whether the peer sent a handshake message, even if the handshake failed later."""
        return self._library.call("handshake_get_last_in", self._session) >= 0

    def fileno(self) -> int:
        """Return the socket's descriptor, -1 once closed."""
        return self._plain.fileno()

    def handshake(self) -> Parameters:
        """Do the handshake, or its next part; both ends have proved the key when this returns.

        Raises:
            WantReadError, WantWriteError: Call again.
            WrongKeyError, HangUpError, RogueError, GarbageError, TooOldError, ClosedError: What the peer did
                or is.
        """
        self._refuse_what_is_not_tls()
        result = self._step("handshake")
        if result < 0:
            self._library.call("alert_send_appropriate", self._session, result)
            raise self._handshake_error(result)
        self._require_proof()
        self._is_open = True
        identity = ""
        if self._credentials.end == gnutls.SERVER:
            identity = self._library.text("psk_server_get_username", self._session)
        version = self._library.call("protocol_get_version", self._session)
        return Parameters(self._library.text("protocol_get_name", version), identity)

    def send(self, chunk: bytes) -> int:
        """Send `chunk` as one record and return how many of its bytes went: all, unless the peer set a limit.

        Raises:
            WantWriteError: Nothing or a part has left; call again with the same bytes when writable.
            ClosedError: The connection is gone.
            ValueError: The chunk is empty, too large, or another one is still unsent.
        """
        assert self._is_open, "send before the handshake"
        if not 0 < len(chunk) <= MAX_RECORD:
            raise ValueError(f"a record holds 1 to {MAX_RECORD} bytes, not {len(chunk)}")
        if self._unsent is not None and self._unsent != chunk:
            raise ValueError("another chunk is still unsent")
        self._unsent = chunk  # also keeps the bytes alive between the calls
        sent = self._step("record_send", chunk, len(chunk))
        if sent < 0:
            raise self._record_error(sent)
        self._unsent = None
        return sent

    def receive(self) -> bytes:
        """Return the bytes of the next record, b"" when the peer has closed in order.

        Call until it raises WantReadError: what GnuTLS already holds does not make the socket readable.

        Raises:
            WantReadError, WantWriteError: Call again.
            ClosedError: The connection was cut, or the peer broke it off.
            GarbageError: What came was not written by the peer.
        """
        assert self._is_open, "receive before the handshake"
        buffer = ctypes.create_string_buffer(MAX_RECORD)
        count = self._step("record_recv", buffer, MAX_RECORD)
        if count < 0:
            raise self._record_error(count)
        if self._is_tcp and count:
            # Stock agents hold a message's payload back until its header is acknowledged (Nagle): 40 ms each.
            self._plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return ctypes.string_at(buffer, count)

    @property
    def pending(self) -> int:
        """Bytes that are decrypted and wait in GnuTLS."""
        return self._library.call("record_check_pending", self._session)

    def close(self) -> None:
        """Say goodbye if it can be said at once, and close the socket. May be called again."""
        if self._deinit.alive:
            if self._is_open:
                self._library.call("bye", self._session, gnutls.SHUT_WRITE)
            self._is_open = False
            self._deinit()
        self._plain.close()

    def _refuse_what_is_not_tls(self) -> None:
        """Look at the first bytes before GnuTLS does: its error codes for other protocols are many."""
        if self._is_peer_tls:
            return
        try:
            start = self._plain.recv(2, socket.MSG_PEEK)
        except OSError:
            return  # nothing there yet, or the connection is broken, which GnuTLS will say
        if (start and start[0] not in _RECORD_TYPES) or (len(start) > 1 and start[1] != _MAJOR_VERSION):
            raise GarbageError("the peer does not speak TLS")
        self._is_peer_tls = len(start) > 1

    def _require_proof(self) -> None:
        """What the priorities should make impossible is refused once more here."""
        kx = self._library.call("kx_get", self._session)
        is_proved = (
            self._library.call("auth_get_type", self._session) == gnutls.CREDENTIALS_PSK
            and kx in (gnutls.KX_DHE_PSK, gnutls.KX_ECDHE_PSK)
            and not self._library.call("session_is_resumed", self._session)
        )
        if not is_proved:
            raise RogueError("the handshake ended without a proof of the key")

    def _handshake_error(self, result: int) -> TLSError:
        name = self._library.text("strerror_name", result)
        if result == gnutls.E_ALERT_RECEIVED:
            return self._alert_error()
        if result in _HUNG_UP and self._credentials.end == gnutls.CLIENT:
            kind = WrongKeyError if self.has_answered else HangUpError
            return kind("the peer hung up during the handshake, as on a wrong key")
        if result in _GONE:
            return ClosedError(f"the peer closed the connection during the handshake ({name})")
        if result in (gnutls.E_UNSUPPORTED_VERSION, gnutls.E_NO_CIPHER_SUITES):
            return TooOldError(f"no TLS version or cipher in common ({name})")
        if result in _NOT_TLS and not self.has_answered:
            return GarbageError(f"the peer does not speak TLS ({name})")
        if result in _OTHER_SECRETS:
            return WrongKeyError(f"the peer does not hold the same key ({name})")
        return RogueError(f"the peer offers no proof of a key ({name})")

    def _alert_error(self) -> TLSError:
        alert = self._library.call("alert_get", self._session)
        name = self._library.text("alert_get_name", alert)
        if alert in _KEY_ALERTS:
            return WrongKeyError(f"the peer does not accept our key (alert: {name})")
        if alert == gnutls.ALERT_PROTOCOL_VERSION:
            return TooOldError(f"the peer does not speak this version of TLS (alert: {name})")
        return RogueError(f"the peer refuses to prove a key (alert: {name})")

    def _record_error(self, result: int) -> TLSError:
        name = self._library.text("strerror_name", result)
        if result in (gnutls.E_DECRYPTION_FAILED, *_NOT_TLS):
            return GarbageError(f"damaged record ({name})")
        return ClosedError(f"the connection is gone ({name})")

    def _step(self, name: str, *arguments: object) -> int:
        """Call a function that moves bytes until it has done something or must wait for the socket."""
        while True:
            result = self._library.call(name, self._session, *arguments)
            if result == gnutls.E_AGAIN:
                is_writing = self._library.call("record_get_direction", self._session)
                raise WantWriteError if is_writing else WantReadError
            if result not in _RETRY:
                return result

    def _call(self, name: str, *arguments: object) -> None:
        self._check(self._library.call(name, self._session, *arguments))

    def _check(self, result: int) -> None:
        _must(self._library, result)


def _library() -> Library:
    try:
        return gnutls.load()
    except OSError as error:
        raise LibraryMissingError(
            "libgnutls.so.30 is missing; install it with: apt-get install libgnutls30t64"
            " (libgnutls30 before Debian 13 and Ubuntu 24.04)"
        ) from error


def _check_key(key: bytes) -> None:
    if len(key) < MIN_KEY:
        raise TLSError(f"a key needs at least {MIN_KEY} bytes, this one has {len(key)}")


def _must(library: Library, result: int) -> None:
    if result < 0:
        raise TLSError(f"GnuTLS refused: {library.text('strerror_name', result)}")
