"""Feeds damaged messages to one end of a connection, and sees that it minds nothing but that."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from agent.wire import RemoteProtocolError, RequestReceived, Role
from tests.fuzz.mutate import damaged
from tests.fuzz.traffic import frames_for, opened

if TYPE_CHECKING:
    from agent.wire import Connection, Event


@dataclass(slots=True)
class Findings:
    """What became of the messages of a run."""

    refused: int = 0
    understood: int = 0
    """Damaged in a way that leaves a message."""
    slowest_s: float = 0.0
    """Seconds of CPU for one delivery."""
    slowest: bytes = b""


def fuzz(role: Role, seed: int, count: int) -> Findings:
    """Deliver damaged messages to one end, and return what became of them.

    Raises:
        AssertionError: Something but a protocol error came of one; it names the message by its seed.
    """
    chance, frames, found = Random(f"{role.value}-{seed}"), frames_for(role), Findings()
    end = opened(role)
    for number in range(count):
        message = damaged(frames, chance)
        begun = time.thread_time()
        try:
            events = deliver(end, message)
        except RemoteProtocolError:
            found.refused += 1
            end = opened(role)
        except Exception as error:
            raise AssertionError(f"{role.value}, seed {seed}, message {number}: {message!r}") from error
        else:
            found.understood += len(events)
            if end.is_mid_message or number % 50 == 0:
                end = opened(role)
        took = time.thread_time() - begun
        if took > found.slowest_s:
            found.slowest_s, found.slowest = took, message
    return found


def deliver(end: Connection, message: bytes) -> list[Event]:
    """Give bytes to an end, and return the events that come of them.

    Raises:
        RemoteProtocolError: They are no message; the connection has failed.
    """
    end.receive_bytes(message)
    events: list[Event] = []
    while (event := end.next_event()) is not None:
        events.append(event)
        if isinstance(event, RequestReceived):
            end.drop_request(event.message_id)
    return events


def deliver_bytewise(end: Connection, message: bytes) -> list[Event]:
    """Do what `deliver` does, byte by byte."""
    events: list[Event] = []
    for position in range(len(message)):
        events += deliver(end, message[position : position + 1])
    return events


ROLES = (Role.SERVER, Role.CLIENT)
