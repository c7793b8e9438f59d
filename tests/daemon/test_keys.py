"""Keys change while everything runs: nothing restarts, and what the old one opened is over."""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator

import pytest

from agent import tls
from agent.wire.keys import identity_for
from tests.agent.controller import Client
from tests.daemon.secrets import files_below, leaks, leaves_core_dump, memory_of, said_of_processes
from tests.daemon.stage import (
    TIMEOUT_S,
    Stage,
    Status,
    both,
    dummy_yaml,
    guest_yaml,
    host_yaml,
    is_started,
    uses_key,
)

pytestmark = pytest.mark.slow


def declare(stage: Stage, keys: str = "") -> None:
    """Commit a host, a guest with these fields in its remoteNode, and FAKE in it."""
    guest = guest_yaml(stage.port).replace("connectTimeout: 20s", f"connectTimeout: 20s{keys}")
    stage.commit(host=host_yaml(stage.cluster), guest=guest, fake=dummy_yaml("FAKE", stage.ledger))


def declared_key(stage: Stage) -> bytes:
    """The key of the present commit, as an operator would get it."""
    return bytes.fromhex(stage.reconcile("key", "show", "guest1").stdout)


def is_on_key(epoch: int) -> Callable[[Status], bool]:
    """A condition: the guest's agent is connected with the declared key, of this epoch, and FAKE runs there."""

    return both(uses_key("guest1", epoch), is_started("FAKE", "guest1"))


def guest_process(stage: Stage) -> dict[str, int]:
    """Which process the guest is, and since when."""
    found = json.loads((stage.state / "guests" / "vm-guest1" / "guest.json").read_text())["main"]
    return dict(found)


@contextlib.contextmanager
def stranger(stage: Stage, key: bytes) -> Iterator[Client]:
    """Somebody who has a key, and registers with the guest's agent."""
    with socket.create_connection(("127.0.0.1", stage.port), timeout=TIMEOUT_S) as plain:
        client = Client(plain, tls.client_credentials(key, identity_for("lrmd", key)))
        assert client.register("stranger").rc == 0
        try:
            yield client
        finally:
            client.close()


def opens(stage: Stage, key: bytes) -> bool:
    try:
        with stranger(stage, key):
            return True
    except (tls.TLSError, ConnectionError):
        return False


def test_a_new_key_is_taken_up_while_everything_runs(stage: Stage) -> None:
    declare(stage)
    stage.start_daemon()
    stage.until(is_on_key(0))
    process, old = guest_process(stage), declared_key(stage)
    declare(stage, ", keyEpoch: 1")
    stage.until(is_on_key(1))
    new = declared_key(stage)
    assert [opens(stage, old), opens(stage, new)] == [False, True]
    assert (guest_process(stage), stage.lines()) == (process, ["start FAKE guest1"])
    assert "lost guest1's agent" not in stage.daemon_log.read_text()


def test_a_revoked_key_opens_nothing_and_its_connections_end(stage: Stage) -> None:
    declare(stage)
    stage.start_daemon()
    stage.until(is_on_key(0))
    process, stolen = guest_process(stage), declared_key(stage)
    with stranger(stage, stolen) as thief:
        declare(stage, ", keyEpoch: 1, minKeyEpoch: 1")
        stage.until(is_on_key(1))
        thief.wait_for_end()
    assert [opens(stage, stolen), opens(stage, declared_key(stage))] == [False, True]
    assert (guest_process(stage), stage.lines()) == (process, ["start FAKE guest1"])


def test_a_key_that_changed_while_no_controller_ran_is_brought_when_one_does(stage: Stage) -> None:
    declare(stage)
    stage.start_daemon()
    stage.until(is_on_key(0))
    process, old = guest_process(stage), declared_key(stage)
    stage.kill_daemon()
    declare(stage, ", keyEpoch: 7, minKeyEpoch: 7")
    assert opens(stage, old)
    stage.start_daemon()
    stage.until(is_on_key(7))
    assert [opens(stage, old), opens(stage, declared_key(stage))] == [False, True]
    assert (guest_process(stage), stage.lines()) == (process, ["start FAKE guest1"])


def test_who_only_looks_brings_no_key(stage: Stage) -> None:
    declare(stage)
    stage.reconcile()
    old = declared_key(stage)
    declare(stage, ", keyEpoch: 1")
    stage.reconcile("plan")
    assert [opens(stage, old), opens(stage, declared_key(stage))] == [True, False]
    stage.reconcile()
    assert [opens(stage, old), opens(stage, declared_key(stage))] == [False, True]


def test_no_key_is_found_anywhere_but_where_keys_are_kept(stage: Stage) -> None:
    declare(stage)
    stage.start_daemon()
    stage.until(is_on_key(0))
    keys = {"the first key": declared_key(stage)}
    declare(stage, ", keyEpoch: 1")
    stage.until(is_on_key(1))
    keys["the second key"] = declared_key(stage)
    keys["the root key"] = (stage.state / "keys" / "root.key").read_bytes()
    agent = int(guest_process(stage)["pid"])
    places = [
        *said_of_processes(),
        *files_below(stage.state, but=("keys", "authkey", "authkey.next")),
        *files_below(stage.repository),
        ("the daemon's log", stage.daemon_log.read_bytes()),
        ("status", stage.reconcile("status", "-o", "json").stdout.encode()),
        *memory_of(agent),
    ]
    assert leaks(places, keys) == []
    names = {place.rpartition("/")[2] for place, _ in places}
    assert {"journal.sqlite", "log", "cmdline", "environ", "guest.json"} <= names
    assert any(b"lrmd/" in content for _, content in memory_of(agent)), "its memory was not read"
    assert leaks(files_below(stage.state), keys) == [
        "the first key in guests/vm-guest1/authkey",
        "the root key in keys/root.key",
        "the second key in guests/vm-guest1/authkey.next",
    ]
    assert stage.daemon is not None
    daemon, stage.daemon = stage.daemon, None
    assert not leaves_core_dump(daemon)
