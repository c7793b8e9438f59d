"""The journal in SQLite: what cannot be observed, durable before it is relied on.

Source: https://www.sqlite.org/pragma.html#pragma_synchronous: in WAL mode, FULL makes a commit survive a power cut.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from reconciler.load.record import from_json, to_json
from reconciler.model.errors import StateError, UsageError
from reconciler.model.history import History
from reconciler.model.intent import Source
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.operation import OperationResult, StartRecord
from reconciler.ports import IntentRecord, LogEntry, SourceTree

T = TypeVar("T")

MAX_LOGS_PER_RESOURCE = 50
MAX_PLAN_INPUTS = 20
MAX_OUTPUT = 4096
"""Characters of an operation's output that are kept."""

_CHANCE_BITS = 16
"""Of an epoch, below the milliseconds: 18 digits in all until the year 2452, and the wire takes no more."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS intents (uid TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS logs (
    sequence INTEGER PRIMARY KEY, resource TEXT NOT NULL, node TEXT NOT NULL, finished_at REAL NOT NULL,
    commit_id TEXT NOT NULL, value TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS logs_by_resource ON logs (resource, sequence);
CREATE TABLE IF NOT EXISTS incarnations (node TEXT PRIMARY KEY, incarnation TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS records (
    node TEXT NOT NULL, resource TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (node, resource)) STRICT;
CREATE TABLE IF NOT EXISTS plan_inputs (sequence INTEGER PRIMARY KEY, hash TEXT NOT NULL, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
"""


