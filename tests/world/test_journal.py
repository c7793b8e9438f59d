"""Real SQLite files: what is written is there after a reopening, and damage is said in words."""

import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model.errors import StateError
from reconciler.model.history import ConnectionFailure, FailureCount, History
from reconciler.model.intent import Source
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import LinkReason
from reconciler.model.operation import Monitor, OperationResult, StartRecord
from reconciler.model.resource import Resource, ResourceAgent
from reconciler.ports import IntentRecord, LogEntry, SourceTree
from reconciler.world.journal import MAX_LOGS_PER_RESOURCE, MAX_OUTPUT, MAX_PLAN_INPUTS, SqliteJournal

WEB, DB = ResourceId("web"), ResourceId("db")
N1, N2 = NodeName("n1"), NodeName("n2")
DUMMY = ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy")


Opener = Callable[..., SqliteJournal]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Open journals, and close them all in the end."""
    with ExitStack() as stack:

        def open_one(path: Path, *, is_read_only: bool = False) -> SqliteJournal:
            return stack.enter_context(closing(SqliteJournal(path, is_read_only=is_read_only)))

        yield open_one


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def begun(uid: str, resource: ResourceId = WEB) -> IntentRecord:
    return IntentRecord(
        uid=uid,
        action=f"{resource}_start_0@n1",
        kind="start",
        node=N1,
        resource=resource,
        incarnation="boot1",
        commit="c0ffee",
        started_at=1.5,
    )


def entry(resource: ResourceId = WEB, at: float = 2.0, **fields: object) -> LogEntry:
    result = OperationResult(resource=resource, operation="start", uid="u", ran_at=1.0, took_ms=7)
    return LogEntry(
        node=N1,
        result=replace(result, **fields),  # type: ignore[arg-type]  # tests name real fields
        finished_at=at,
        commit="c0ffee",
    )


def record(resource: ResourceId = WEB, **fields: object) -> StartRecord:
    base = StartRecord(
        resource=resource,
        agent=DUMMY,
        params={"state": "/run/ü"},
        cluster="shop",
        uid="u1",
        since=3.0,
        monitors=(Monitor(interval_ms=10_000, timeout_ms=20_000),),
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests name real fields


def test_history_is_there_after_a_reopening(opened: Opener, path: Path) -> None:
    want = History(
        failures={(WEB, N1): FailureCount(count=2, last_at=9.5, operation="monitor", text="rc 1: ü")},
        connections={N2: ConnectionFailure(count=1, last_at=1.0, reason=LinkReason.WRONG_KEY, text="no")},
        restarts=frozenset({DB, WEB}),
        allowed_destroys=frozenset({ResourceId("vm")}),
        former={DB: Resource(id=DB, agent=DUMMY, where=Where(file="a.yaml", line=1))},
    )
    journal = opened(path)
    assert journal.load_history() == History()
    journal.save_history(want)
    journal.close()
    assert opened(path).load_history() == want


def test_only_its_user_can_read_it(opened: Opener, path: Path) -> None:
    os.umask(os.umask(0))
    opened(path).save_history(History())
    assert {p.name: oct(p.stat().st_mode & 0o777) for p in path.parent.iterdir()} == {
        "journal.sqlite": "0o600",
        "journal.sqlite-wal": "0o600",
        "journal.sqlite-shm": "0o600",
    }


def test_a_commit_survives_a_power_cut(opened: Opener, path: Path) -> None:
    journal = opened(path)
    modes = [journal._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    full = 2  # https://www.sqlite.org/pragma.html#pragma_synchronous
    assert modes == ["wal", full]


@pytest.mark.slow
def test_what_was_written_survives_a_kill_at_once(opened: Opener, path: Path) -> None:
    code = (
        "import sys, os, signal\n"
        "from pathlib import Path\n"
        "from tests.world.test_journal import SqliteJournal, begun\n"
        "SqliteJournal(Path(sys.argv[1])).begin([begun('u1'), begun('u2')])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    read_only = opened(path, is_read_only=True)
    assert [i.uid for i in read_only.open_intents()] == ["u1", "u2"]
    assert opened(path).open_intents() == [begun("u1"), begun("u2")]


def test_an_action_is_open_until_its_result_is_written(opened: Opener, path: Path) -> None:
    journal = opened(path)
    journal.begin([begun("u1"), begun("u2", DB)])
    journal.finish("u1", entry())
    assert journal.open_intents() == [begun("u2", DB)]
    assert journal.logs(WEB, 10) == [entry()]


def test_an_unknown_outcome_stays_open_until_it_is_found_out(opened: Opener, path: Path) -> None:
    journal = opened(path)
    journal.begin([begun("u1"), begun("u2")])
    journal.finish("u1", None)
    assert journal.open_intents() == [begun("u1"), begun("u2")]
    journal.finish("u1", entry())
    assert journal.open_intents() == [begun("u2")]


def test_of_several_actions_all_or_none_are_written(opened: Opener, path: Path) -> None:
    journal = opened(path)
    journal.begin([begun("u1")])
    with pytest.raises(StateError, match="UNIQUE constraint failed"):
        journal.begin([begun("u2"), begun("u1")])
    assert journal.open_intents() == [begun("u1")]


def test_logs_are_newest_first_and_by_resource(opened: Opener, path: Path) -> None:
    journal = opened(path)
    for at in (1.0, 2.0, 3.0):
        journal.append_log(entry(at=at))
        journal.append_log(entry(DB, at=at))
    assert journal.logs(WEB, 2) == [entry(at=3.0), entry(at=2.0)]
    assert journal.logs(ResourceId("other"), 2) == []
    assert journal.logged_resources() == ["db", "web"]


def test_each_resource_keeps_its_last_results_and_the_end_of_their_output(opened: Opener, path: Path) -> None:
    journal = opened(path)
    journal.append_log(entry(DB))
    for number in range(MAX_LOGS_PER_RESOURCE + 3):
        journal.append_log(entry(at=float(number), output="x" * MAX_OUTPUT + str(number)))
    kept = journal.logs(WEB, 1000)
    assert [e.finished_at for e in kept] == [float(n) for n in range(MAX_LOGS_PER_RESOURCE + 2, 2, -1)]
    assert {len(e.result.output) for e in kept} == {MAX_OUTPUT}
    assert kept[0].result.output.endswith(str(MAX_LOGS_PER_RESOURCE + 2))
    assert journal.logs(DB, 10) == [entry(DB)]


def test_records_belong_to_an_incarnation_that_we_began(opened: Opener, path: Path) -> None:
    journal = opened(path)
    assert journal.records(N1, "boot1") is None
    journal.open_incarnation(N1, "boot1")
    assert journal.records(N1, "boot1") == {}
    journal.save_record(N1, "boot1", record())
    journal.save_record(N1, "boot1", record(DB, phase="starting"))
    journal.save_record(N1, "boot1", record(DB, phase="started"))
    journal.open_incarnation(N1, "boot1")
    assert journal.records(N1, "boot1") == {DB: record(DB, phase="started"), WEB: record()}
    assert (journal.records(N1, "boot2"), journal.records(N2, "boot1"), journal.records(N1, "")) == (
        None,
        None,
        None,
    )
    journal.drop_record(N1, DB)
    assert journal.records(N1, "boot1") == {WEB: record()}


def test_a_new_incarnation_ends_what_was_known_of_the_old_one(opened: Opener, path: Path) -> None:
    journal = opened(path)
    journal.open_incarnation(N1, "boot1")
    journal.open_incarnation(N2, "boot1")
    journal.save_record(N1, "boot1", record())
    journal.save_record(N2, "boot1", record())
    journal.open_incarnation(N1, "boot2")
    assert (journal.records(N1, "boot1"), journal.records(N1, "boot2")) == (None, {})
    assert journal.records(N2, "boot1") == {WEB: record()}


def test_records_of_an_incarnation_that_we_did_not_begin_are_never_complete(
    opened: Opener, path: Path
) -> None:
    journal = opened(path)
    journal.open_incarnation(N1, "boot1")
    journal.save_record(N1, "boot1", record())
    journal.save_record(N1, "boot2", record(DB))
    assert (journal.records(N1, "boot1"), journal.records(N1, "boot2")) == (None, None)


def test_the_last_good_declaration_replaces_the_one_before(opened: Opener, path: Path) -> None:
    journal = opened(path)
    assert journal.load_tree() is None
    first = SourceTree(source=Source(folder="/x", commit="1"), files={"a.yaml": b"1", "gone.yaml": b"\xff\0"})
    second = SourceTree(source=Source(folder="/x", commit="2", is_dirty=True), files={"a.yaml": b"2"})
    journal.save_tree(first)
    assert journal.load_tree() == first
    journal.save_tree(second)
    journal.close()
    assert opened(path).load_tree() == second


def test_the_last_planner_inputs_are_kept(opened: Opener, path: Path) -> None:
    journal = opened(path)
    for number in range(MAX_PLAN_INPUTS + 5):
        journal.save_plan_input(f"input {number}", f"hash {number}")
    kept = journal.plan_inputs()
    assert (len(kept), kept[0], kept[-1]) == (MAX_PLAN_INPUTS, ("hash 24", "input 24"), ("hash 5", "input 5"))


def test_each_epoch_is_higher_than_all_before(opened: Opener, path: Path) -> None:
    first = opened(path)
    epochs = [first.next_epoch(), first.next_epoch()]
    first.close()
    epochs.append(opened(path).next_epoch())
    assert epochs == sorted(set(epochs))


def test_an_epoch_is_higher_than_all_before_though_the_clock_was_set_back(
    opened: Opener, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = opened(path)
    before = journal.next_epoch()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert journal.next_epoch() == before + 1


def test_controllers_that_begin_at_one_moment_have_different_epochs(
    opened: Opener, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = iter([2**16 - 1, 0, 0])
    monkeypatch.setattr(secrets, "randbits", lambda _bits: next(chance))
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)
    epochs = {opened(path.with_name(f"{name}.sqlite")).next_epoch() for name in "ab"}
    assert len(epochs) == 2
    assert max(epochs) < 10**18
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_001_000_000)
    # Of a state made after one was lost.
    assert opened(path.with_name("e.sqlite")).next_epoch() > max(epochs)


def test_a_binding_is_kept(opened: Opener, path: Path) -> None:
    journal = opened(path)
    assert journal.binding() == {}
    journal.bind({"folder": "/x", "machine": "m"})
    journal.close()
    assert opened(path).binding() == {"folder": "/x", "machine": "m"}


def test_a_missing_journal_reads_as_an_empty_one_and_is_not_made(opened: Opener, path: Path) -> None:
    journal = opened(path, is_read_only=True)
    assert (journal.load_history(), journal.load_tree(), journal.plan_inputs()) == (History(), None, [])
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["journal.sqlite", "a#b?c%20.sqlite", "ü ö.sqlite"])
def test_reading_beside_a_writer_sees_what_is_written_and_changes_nothing(
    opened: Opener, tmp_path: Path, name: str
) -> None:
    writer = opened(tmp_path / name)
    writer.begin([begun("u1")])
    reader = opened(tmp_path / name, is_read_only=True)
    assert reader.open_intents() == [begun("u1")]
    reader.finish("u1", entry())
    reader.save_history(History(restarts=frozenset({WEB})))
    assert (writer.open_intents(), writer.load_history()) == ([begun("u1")], History())


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_file_that_is_no_journal_is_named(opened: Opener, path: Path, is_read_only: bool) -> None:
    path.write_bytes(b"this was a journal once" * 100)
    with pytest.raises(StateError) as caught:
        opened(path, is_read_only=is_read_only)
    assert str(caught.value) == (
        f"{path} is damaged (file is not a database); move it away: "
        "what only it knew becomes unknown, and is shown"
    )


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_journal_with_a_damaged_page_is_found_at_once(
    opened: Opener, path: Path, is_read_only: bool
) -> None:
    journal = opened(path)
    for number in range(200):
        journal.append_log(entry(ResourceId(f"r{number}"), output="x" * 500))
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xa5" * 20_000 + whole[28_192:])
    with pytest.raises(StateError, match="is damaged") as caught:
        opened(path, is_read_only=is_read_only)
    # While its traceback holds on to all that the failed start has made.
    assert caught.tb is not None
    held = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert path not in held


def test_a_journal_of_another_version_is_an_error_and_no_wrong_use(opened: Opener, path: Path) -> None:
    journal = opened(path)
    journal._put("history", '{"failures": 5}')
    with pytest.raises(StateError, match="this is no saved History of this version"):
        journal.load_history()


def test_a_full_disk_is_said_and_nothing_is_half_written(opened: Opener, path: Path) -> None:
    journal = opened(path)
    journal.begin([begun("u1")])
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count={pages}")
    many = [begun(f"u{n}") for n in range(2, 500)]
    with pytest.raises(StateError, match=f"^cannot use {path}: database or disk is full$"):
        journal.begin(many)
    assert journal.open_intents() == [begun("u1")]


def test_a_folder_that_is_gone_is_said(opened: Opener, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="unable to open database file"):
        opened(tmp_path / "gone" / "journal.sqlite")


def test_the_schema_is_that_of_strict_tables(opened: Opener, path: Path) -> None:
    journal = opened(path)
    with pytest.raises(sqlite3.IntegrityError):
        journal._db.execute("INSERT INTO logs VALUES ('x', 1, 1, 'x', 1, 1)")
