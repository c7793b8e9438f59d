"""`reconcile key rotate` and `revoke`: raise the epochs in the YAML files; whoever reconciles does the rest."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli.options import Options
from reconciler.load.key_epochs import NotEditableError, Raised, raise_epoch
from reconciler.load.load import load
from reconciler.model.errors import StateError, UsageError
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.node import AgentAddress, AgentFlavor
from reconciler.world.atomic_file import write_atomically
from reconciler.world.git import FolderRepository, GitRepository, open_repository

BY_HAND = "reconcile --worktree key show {node} --delivery | ssh {node} 'umask 77; cat > /etc/reconciler/authkey.next'"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    files: Mapping[str, bytes]
    raised: Sequence[Raised]
    notes: Sequence[str]


def rotate(options: Options, nodes: Sequence[str], *, is_revoked: bool, is_dry: bool) -> None:
    """Raise the epochs of nodes' keys in the files, and say what remains to be done.

    Args:
        options: the folder; a revision cannot be changed.
        nodes: empty: all that have a derived key.
        is_revoked: the keys before are worth nothing any more.
        is_dry: say it only.

    Raises:
        UsageError: there is no such node, its key is not derived, or the source is a commit.
        StateError: a file cannot be changed.
    """
    if options.revision is not None:
        raise UsageError(
            f"{options.revision} is a commit, which cannot be changed: raise keyEpoch in its files, and commit that"
        )
    before = asyncio.run(FolderRepository(options.folder).read()).files
    intent = load(before).intent
    if intent is None:
        raise UsageError("the files as they are have errors; see `reconcile --worktree validate`")
    edit = _edit(before, intent, nodes, is_revoked=is_revoked)
    changed = {name: content for name, content in edit.files.items() if content != before[name]}
    if load(edit.files).intent is None:
        raise StateError("the changed files would have errors; nothing was written")
    if not is_dry:
        _write(options.folder, changed)
    verb = "would be" if is_dry else "is"
    for raised in edit.raised:
        click.echo(
            f"{raised.node}: keyEpoch {raised.before} {verb} {raised.after} ({raised.file}:{raised.line})"
        )
    for note in edit.notes:
        click.echo(f"note: {note}", err=True)
    if changed and not is_dry:
        click.echo(_next_step(options, sorted(changed)), err=True)


def _edit(files: Mapping[str, bytes], intent: Intent, nodes: Sequence[str], *, is_revoked: bool) -> _Edit:
    agents = _agents(intent)
    wanted = [_find(agents, node) for node in nodes] or [
        n for n, agent in agents.items() if _is_derived(agent)
    ]
    all_raised, notes = [], []
    for node in wanted:
        agent = agents[node]
        if not _is_derived(agent):
            why = (
                f"is what {agent.key_file} holds: replace that" if agent.key_file else "is none: it is local"
            )
            raise UsageError(f"{node}'s key {why}")
        try:
            done = raise_epoch(files, node, is_revoked=is_revoked)
        except NotEditableError as error:
            raise StateError(str(error)) from error
        if done is None:
            raise StateError(f"no document has {node}'s agent")
        files, raised = done
        all_raised.append(raised)
        if node in intent.hosts:
            notes.append(f"nobody brings {node} its key; before you commit: {BY_HAND.format(node=node)}")
        elif agent.flavor is AgentFlavor.STOCK:
            notes.append(f"{node} has a stock agent, which gets its key with the guest's restart: see `plan`")
    return _Edit(files=files, raised=all_raised, notes=notes)


def _agents(intent: Intent) -> dict[NodeName, AgentAddress]:
    hosts = {name: host.agent for name, host in intent.hosts.items() if host.agent is not None}
    return {**hosts, **{name: remote.agent for name, remote in intent.remote_nodes().items()}}


def _find(agents: Mapping[NodeName, AgentAddress], name: str) -> NodeName:
    found = next((node for node in agents if node.lower() == name.lower()), None)
    if found is None:
        raise UsageError(
            f"there is no node {name!r} with an agent; there is {', '.join(sorted(agents)) or 'none'}"
        )
    return found


def _is_derived(agent: AgentAddress) -> bool:
    return agent.address is not None and agent.key_file is None


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in sorted(files.items()):
        path = folder / name
        try:
            write_atomically(path, content, path.stat().st_mode & 0o777)
        except OSError as error:
            raise StateError(f"{path} cannot be written: {error.strerror}") from error


def _next_step(options: Options, names: Sequence[str]) -> str:
    repository = asyncio.run(open_repository(options.folder, revision=None, is_worktree=options.worktree))
    if isinstance(repository, GitRepository):
        return f"commit it: git -C {options.folder} commit -m 'new keys' {' '.join(names)}"
    return "`reconcile` brings the new keys; `reconcile status` shows which are in use"