class SqliteJournal:
    """The Journal port on one SQLite file."""

    def __init__(self, path: Path, *, is_read_only: bool = False) -> None:
        """Open or create the journal.

        Args:
            path: the file; its folder exists.
            is_read_only: read what is there and write nothing; a missing file is an empty journal.

        Raises:
            StateError: the file is damaged or not a journal.
        """
        self._path = path
        with self._refusals():
            self._db = sqlite3.connect(":memory:" if is_read_only else path, isolation_level=None)
            try:
                self._prepare(is_read_only=is_read_only)
            except BaseException:
                self._db.close()  # nobody gets what could be closed later
                raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def load_history(self) -> History:
        """Return the failures and orders that were kept."""
        text = self._get("history")
        return History() if text is None else self._read(History, text)

    def save_history(self, history: History) -> None:
        """Keep failures and orders."""
        self._put("history", to_json(history))

    def begin(self, intents: Sequence[IntentRecord]) -> None:
        """Write down actions before any of them is carried out."""
        rows = [(i.uid, to_json(i)) for i in intents]
        with self._writing():
            self._db.executemany("INSERT INTO intents VALUES (?, ?)", rows)

    def finish(self, uid: str, entry: LogEntry | None) -> None:
        """Write down an action's result; an unknown outcome leaves the intent open."""
        if entry is None:
            return
        with self._writing():
            self._db.execute("DELETE FROM intents WHERE uid = ?", (uid,))
            self._log(entry)

    def open_intents(self) -> Sequence[IntentRecord]:
        """Return actions that were begun and have no result."""
        rows = self._rows("SELECT value FROM intents ORDER BY rowid")
        return [self._read(IntentRecord, value) for (value,) in rows]

    def append_log(self, entry: LogEntry) -> None:
        """Keep a result that no action asked for."""
        with self._writing():
            self._log(entry)

    def logs(self, resource: ResourceId, limit: int) -> Sequence[LogEntry]:
        """Return a resource's last results, newest first."""
        query = "SELECT node, finished_at, commit_id, value FROM logs WHERE resource = ? ORDER BY sequence DESC LIMIT ?"
        return [
            LogEntry(node=NodeName(n), finished_at=at, commit=c, result=self._read(OperationResult, value))
            for n, at, c, value in self._rows(query, resource, limit)
        ]

    def logged_resources(self) -> Sequence[str]:
        """Return the names of all resources with a result, sorted."""
        return [str(name) for (name,) in self._rows("SELECT DISTINCT resource FROM logs ORDER BY resource")]

    def save_record(self, node: NodeName, incarnation: str, record: StartRecord) -> None:
        """Keep a start record; one of another incarnation than the node's present one begins that incarnation's."""
        with self._writing():
            if self._incarnation(node) not in {None, incarnation}:
                self._db.execute("DELETE FROM records WHERE node = ?", (node,))
                self._db.execute("DELETE FROM incarnations WHERE node = ?", (node,))
            value = to_json(record)
            self._db.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (node, record.resource, value)
            )

    def drop_record(self, node: NodeName, resource: ResourceId) -> None:
        """Forget the record of a resource that was stopped."""
        with self._writing():
            self._db.execute("DELETE FROM records WHERE node = ? AND resource = ?", (node, resource))

    def records(self, node: NodeName, incarnation: str) -> Mapping[ResourceId, StartRecord] | None:
        """Return a node's records in this incarnation; None: the journal does not know this incarnation."""
        if not incarnation or self._incarnation(node) != incarnation:
            return None
        rows = self._rows("SELECT value FROM records WHERE node = ? ORDER BY resource", node)
        found = [self._read(StartRecord, value) for (value,) in rows]
        return {record.resource: record for record in found}

    def open_incarnation(self, node: NodeName, incarnation: str) -> None:
        """Note that we began this incarnation of a node; what was known of another one ends with it."""
        if self._incarnation(node) == incarnation:
            return
        with self._writing():
            self._db.execute("DELETE FROM records WHERE node = ?", (node,))
            self._db.execute("INSERT OR REPLACE INTO incarnations VALUES (?, ?)", (node, incarnation))

    def save_tree(self, tree: SourceTree) -> None:
        """Keep the last declaration that was good."""
        with self._writing():
            self._db.execute("DELETE FROM files")
            self._db.executemany("INSERT INTO files VALUES (?, ?)", sorted(tree.files.items()))
            self._db.execute("INSERT OR REPLACE INTO kept VALUES ('source', ?)", (to_json(tree.source),))

    def load_tree(self) -> SourceTree | None:
        """Return the last declaration that was good."""
        text = self._get("source")
        if text is None:
            return None
        files = dict(self._rows("SELECT path, content FROM files ORDER BY path"))
        return SourceTree(source=self._read(Source, text), files=files)

    def save_plan_input(self, text: str, transition_hash: str) -> None:
        """Keep a planner input for `reconcile replay`."""
        with self._writing():
            self._db.execute("INSERT INTO plan_inputs (hash, value) VALUES (?, ?)", (transition_hash, text))
            self._db.execute(
                "DELETE FROM plan_inputs WHERE sequence <= (SELECT max(sequence) FROM plan_inputs) - ?",
                (MAX_PLAN_INPUTS,),
            )

    def plan_inputs(self) -> Sequence[tuple[str, str]]:
        """Return the kept planner inputs as (hash, JSON), newest first."""
        return self._rows("SELECT hash, value FROM plan_inputs ORDER BY sequence DESC")

    def next_epoch(self) -> int:
        """Return a number higher than ever before.

        It is at least the time of day, in milliseconds: after a loss of the journal, agents still see a newer
        controller. Below that it is chance, so that of two controllers with states of their own, begun at one moment,
        agents obey one and not both.
        """
        begun = time.time_ns() // 1_000_000 << _CHANCE_BITS | secrets.randbits(_CHANCE_BITS)
        epoch = max(int(self._get("epoch") or "0") + 1, begun)
        self._put("epoch", str(epoch))
        return epoch

    def binding(self) -> Mapping[str, str]:
        """Return what this state is bound to; empty before `bind`."""
        text = self._get("binding")
        return {} if text is None else json.loads(text)

    def bind(self, binding: Mapping[str, str]) -> None:
        """Bind this state to a source and a machine."""
        self._put("binding", json.dumps(dict(binding), sort_keys=True))

    def _prepare(self, *, is_read_only: bool) -> None:
        """Take what is in the file, or make sure of the file itself."""
        if not is_read_only:
            self._path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
        elif self._path.exists():
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as source:
                source.backup(self._db)
        found = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        self._db.executescript(_SCHEMA)

    def _incarnation(self, node: NodeName) -> str | None:
        rows = self._rows("SELECT incarnation FROM incarnations WHERE node = ?", node)
        return str(rows[0][0]) if rows else None

    def _log(self, entry: LogEntry) -> None:
        """Add a log line, and drop the resource's oldest beyond the limit; inside a transaction."""
        kept = _shortened(entry.result)
        self._db.execute(
            "INSERT INTO logs (resource, node, finished_at, commit_id, value) VALUES (?, ?, ?, ?, ?)",
            (kept.resource, entry.node, entry.finished_at, entry.commit, to_json(kept)),
        )
        self._db.execute(
            "DELETE FROM logs WHERE resource = ? AND sequence <= (SELECT sequence FROM logs WHERE resource = ? "
            "ORDER BY sequence DESC LIMIT 1 OFFSET ?)",
            (kept.resource, kept.resource, MAX_LOGS_PER_RESOURCE),
        )

    def _get(self, name: str) -> str | None:
        rows = self._rows("SELECT value FROM kept WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    def _put(self, name: str, value: str) -> None:
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, value))

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._refusals():
            return self._db.execute(query, values).fetchall()

    def _read(self, model: type[T], text: str) -> T:
        try:
            return from_json(model, text)
        except UsageError as error:
            text = f"{self._path}: {error}; move it away: what only it knew becomes unknown, and is shown"
            raise StateError(text) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Do all that is written in the block, or nothing."""
        with self._refusals(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Say what SQLite cannot do as an error of ours.

        Raises:
            StateError: the file is damaged, or the disk is full, read-only or gone.
        """
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StateError(f"cannot use {self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            text = f"{self._path} is damaged ({error}); move it away: what only it knew becomes unknown, and is shown"
            raise StateError(text) from error


def _shortened(result: OperationResult) -> OperationResult:
    return replace(result, output=result.output[-MAX_OUTPUT:])
