"""The functions of libgnutls that agent.tls calls, declared for ctypes. Must not decide anything.

Source of every signature and number: gnutls/gnutls.h of GnuTLS 3.6 to 3.8 (one ABI, libgnutls.so.30).
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_size_t, c_ssize_t, c_uint, c_void_p
from functools import lru_cache

SERVER = 1 << 0
CLIENT = 1 << 1
NONBLOCK = 1 << 3
NO_SIGNAL = 1 << 6
NO_TICKETS = 1 << 10

CREDENTIALS_PSK = 4
KEY_RAW = 0
SHUT_WRITE = 1
SECURITY_MEDIUM = 35
KX_DHE_PSK = 10
KX_ECDHE_PSK = 14
TLS_1_2 = 4

E_UNSUPPORTED_VERSION = -8
E_UNEXPECTED_LENGTH = -9
E_ALERT_RECEIVED = -12
E_UNEXPECTED_PACKET = -15
E_WARNING_RECEIVED = -16
E_UNEXPECTED_HANDSHAKE = -19
E_DECRYPTION_FAILED = -24
E_AGAIN = -28
E_INSUFFICIENT_CREDENTIALS = -32
E_INTERRUPTED = -52
E_PUSH = -53
E_PULL = -54
E_ILLEGAL_PARAMETER = -55
E_NO_CIPHER_SUITES = -87
E_PREMATURE_END = -110
E_SESSION_END = -328

ALERT_BAD_RECORD_MAC = 20
ALERT_ILLEGAL_PARAMETER = 47
ALERT_DECRYPT_ERROR = 51
ALERT_PROTOCOL_VERSION = 70
ALERT_UNKNOWN_PSK_IDENTITY = 115


class Datum(ctypes.Structure):
    """gnutls_datum_t: bytes and their count."""

    # type: the stub's type for every possible field is wider than this list
    _fields_ = [("data", c_void_p), ("size", c_uint)]  # type: ignore[mutable-override]


PskFunction = CFUNCTYPE(c_int, c_void_p, c_char_p, POINTER(Datum))
"""gnutls_psk_server_credentials_function: (session, username, out key) -> 0, or -1 for failure."""

_Allocate = CFUNCTYPE(c_void_p, c_size_t)

_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "alert_get": (c_int, [c_void_p]),
    "alert_get_name": (c_char_p, [c_int]),
    "alert_send_appropriate": (c_int, [c_void_p, c_int]),
    "auth_get_type": (c_int, [c_void_p]),
    "bye": (c_int, [c_void_p, c_int]),
    "credentials_set": (c_int, [c_void_p, c_int, c_void_p]),
    "deinit": (None, [c_void_p]),
    "handshake": (c_int, [c_void_p]),
    "handshake_get_last_in": (c_int, [c_void_p]),
    "init": (c_int, [POINTER(c_void_p), c_uint]),
    "kx_get": (c_int, [c_void_p]),
    "priority_init": (c_int, [POINTER(c_void_p), c_char_p, POINTER(c_char_p)]),
    "priority_set": (c_int, [c_void_p, c_void_p]),
    "protocol_get_name": (c_char_p, [c_int]),
    "protocol_get_version": (c_int, [c_void_p]),
    "psk_allocate_client_credentials": (c_int, [POINTER(c_void_p)]),
    "psk_allocate_server_credentials": (c_int, [POINTER(c_void_p)]),
    "psk_free_client_credentials": (None, [c_void_p]),
    "psk_free_server_credentials": (None, [c_void_p]),
    "psk_server_get_username": (c_char_p, [c_void_p]),
    "psk_set_client_credentials": (c_int, [c_void_p, c_char_p, POINTER(Datum), c_int]),
    "psk_set_server_credentials_function": (None, [c_void_p, PskFunction]),
    "psk_set_server_known_dh_params": (c_int, [c_void_p, c_int]),
    "record_check_pending": (c_size_t, [c_void_p]),
    "record_get_direction": (c_int, [c_void_p]),
    "record_recv": (c_ssize_t, [c_void_p, c_void_p, c_size_t]),
    "record_send": (c_ssize_t, [c_void_p, c_char_p, c_size_t]),
    "session_is_resumed": (c_int, [c_void_p]),
    "strerror_name": (c_char_p, [c_int]),
    "transport_set_int2": (None, [c_void_p, c_int, c_int]),
}


class Library:
    """libgnutls with every function declared, as attributes without their `gnutls_`."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._priorities: dict[str, ctypes.c_void_p] = {}
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, f"gnutls_{name}")
            function.restype, function.argtypes = result, arguments
        # A variable that holds a function: what GnuTLS will free must come from it.
        self._allocate = _Allocate(c_void_p.in_dll(library, "gnutls_malloc").value or 0)

    def call(self, name: str, *arguments: object) -> int:
        """Call a function that returns a number."""
        return int(getattr(self._library, f"gnutls_{name}")(*arguments))

    def text(self, name: str, *arguments: object) -> str:
        """Call a function that returns a name, "" for none."""
        found: bytes | None = getattr(self._library, f"gnutls_{name}")(*arguments)
        return (found or b"").decode(errors="replace")

    def priority(self, text: str) -> ctypes.c_void_p:
        """Return what a text of priorities is to GnuTLS: 8 KiB, which all connections share and nobody frees."""
        found = self._priorities.get(text)
        if found is None:
            found = self._priorities[text] = c_void_p()
            if self.call("priority_init", ctypes.byref(found), text.encode(), None) < 0:
                raise ValueError(f"GnuTLS does not know all of {text!r}")
        return found

    def run(self, name: str, *arguments: object) -> None:
        """Call a function that returns nothing."""
        getattr(self._library, f"gnutls_{name}")(*arguments)

    def fill(self, datum: Datum, value: bytes | bytearray) -> None:
        """Put a copy of `value` where GnuTLS will free it."""
        datum.data = self._allocate(max(1, len(value)))
        if datum.data is None:
            raise MemoryError("gnutls_malloc")
        source = (ctypes.c_char * len(value)).from_buffer(value) if isinstance(value, bytearray) else value
        ctypes.memmove(datum.data, source, len(value))
        datum.size = len(value)


@lru_cache(maxsize=1)
def load(name: str = "libgnutls.so.30") -> Library:
    """Return the library, loaded once.

    Raises:
        OSError: It is not installed.
    """
    return Library(ctypes.CDLL(name))
