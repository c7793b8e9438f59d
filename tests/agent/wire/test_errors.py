"""The tree of wire errors: ours and theirs are never mixed up."""

from __future__ import annotations

import pytest

from agent.wire import errors


@pytest.mark.parametrize(
    "kind",
    [
        errors.HeaderError,
        errors.TooBigError,
        errors.CompressionError,
        errors.MarkupError,
        errors.MessageError,
    ],
)
def test_what_the_peer_did_is_a_remote_error(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.RemoteProtocolError)
    assert not issubclass(kind, errors.LocalProtocolError)
    assert issubclass(kind, errors.WireError)
