"""Puts the real world together for one cluster; the only place that knows all of its parts."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.model.errors import SourceError
from reconciler.model.intent import Intent
from reconciler.ports import Ports, SourceTree
from reconciler.world.agent_file import build_agent_file
from reconciler.world.clock import RealClock, Threads
from reconciler.world.git import FolderRepository, GitRepository, run_git
from reconciler.world.hypervisor import Hypervisors
from reconciler.world.journal import SqliteJournal
from reconciler.world.keys import NodeKeys, leave_no_core_dump
from reconciler.world.libvirt.guests import LibvirtGuests
from reconciler.world.links.links import WireLinks
from reconciler.world.local_agent import LinksWithLocalAgent, LocalAgent
from reconciler.world.process.guests import ProcessGuests
from reconciler.world.state_folder import StateFolder, check_binding

Repository = FolderRepository | GitRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The ports, and what belongs to them."""

    ports: Ports
    state: StateFolder
    journal: SqliteJournal
    keys: NodeKeys
    local_agent: LocalAgent


@contextlib.contextmanager
def open_world(
    state: StateFolder, repository: Repository, cluster: str, *, is_read_only: bool = False
) -> Iterator[World]:
    """Open the world while the block runs; the caller holds the state's lock unless it only reads.

    Raises:
        StateError: the state cannot be used.
    """
    leave_no_core_dump()
    if not is_read_only:
        state.create()
    journal = SqliteJournal(state.journal, is_read_only=is_read_only)
    folder = state.path if state.path.is_dir() or not is_read_only else None
    agent_file = (
        build_agent_file(folder / "agent") if folder and not is_read_only else state.path / "agent" / "none"
    )
    hypervisor = Hypervisors(
        ProcessGuests(state.path / "guests", agent_file, sys.executable), LibvirtGuests(cluster, agent_file)
    )
    keys = NodeKeys(state.path / "keys")
    local = LocalAgent(state.agent_socket, state.runtime / "agent", agent_file)
    try:
        yield World(
            ports=Ports(
                repository=repository,
                hypervisor=hypervisor,
                links=LinksWithLocalAgent(WireLinks(state.agent_socket), local, is_read_only=is_read_only),
                keys=keys,
                journal=journal,
                clock=RealClock(),
                compute=Threads(),
            ),
            state=state,
            journal=journal,
            keys=keys,
            local_agent=local,
        )
    finally:
        hypervisor.close()
        journal.close()


async def bind_state(
    journal: SqliteJournal, repository: Repository, tree: SourceTree, intent: Intent | None
) -> None:
    """Bind a state to its source, or refuse.

    Args:
        journal: of the state.
        repository: where the declaration comes from.
        tree: as it was read.
        intent: what it asks for; None when it has errors: what is in force then is of the source bound before.

    Raises:
        StateError: it belongs to another source or machine.
    """
    if intent is None and not journal.binding():
        return
    has_local_agent = intent is None or any(
        h.agent is not None and h.agent.address is None for h in intent.hosts.values()
    )
    folder = str(Path(tree.source.folder).resolve())
    identity = await _identity(repository, tree, folder)
    check_binding(journal, {"folder": folder, "identity": identity}, has_local_agent=has_local_agent)


async def _identity(repository: Repository, tree: SourceTree, folder: str) -> str:
    """Return what clones of one repository share: its first commit and our folder in it."""
    if not isinstance(repository, GitRepository) or tree.source.commit is None:
        return folder
    try:
        roots = await run_git(repository.root, "rev-list", "--max-parents=0", tree.source.commit)
    except SourceError:
        return folder
    return f"git:{roots.decode().split()[-1]}:{repository.prefix}"
