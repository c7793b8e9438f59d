"""The Repository port in memory: commits that the scenario makes, seen a little later."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.errors import SourceError
from reconciler.model.intent import Intent, Source
from reconciler.ports import SourceTree, Wake
from reconciler.sim.chance import Chance
from reconciler.sim.life import Life
from reconciler.sim.machines import Machines


@dataclass(slots=True)
class Commits:
    """The branch that is followed."""

    trees: list[SourceTree] = field(default_factory=list)
    intents: dict[str, Intent] = field(default_factory=dict)
    """Of the good ones, by commit."""
    watchers: list[Wake] = field(default_factory=list)

    def add(self, files: Mapping[str, bytes], intent: Intent | None) -> str:
        """Commit files; an intent of None says that they are no good. Returns the commit."""
        commit = hashlib.sha256(f"{len(self.trees)}".encode()).hexdigest()[:40]
        self.trees.append(SourceTree(source=Source(folder="/sim", commit=commit), files=dict(files)))
        if intent is not None:
            self.intents[commit] = intent
        for wake in list(self.watchers):
            wake()
        return commit

    @property
    def last_good(self) -> Intent:
        """Return what the newest good commit asks for."""
        return [self.intents[c] for t in self.trees if (c := t.source.commit or "") in self.intents][-1]


class SimRepository:
    """The branch as one controller reads it."""

    def __init__(self, commits: Commits, machines: Machines, chance: Chance, life: Life) -> None:
        self._commits = commits
        self._machines = machines
        self._chance = chance
        self._life = life

    async def read(self) -> SourceTree:
        """Read the newest commit.

        Raises:
            SourceError: by chance.
        """
        with self._life:
            tree = self._commits.trees[-1]
        await asyncio.sleep(self._chance.between(*self._machines.faults.listing_s))
        with self._life:
            if self._chance.happens(self._machines.faults.read_fails):
                raise SourceError("the repository cannot be read")
            return tree

    async def read_revision(self, revision: str) -> SourceTree:
        """Read a commit.

        Raises:
            SourceError: there is no such commit.
        """
        for tree in self._commits.trees:
            if tree.source.commit == revision:
                return tree
        raise SourceError(f"there is no commit {revision}")

    async def watch(self, wake: Wake) -> None:
        """Call `wake` some time after every commit, until cancelled."""

        def later() -> None:
            self._machines.after(self._machines.faults.commit_seen_s, unless_dead)

        def unless_dead() -> None:
            if not self._life.is_dead:
                wake()

        self._commits.watchers.append(later)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._commits.watchers.remove(later)
