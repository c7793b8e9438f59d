"""Follows the declaration: reads it when it changed, and keeps the last good one in force."""

from collections.abc import Callable, Mapping

from reconciler.act.abilities import feasible
from reconciler.load.load import Loaded, load
from reconciler.loop.memory import Memory
from reconciler.model.errors import SourceError
from reconciler.model.event import Event, Severity
from reconciler.model.intent import Intent
from reconciler.model.names import Where
from reconciler.model.problem import Problem
from reconciler.ports import Ports, SourceTree

SOURCE_RETRY_S = 5.0
"""After which a source that could not be read is tried again: what it was to tell may never be told again."""
SOURCE_RESYNC_S = 60.0
"""After which a source is read again though nothing was heard of it: a commit whose event was lost costs this much."""


class Declaration:
    """The way from the repository into memory."""

    def __init__(
        self, ports: Ports, memory: Memory, emit: Callable[[Event], None], adjust: Callable[[Intent], Intent]
    ) -> None:
        self._ports = ports
        self._adjust = adjust
        self._memory = memory
        self._emit = emit
        self._is_stale = True
        self._seen: SourceTree | None = None
        self._told: tuple[str | None, Mapping[str, bytes]] | None = None
        self._is_first = True
        self._retry_at: float | None = None
        self._refusal: tuple[tuple[Problem, ...], str] = ((), "")

    def invalidate(self) -> None:
        """Read it again in the next round."""
        self._is_stale = True

    @property
    def retry_s(self) -> float | None:
        """Return the seconds until the source is read again by itself; None before the first time."""
        return None if self._retry_at is None else self._retry_at - self._ports.clock.monotonic()

    async def load(self) -> bool:
        """Read the declaration if it may have changed; return whether another one is in force now."""
        is_due = self.retry_s is not None and self.retry_s <= 0
        if not self._is_stale and not is_due:
            return False
        self._is_stale, self._retry_at = False, None
        has_recalled = await self._recall()
        try:
            tree = await self._ports.repository.read()
        except SourceError as error:
            self._seen, self._retry_at = None, self._ports.clock.monotonic() + SOURCE_RETRY_S
            self._told = None
            self._refuse((_problem(str(error)),), "")
            return has_recalled
        self._retry_at = self._ports.clock.monotonic() + SOURCE_RESYNC_S
        if self._seen is not None and tree == self._seen:
            return has_recalled
        self._seen = tree
        loaded = await self._ports.compute.run(load, tree.files)
        problems = loaded.problems if loaded.intent is None else self._renamed(loaded.intent)
        if loaded.intent is None or problems:
            self._refuse(problems, tree.source.commit or "the files")
            return has_recalled
        self._memory.problems, self._memory.refused, self._refusal = loaded.problems, "", ((), "")
        intent = feasible(self._adjust(loaded.intent))
        is_new = self._memory.declared != intent
        is_told = self._told == (tree.source.commit, tree.files)
        self._memory.accept(tree, intent)
        self._ports.journal.save_tree(tree)
        if not is_told:  # only edits beside the commit differ
            self._told = (tree.source.commit, tree.files)
            self._emit(Event(code="declaration", text=f"in force: {_name(tree)}"))
        return is_new or has_recalled

    async def _recall(self) -> bool:
        """Put the last good declaration of an earlier run in force, until the present one is read."""
        if not self._is_first:
            return False
        self._is_first = False
        tree = self._ports.journal.load_tree()
        if tree is None:
            return False
        loaded: Loaded = await self._ports.compute.run(load, tree.files)
        if loaded.intent is None:
            return False
        self._memory.accept(tree, feasible(loaded.intent))
        return True

    def _renamed(self, intent: Intent) -> tuple[Problem, ...]:
        """Return a problem if a declaration is of another cluster: what runs would be nobody's, and start twice."""
        before = self._memory.intent
        if before is None or before.cluster.name.lower() == intent.cluster.name.lower():
            return ()
        where = intent.cluster.where or Where(file=".", line=1)
        text = f"the cluster was called {before.cluster.name} and is called {intent.cluster.name} now"
        hint = "give it back its name; or stop everything with `reconcile stop-all`, and name another state folder"
        return (Problem(where=where, code="cluster-renamed", text=text, hint=hint),)

    def _refuse(self, problems: tuple[Problem, ...], what: str) -> None:
        """Keep what is in force, and say why, once."""
        if (problems, what) == self._refusal:
            return
        self._refusal = (problems, what)
        self._memory.problems, self._memory.refused = problems, what
        errors = sum(p.severity == "error" for p in problems)
        kept = self._memory.tree
        rest = f"in force stays {_name(kept)}" if kept is not None else "nothing is in force"
        text = f"{what or 'the declaration'} has {errors} error{'s' if errors != 1 else ''}, {rest}"
        self._emit(Event(code="declaration-refused", text=text, severity=Severity.ERROR))
        for problem in problems:
            self._emit(Event(code=problem.code, text=str(problem), severity=Severity.ERROR))


def _name(tree: SourceTree) -> str:
    commit = tree.source.commit
    return f"commit {commit[:12]}" if commit else "the files as they are"


def _problem(text: str) -> Problem:
    return Problem(where=Where(file=".", line=1), code="source", text=text)
