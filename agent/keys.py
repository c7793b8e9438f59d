"""The keys that open this agent, and their change while it runs. Must not keep a key longer than a handshake.

There is the key that the agent was started with, and there may be a newer one that was delivered since. Both open the
agent until the newer one is proved for the first time, so that bringing it may fail on the way; then the older one
opens nothing any more. A delivery may stand alone: then the older one is worth nothing from the first moment.

A client names its key in its identity (`lrmd/NAME`); `lrmd` alone, as Pacemaker has it, stands for the newest.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from agent.log import log
from agent.wire.errors import MessageError
from agent.wire.keys import (
    MAX_DELIVERY_BYTES,
    MAX_KEY_BYTES,
    MIN_KEY_BYTES,
    decode_delivery,
    name_of_key,
)

if TYPE_CHECKING:
    from pathlib import Path

DELIVERED_SUFFIX = ".next"
"""Of the file beside the key file, and of the one in the state folder, that a newer key is delivered in."""

OVERLAP_S = 10.0
"""How long clients of an older key stay once the newest was proved: one of them is who brought it."""

_ANY_BYTES = 64


class KeyFileError(Exception):
    """The key cannot be used; the text says why and what to do."""


class _Key(NamedTuple):
    name: str
    content: bytearray
    is_alone: bool


class Keys:
    """The keys of one agent.

    Args:
        identity: What clients call themselves.
        key_file: The raw key.
        delivered: Where a newer one may be found at any time.

    Raises:
        KeyFileError: There is no usable key now.
    """

    def __init__(self, identity: str, key_file: Path, delivered: Path) -> None:
        self._identity = identity
        self._key_file = key_file
        self._delivered = delivered
        self._names: tuple[str, ...] = ()
        self._is_alone = False
        self._is_replaced = False
        """The key that the agent was started with does not count any more."""
        self._proved = ""
        self._proved_at = 0.0
        self.generation = 0
        """Another number whenever other keys open the agent."""
        _wipe(self._read())

    def key_of(self, identity: str) -> bytearray:
        """Return the key of an identity, for the caller to wipe; random bytes for an unknown one.

        What is done takes no longer for the one than for the other.
        """
        try:
            keys = self._read()
        except KeyFileError as error:
            log("no key", reason=error)
            keys = []
        answer = bytearray(os.urandom(len(keys[0].content) if keys else _ANY_BYTES))
        for key in keys:
            if identity in self._identities(key.name):
                answer[:] = key.content
        _wipe(keys)
        return answer

    def refresh(self) -> None:
        """Look whether other keys are there by now."""
        try:
            _wipe(self._read())
        except KeyFileError as error:
            log("no key", reason=error)

    def name_proved(self, identity: str, generation: int) -> str:
        """Take in that a client has proved the key of its identity; return the name of that key, "" to refuse it.

        Args:
            identity: of the client.
            generation: when its handshake began. A client that does not name its key is refused when the keys have
                changed since: nobody knows which of them it has proved.
        """
        named = [name for name in self._names if identity in self._identities(name)]
        if not named or (identity == self._identity and generation != self.generation):
            return ""
        if named[0] == self._names[0] and self._proved != named[0]:
            self._proved, self._proved_at = named[0], time.monotonic()
        return named[0]

    def must_leave(self, name: str) -> bool:
        """Tell whether a client that came with the key of this name has to go."""
        if not self._names or name == self._names[0]:
            return False
        is_over = self._proved == self._names[0] and time.monotonic() - self._proved_at >= OVERLAP_S
        return self._is_alone or is_over

    def _identities(self, name: str) -> tuple[str, ...]:
        with_name = f"{self._identity}/{name}"
        return (self._identity, with_name) if self._names[:1] == (name,) else (with_name,)

    def _read(self) -> list[_Key]:
        """Return the keys that count now, the newest first, and note what they are called."""
        newest = _read_delivery(self._delivered)
        if newest is None and self._is_replaced:
            # It is being written: what was over with its first word does not come back for that moment.
            raise KeyFileError(f"the key in {self._delivered} is not all there")
        keys = [] if newest is None else [newest]
        if newest is None or not (newest.is_alone or newest.name == self._proved):
            try:
                first = _read_key(self._key_file)
            except KeyFileError:
                if newest is None:
                    raise
            else:
                keys += [first] if newest is None or first.name != newest.name else []
        names = tuple(key.name for key in keys)
        if (names, keys[0].is_alone) != (self._names, self._is_alone):
            self._names, self._is_alone = names, keys[0].is_alone
            self.generation += 1
        self._is_replaced = newest is not None and (newest.is_alone or newest.name == self._proved)
        return keys


def _wipe(keys: list[_Key]) -> None:
    """Overwrite keys: no core dump, and nobody who reads our memory, is to find one between two handshakes."""
    for key in keys:
        key.content[:] = bytes(len(key.content))


def _read_key(path: Path) -> _Key:
    try:
        content = _read_file(path, MAX_KEY_BYTES + 1)
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {path}: {error.strerror}") from error
    if not MIN_KEY_BYTES <= len(content) <= MAX_KEY_BYTES:
        raise KeyFileError(f"the key file {path} must hold {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes")
    return _Key(name_of_key(content), content, is_alone=False)


def _read_delivery(path: Path) -> _Key | None:
    """Return what was delivered; None where there is nothing, or not all of it yet."""
    try:
        content = _read_file(path, MAX_DELIVERY_BYTES)
        found = decode_delivery(content)
    except FileNotFoundError:
        return None
    except (OSError, KeyFileError, MessageError) as error:
        log("a delivered key cannot be used", file=path, reason=error)
        return None
    if found is None:
        return None
    key = content[found.start : found.end]
    content[:] = bytes(len(content))
    return _Key(name_of_key(key), key, found.is_alone)


def _read_file(path: Path, limit: int) -> bytearray:
    """Read up to `limit` bytes into memory that can be wiped."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if os.fstat(descriptor).st_mode & stat.S_IROTH:
            raise KeyFileError(f"anybody can read the key file {path}: chmod 0640 or less")
        content, length = bytearray(limit), 0
        with memoryview(content) as view:
            while length < limit and (count := os.readv(descriptor, [view[length:]])):
                length += count
    finally:
        os.close(descriptor)
    del content[length:]
    return content
