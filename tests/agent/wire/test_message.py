"""Messages as values."""

from __future__ import annotations

import pytest

from agent import wire


def test_messages_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match=r"^Poke\.anything cannot change$"):
        wire.Poke().anything = 1  # type: ignore[attr-defined] # the error is what is tested


def test_an_agent_is_ours_only_when_it_says_so() -> None:
    assert wire.RegisterReply(0, agent="1.0").is_ours
    assert not wire.RegisterReply(0, instance="i", node="n").is_ours
