"""Damaged messages cost their own connection and nothing else, however they are cut."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.wire import RemoteProtocolError, Role
from tests.fuzz.ends import ROLES, deliver, deliver_bytewise, fuzz
from tests.fuzz.traffic import frames_for, opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.wire import Connection, Event

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.hex"))
"""A message of each kind that was ever refused in its own way, and all that ever broke something."""

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2000"))
"""Messages that hypothesis edits; `make soak` asks for more."""

EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 30),
        st.one_of(
            st.binary(max_size=6), st.sampled_from([b"<", b"&#0;", b'"', b"/>", b"\xff", b"-1", b"9" * 40])
        ),
    ),
    min_size=1,
    max_size=4,
)


def outcome(role: Role, message: bytes, give: Callable[[Connection, bytes], list[Event]]) -> object:
    """What a message led to: its events, or the words in which it was refused."""
    end = opened(role)
    try:
        return give(end, message), end.is_mid_message
    except RemoteProtocolError as error:
        return str(error)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.value)
def test_what_the_mutator_makes_is_understood_or_refused(role: Role) -> None:
    found = fuzz(role, seed=2026, count=10_000)
    assert found.refused > 5_000
    assert found.understood > 500


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_each_message_of_the_corpus_is_refused_in_its_own_words(path: Path) -> None:
    words, text = path.read_text().splitlines()
    role = Role(path.stem.split("-")[0])
    assert outcome(role, bytes.fromhex(text), deliver) == words
    assert outcome(role, bytes.fromhex(text), deliver_bytewise) == words


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.value)
def test_ordinary_traffic_means_the_same_byte_by_byte(role: Role) -> None:
    message = b"".join(frames_for(role))
    whole = outcome(role, message, deliver)
    assert isinstance(whole, tuple), whole
    assert len(whole[0]) == len(frames_for(role))
    assert outcome(role, message, deliver_bytewise) == whole


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(ROLES), st.integers(0, 100), EDITS, st.integers(1, 200))
def test_however_a_message_is_edited_its_pieces_mean_what_it_does(
    role: Role, choice: int, edits: list[tuple[float, int, bytes]], size: int
) -> None:
    frames = frames_for(role)
    message = frames[choice % len(frames)]
    for place, length, piece in edits:
        at = int(place * len(message))
        message = message[:at] + piece + message[at + length :]

    def in_pieces(end: Connection, whole: bytes) -> list[Event]:
        return [e for at in range(0, len(whole), size) for e in deliver(end, whole[at : at + size])]

    assert outcome(role, message, in_pieces) == outcome(role, message, deliver)
