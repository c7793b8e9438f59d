"""Which keys open an agent while they change."""

import os
import time
from pathlib import Path

import pytest

from agent.keys import OVERLAP_S, KeyFileError, Keys
from agent.wire.keys import encode_delivery, identity_for, name_of_key

OLD, NEW, OTHER = b"o" * 64, b"n" * 64, b"x" * 64


class Ring:
    """The keys of an agent that was started with OLD."""

    def __init__(self, folder: Path) -> None:
        self.key_file, self.delivered = folder / "authkey", folder / "authkey.next"
        self.put(self.key_file, OLD)
        self.keys = Keys("lrmd", self.key_file, self.delivered)

    def put(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        path.chmod(0o600)

    def deliver(self, key: bytes, *, is_alone: bool = False) -> None:
        self.put(self.delivered, encode_delivery(key, is_alone=is_alone))
        self.keys.refresh()

    def opens(self, key: bytes, identity: str | None = None) -> bool:
        return self.keys.key_of(identity_for("lrmd", key) if identity is None else identity) == key

    def prove(self, key: bytes) -> str:
        return self.keys.name_proved(identity_for("lrmd", key), self.keys.generation)


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path)


def test_one_key_opens_by_its_name_and_without(ring: Ring) -> None:
    assert [ring.opens(OLD), ring.opens(OLD, "lrmd"), ring.opens(NEW)] == [True, True, False]


def test_both_keys_open_until_the_new_one_was_proved(ring: Ring) -> None:
    ring.deliver(NEW)
    assert [ring.opens(OLD), ring.opens(NEW)] == [True, True]
    assert ring.prove(OLD) == name_of_key(OLD)
    assert [ring.opens(OLD), ring.opens(NEW)] == [True, True]
    assert ring.prove(NEW) == name_of_key(NEW)
    assert [ring.opens(OLD), ring.opens(NEW)] == [False, True]


def test_who_names_no_key_means_the_newest(ring: Ring) -> None:
    ring.deliver(NEW)
    assert [ring.opens(OLD, "lrmd"), ring.opens(NEW, "lrmd")] == [False, True]


def test_a_revoked_key_opens_nothing_and_its_clients_leave_at_once(ring: Ring) -> None:
    ring.deliver(NEW, is_alone=True)
    assert [ring.opens(OLD), ring.opens(NEW)] == [False, True]
    assert ring.keys.must_leave(name_of_key(OLD))
    assert not ring.keys.must_leave(name_of_key(NEW))


def test_clients_of_the_old_key_stay_until_the_overlap_is_over(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    ring.deliver(NEW)
    left = [ring.keys.must_leave(name_of_key(OLD))]
    ring.prove(NEW)
    left.append(ring.keys.must_leave(name_of_key(OLD)))
    now += OVERLAP_S
    left.append(ring.keys.must_leave(name_of_key(OLD)))
    assert left == [False, False, True]


def test_a_client_that_names_no_key_is_refused_when_the_keys_changed_during_its_handshake(ring: Ring) -> None:
    before = ring.keys.generation
    ring.deliver(NEW)
    assert ring.keys.name_proved("lrmd", before) == ""
    assert ring.keys.name_proved("lrmd", ring.keys.generation) == name_of_key(NEW)


def test_a_key_that_counts_no_more_when_the_handshake_ends_opens_nothing(ring: Ring) -> None:
    ring.deliver(NEW, is_alone=True)
    assert ring.prove(OLD) == ""


@pytest.mark.parametrize("content", [b"", b"no delivery", bytes(117)])
def test_what_is_no_delivery_changes_nothing(ring: Ring, content: bytes) -> None:
    ring.put(ring.delivered, content)
    assert [ring.opens(OLD), ring.opens(OLD, "lrmd")] == [True, True]


@pytest.mark.parametrize("is_alone", [False, True])
def test_a_key_that_was_replaced_does_not_come_back_while_the_next_is_written(
    ring: Ring, is_alone: bool
) -> None:
    ring.deliver(NEW, is_alone=is_alone)
    ring.prove(NEW)
    ring.keys.refresh()
    ring.delivered.unlink()
    assert [ring.opens(OLD), ring.opens(NEW)] == [False, False]
    ring.deliver(OTHER)
    assert ring.opens(OTHER)


def test_a_delivery_that_all_can_read_is_not_used(ring: Ring) -> None:
    ring.deliver(NEW)
    ring.delivered.chmod(0o644)
    assert [ring.opens(OLD), ring.opens(NEW)] == [True, False]


def test_the_delivered_key_opens_though_the_first_is_gone(ring: Ring) -> None:
    ring.deliver(NEW)
    ring.key_file.unlink()
    assert ring.opens(NEW)


@pytest.mark.parametrize("identity", ["", "somebody", "lrmd/", "lrmd/0123456789abcdef", "LRMD", "lrmd/\x00"])
def test_an_unknown_identity_gets_another_random_key_each_time(ring: Ring, identity: str) -> None:
    first, second = ring.keys.key_of(identity), ring.keys.key_of(identity)
    assert first != second
    assert [len(first), len(second)] == [len(OLD), len(OLD)]


def test_the_same_is_done_for_a_known_and_an_unknown_identity(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring.deliver(NEW)
    done: list[str] = []

    def note(name: str) -> None:
        real = getattr(os, name)

        def noted(*arguments: object) -> object:
            done.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, noted)

    for name in ("open", "readv", "urandom"):
        note(name)
    work = []
    for identity in ("lrmd", identity_for("lrmd", OLD), identity_for("lrmd", OTHER), "somebody"):
        ring.keys.key_of(identity)
        work.append(tuple(done))
        done.clear()
    assert len(set(work)) == 1
    assert "urandom" in work[0]


def test_without_a_key_no_agent_begins(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot read the key file"):
        Keys("lrmd", tmp_path / "none", tmp_path / "none.next")


def test_without_a_key_later_nothing_opens(ring: Ring) -> None:
    ring.key_file.unlink()
    ring.keys.refresh()
    assert not ring.opens(OLD)
