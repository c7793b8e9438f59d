"""The journal in memory: what is written outlives controllers, and is lost only on order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from reconciler.model.history import History
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.operation import StartRecord
from reconciler.ports import IntentRecord, LogEntry, SourceTree
from reconciler.sim.life import Life

MAX_PLAN_INPUTS = 20


@dataclass(slots=True)
class Pages:
    """What is written in a journal."""

    epoch: int = 0
    history: History = field(default_factory=History)
    intents: dict[str, IntentRecord] = field(default_factory=dict)
    logs: dict[ResourceId, list[LogEntry]] = field(default_factory=dict)
    incarnations: dict[NodeName, str] = field(default_factory=dict)
    records: dict[NodeName, dict[ResourceId, StartRecord]] = field(default_factory=dict)
    tree: SourceTree | None = None
    plan_inputs: list[tuple[str, str]] = field(default_factory=list)


class MemoryJournal:
    """The Journal port of one controller; it keeps what the one on disk keeps."""

    def __init__(self, pages: Pages, life: Life) -> None:
        self._pages = pages
        self._life = life

    def load_history(self) -> History:
        """Return the failures and orders that were kept."""
        with self._life:
            return self._pages.history

    def save_history(self, history: History) -> None:
        """Keep failures and orders."""
        with self._life:
            self._pages.history = history

    def begin(self, intents: Sequence[IntentRecord]) -> None:
        """Write down actions before any of them is carried out."""
        with self._life:
            for intent in intents:
                assert intent.uid not in self._pages.intents, f"{intent.uid} is begun twice"
                self._pages.intents[intent.uid] = intent

    def finish(self, uid: str, entry: LogEntry | None) -> None:
        """Write down an action's result; an unknown outcome leaves the intent open."""
        with self._life:
            if entry is None:
                return
            self._pages.intents.pop(uid, None)
            self.append_log(entry)

    def open_intents(self) -> Sequence[IntentRecord]:
        """Return actions that were begun and have no result."""
        with self._life:
            return list(self._pages.intents.values())

    def append_log(self, entry: LogEntry) -> None:
        """Keep a result that no action asked for."""
        with self._life:
            self._pages.logs.setdefault(entry.result.resource, []).append(entry)

    def logs(self, resource: ResourceId, limit: int) -> Sequence[LogEntry]:
        """Return a resource's last results, newest first."""
        with self._life:
            return list(islice(reversed(self._pages.logs.get(resource, [])), limit))

    def save_record(self, node: NodeName, incarnation: str, record: StartRecord) -> None:
        """Keep a start record; one of another incarnation than the node's present one begins that incarnation's."""
        with self._life:
            if self._pages.incarnations.get(node) not in {None, incarnation}:
                self._pages.records.pop(node, None)
                del self._pages.incarnations[node]
            self._pages.records.setdefault(node, {})[record.resource] = record

    def drop_record(self, node: NodeName, resource: ResourceId) -> None:
        """Forget the record of a resource that was stopped."""
        with self._life:
            self._pages.records.get(node, {}).pop(resource, None)

    def records(self, node: NodeName, incarnation: str) -> Mapping[ResourceId, StartRecord] | None:
        """Return a node's records in this incarnation; None: the journal does not know this incarnation."""
        with self._life:
            if not incarnation or self._pages.incarnations.get(node) != incarnation:
                return None
            return dict(sorted(self._pages.records.get(node, {}).items()))

    def open_incarnation(self, node: NodeName, incarnation: str) -> None:
        """Note that we began this incarnation of a node; what was known of another one ends with it."""
        with self._life:
            if self._pages.incarnations.get(node) != incarnation:
                self._pages.records.pop(node, None)
                self._pages.incarnations[node] = incarnation

    def save_tree(self, tree: SourceTree) -> None:
        """Keep the last declaration that was good."""
        with self._life:
            self._pages.tree = tree

    def load_tree(self) -> SourceTree | None:
        """Return the last declaration that was good."""
        with self._life:
            return self._pages.tree

    def save_plan_input(self, text: str, transition_hash: str) -> None:
        """Keep a planner input."""
        with self._life:
            self._pages.plan_inputs = [(transition_hash, text), *self._pages.plan_inputs][:MAX_PLAN_INPUTS]

    def plan_inputs(self) -> Sequence[tuple[str, str]]:
        """Return the kept planner inputs as (hash, JSON), newest first."""
        with self._life:
            return list(self._pages.plan_inputs)

    def next_epoch(self) -> int:
        """Return a number higher than ever before."""
        with self._life:
            self._pages.epoch += 1
            return self._pages.epoch
