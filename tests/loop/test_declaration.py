"""The declaration's way into memory, with a repository and a journal in memory."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from reconciler.load.load import load
from reconciler.loop.declaration import SOURCE_RESYNC_S, SOURCE_RETRY_S, Declaration
from reconciler.loop.memory import Memory
from reconciler.loop.orders import as_declared
from reconciler.loop.unfinished import Unfinished
from reconciler.model.errors import SourceError
from reconciler.model.event import Event
from reconciler.model.history import History
from reconciler.model.intent import Source
from reconciler.ports import Clock, SourceTree
from reconciler.ports import Ports as WholePorts
from reconciler.sim.clock import Inline
from reconciler.sim.journal import MemoryJournal, Pages
from reconciler.sim.life import Life

GOOD = """\
apiVersion: reconciler/v1alpha1
kind: Cluster
metadata: {name: CLUSTER}
---
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {name: HOST}
spec: {agent: local}
"""


def tree(commit: str, text: str = GOOD, *, is_dirty: bool = False) -> SourceTree:
    text = text.replace("CLUSTER", "shop").replace("HOST", "host1")
    source = Source(folder="/shop", commit=commit * 40, is_dirty=is_dirty)
    return SourceTree(source=source, files={"a.yaml": text.encode()})


@dataclass
class Still:
    """A clock that stands still until it is set."""

    at: float = 0.0

    def monotonic(self) -> float:
        return self.at


@dataclass
class Answers:
    """A repository that gives, or raises, what stands first; the last again and again."""

    left: list[SourceTree | SourceError]
    readings: int = 0

    async def read(self) -> SourceTree:
        self.readings += 1
        answer = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(answer, SourceError):
            raise answer
        return answer


@dataclass
class Ports:
    """What a declaration asks for of the world."""

    repository: Answers
    journal: MemoryJournal
    clock: Still = field(default_factory=Still)
    compute: Inline = field(default_factory=Inline)


def _never() -> None:
    raise AssertionError("nothing dies here")


class Bench:
    """A declaration with what it changes."""

    def __init__(self, *answers: SourceTree | SourceError, pages: Pages | None = None) -> None:
        self.pages = pages or Pages()
        journal = MemoryJournal(self.pages, Life(_never))
        self.ports = Ports(Answers(list(answers)), journal)
        clock, ports = cast("Clock", self.ports.clock), cast("WholePorts", self.ports)
        self.memory = Memory(journal=journal, history=History(), unfinished=Unfinished(journal, clock))
        self.events: list[Event] = []
        self.declaration = Declaration(ports, self.memory, self.events.append, as_declared)

    def load(self, *, is_changed: bool = True) -> bool:
        if is_changed:
            self.declaration.invalidate()
        return asyncio.run(self.declaration.load())

    @property
    def in_force(self) -> str | None:
        kept = self.memory.tree
        return None if kept is None or kept.source.commit is None else kept.source.commit[0]


BAD = tree("b", GOOD.replace("agent: local", "agent: local, statee: x"))


def test_a_good_commit_is_put_in_force_kept_and_told_once() -> None:
    bench = Bench(tree("a"))
    assert (bench.load(), bench.load(), bench.load(is_changed=False)) == (True, False, False)
    assert (bench.in_force, bench.pages.tree) == ("a", tree("a"))
    assert bench.memory.intent == load(tree("a").files).intent
    assert [e.text for e in bench.events] == ["in force: commit aaaaaaaaaaaa"]


def test_nothing_is_read_before_something_changed() -> None:
    bench = Bench(tree("a"))
    bench.load()
    bench.load(is_changed=False)
    assert bench.ports.repository.readings == 1


def test_a_commit_whose_event_was_lost_is_found_after_a_while() -> None:
    bench = Bench(tree("a"), tree("c", GOOD.replace("HOST", "host2")))
    bench.load()
    bench.ports.clock.at += SOURCE_RESYNC_S + 1
    assert (bench.load(is_changed=False), bench.in_force) == (True, "c")


def test_edits_beside_the_commit_are_noted_and_not_told() -> None:
    bench = Bench(tree("a"), tree("a", is_dirty=True))
    assert (bench.load(), bench.load()) == (True, False)
    assert bench.memory.tree is not None
    assert bench.memory.tree.source.is_dirty
    assert len(bench.events) == 1


def test_a_bad_commit_is_kept_out_and_named_until_a_good_one_comes() -> None:
    bench = Bench(tree("a"), BAD, tree("c"))
    bench.load()
    assert (bench.load(), bench.in_force, bench.memory.refused) == (False, "a", "b" * 40)
    assert [p.code for p in bench.memory.problems] == ["unknown-field"]
    assert bench.events[1].text == f"{'b' * 40} has 1 error, in force stays commit aaaaaaaaaaaa"
    bench.load()
    assert (bench.in_force, bench.memory.refused, bench.memory.problems) == ("c", "", ())


def test_a_bad_commit_is_not_kept_for_the_next_start() -> None:
    bench = Bench(tree("a"), BAD)
    bench.load()
    bench.load()
    assert bench.pages.tree == tree("a")


def test_after_a_restart_the_last_good_commit_is_in_force_while_the_newest_is_bad() -> None:
    bench = Bench(BAD, pages=Pages(tree=tree("a")))
    assert (bench.load(), bench.in_force, bench.memory.refused) == (True, "a", "b" * 40)


def test_without_anything_good_nothing_is_in_force() -> None:
    bench = Bench(BAD)
    assert (bench.load(), bench.memory.intent) == (False, None)
    assert bench.events[0].text == f"{'b' * 40} has 1 error, nothing is in force"


def test_an_empty_commit_deletes_nothing() -> None:
    bench = Bench(tree("a"), SourceTree(source=Source(folder="/shop", commit="e" * 40), files={}))
    bench.load()
    assert (bench.load(), bench.in_force) == (False, "a")
    assert [p.code for p in bench.memory.problems] == ["nothing-declared"]


def test_a_source_that_cannot_be_read_is_tried_again_and_its_problem_goes_with_success() -> None:
    bench = Bench(tree("a"), SourceError("git: broken"), tree("a"))
    bench.load()
    assert bench.load() is False
    assert ([p.text for p in bench.memory.problems], bench.in_force) == (["git: broken"], "a")
    bench.ports.clock.at += SOURCE_RETRY_S
    bench.load(is_changed=False)
    assert (bench.memory.problems, bench.in_force) == ((), "a")


def test_a_commit_of_another_cluster_is_kept_out() -> None:
    bench = Bench(
        tree("a"), tree("b", GOOD.replace("CLUSTER", "other")), tree("c", GOOD.replace("CLUSTER", "SHOP"))
    )
    bench.load()
    assert (bench.load(), bench.in_force) == (False, "a")
    assert str(bench.memory.problems[0]) == (
        "a.yaml:3:18: error[cluster-renamed]: the cluster was called shop and is called other now; "
        "give it back its name; or stop everything with `reconcile stop-all`, and name another state folder"
    )
    bench.load()
    assert bench.in_force == "c"
