"""The binding of libgnutls."""

from __future__ import annotations

import ctypes

import pytest

from agent import gnutls


def test_every_declared_function_is_in_the_library() -> None:
    library = gnutls.load()
    assert [name for name in gnutls._SIGNATURES if not hasattr(library._library, f"gnutls_{name}")] == []


def test_the_library_is_loaded_once() -> None:
    assert gnutls.load() is gnutls.load()


def test_a_missing_library_is_an_os_error() -> None:
    with pytest.raises(OSError, match="libgnutls-is-not-here"):
        gnutls.load("libgnutls-is-not-here.so.30")


@pytest.mark.parametrize("value", [b"", b"key", bytes(4096)])
def test_a_datum_is_filled_from_gnutls_own_memory(value: bytes) -> None:
    datum = gnutls.Datum()
    gnutls.load().fill(datum, value)
    assert datum.data is not None
    assert ctypes.string_at(datum.data, datum.size) == value


def test_numbers_are_those_of_the_header() -> None:
    names = {
        gnutls.E_AGAIN: "GNUTLS_E_AGAIN",
        gnutls.E_ALERT_RECEIVED: "GNUTLS_E_FATAL_ALERT_RECEIVED",
        gnutls.E_DECRYPTION_FAILED: "GNUTLS_E_DECRYPTION_FAILED",
        gnutls.E_ILLEGAL_PARAMETER: "GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER",
        gnutls.E_INTERRUPTED: "GNUTLS_E_INTERRUPTED",
        gnutls.E_NO_CIPHER_SUITES: "GNUTLS_E_NO_CIPHER_SUITES",
        gnutls.E_PREMATURE_END: "GNUTLS_E_PREMATURE_TERMINATION",
        gnutls.E_SESSION_END: "GNUTLS_E_SESSION_EOF",
        gnutls.E_PULL: "GNUTLS_E_PULL_ERROR",
        gnutls.E_PUSH: "GNUTLS_E_PUSH_ERROR",
        gnutls.E_UNEXPECTED_HANDSHAKE: "GNUTLS_E_UNEXPECTED_HANDSHAKE_PACKET",
        gnutls.E_UNEXPECTED_LENGTH: "GNUTLS_E_UNEXPECTED_PACKET_LENGTH",
        gnutls.E_UNEXPECTED_PACKET: "GNUTLS_E_UNEXPECTED_PACKET",
        gnutls.E_UNSUPPORTED_VERSION: "GNUTLS_E_UNSUPPORTED_VERSION_PACKET",
        gnutls.E_WARNING_RECEIVED: "GNUTLS_E_WARNING_ALERT_RECEIVED",
    }
    assert {number: gnutls.load().text("strerror_name", number) for number in names} == names
